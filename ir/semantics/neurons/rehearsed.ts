/** `snn.rehearsed-if`: run, learn what went wrong, start anew, run again, as `ir/op/op.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type Cell, counted, perNeuron } from "./cell.ts";

/** ε over the threshold: what a potential is moved further than to the threshold itself. */
export const rehearsalMargin = Math.fround(0.001);

/** What the rehearsal has shown of one neuron. */
interface Learned {
  /** v[ρ]. */
  readonly residual: number;
  /** e of `ir/op/op.ts`: ∞ where the neuron never fired. */
  readonly toSilence: number;
  /** g: ∞ where it always fired. */
  readonly toFire: number;
}

export function rehearsedIntegrateAndFire(
  op: OpOf<"snn.rehearsed-if">,
  shape: Shape,
  tensors: TensorLookup,
): Cell {
  const { rehearsal, rule } = op.attrs;
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, false);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, false);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, false);
  const v = Float32Array.from(vInit);
  const toSilence = new Float32Array(v.length).fill(Infinity);
  const toFire = new Float32Array(v.length).fill(Infinity);
  const neurons = counted(v, "digits");
  let t = 0;

  const restart = (): void => {
    v.forEach((residual, i) => {
      const learned = {
        residual,
        toSilence: toSilence[i] ?? Infinity,
        toFire: toFire[i] ?? Infinity,
      };
      v[i] = restartAt(rule, learned, vInit[i] ?? 0, threshold[i] ?? 1);
    });
  };
  return {
    neurons,
    step(x) {
      if (t === rehearsal) restart();
      t++;
      neurons.spikesOfEach.fill(0);
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const u = Math.fround((v[i] ?? 0) + (x.data[i] ?? 0));
        const theta = threshold[i] ?? 1;
        const fires = u >= theta;
        const rest = fires ? Math.fround(u - theta) : u;
        const distance = fires ? rest : Math.fround(theta - u);
        const least = fires ? toSilence : toFire;
        const margin = Math.fround(rehearsalMargin * theta);
        least[i] = Math.min(least[i] ?? Infinity, Math.fround(distance + margin));
        v[i] = rest;
        if (!fires) continue;
        neurons.spikesOfEach[i] = 1;
        y[i] = amplitude[i] ?? 0;
      }
      return resultOf(op, y);
    },
  };
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
