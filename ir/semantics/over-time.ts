/** What decodes, filters and pools over time: ops with a state that are no neurons. */
import type { OpOf } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import type { TensorData } from "../tensor.ts";
import { type Shape, elementCount } from "../type.ts";
import { type Stepper, rowsOf } from "./neurons/cell.ts";
import { rehearsing } from "./neurons/rehearsed.ts";
import { roundInto } from "./semantics.ts";
import { maxPool } from "./values/pool.ts";

/** y[t] = x[t] + row t of the table, or its last one. */
export function temporalBias(
  op: OpOf<"snn.temporal-bias">,
  shape: Shape,
  tensors: TensorLookup,
): Stepper {
  const rows = rowsOf(op.attrs.table, shape, tensors);
  const sums = new Float64Array(elementCount(shape));
  let t = 0;
  return {
    neurons: null,
    restart() {
      t = 0;
    },
    step(x, y) {
      const row = rows[Math.min(t, rows.length - 1)];
      t++;
      for (let i = 0; i < sums.length; i++) sums[i] = (x[i] ?? 0) + (row?.[i] ?? 0);
      roundInto(op.type.dtype, sums, y);
    },
  };
}

/** y[t] = decay · y[t − 1] + (1 − decay) · x[t]. */
export function lowPass(op: OpOf<"snn.low-pass">, shape: Shape): Stepper {
  const { decay } = op.attrs;
  const { dtype } = op.type;
  const before = new Float64Array(elementCount(shape));
  return {
    neurons: null,
    restart: () => before.fill(0),
    step(x, y) {
      for (let i = 0; i < before.length; i++) {
        before[i] = decay * (before[i] ?? 0) + (1 - decay) * (x[i] ?? 0);
      }
      roundInto(dtype, before, y);
      before.set(y);
    },
  };
}

export function sumSoFar(op: OpOf<"snn.accumulate">, shape: Shape): Stepper {
  const sums = new Float64Array(elementCount(shape));
  return {
    neurons: null,
    restart: () => sums.fill(0),
    step(x, y) {
      addInto(sums, x);
      roundInto(op.type.dtype, sums, y);
    },
  };
}

export function differences(op: OpOf<"snn.difference">, shape: Shape): Stepper {
  const before = new Float64Array(elementCount(shape));
  const changes = new Float64Array(before.length);
  return {
    neurons: null,
    restart: () => before.fill(0),
    step(x, y) {
      for (let i = 0; i < before.length; i++) changes[i] = changeOf(x[i] ?? 0, before[i] ?? 0);
      before.set(x);
      roundInto(op.type.dtype, changes, y);
    },
  };
}

/** 0 where nothing changed, and so between two infinities that are the same, or two NaN. */
function changeOf(now: number, before: number): number {
  return Object.is(now, before) ? 0 : now - before;
}

/**
 * y[t] = pool of the sums up to t − pool of the sums up to t − 1. `pool` writes the maxima of its first
 * argument over windows into the second.
 */
export function runningMaxPool(
  op: OpOf<"snn.max-pool" | "snn.rehearsed-max-pool">,
  shape: Shape,
  pool: (sums: Float64Array, maxima: Float64Array) => void = (sums, maxima) =>
    maxima.set(maxPool(op.attrs, shape, op.type.shape, sums)),
): Stepper {
  const sums = new Float64Array(elementCount(shape));
  const maxima = new Float64Array(elementCount(op.type.shape));
  const before = new Float64Array(maxima.length);
  const stepper: Stepper = {
    neurons: null,
    restart() {
      sums.fill(0);
      before.fill(0);
    },
    step(x, y) {
      addInto(sums, x);
      pool(sums, maxima);
      for (let i = 0; i < maxima.length; i++) {
        const now = maxima[i] ?? 0;
        maxima[i] = changeOf(now, before[i] ?? 0);
        before[i] = now;
      }
      roundInto(op.type.dtype, maxima, y);
    },
  };
  return "rehearsal" in op.attrs ? rehearsing(stepper, op.attrs.rehearsal) : stepper;
}

/** The mean over the timesteps after `start`, once these are as many; until then over all. */
export function meanSoFar(
  op: OpOf<"snn.readout" | "snn.rehearsed-readout">,
  shape: Shape,
): Stepper {
  const { start } = op.attrs;
  const all = new Float64Array(elementCount(shape));
  const late = new Float64Array(elementCount(shape));
  const means = new Float64Array(elementCount(shape));
  let t = 0;
  const stepper: Stepper = {
    neurons: null,
    restart() {
      t = 0;
      all.fill(0);
      late.fill(0);
    },
    step(x, y) {
      t++;
      addInto(all, x);
      if (t > start) addInto(late, x);
      const [sums, steps] = t >= 2 * start ? [late, t - start] : [all, t];
      for (let i = 0; i < means.length; i++) means[i] = (sums[i] ?? 0) / steps;
      roundInto(op.type.dtype, means, y);
    },
  };
  return "rehearsal" in op.attrs ? rehearsing(stepper, op.attrs.rehearsal) : stepper;
}

function addInto(sums: Float64Array, x: TensorData): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (x[i] ?? 0);
}
