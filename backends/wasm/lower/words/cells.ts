/** Neurons that send words as kernels take them: their parameters by block, and where state is kept. */
import { constantsOf, dividesByInverse } from "../../kernels/words/cells.ts";
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
import { type WordNeurons, byPixel } from "./senders.ts";

type Shape = Pick<WordLayer, "grid" | "vectors" | "together">;

export function wordCellsOf(
  lowering: Lowering,
  neurons: WordNeurons,
  words: WordPlanes,
  shape: Shape,
): WordCells {
  const { op, threshold, shares, most } = neurons;
  const { alphabet, bits, sign } = op.attrs;
  const name = `%${op.result}`;
  const lanes = paddedChannels(shape);
  const { channels } = shape.grid;
  const mostStep = Math.max(1, ...threshold) * Math.max(...shares);
  const stepRows = (
    part: string,
    make: (length: number) => Int32Array | Float32Array,
    of: (step: number) => number,
  ): Rows => {
    const buffer = lowering.constant(`${name} ${part} ${lanes}`, () => {
      const all = make(shares.length * lanes);
      shares.forEach((share, row) => {
        // Beyond the last channel nothing is added up, and nothing fires.
        for (let c = 0; c < lanes; c++) {
          all[row * lanes + c] = of(c < channels ? (threshold[c] ?? 1) * share : 1);
        }
      });
      return all;
    });
    return { buffer, rows: shares.length, bytesPerRow: 4 * lanes };
  };
  const floats = (length: number): Float32Array => new Float32Array(length);
  const hasInverse = alphabet === "word";
  const isExact = hasInverse && dividesByInverse(most, mostStep);
  const vInit = parameterOf(
    lowering,
    `${name} start`,
    shape,
    byPixel(lowering, op, op.attrs.vInit),
  );
  const ceilings = op.attrs.ceiling === null ? null : byPixel(lowering, op, op.attrs.ceiling);
  const ceiling =
    ceilings === null ? null : parameterOf(lowering, `${name} ceiling`, shape, ceilings);
  // Of what is sent below this there is room for the largest word and more.
  const floors = ceilings?.map((top) => Math.max(-(2 ** 31), top - (most + 2) * mostStep)) ?? null;
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
  return {
    ...{ kind: "cells", words, sign, alphabet, bits, mostStep, vInit, ceiling, floor },
    ...{ potentials, sent, resumes: chunked },
    constants: lowering.constant(`words of ${bits} bits ${sign}`, () =>
      constantsOf({ bits, sign }),
    ),
    steps: stepRows(
      "steps",
      (length) => new Int32Array(length),
      (step) => step,
    ),
    inverses: hasInverse ? stepRows("inverses", floats, (step) => 1 / step) : null,
    slacks: isExact ? stepRows("slacks", floats, (step) => 0.25 / step) : null,
    settled: shares.length,
    trace: trace === null ? null : known(gridViewOf(trace, image), "a trace by pixel"),
  };
}

/** All buffers that neurons read and write. */
export function buffersOfCells(cells: WordCells): {
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
} {
  const { steps, inverses, slacks, vInit, ceiling, floor, words, potentials, sent, trace } = cells;
  const tables = [steps, inverses, slacks, vInit, ceiling, floor];
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
): Parameter {
  const { channels } = shape.grid;
  const lanes = paddedChannels(shape);
  const isAlike = values.every((value, i) => value === values[i % channels]);
  const pixels = isAlike ? 1 : values.length / channels;
  const buffer = lowering.constant(`${name} ${lanes}`, () => {
    const all = new Int32Array(pixels * lanes);
    for (let pixel = 0; pixel < pixels; pixel++) {
      all.set(values.subarray(pixel * channels, (pixel + 1) * channels), pixel * lanes);
    }
    return all;
  });
  return { buffer, pixelStride: isAlike ? 0 : 4 * lanes };
}
