/**
 * What a run counts: spikes of each neuron op, their digits, and the weights that they meet, as
 * `ir/account/senders.ts` has them. Spikes are counted on their masks where all channels of a pixel meet
 * as many weights, others element by element.
 */
import { isNeuron } from "../../../ir/op/known.ts";
import { onFirstThread } from "../assembler/memory.ts";
import { type Sender, sendersOf } from "../../../ir/account/senders.ts";
import { type Op, type ValueId } from "../../../ir/op/op.ts";
import { outDegrees } from "../../../ir/semantics/connections.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { type Connections, countSpikes, countWords } from "../kernels/neurons/count.ts";
import { type CountRows, countRowsOf } from "../program.ts";
import { maskBuffers } from "../memory/spikes.ts";
import { type View, rowMajor } from "../memory/view.ts";
import { pixelGridOf, rowMajorIndices } from "./grid.ts";
import type { Lowering, SpikeWords, Spikes } from "./lowering.ts";
import { onesWhereSpikes } from "./neurons/masked.ts";
import { valuesLike } from "./values/constants.ts";
import { wordSizes } from "./words/layer.ts";

export interface CountsView {
  readonly view: View;
  readonly rows: CountRows;
}

/**
 * Emits the counting steps. They come last in a chunk; those for spikes alone are a phase of their
 * own, so that runs that do not ask do not count.
 */
export function lowerCounts(lowering: Lowering, what: "operations" | "spikes"): CountsView {
  const phase = what === "spikes" ? "count" : "each";
  const { steps } = lowering.options;
  const senders = sendersOf(lowering.module).filter(
    ({ op, delay }) => what === "operations" || (isNeuron(op) && delay === 0),
  );
  const neurons = senders.filter(({ op, delay }) => isNeuron(op) && delay === 0);
  const withWords = what === "spikes" ? [] : neurons.filter(({ hasWords }) => hasWords);
  const rows = countRowsOf(
    neurons.map(({ op }) => op.result),
    withWords.map(({ op }) => op.result),
    what === "operations" ? 1 + senders.reduce((most, { delay }) => Math.max(most, delay), 0) : 0,
  );
  const name = lowering.buffer("scratch", "counts", 8 * rows.count * steps);
  const view = rowMajor(name, "f64", [rows.count, steps]);
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
  for (const sender of senders) {
    const spikes = lowering.spikesOf(sender.op);
    if (spikes === null) lowerWords(sender);
    else lowerMasks(sender, spikes);
  }
  return { view, rows };

  function lowerMasks(sender: Sender, spikes: Spikes): void {
    const { op } = sender;
    const { masks } = spikes;
    const row = sender.delay > 0 ? null : (rows.spikes.get(op.result) ?? null);
    const costs = eventRowsOf(sender).events;
    const perPixel = costs === null ? null : byPixel(lowering, op, sender.fanOut);
    const pixels = masks.grid.rows * masks.grid.columns;
    const connections =
      perPixel === null
        ? null
        : lowering.constant(`%${op.result} fan-out`, () =>
            Int32Array.from({ length: pixels }, (_, i) => perPixel[i] ?? 0),
          );
    lowering.emit({
      name: `%${op.result} count`,
      phase,
      reads: [...maskBuffers(masks), ...(connections === null ? [] : [connections])],
      writes: [view.buffer],
      emit(code) {
        countSpikes(code, masks, connections, view, row, costs);
      },
    });
    if (costs === null || perPixel !== null) return;
    const ones = nonZero(onesWhereSpikes(lowering, op, spikes));
    emitWords(sender, ones, { spikes: null, bits: null });
  }

  /** The spikes of neurons that are values in memory. */
  function lowerWords(sender: Sender): void {
    const { result } = sender.op;
    const words = wordsFired(sender.op);
    const isLater = sender.delay > 0;
    const spikes = isLater ? null : (rows.spikes.get(result) ?? null);
    const bits = isLater ? null : (rows.bits.get(result) ?? null);
    emitWords(sender, words, { spikes, bits });
  }

  function wordsFired(op: Op): SpikeWords {
    const sent = lowering.wordsOf(op);
    if (sent !== null) {
      const sizes = wordSizes(lowering, op, sent);
      return { view: sizes, counts: "bits", unit: null, schedule: "constant" };
    }
    const output = lowering.dense(op.result);
    return lowering.fired.get(op.result) ?? nonZero(output);
  }

  function emitWords(
    sender: Sender,
    words: SpikeWords,
    own: { readonly spikes: number | null; readonly bits: number | null },
  ): void {
    const { op, fanOut } = sender;
    const costs = eventRowsOf(sender);
    const cost = costs.events === null ? null : connectionsLike(op.result, fanOut, words.view);
    const reads = [words.view.buffer];
    if (words.unit !== null) reads.push(words.unit.buffer);
    if (cost !== null && "each" in cost) reads.push(cost.each.buffer);
    lowering.emit({
      name: `%${op.result} count`,
      phase,
      reads,
      writes: [view.buffer],
      emit(code) {
        countWords(code, words, cost, view, { ...own, ...costs }, steps);
      },
    });
  }

  function eventRowsOf({ isPlain, hasWords, fanOut, delay }: Sender): {
    readonly events: number | null;
    readonly eventBits: number | null;
  } {
    const events = rows.events[delay];
    if (events === undefined || fanOut.every((degree) => degree === 0))
      return { events: null, eventBits: null };
    const { plain, digits, words, wordBits } = events;
    if (hasWords) return { events: words, eventBits: wordBits };
    return { events: isPlain ? plain : digits, eventBits: null };
  }

  /** Connections as they lie beside a value: without the axes that they are the same along. */
  function connectionsLike(value: ValueId, degrees: Float64Array, like: View): Connections {
    const [all = 0] = degrees;
    if (degrees.every((degree) => degree === all)) return { all };
    const { shape, values } = withoutRepeats(like.shape, degrees);
    const beside: View = { ...like, element: "f32" };
    return { each: valuesLike(lowering, `%${value} fan-out by element`, shape, values, beside) };
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

/** Connections of all synapses that are computed, whatever they work on. */
export function connectionsOf(lowering: Lowering, needed: ReadonlySet<ValueId>): number {
  let total = 0;
  for (const op of lowering.module.ops) {
    if (!needed.has(op.result) || lowering.options.given.has(op.result)) continue;
    const [operand] = op.inputs;
    if (operand === undefined) continue;
    const { shape } = lowering.opOf(operand).type;
    for (const degree of outDegrees(op, shape, (ref) => lowering.tensor(ref)) ?? [])
      total += degree;
  }
  return total;
}

/** Connections per pixel, or null where channels of a pixel differ. */
function byPixel(lowering: Lowering, op: Op, degrees: Float64Array): Int32Array | null {
  const image = lowering.layouts.images.has(op.result);
  const { rows, columns, channels } = pixelGridOf(op.type.shape, image);
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
