/**
 * Layers on words: graded neurons on integers with the synapses that drive them, and synapses on words whose
 * sums are wanted in memory. Whatever has no such form is computed as values in memory, and joins as a
 * current.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { onFirstThread } from "../../assembler/memory.ts";
import { clearWords } from "../../kernels/words/clear.ts";
import { expandWords } from "../../kernels/words/expand.ts";
import {
  type WordCells,
  type WordCurrent,
  type WordLayer,
  type WordSums,
  type WordTaps,
  type WordWindow,
  isAlongTime,
  paddedChannels,
  tileBytes,
  unitsOf,
  wordBlocks,
} from "../../kernels/words/form.ts";
import { runWordLayer } from "../../kernels/words/layer.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { Buffer, View } from "../../memory/view.ts";
import { type WordPlanes, activityBytes, wordsBytes } from "../../memory/words.ts";
import { gridViewFor } from "../copies.ts";
import { gridViewOf, haloOf, pixelGridOf } from "../grid.ts";
import type { Lowering, Words } from "../lowering.ts";
import { buffersOfCells, wordCellsOf } from "./cells.ts";
import { type WordDrive, collectWordDrive } from "./drive.ts";
import { buffersOfEvents } from "./events.ts";
import { packTaps } from "./pack-taps.ts";
import { packWindow } from "./pack.ts";
import { type WordNeurons, wordNeuronsOf } from "./senders.ts";

/** Timesteps of a chunk up to which computing all of them costs less than finding those that matter. */
const fewTimesteps = 4;

/** The words of a neuron op, with the layer that sends them. */
export function lowerWordLayer(lowering: Lowering, op: Op): Words | null {
  const neurons = wordNeuronsOf(lowering, op);
  if (neurons === null) return null;
  const { amplitude, shares } = neurons;
  const image = lowering.layouts.images.has(op.result);
  const grid = pixelGridOf(op.type.shape, image);
  const { steps } = lowering.options;
  const shape = { grid, ...tileOf(grid, steps) };
  const width = 4 * shape.vectors;
  const drive = collectWordDrive(lowering, lowering.operandOf(op), image, grid, width);
  const planes = planesOf(lowering, neurons, shape, image);
  const cells = wordCellsOf(lowering, neurons, planes, shape, drive);
  emitLayer(lowering, op, shape, drive, cells, steps);
  return { planes, amplitude, shares, op: neurons.op };
}

/** Words as values in memory. */
export function lowerSent(lowering: Lowering, op: Op): View | null {
  const words = lowering.wordsOf(op);
  if (words === null) return null;
  const target = lowering.place(op.result);
  expandInto(lowering, op, words, "values", target);
  return target;
}

/** Words themselves, in units of the step, as i32 laid out as the value is. */
export function wordSizes(lowering: Lowering, op: Op, words: Words): View {
  const target = lowering.place(op.result);
  const ones = new Float64Array(words.amplitude.length).fill(1);
  expandInto(lowering, op, { ...words, amplitude: ones, shares: [1] }, "words", target);
  return target;
}

/** Synapses on words as currents in memory. */
export function lowerWordSums(lowering: Lowering, op: Op): View | null {
  if (!isOp(op, "ann.conv", "ann.linear") || op.type.dtype !== "i32") return null;
  if (!lowering.isVarying(op.result)) return null;
  const image = lowering.layouts.images.has(op.result);
  const grid = pixelGridOf(op.type.shape, image);
  const { steps } = lowering.options;
  const shape = { grid, ...tileOf(grid, steps) };
  const drive = collectWordDrive(lowering, op.result, image, grid, 4 * shape.vectors, true);
  if (drive.sources.every(({ kind }) => kind === "current")) return null;
  const output = lowering.place(op.result);
  const target = gridViewOf(output, image);
  if (target === null) return null;
  const when = saysWhen(shape, drive) ? lowering.rowSteps(op.result, grid.rows) : null;
  emitLayer(lowering, op, shape, drive, { kind: "sums", target, when }, steps);
  return output;
}

/** Whether it is known of all that is summed when it comes. */
function saysWhen({ grid }: Shape, { sources, bias }: WordDrive): boolean {
  return (
    grid.rows > 1 &&
    bias === null &&
    sources.every((each) => each.kind !== "current" && each.planes.activity !== null)
  );
}

type Shape = Pick<WordLayer, "grid" | "vectors" | "together">;

/**
 * Four positions by eight channels take half of the registers; where there are fewer positions, more channels
 * are summed at once.
 */
function tileOf(
  { rows, columns, channels }: PixelGrid,
  steps: number,
): Pick<WordLayer, "vectors" | "together"> {
  const together = Math.min(4, rows * columns === 1 ? steps : columns);
  let vectors = together >= 3 ? 2 : together === 2 ? 4 : 8;
  while (vectors > 2 && 2 * vectors >= channels) vectors /= 2;
  return { vectors, together };
}

function planesOf(
  lowering: Lowering,
  { op, most, isSigned }: WordNeurons,
  layer: Shape,
  image: boolean,
): WordPlanes {
  const { relaxed, steps } = lowering.options;
  const { grid } = layer;
  const halo = haloOf(lowering, op.result, image);
  // Windows that hang over a pixel ask for each column's activity, of which this one would have several.
  const isAlone = isAlongTime(layer) && Object.values(halo).every((width) => width === 0);
  const shape = {
    ...{ grid, halo, steps, lanes: paddedChannels(layer), most },
    noted: isAlone ? wordBlocks(layer) : 1,
    bytes: relaxed ? 1 : 2,
    bias: relaxed && isSigned ? most : 0,
  } as const;
  const name = `%${op.result} words`;
  const isSparse = (grid.rows > 1 || isAlone) && steps > fewTimesteps;
  const planes: WordPlanes = {
    ...shape,
    buffer: lowering.buffer("scratch", name, wordsBytes(shape)),
    activity: isSparse ? lowering.buffer("scratch", `${name} when`, activityBytes(shape)) : null,
  };
  const { buffer, activity, bias } = planes;
  // Two bytes of 0 are bytes of 0; a bias is there with single bytes only.
  lowering.emit({
    name: `${name} clear`,
    phase: "each",
    reads: [],
    writes: [buffer, ...(activity === null ? [] : [activity])],
    emit(code) {
      const { i32, memory } = code.wasm;
      const arena = code.wasm.global.get("arena", code.assembler.typeOf("i32"));
      onFirstThread(code, () => {
        const fill = ({ address, bytes }: Buffer, value: number): void => {
          const at = i32.add(arena, code.int(address));
          code.push(memory.fill(at, code.int(value), code.int(bytes)));
        };
        if (activity === null) clearWords(code, planes);
        else {
          fill(buffer, bias);
          fill(activity, 0);
        }
      });
    },
  });
  return planes;
}

function emitLayer(
  lowering: Lowering,
  op: Op,
  shape: Shape,
  drive: WordDrive,
  sink: WordCells | WordSums,
  steps: number,
): void {
  const { grid, vectors } = shape;
  const image = lowering.layouts.images.has(op.result);
  const reads: Buffer[] = [];
  const writes: Buffer[] = [];
  const windows: WordWindow[] = [];
  const taps: WordTaps[] = [];
  const currents: WordCurrent[] = [];
  const name = `%${op.result}`;
  drive.sources.forEach((source, i) => {
    if (source.kind === "current") {
      const { value, atFirst } = source;
      const isSparse = sink.kind === "cells" && sink.words.activity !== null && grid.rows > 1;
      const { view: own, steps: when } =
        isSparse && !atFirst
          ? lowering.someSteps(value)
          : { view: lowering.dense(value), steps: null };
      const view = gridViewFor(lowering, value, image, own);
      reads.push(view.view.buffer, ...(when === null ? [] : [when.buffer]));
      currents.push({ view, atFirst, when });
      return;
    }
    const { buffer, activity } = source.planes;
    reads.push(buffer, ...(activity === null ? [] : [activity]));
    if (source.kind === "window") {
      const window = packWindow(lowering, source, `${name} window ${i}`, grid, vectors);
      windows.push(window);
      if (window.events !== null) {
        const own = buffersOfEvents(window.events);
        reads.push(...own.reads);
        writes.push(...own.writes);
      }
    } else taps.push(packTaps(lowering, source, `${name} taps ${i}`, shape));
  });
  const lanes = paddedChannels(shape);
  const { bias: each } = drive;
  // Neurons that fire once have it in what they begin at.
  const bias =
    each === null || (sink.kind === "cells" && sink.once !== null)
      ? null
      : lowering.constant(`${name} bias words ${lanes}`, () => {
          const all = new Int32Array(lanes);
          all.set(each);
          return all;
        });
  const needsSpare = windows.length > 1 || windows.some(({ chunks }) => chunks.length > 1);
  const spareBytes = 2 * unitsOf(shape) * tileBytes(shape);
  const spare = needsSpare ? lowering.buffer("scratch", `${name} sums`, spareBytes) : null;
  if (spare !== null) writes.push(spare);
  if (sink.kind === "sums") {
    const { target, when } = sink;
    writes.push(target.view.buffer, ...(when === null ? [] : [when.buffer]));
  } else {
    const own = buffersOfCells(sink);
    reads.push(...own.reads);
    writes.push(...own.writes);
  }
  const isWhole = !lowering.options.chunked;
  const layer: WordLayer = {
    ...{ ...shape, steps, isWhole, windows, taps, currents, bias, spare, sink },
  };
  lowering.emit({
    name: `${name} ${op.kind}`,
    phase: lowering.phaseOf(op.result),
    reads: [...reads, ...constantsOf(layer)],
    writes,
    emit(code) {
      runWordLayer(code, layer);
    },
  });
}

function constantsOf({ windows, taps, bias }: WordLayer): Buffer[] {
  const worths = [...windows, ...taps].flatMap(({ worth }) =>
    worth === null ? [] : [worth.table.buffer],
  );
  return [
    ...worths,
    ...windows.flatMap(({ weights, starts, inside: { table } }) =>
      [weights, starts, table].flatMap((buffer) => (buffer === null ? [] : [buffer])),
    ),
    ...taps.flatMap(({ chunks }) =>
      chunks.flatMap(({ taps: each, starts }) => [
        ...each.map(({ weights }) => weights),
        ...(starts === null ? [] : [starts]),
      ]),
    ),
    ...(bias === null ? [] : [bias]),
  ];
}

function expandInto(lowering: Lowering, op: Op, words: Words, what: string, target: View): void {
  const { planes, amplitude, shares } = words;
  const image = lowering.layouts.images.has(op.result);
  const view = known(gridViewOf(target, image), "words by pixel");
  const lanes = 4 * Math.ceil(planes.grid.channels / 4);
  const name = `%${op.result} ${what}`;
  const buffer = lowering.constant(`${name} worth`, () => {
    const all = new Int32Array(shares.length * lanes);
    shares.forEach((share, row) => {
      amplitude.forEach((a, c) => {
        all[row * lanes + c] = a * share;
      });
    });
    return all;
  });
  const worth = { buffer, rows: shares.length, bytesPerRow: 4 * lanes };
  lowering.emit({
    name: `${name} expand`,
    phase: "each",
    reads: [planes.buffer, buffer],
    writes: [target.buffer],
    emit(code) {
      expandWords(code, planes, worth, view);
    },
  });
}
