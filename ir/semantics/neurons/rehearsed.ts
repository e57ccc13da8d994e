/**
 * Ops that start anew after a rehearsal: any stepper, put back to its start, and of `snn.rehearsed-if`, as
 * `ir/op/attrs/neurons.ts` has it, to a potential that depends on what went wrong.
 */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { floats } from "./arithmetic.ts";
import type { Population, Stepper } from "./cell.ts";
import { binaryNeurons, binaryParameters, binaryRule } from "./integrate-and-fire.ts";

/** ε over the threshold: what a potential is moved further than to the threshold itself. */
export const rehearsalMargin = Math.fround(0.001);

/** `inner`, which starts anew after `rehearsal` timesteps by `again`: from its start, unless said. */
export function rehearsing<S extends Stepper>(
  inner: S,
  rehearsal: number,
  again: () => void = () => inner.restart(),
): S {
  let t = 0;
  return {
    ...inner,
    restart() {
      t = 0;
      inner.restart();
    },
    step(x, y) {
      if (t === rehearsal) again();
      t++;
      inner.step(x, y);
    },
  };
}

/** What the rehearsal has shown of one neuron. */
interface Learned {
  /** v[ρ]. */
  readonly residual: number;
  /** e of `ir/op/attrs/neurons.ts`: ∞ where the neuron never fired. */
  readonly toSilence: number;
  /** g: ∞ where it always fired. */
  readonly toFire: number;
}

export function rehearsedIntegrateAndFire(
  op: OpOf<"snn.rehearsed-if">,
  shape: Shape,
  tensors: TensorLookup,
): Population {
  const { rehearsal, rule } = op.attrs;
  const parameters = binaryParameters(op.attrs, shape, tensors, false);
  const { threshold, vInit } = parameters;
  const inner = binaryNeurons(parameters, binaryRule("subtract", floats));
  const { membranePotential: v, spikesOfEach } = inner.neurons;
  const toSilence = new Float32Array(v.length).fill(Infinity);
  const toFire = new Float32Array(v.length).fill(Infinity);

  const learning: Population = {
    ...inner,
    restart() {
      inner.restart();
      toSilence.fill(Infinity);
      toFire.fill(Infinity);
    },
    step(x, y) {
      inner.step(x, y);
      for (let i = 0; i < v.length; i++) {
        const theta = threshold[i] ?? 1;
        const left = v[i] ?? 0;
        const fired = spikesOfEach[i] === 1;
        const distance = fired ? left : Math.fround(theta - left);
        const least = fired ? toSilence : toFire;
        const margin = Math.fround(rehearsalMargin * theta);
        least[i] = Math.min(least[i] ?? Infinity, Math.fround(distance + margin));
      }
    },
  };
  const startAnew = (): void => {
    for (let i = 0; i < v.length; i++) {
      const learned = {
        residual: v[i] ?? 0,
        toSilence: toSilence[i] ?? Infinity,
        toFire: toFire[i] ?? Infinity,
      };
      v[i] = restartAt(rule, learned, vInit[i] ?? 0, threshold[i] ?? 1);
    }
  };
  return rehearsing(learning, rehearsal, startAnew);
}

/** The potential that a neuron starts anew from. */
function restartAt(
  rule: OpOf<"snn.rehearsed-if">["attrs"]["rule"],
  { residual, toSilence, toFire }: Learned,
  vInit: number,
  theta: number,
): number {
  switch (rule) {
    case "silence":
      return residual <= Math.fround(rehearsalMargin * theta) ? -Infinity : vInit;
    case "offset":
      if (residual < 0 && toSilence < Infinity) return vInit - Math.max(theta, toSilence);
      if (residual >= theta && toFire < Infinity) return vInit + Math.max(theta, toFire);
      return vInit;
  }
}
