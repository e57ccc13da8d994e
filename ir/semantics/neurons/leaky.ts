/** `snn.lif`: leak, integrate, fire and stay silent, as `ir/op/attrs/neurons.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { type Population, counted, isInteger, perNeuron } from "./cell.ts";

/** What is left of a distance from the current after the part of a timestep in which a neuron is open. */
type Leak = (distance: number, open: number) => number;

/** In double precision; potentials are rounded to float32 when they are kept. */
function floatLeak(leak: number): Leak {
  const logLeak = Math.log(leak);
  return (distance, open) => distance * Math.exp(open * logLeak);
}

/**
 * Neurons are open or not. 33 bits times 16: exact in a double, and so is the division by a power of two.
 * A potential stays between what it was and its current, so nothing here leaves 32 bits.
 */
function integerLeak(leak: number): Leak {
  return (distance, open) => (open > 0 ? Math.trunc(distance * leak) : distance);
}

export function leakyIntegrateAndFire(
  op: OpOf<"snn.lif">,
  shape: Shape,
  tensors: TensorLookup,
): Population {
  const integer = isInteger(op);
  const { leak, refractory, spikeTime, reset } = op.attrs;
  const left = integer ? integerLeak(leak) : floatLeak(leak);
  const logLeak = Math.log(leak);
  const threshold = perNeuron(op.attrs.threshold, shape, tensors, integer);
  const amplitude = perNeuron(op.attrs.amplitude, shape, tensors, integer);
  const vInit = perNeuron(op.attrs.vInit, shape, tensors, integer);
  const v = vInit.slice();
  const silent = integer ? new Int32Array(v.length) : new Float32Array(v.length);
  const neurons = counted(v, "digits");
  const { spikesOfEach } = neurons;

  /** How long before the end of its timestep a neuron reached the threshold; 0 where spikes fall on steps. */
  const earliness = (u: number, current: number, theta: number, open: number): number => {
    if (spikeTime !== "exact") return 0;
    // −1 where it was above the threshold all along, to which it only fell.
    const share = Math.max(-1, -(u - theta) / (current - theta));
    return Math.min(open, current > theta ? Math.log1p(share) / logLeak : 0);
  };
  return {
    neurons,
    restart() {
      v.set(vInit);
      silent.fill(0);
    },
    step(x, y) {
      for (let i = 0; i < v.length; i++) {
        const current = x[i] ?? 0;
        const theta = threshold[i] ?? 1;
        const rest = silent[i] ?? 0;
        const open = Math.min(1, Math.max(0, 1 - rest));
        const u = current + left((v[i] ?? 0) - current, open);
        if (u >= theta && open > 0) {
          spikesOfEach[i] = 1;
          v[i] = reset === "zero" ? 0 : u - theta;
          silent[i] = Math.max(0, refractory - earliness(u, current, theta, open));
          y[i] = amplitude[i] ?? 0;
        } else {
          spikesOfEach[i] = 0;
          v[i] = Math.max(0, u);
          silent[i] = Math.max(0, rest - 1);
          y[i] = 0;
        }
      }
    },
  };
}
