/**
 * What ops with a state compute: one cell per op, made anew for each run and stepped through time.
 * Neurons are in `neurons/`, a file a kind.
 *
 * Potentials are float32: the sum u and what is left after the reset are each rounded once, as a
 * float32 machine does. Potentials of integer neurons are int32, and exact. Running sums of pools and
 * read-outs are kept in double precision.
 */
import { isFramedNeuron } from "../op/known.ts";
import { type FramedKind, type OpOf, type SpikingKind } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { type Tensor, tensorOf } from "../tensor.ts";
import { type Shape, elementCount } from "../type.ts";
import { type Cell, type FramedCell, rowsOf } from "./neurons/cell.ts";
import { fewSpikes } from "./neurons/few-spikes.ts";
import { firstSpike } from "./neurons/first-spike.ts";
import { graded } from "./neurons/graded.ts";
import { integrateAndFire } from "./neurons/integrate-and-fire.ts";
import { leakyIntegrateAndFire } from "./neurons/leaky.ts";
import { rehearsedIntegrateAndFire } from "./neurons/rehearsed.ts";
import { maxPool } from "./values/pool.ts";
import { doubles, resultOf } from "./semantics.ts";

export type { Cell, FramedCell, Neurons, Potentials } from "./neurons/cell.ts";

/** An op's cell in its initial state; `shape` is the operand's. */
export function cellOf(
  op: OpOf<Exclude<SpikingKind, FramedKind>>,
  shape: Shape,
  tensors: TensorLookup,
): Cell {
  switch (op.kind) {
    case "snn.if":
      return integrateAndFire(op, shape, tensors);
    case "snn.rehearsed-if":
      return rehearsedIntegrateAndFire(op, shape, tensors);
    case "snn.graded":
      return graded(op, shape, tensors);
    case "snn.lif":
      return leakyIntegrateAndFire(op, shape, tensors);
    case "snn.temporal-bias":
      return temporalBias(op, shape, tensors);
    case "snn.low-pass":
      return lowPass(op, shape);
    case "snn.accumulate":
      return sumSoFar(op, shape);
    case "snn.difference":
      return differences(op, shape);
    case "snn.max-pool":
      return runningMaxPool(op, shape);
    case "snn.rehearsed-max-pool":
      return startingAnew(op.attrs.rehearsal, () => runningMaxPool(op, shape));
    case "snn.readout":
      return meanSoFar(op, shape);
    case "snn.rehearsed-readout":
      return startingAnew(op.attrs.rehearsal, () => meanSoFar(op, shape));
  }
}

/** The same for framed neurons, in frames of `ticks`. */
export function framedCellOf(
  op: OpOf<FramedKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedCell {
  switch (op.kind) {
    case "snn.few-spikes":
      return fewSpikes(op, shape, tensors, ticks);
    case "snn.ttfs":
      return firstSpike(op, shape, tensors, ticks);
  }
}

/**
 * A cell for any op with a state, as it is for an engine that computes the frames of framed codes as
 * wholes: operand and result of a framed neuron are sums of frames of `ticks` then.
 */
export function steppedCellOf(
  op: OpOf<SpikingKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): Cell {
  if (!isFramedNeuron(op)) return cellOf(op, shape, tensors);
  const { neurons, whole } = framedCellOf(op, shape, tensors, ticks);
  return { neurons, step: whole };
}

/** y[t] = x[t] + row t of the table, or its last one. */
function temporalBias(op: OpOf<"snn.temporal-bias">, shape: Shape, tensors: TensorLookup): Cell {
  const rows = rowsOf(op.attrs.table, shape, tensors);
  let t = 0;
  return {
    neurons: null,
    step(x) {
      const row = rows[Math.min(t, rows.length - 1)];
      t++;
      return resultOf(
        op,
        doubles(x).map((value, i) => value + (row?.[i] ?? 0)),
      );
    },
  };
}

/** y[t] = decay · y[t − 1] + (1 − decay) · x[t]. */
function lowPass(op: OpOf<"snn.low-pass">, shape: Shape): Cell {
  const { decay } = op.attrs;
  let y: Tensor = tensorOf(op.type.dtype, shape, new Float64Array(elementCount(shape)));
  return {
    neurons: null,
    step(x) {
      y = resultOf(
        op,
        doubles(x).map((value, i) => decay * (y.data[i] ?? 0) + (1 - decay) * value),
      );
      return y;
    },
  };
}

function sumSoFar(op: OpOf<"snn.accumulate">, shape: Shape): Cell {
  const sums = new Float64Array(elementCount(shape));
  return {
    neurons: null,
    step(x) {
      addInto(sums, x);
      return resultOf(op, sums);
    },
  };
}

function differences(op: OpOf<"snn.difference">, shape: Shape): Cell {
  let before = new Float64Array(elementCount(shape));
  return {
    neurons: null,
    step(x) {
      const now = Float64Array.from(x.data);
      const y = now.map((value, i) => changeOf(value, before[i] ?? 0));
      before = now;
      return resultOf(op, y);
    },
  };
}

/** 0 where nothing changed, and so between two infinities that are the same, or two NaN. */
export function changeOf(now: number, before: number): number {
  return Object.is(now, before) ? 0 : now - before;
}

/** The cell that `make` gives, and after `rehearsal` timesteps another one. */
function startingAnew(rehearsal: number, make: () => Cell): Cell {
  let cell = make();
  let t = 0;
  return {
    neurons: null,
    step(x) {
      if (t === rehearsal) cell = make();
      t++;
      return cell.step(x);
    },
  };
}

/** y[t] = pool of the sums up to t − pool of the sums up to t − 1. */
function runningMaxPool(op: OpOf<"snn.max-pool" | "snn.rehearsed-max-pool">, shape: Shape): Cell {
  const sums = new Float64Array(elementCount(shape));
  let before = new Float64Array(elementCount(op.type.shape));
  return {
    neurons: null,
    step(x) {
      addInto(sums, x);
      const pooled = maxPool(op.attrs, shape, op.type.shape, sums);
      const y = pooled.map((value, i) => changeOf(value, before[i] ?? 0));
      before = pooled;
      return resultOf(op, y);
    },
  };
}

/** The mean over the timesteps after `start`, once these are as many; until then over all. */
function meanSoFar(op: OpOf<"snn.readout" | "snn.rehearsed-readout">, shape: Shape): Cell {
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
