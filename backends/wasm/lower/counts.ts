/**
 * What a run counts: spikes of each neuron op, and synaptic operations as the interpreter defines
 * them. Spikes are counted on their masks where their synapses treat all channels of a pixel alike,
 * other operands element by element.
 */
import { onFirstThread } from "../assembler/memory.ts";
import { type Op, type ValueId, isNeuron, isOp } from "../../../ir/op.ts";
import { outDegrees } from "../../../ir/semantics/connections.ts";
import { elementCount } from "../../../ir/type.ts";
import { countActive, countSpikes } from "../kernels/count.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { gridOf, rowMajorIndices } from "./grid.ts";
import type { Lowering } from "./lowering.ts";

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
      emitActive(lowering, op.result, null, view, row);
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
    const connections =
      what === "spikes"
        ? null
        : lowering.constant(`%${op.result} fan-out`, () =>
            Int32Array.from({ length: pixels }, (_, i) => perPixel?.[i] ?? 0),
          );
    lowering.emit({
      name: `%${op.result} count`,
      phase,
      reads: [masks.buffer, ...(connections === null ? [] : [connections])],
      writes: [view.buffer],
      emit(code) {
        countSpikes(code, masks, connections, view, row, neurons.length);
      },
    });
  });
  for (const [value, degrees] of costs) {
    emitActive(lowering, value, degrees, view, neurons.length);
  }
  return { view, neurons: neurons.map((op) => op.result) };
}

/** Adds the elements of a value that are not 0 to a row of the counts, each by its `degrees` or once. */
function emitActive(
  lowering: Lowering,
  value: ValueId,
  degrees: Float64Array | null,
  view: View,
  row: number,
): void {
  const operand = lowering.dense(value);
  const size = elementCount(operand.shape);
  const name = degrees === null ? `${size} ones` : `%${value} fan-out by element`;
  const connections = lowering.constant(name, () => {
    const bytes = new Int32Array(2 * size);
    new Float64Array(bytes.buffer).set(degrees ?? new Float64Array(size).fill(1));
    return bytes;
  });
  lowering.emit({
    name: `%${value} count`,
    phase: "each",
    reads: [operand.buffer, connections],
    writes: [view.buffer],
    emit(code) {
      countActive(code, operand, connections, view, row, lowering.options.steps);
    },
  });
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

/** The connections of each element of each operand of synapses on spikes or currents, summed. */
function costsByValue(lowering: Lowering): Map<ValueId, Float64Array> {
  const costs = new Map<ValueId, Float64Array>();
  for (const op of lowering.module.ops) {
    const degrees = degreesOf(lowering, op);
    if (degrees === null || isReal(lowering, op)) continue;
    let value = lowering.operandOf(op);
    // Elements keep their order when reshaped.
    for (let at = lowering.opOf(value); isOp(at, "ann.reshape"); at = lowering.opOf(value)) {
      value = lowering.operandOf(at);
    }
    const sum = costs.get(value) ?? new Float64Array(degrees.length);
    degrees.forEach((degree, i) => (sum[i] = (sum[i] ?? 0) + degree));
    costs.set(value, sum);
  }
  return costs;
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
