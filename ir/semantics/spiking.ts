/**
 * What ops with a state compute: one cell per op, made anew for each run and stepped through time.
 *
 * Potentials are float32: the sum u and what is left after the reset are each rounded once, as a
 * float32 machine does. Potentials of integer neurons are int32, and exact. Running sums of pools and
 * read-outs are kept in double precision.
 */
import type { OpOf } from "../op.ts";
import type { TensorLookup } from "../spec.ts";
import type { SpikingKind } from "../spec/spiking.ts";
import type { Tensor, TensorRef } from "../tensor.ts";
import { type Shape, elementCount } from "../type.ts";
import { maxPool } from "./pool.ts";
import { broadcastIndices, doubles, resultOf } from "./semantics.ts";

/** Membrane potentials: of float neurons, or of integer ones. */
export type Potentials = Float32Array | Int32Array;

/** The state of one op during one run. */
export interface Cell {
  /** The result at the next timestep; the first call is t = 1. */
  step(x: Tensor): Tensor;
  /** Null where the op is not made of neurons. */
  readonly neurons: Neurons | null;
}

/** What may be seen of a population of neurons between two timesteps. */
export interface Neurons {
  /** After the last step, [numel]; v[0] before the first. Int32 where the neurons are integer. */
  readonly membranePotential: Potentials;
  /** Spikes in the last step. */
  readonly spikeCount: number;
}

/** An op's cell in its initial state; `shape` is the operand's. */
export function cellOf(op: OpOf<SpikingKind>, shape: Shape, tensors: TensorLookup): Cell {
  switch (op.kind) {
    case "snn.if":
      return integrateAndFire(op, shape, tensors);
    case "snn.max-pool":
      return runningMaxPool(op, shape);
    case "snn.readout":
      return meanSoFar(op, shape);
  }
}

/** Integrate, fire (a tie fires), reset: the equations at `snn.if` in `ir/op.ts`. */
function integrateAndFire(op: OpOf<"snn.if">, shape: Shape, tensors: TensorLookup): Cell {
  const isInteger = op.type.dtype === "i8";
  const perNeuron = (ref: TensorRef): Potentials => {
    const parameter = tensors(ref);
    const at = broadcastIndices(parameter.shape, shape);
    const valueAt = (i: number): number => parameter.data[i] ?? 0;
    return isInteger ? at.map(valueAt) : Float32Array.from(at, valueAt);
  };
  // What a sum is rounded to: float32, or nothing but the width of an integer.
  const stored = isInteger ? (u: number): number => u | 0 : Math.fround;
  const threshold = perNeuron(op.attrs.threshold);
  const amplitude = perNeuron(op.attrs.amplitude);
  const v = perNeuron(op.attrs.vInit);
  let spikeCount = 0;
  return {
    neurons: {
      membranePotential: v,
      get spikeCount() {
        return spikeCount;
      },
    },
    step(x) {
      spikeCount = 0;
      const y = new Float64Array(v.length);
      for (let i = 0; i < v.length; i++) {
        const u = stored((v[i] ?? 0) + (x.data[i] ?? 0));
        const theta = threshold[i] ?? 0;
        if (u >= theta) {
          spikeCount++;
          v[i] = op.attrs.reset === "subtract" ? u - theta : 0;
          y[i] = amplitude[i] ?? 0;
        } else {
          v[i] = u;
        }
      }
      return resultOf(op, y);
    },
  };
}

/** y[t] = pool of the sums up to t − pool of the sums up to t − 1. */
function runningMaxPool(op: OpOf<"snn.max-pool">, shape: Shape): Cell {
  const sums = new Float64Array(elementCount(shape));
  let before = new Float64Array(elementCount(op.type.shape));
  return {
    neurons: null,
    step(x) {
      addInto(sums, x);
      const pooled = maxPool(op.attrs, shape, op.type.shape, sums);
      const y = pooled.map((value, i) => value - (before[i] ?? 0));
      before = pooled;
      return resultOf(op, y);
    },
  };
}

/** The mean over the timesteps after `start`, once these are as many; until then over all. */
function meanSoFar(op: OpOf<"snn.readout">, shape: Shape): Cell {
  const { start } = op.attrs;
  const all = new Float64Array(elementCount(shape));
  const late = new Float64Array(elementCount(shape));
  let t = 0;
  return {
    neurons: null,
    step(x) {
      t++;
      addInto(all, x);
      if (t > start) addInto(late, x);
      const [sums, steps] = t >= 2 * start ? [late, t - start] : [all, t];
      return resultOf(
        op,
        sums.map((sum) => sum / steps),
      );
    },
  };
}

function addInto(sums: Float64Array, x: Tensor): void {
  doubles(x).forEach((value, i) => {
    sums[i] = (sums[i] ?? 0) + value;
  });
}
