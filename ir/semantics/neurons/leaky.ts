/** `snn.lif`: leak, integrate, fire and stay silent, as `ir/op/op.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { resultOf } from "../semantics.ts";
import { type Cell, counted, isInteger, perNeuron } from "./cell.ts";

export function leakyIntegrateAndFire(
  op: OpOf<"snn.lif">,
  shape: Shape,
  tensors: TensorLookup,
): Cell {
  return isInteger(op) ? integers(op, shape, tensors) : floats(op, shape, tensors);
}

function floats(op: OpOf<"snn.lif">, shape: Shape, tensors: TensorLookup): Cell {
  const { leak, refractory, spikeTime, reset } = op.attrs;
  const logLeak = Math.log(leak);
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, false);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, false);
  const v = perNeuron(op.attrs.vInit, shape, tensors, false);
  const silent = new Float32Array(v.length);
  const neurons = counted(v, "digits");
  return {
    neurons,
    step(x) {
      neurons.spikesOfEach.fill(0);
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const current = x.data[i] ?? 0;
        const theta = threshold[i] ?? 1;
        const rest = silent[i] ?? 0;
        const open = Math.min(1, Math.max(0, 1 - rest));
        const u = current + ((v[i] ?? 0) - current) * Math.exp(open * logLeak);
        if (u >= theta && open > 0) {
          // −1 where it was above the threshold all along, to which it only fell.
          const share = Math.max(-1, -(u - theta) / (current - theta));
          const past = current > theta ? Math.log1p(share) / logLeak : 0;
          const early = spikeTime === "exact" ? Math.min(open, past) : 0;
          neurons.spikesOfEach[i] = 1;
          v[i] = reset === "zero" ? 0 : u - theta;
          silent[i] = Math.max(0, refractory - early);
          y[i] = amplitude[i] ?? 0;
        } else {
          v[i] = Math.max(0, u);
          silent[i] = Math.max(0, rest - 1);
        }
      }
      return resultOf(op, y);
    },
  };
}

/** A potential stays between what it was and its current, so nothing here leaves 32 bits. */
function integers(op: OpOf<"snn.lif">, shape: Shape, tensors: TensorLookup): Cell {
  const { leak, refractory, reset } = op.attrs;
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, true);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, true);
  const v = perNeuron(op.attrs.vInit, shape, tensors, true);
  const silent = new Int32Array(v.length);
  const neurons = counted(v, "digits");
  return {
    neurons,
    step(x) {
      neurons.spikesOfEach.fill(0);
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const current = x.data[i] ?? 0;
        const theta = threshold[i] ?? 1;
        const rest = silent[i] ?? 0;
        // 33 bits times 16: exact in a double, and so is the division by a power of two.
        const left = Math.trunc(((v[i] ?? 0) - current) * leak);
        const u = rest > 0 ? (v[i] ?? 0) : current + left;
        if (u >= theta && rest === 0) {
          neurons.spikesOfEach[i] = 1;
          v[i] = reset === "zero" ? 0 : u - theta;
          silent[i] = refractory;
          y[i] = amplitude[i] ?? 0;
        } else {
          v[i] = Math.max(0, u);
          silent[i] = Math.max(0, rest - 1);
        }
      }
      return resultOf(op, y);
    },
  };
}
