/** Neurons that send words as kernels take them: their parameters by block, and where state is kept. */
import { constantsOf, dividesByInverse, dividesWithin } from "../../kernels/words/cells.ts";
import {
  type Parameter,
  type Rows,
  type WordCells,
  type WordLayer,
  paddedChannels,
  tileBytes,
  unitsOf,
} from "../../kernels/words/form.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { WordPlanes } from "../../memory/words.ts";
import type { Buffer } from "../../memory/view.ts";
import { gridViewOf } from "../grid.ts";
import type { Lowering } from "../lowering.ts";
import { traceOf } from "../over-time.ts";
import { startPotentials, zeroState } from "../scratch.ts";
import type { WordDrive } from "./drive.ts";
import { onceOf } from "./once.ts";
import { reachOf } from "./reach.ts";
import { type WordNeurons, byPixel } from "./senders.ts";

type Shape = Pick<WordLayer, "grid" | "vectors" | "together">;

export function wordCellsOf(
  lowering: Lowering,
  neurons: WordNeurons,
  words: WordPlanes,
  shape: Shape,
  drive: WordDrive,
): WordCells {
  const { op, shares, most } = neurons;
  const { alphabet, bits, sign } = op.attrs;
  const name = `%${op.result}`;
  const lanes = paddedChannels(shape);
  const starts = byPixel(lowering, op, op.attrs.vInit);
  const hasInverse = alphabet === "word";
  const steps = stepsOf(lowering, neurons, drive, starts);
  const { mostStep } = steps;
  const rowsOf = (
    part: string,
    make: (length: number) => Int32Array | Float32Array,
    of: (step: Step) => number,
    beyond: number,
  ): Rows => {
    const buffer = lowering.constant(`${name} ${part} ${lanes}`, () => {
      const all = make(shares.length * lanes);
      steps.rows.forEach((row, t) => {
        // Beyond the last channel nothing is added up, and nothing fires.
        for (let c = 0; c < lanes; c++) {
          const step = row[c];
          all[t * lanes + c] = step === undefined ? beyond : of(step);
        }
      });
      return all;
    });
    return { buffer, rows: shares.length, bytesPerRow: 4 * lanes };
  };
  const floats = (length: number): Float32Array => new Float32Array(length);
  // What is silent divides by what gives 0.
  const partOf =
    (part: number) =>
    ({ size, isSilent }: Step): number =>
      isSilent ? 0 : part / size;
  const vInit = parameterOf(lowering, `${name} start`, shape, starts);
  const ceilings = op.attrs.ceiling === null ? null : byPixel(lowering, op, op.attrs.ceiling);
  const ceiling =
    ceilings === null ? null : parameterOf(lowering, `${name} ceiling`, shape, ceilings);
  // Neurons that take back no more than they sent, but for half a step, are proved to need no floor.
  const isNear = (top: number): boolean => top >= 0 && top + mostStep < 2 ** 31;
  const needsFloor = ceilings !== null && !(sign === "retract" && ceilings.every(isNear));
  // Of what is sent below this there is room for the largest word and more.
  const floors = needsFloor
    ? ceilings.map((top) => Math.min(2 ** 31 - 1, (most + 2) * mostStep - top))
    : null;
  const floor = floors === null ? null : parameterOf(lowering, `${name} floor`, shape, floors);
  const { chunked } = lowering.options;
  const pixels = shape.grid.rows * shape.grid.columns;
  const bytes = chunked ? 4 * pixels * lanes : unitsOf(shape) * tileBytes(shape);
  const needsTotal = sign === "retract" || ceiling !== null;
  const potentials = lowering.buffer(chunked ? "state" : "scratch", `${name} potentials`, bytes);
  if (chunked) startPotentials(lowering, op.result, potentials, vInit, pixels, 4 * lanes);
  const sent = !needsTotal
    ? null
    : chunked
      ? zeroState(lowering, op, "sent", bytes)
      : lowering.buffer("scratch", `${name} sent`, bytes);
  const trace = traceOf(lowering, op);
  const image = lowering.layouts.images.has(op.result);
  const onceAt =
    hasInverse && steps.isExact && trace === null
      ? onceOf(lowering, neurons, drive.bias, starts)
      : null;
  const once = onceAt === null ? null : parameterOf(lowering, `${name} once`, shape, onceAt, "f32");
  return {
    ...{ kind: "cells", words, sign, alphabet, bits, mostStep, vInit, ceiling, floor },
    ...{ once, potentials, sent, resumes: chunked },
    constants: lowering.constant(`words of ${bits} bits ${sign}`, () =>
      constantsOf({ bits, sign }),
    ),
    steps: rowsOf(
      "steps",
      (length) => new Int32Array(length),
      ({ size }) => size,
      1,
    ),
    inverses: hasInverse ? rowsOf("inverses", floats, partOf(1), 1) : null,
    slacks:
      hasInverse && steps.isExact && once === null
        ? rowsOf("slacks", floats, partOf(0.25), 0.25)
        : null,
    settled: shares.length,
    trace: trace === null ? null : known(gridViewOf(trace, image), "a trace by pixel"),
  };
}

/** A step of a channel at a timestep. */
interface Step {
  readonly size: number;
  /** Whether no potential reaches half of it, so that it may as well be 1. */
  readonly isSilent: boolean;
}

/** Steps for each share and channel, and whether the inverses of all divide by them. */
function stepsOf(
  lowering: Lowering,
  neurons: WordNeurons,
  drive: WordDrive,
  starts: Float64Array,
): {
  readonly rows: readonly (readonly Step[])[];
  readonly isExact: boolean;
  readonly mostStep: number;
} {
  const { op, threshold, shares, most } = neurons;
  const sizes = shares.map((share) => Array.from(threshold, (theta) => theta * share));
  const mostStep = sizes.flat().reduce((most, size) => Math.max(most, size), 1);
  const plain = (isExact: boolean) => ({
    rows: sizes.map((row) => row.map((size): Step => ({ size, isSilent: false }))),
    ...{ isExact, mostStep },
  });
  if (dividesByInverse(most, mostStep)) return plain(true);
  if (op.attrs.alphabet !== "word") return plain(false);
  // Below a ceiling of 0 nothing is proved of what is to be taken back.
  const { ceiling } = op.attrs;
  if (ceiling !== null && lowering.tensor(ceiling).data.some((top) => top < 0)) {
    return plain(false);
  }
  const reach = reachOf(lowering, neurons, drive, starts);
  let isExact = true;
  const rows = sizes.map((row, t) =>
    row.map((size, c): Step => {
      const bound = reach[t]?.[c] ?? Infinity;
      if (2 * bound < size) return { size: 1, isSilent: true };
      isExact &&= dividesByInverse(most, size) || dividesWithin(bound, size);
      return { size, isSilent: false };
    }),
  );
  if (!isExact) return plain(false);
  const largest = rows.flat().reduce((most, { size }) => Math.max(most, size), 1);
  return { rows, isExact, mostStep: largest };
}

/** All buffers that neurons read and write. */
export function buffersOfCells(cells: WordCells): {
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
} {
  const { steps, inverses, slacks, vInit, ceiling, floor, once } = cells;
  const { words, potentials, sent, trace } = cells;
  const tables = [steps, inverses, slacks, vInit, ceiling, floor, once];
  const written = [words.buffer, words.activity, potentials, sent, trace?.view.buffer ?? null];
  return {
    reads: [cells.constants, ...tables.flatMap((each) => (each === null ? [] : [each.buffer]))],
    writes: written.filter((buffer) => buffer !== null),
  };
}

/** Values by pixel and channel, padded to blocks; one pixel's where all are alike. */
function parameterOf(
  lowering: Lowering,
  name: string,
  shape: Shape,
  values: Float64Array,
  element: "i32" | "f32" = "i32",
): Parameter {
  const { channels } = shape.grid;
  const lanes = paddedChannels(shape);
  const isAlike = values.every((value, i) => value === values[i % channels]);
  const pixels = isAlike ? 1 : values.length / channels;
  const buffer = lowering.constant(`${name} ${lanes}`, () => {
    const length = pixels * lanes;
    const all = element === "i32" ? new Int32Array(length) : new Float32Array(length);
    for (let pixel = 0; pixel < pixels; pixel++) {
      all.set(values.subarray(pixel * channels, (pixel + 1) * channels), pixel * lanes);
    }
    return all;
  });
  return { buffer, pixelStride: isAlike ? 0 : 4 * lanes };
}
