/**
 * What passes share that give each layer its bits: how far the outputs of a network are from the analogue
 * network's, and the choice within a budget.
 */
import { fail, known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { diagnose } from "../diagnostics.ts";
import type { PassContext } from "../pass.ts";

/** One number of bits for one layer. */
export interface Option {
  readonly bits: number;
  /** Squared error at the outputs, relative. */
  readonly error: number;
  /** What it takes of the budget. */
  readonly cost: number;
}

/**
 * The bits of each layer with the least sum of errors whose costs are at most `allowed`; null where
 * even the least are more. Solved by dynamic programming over the budget in `resolution` steps, to which costs are
 * rounded up.
 */
export function cheapest(
  layers: readonly (readonly Option[])[],
  allowed: number,
  resolution = 2000,
): number[] | null {
  const unit = allowed / resolution;
  let least = new Float64Array(resolution + 1);
  const decisions: Int16Array[] = [];
  for (const options of layers) {
    const next = new Float64Array(resolution + 1).fill(Infinity);
    const decision = new Int16Array(resolution + 1).fill(-1);
    options.forEach(({ error, cost: given }, i) => {
      const cost = Math.ceil(given / unit);
      for (let spent = cost; spent <= resolution; spent++) {
        const sum = (least[spent - cost] ?? Infinity) + error;
        if (sum >= (next[spent] ?? Infinity)) continue;
        next[spent] = sum;
        decision[spent] = i;
      }
    });
    least = next;
    decisions.push(decision);
  }
  if (!Number.isFinite(least[resolution] ?? Infinity)) return null;
  const bits: number[] = [];
  let left = resolution;
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const option = known(layers[layer]?.[decisions[layer]?.[left] ?? -1], "a choice");
    bits.unshift(option.bits);
    left -= Math.ceil(option.cost / unit);
  }
  return bits;
}

export type AllocationContext = Pick<
  PassContext<{ readonly samples: number }>,
  "measure" | "watch" | "reference" | "timesteps" | "options"
>;

/** What a network gives on the samples. */
interface Outcome {
  /** Squared error of its outputs at the last timestep, relative to the squares of those that are wanted. */
  readonly error: number;
  /** Set bits of each neuron op, mean over samples; where they are counted. */
  readonly spikes: ReadonlyMap<ValueId, number>;
}

/** Compares outputs of networks with those of the analogue network. */
export class OutputErrors {
  readonly reference: Module;
  private readonly context: AllocationContext;
  private readonly wanted: Float32Array[] = [];

  private constructor(reference: Module, context: AllocationContext) {
    this.reference = reference;
    this.context = context;
  }

  /** Runs the analogue network; fails with a diagnostic where there is none. */
  static async of(pass: string, context: AllocationContext): Promise<OutputErrors> {
    const reference = context.reference ?? fail(diagnose("no-reference", null, { pass }));
    const made = new OutputErrors(reference, context);
    const probes = reference.outputs.map(({ value }) => ({ value, keep: "mean" as const }));
    const run = { timesteps: 1, samples: context.options.samples };
    await context.watch(reference, probes, run, ([y], index) => {
      made.wanted[index] = Float32Array.from(known(y, "an output"));
    });
    return made;
  }

  async run(
    module: Module,
    { timesteps, count }: { readonly timesteps: number; readonly count: boolean },
  ): Promise<Outcome> {
    const { options, watch } = this.context;
    const output = known(module.outputs[0], "an output");
    const spikes = new Map<ValueId, number>();
    let [error, scale] = [0, 0];
    const run = { timesteps, samples: options.samples, count };
    const probes = [{ value: output.value, keep: "trace" as const }];
    await watch(module, probes, run, ([y], index, counts) => {
      const wanted = known(this.wanted[index], "an output of the analogue network");
      const last = known(y, "an output").subarray(-wanted.length);
      wanted.forEach((value, i) => {
        error += (value - (last[i] ?? 0)) ** 2;
        scale += value ** 2;
      });
      for (const [value, each] of counts) {
        spikes.set(value, (spikes.get(value) ?? 0) + each / this.wanted.length);
      }
    });
    return { error: scale === 0 ? error : error / scale, spikes };
  }
}
