/**
 * What encoders compute. Spikes at random are drawn by counter, so that a draw depends on nothing that
 * was drawn before: see `snn.poisson-encode` for what it does depend on.
 */
import type { EncoderKind, OpOf } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { type ContentKey, contentKey, words } from "../random.ts";
import type { TensorData, TensorRef } from "../tensor.ts";
import type { Shape } from "../type.ts";
import type { Stepper } from "./neurons/cell.ts";
import { broadcastIndices } from "./semantics.ts";

/** An encoder before the first timestep; `shape` is the operand's. */
export function encoderOf(op: OpOf<EncoderKind>, shape: Shape, tensors: TensorLookup): Stepper {
  switch (op.kind) {
    case "snn.poisson-encode":
      return poisson(op, shape, tensors);
    case "snn.latency-encode":
      return latency(op, shape, tensors);
    case "snn.phase-encode":
      return phase(op, shape, tensors);
    case "snn.delta-encode":
      return delta(op, shape, tensors);
  }
}

function poisson(op: OpOf<"snn.poisson-encode">, shape: Shape, tensors: TensorLookup): Stepper {
  const sizes = sizesOf(op, shape, tensors);
  const amplitude = each(op.attrs.amplitude, shape, tensors);
  const { seed } = op.attrs;
  let last: { readonly content: TensorData; readonly key: ContentKey } | null = null;
  let t = 0;
  return {
    neurons: null,
    restart() {
      t = 0;
    },
    step(x, y, source = x) {
      t++;
      // An input stays the same for the whole run, unless it changes over time.
      if (last === null || !isSame(last.content, source)) {
        last = { content: source.slice(), key: contentKey(source) };
      }
      const drawn = words(seed, last.key, amplitude.length, t);
      for (let i = 0; i < amplitude.length; i++) {
        const { size, sign } = sizes(x[i] ?? 0, i);
        y[i] = size * 2 ** 32 > (drawn[i] ?? 0) ? sign * (amplitude[i] ?? 0) : 0;
      }
    },
  };
}

function isSame(a: TensorData, b: TensorData): boolean {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

function latency(op: OpOf<"snn.latency-encode">, shape: Shape, tensors: TensorLookup): Stepper {
  const sizes = sizesOf(op, shape, tensors);
  const amplitude = each(op.attrs.amplitude, shape, tensors);
  const { steps, threshold } = op.attrs;
  return byTimestep((t, x, y) => {
    for (let i = 0; i < amplitude.length; i++) {
      const { size, sign } = sizes(x[i] ?? 0, i);
      const fires = size > 0 && size >= threshold;
      const comes = Math.floor((steps - 1) * (1 - size) + 0.5) === t % steps;
      y[i] = fires && comes ? sign * (amplitude[i] ?? 0) : 0;
    }
  });
}

function phase(op: OpOf<"snn.phase-encode">, shape: Shape, tensors: TensorLookup): Stepper {
  const sizes = sizesOf(op, shape, tensors);
  const amplitude = each(op.attrs.amplitude, shape, tensors);
  const { bits } = op.attrs;
  const most = 2 ** bits - 1;
  return byTimestep((t, x, y) => {
    const k = t % bits;
    for (let i = 0; i < amplitude.length; i++) {
      const { size, sign } = sizes(x[i] ?? 0, i);
      const whole = Math.min(Math.floor(size * 2 ** bits + 0.5), most);
      const digit = Math.floor(whole / 2 ** (bits - 1 - k)) % 2;
      y[i] = digit === 1 ? sign * (amplitude[i] ?? 0) * 2 ** -(1 + k) : 0;
    }
  });
}

/** What depends on the value and the number of timesteps before, and on nothing else. */
function byTimestep(step: (before: number, x: TensorData, y: TensorData) => void): Stepper {
  let before = 0;
  return {
    neurons: null,
    restart() {
      before = 0;
    },
    step: (x, y) => step(before++, x, y),
  };
}

function delta(op: OpOf<"snn.delta-encode">, shape: Shape, tensors: TensorLookup): Stepper {
  const threshold = each(op.attrs.threshold, shape, tensors);
  const amplitude = each(op.attrs.amplitude, shape, tensors);
  const followed = new Float32Array(threshold.length);
  return {
    neurons: null,
    restart() {
      followed.fill(0);
    },
    step(x, y) {
      for (let i = 0; i < followed.length; i++) {
        const step = threshold[i] ?? 0;
        const moved = Math.fround((x[i] ?? 0) - (followed[i] ?? 0));
        const s = moved >= step ? 1 : moved <= -step ? -1 : 0;
        followed[i] = (followed[i] ?? 0) + step * s;
        y[i] = s === 0 ? 0 : s * (amplitude[i] ?? 0);
      }
    },
  };
}

type Sizes = (value: number, i: number) => { readonly size: number; readonly sign: number };

/** Sizes from 0 to 1 of a value's elements, and their signs. NaN is 0. */
function sizesOf(
  { attrs }: OpOf<Exclude<EncoderKind, "snn.delta-encode">>,
  shape: Shape,
  tensors: TensorLookup,
): Sizes {
  const gain = each(attrs.gain, shape, tensors);
  const isFree = attrs.sign === "free";
  return (value, i) => {
    const scaled = Math.fround(value * (gain[i] ?? 0));
    const sign = isFree && scaled < 0 ? -1 : 1;
    const size = sign * scaled;
    return { size: size > 0 ? Math.min(1, size) : 0, sign };
  };
}

/** A parameter spread out to one number for each element. */
function each(ref: TensorRef, shape: Shape, tensors: TensorLookup): Float32Array {
  const parameter = tensors(ref);
  const at = broadcastIndices(parameter.shape, shape);
  return Float32Array.from(at, (from) => parameter.data[from] ?? 0);
}
