/**
 * Neurons of rate code outside of an engine: what a population sends for currents that were recorded of
 * it, timestep by timestep, under a bias for each timestep and channel, by their rule in
 * `ir/semantics/neurons/`.
 */
import { known } from "../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import { floats } from "../../ir/semantics/neurons/arithmetic.ts";
import { perNeuron } from "../../ir/semantics/neurons/cell.ts";
import { gradedRule } from "../../ir/semantics/neurons/graded.ts";
import { binaryRule } from "../../ir/semantics/neurons/integrate-and-fire.ts";
import type { NeuronRule } from "../../ir/semantics/neurons/rule.ts";
import type { Groups, SteadyNeuron } from "./layerwise.ts";

/** Currents that some elements of a population were given. */
export interface Recording {
  /** The element of the population that each of the recorded ones is. */
  readonly elements: Int32Array;
  /** [T, elements]. */
  readonly currents: readonly Float32Array[];
}

/** A bias for each timestep and group: [T, groups]. */
export type BiasTable = readonly Float32Array[];

/** A population to be run on recordings, time and again. */
export class SimulatedPopulation {
  private readonly rule: NeuronRule;
  private readonly groups: Groups;
  private readonly threshold: ArrayLike<number>;
  private readonly amplitude: ArrayLike<number>;
  private readonly vInit: ArrayLike<number>;
  private readonly ceiling: ArrayLike<number> | null;

  constructor(op: SteadyNeuron, module: Module, groups: Groups) {
    const spread = (ref: string): ArrayLike<number> =>
      perNeuron(ref, op.type.shape, (name) => tensorAt(module, name), false);
    this.rule = isOp(op, "snn.if")
      ? binaryRule(op.attrs.reset, floats)
      : gradedRule(op.attrs, floats);
    this.groups = groups;
    this.threshold = spread(op.attrs.threshold);
    this.amplitude = spread(op.attrs.amplitude);
    this.vInit = spread(op.attrs.vInit);
    const limited = isOp(op, "snn.graded") && op.attrs.ceiling !== null ? op.attrs.ceiling : null;
    this.ceiling = limited === null ? null : spread(limited);
  }

  /**
   * Moves each row of `table` by −alpha · (mean of what is sent at that timestep − `target`), group by
   * group, and goes on to the next timestep with what the neurons send under the moved row. Returns the
   * means that they sent, [T, groups].
   */
  settle(
    { elements, currents }: Recording,
    table: BiasTable,
    target: ArrayLike<number>,
    alpha: number,
  ): Float64Array[] {
    const { count, of } = this.groups;
    const { integrate, reset } = this.rule;
    const size = elements.length;
    const v = Float32Array.from(elements, (at) => this.vInit[at] ?? 0);
    const sent = new Float32Array(size);
    const sizes = new Float64Array(count);
    for (const at of elements) sizes[of[at] ?? 0] = (sizes[of[at] ?? 0] ?? 0) + 1;
    const potential = (i: number, current: number, bias: number): number =>
      integrate(v[i] ?? 0, Math.fround(current + bias));

    return currents.map((row, t) => {
      const biases = known(table[t], "a row");
      const means = new Float64Array(count);
      const add = (group: number, y: number): void => {
        means[group] = (means[group] ?? 0) + y / (sizes[group] ?? 1);
      };
      if (alpha !== 0) {
        for (let i = 0; i < size; i++) {
          const at = elements[i] ?? 0;
          const group = of[at] ?? 0;
          const u = potential(i, row[i] ?? 0, biases[group] ?? 0);
          add(group, this.spike(at, u, sent[i] ?? 0) * (this.amplitude[at] ?? 0));
        }
        for (let group = 0; group < count; group++) {
          if ((sizes[group] ?? 0) === 0) continue;
          const error = (means[group] ?? 0) - (target[group] ?? 0);
          biases[group] = (biases[group] ?? 0) - alpha * error;
        }
        means.fill(0);
      }
      for (let i = 0; i < size; i++) {
        const at = elements[i] ?? 0;
        const group = of[at] ?? 0;
        const u = potential(i, row[i] ?? 0, biases[group] ?? 0);
        const k = this.spike(at, u, sent[i] ?? 0);
        const change = floats.multiply(k, this.threshold[at] ?? 1);
        v[i] = reset(u, k, change);
        sent[i] = floats.add(sent[i] ?? 0, change);
        add(group, k * (this.amplitude[at] ?? 0));
      }
      return means;
    });
  }

  /** In units of the threshold. */
  private spike(at: number, u: number, sent: number): number {
    const ceiling = this.ceiling === null ? Infinity : (this.ceiling[at] ?? Infinity);
    return this.rule.fire(u, sent, this.threshold[at] ?? 1, ceiling);
  }
}
