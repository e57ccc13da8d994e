/**
 * What a run counts: spikes of each neuron op, and synaptic operations as the interpreter defines
 * them. Spikes are counted on their masks where their synapses treat all channels of a pixel alike,
 * other operands element by element.
 */
import { onFirstThread } from "../assembler/memory.ts";
import { known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/evaluate.ts";
import { type Op, type ValueId, isNeuron, isOp, movedOperands } from "../../../ir/op.ts";
import { outDegrees } from "../../../ir/semantics/connections.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { type Connections, countSpikes, countWords } from "../kernels/count.ts";
import { maskBuffers } from "../memory/spikes.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { gridOf, rowMajorIndices } from "./grid.ts";
import type { Lowering, SpikeWords } from "./lowering.ts";
import { valuesLike } from "./values/constants.ts";

export interface Counted {
  readonly view: View;
  readonly neurons: readonly ValueId[];
}

/**
 * Emits the counting steps. They come last in a chunk; those for spikes alone are a phase of their
 * own, so that runs that do not ask do not count.
 */
export function lowerCounts(lowering: Lowering, what: "operations" | "spikes"): Counted {
  const phase = what === "spikes" ? "count" : "each";
  const neurons = lowering.module.ops.filter(isNeuron);
  const rows = neurons.length + 1;
  const { steps } = lowering.options;
  const view = rowMajor(lowering.buffer("scratch", "counts", 8 * rows * steps), "f64", [
    rows,
    steps,
  ]);
  lowering.emit({
    name: "counts clear",
    phase,
    reads: [],
    writes: [view.buffer],
    emit(code) {
      const { wasm } = code;
      onFirstThread(code, () => {
        const arena = wasm.global.get("arena", code.assembler.typeOf("i32"));
        const at = wasm.i32.add(arena, code.int(view.buffer.address));
        code.push(wasm.memory.fill(at, code.int(0), code.int(view.buffer.bytes)));
      });
    },
  });
  const costs = what === "spikes" ? new Map<ValueId, Float64Array>() : costsByValue(lowering);
  neurons.forEach((op, row) => {
    const spikes = lowering.spikesOf(op);
    if (spikes === null) {
      lowerWords(op, row);
      return;
    }
    const { masks, amplitude } = spikes;
    const worth = "perChannel" in amplitude ? amplitude.perChannel : amplitude.perNeuron;
    const degrees = costs.get(op.result);
    // A spike of amplitude 0 is none to the synapse that reads it.
    const plain = degrees !== undefined && worth.every((a) => a !== 0);
    const perPixel = plain ? byPixel(lowering, op, degrees) : null;
    if (perPixel !== null) costs.delete(op.result);
    const pixels = masks.grid.rows * masks.grid.columns;
    const perPixelDegrees =
      what === "spikes"
        ? null
        : lowering.constant(`%${op.result} fan-out`, () =>
            Int32Array.from({ length: pixels }, (_, i) => perPixel?.[i] ?? 0),
          );
    lowering.emit({
      name: `%${op.result} count`,
      phase,
      reads: [...maskBuffers(masks), ...(perPixelDegrees === null ? [] : [perPixelDegrees])],
      writes: [view.buffer],
      emit(code) {
        countSpikes(code, masks, perPixelDegrees, view, row, neurons.length);
      },
    });
  });
  for (const [value, degrees] of costs) {
    const operand = lowering.dense(value);
    const words = lowering.fired.get(value)?.operations ?? nonZero(operand);
    emitWords(value, words, connections(value, degrees, words.view), null);
  }
  return { view, neurons: neurons.map((op) => op.result) };

  /** The spikes of neurons that are values in memory, and what they cost where the same view tells. */
  function lowerWords({ result }: Op, row: number): void {
    const output = lowering.dense(result);
    const { spikes, operations } = lowering.fired.get(result) ?? {
      spikes: nonZero(output),
      operations: null,
    };
    const degrees = costs.get(result);
    const isBoth = degrees !== undefined && (operations === null || operations === spikes);
    if (isBoth) costs.delete(result);
    emitWords(result, spikes, isBoth ? connections(result, degrees, spikes.view) : null, row);
  }

  function emitWords(
    value: ValueId,
    words: SpikeWords,
    cost: Connections | null,
    row: number | null,
  ): void {
    const reads = [words.view.buffer];
    if (words.unit !== null) reads.push(words.unit.buffer);
    if (cost !== null && "each" in cost) reads.push(cost.each.buffer);
    lowering.emit({
      name: `%${value} count`,
      phase,
      reads,
      writes: [view.buffer],
      emit(code) {
        countWords(code, words, cost, view, { spikes: row, costs: neurons.length }, steps);
      },
    });
  }

  /** Connections as they lie beside a value: without the axes that they are the same along. */
  function connections(value: ValueId, degrees: Float64Array, like: View): Connections {
    const [all = 0] = degrees;
    if (degrees.every((degree) => degree === all)) return { all };
    const { shape, values } = withoutRepeats(like.shape, degrees);
    const beside: View = { ...like, element: "f32" };
    const name = `%${value} fan-out by element`;
    return { each: valuesLike(lowering, name, shape, values, beside) };
  }
}

/** One spike for each element that is not 0. */
function nonZero(view: View): SpikeWords {
  return { view, counts: "non-zero", unit: null, schedule: "constant" };
}

/** The first of each run along axes that all elements are the same along. */
function withoutRepeats(
  shape: Shape,
  values: Float64Array,
): { readonly shape: Shape; readonly values: Float64Array } {
  let left = values;
  const extents = [...shape];
  for (const [axis, extent] of shape.entries()) {
    const inner = elementCount(extents.slice(axis + 1));
    const firstOf = (i: number): number => i - (Math.floor(i / inner) % extent) * inner;
    if (!left.every((value, i) => value === left[firstOf(i)])) continue;
    left = left.filter((_, i) => firstOf(i) === i);
    extents[axis] = 1;
  }
  return { shape: extents, values: left };
}

/** Multiply-accumulates of synapses on real values: once per run, whatever the values. */
export function analogueOperationsOf(lowering: Lowering): number {
  let total = 0;
  for (const op of lowering.module.ops) {
    const degrees = degreesOf(lowering, op);
    if (degrees === null || !isReal(lowering, op)) continue;
    for (const degree of degrees) total += degree;
  }
  return total;
}

/** Connections of all synapses, whatever they work on. */
export function connectionsOf(lowering: Lowering): number {
  let total = 0;
  for (const op of lowering.module.ops) {
    for (const degree of degreesOf(lowering, op) ?? []) total += degree;
  }
  return total;
}

function isReal(lowering: Lowering, op: Op): boolean {
  return lowering.opOf(lowering.operandOf(op)).type.domain === "real";
}

function degreesOf(lowering: Lowering, op: Op): Float64Array | null {
  const [operand] = op.inputs;
  if (operand === undefined) return null;
  const { shape } = lowering.opOf(operand).type;
  return outDegrees(op, shape, (ref) => lowering.tensor(ref));
}

/**
 * The connections of each element of each operand of synapses on spikes or currents, summed. What
 * reaches a synapse by moves is counted where it comes from.
 */
function costsByValue(lowering: Lowering): Map<ValueId, Float64Array> {
  const costs = new Map<ValueId, Float64Array>();
  const add = (value: ValueId, degrees: Float64Array): void => {
    const sum = costs.get(value) ?? new Float64Array(degrees.length);
    degrees.forEach((degree, i) => (sum[i] = (sum[i] ?? 0) + degree));
    costs.set(value, sum);
  };
  // Backwards, so that all that a move's result costs is known before it is handed on.
  for (const op of lowering.module.ops.toReversed()) {
    const own = costs.get(op.result);
    const moved = own === undefined ? null : movedOperands(op, (value) => lowering.opOf(value));
    if (own !== undefined && moved !== null) {
      costs.delete(op.result);
      operandDegrees(lowering, op, moved, own).forEach((each, i) => {
        add(lowering.operandOf(op, known(moved[i], "a moved operand")), each);
      });
    }
    const degrees = degreesOf(lowering, op);
    if (degrees !== null && !isReal(lowering, op)) add(lowering.operandOf(op), degrees);
  }
  return costs;
}

/** The degrees of a move's result as those of the elements it moves. Padding is 0 over time. */
function operandDegrees(
  lowering: Lowering,
  op: Op,
  moved: readonly number[],
  degrees: Float64Array,
): readonly Float64Array[] {
  // Elements by number, from 1 on: 0 is padding.
  let next = 1;
  const firsts: number[] = [];
  const operands = op.inputs.map((value, operand) => {
    const producer = lowering.opOf(value);
    if (!moved.includes(operand) && isOp(producer, "ann.constant")) {
      return lowering.tensor(producer.attrs.value);
    }
    const { shape } = producer.type;
    const first = next;
    firsts.push(first);
    next += elementCount(shape);
    return tensorOf(
      "i32",
      shape,
      Int32Array.from({ length: next - first }, (_, i) => first + i),
    );
  });
  const from = evaluate({ ...op, type: { ...op.type, dtype: "i32" } }, operands, (ref) =>
    lowering.tensor(ref),
  );
  const sums = new Float64Array(next);
  from.data.forEach((source, i) => (sums[source] = (sums[source] ?? 0) + (degrees[i] ?? 0)));
  return firsts.map((first, i) => sums.slice(first, firsts[i + 1] ?? next));
}

/** Connections per pixel, or null where channels of a pixel differ. */
function byPixel(lowering: Lowering, op: Op, degrees: Float64Array): Int32Array | null {
  const image = lowering.layouts.images.has(op.result);
  const { rows, columns, channels } = gridOf(op.type.shape, image);
  const order = rowMajorIndices(op.type.shape, image);
  const perPixel = new Int32Array(rows * columns);
  for (let pixel = 0; pixel < perPixel.length; pixel++) {
    const first = degrees[order[pixel * channels] ?? 0] ?? 0;
    for (let channel = 1; channel < channels; channel++) {
      if (degrees[order[pixel * channels + channel] ?? 0] !== first) return null;
    }
    perPixel[pixel] = first;
  }
  return perPixel;
}
