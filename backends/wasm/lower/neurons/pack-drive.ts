/** The sources of a population as its kernel takes them: weights packed by block, currents by pixel. */
import {
  blockCount,
  type PopulationForm,
  type DriveSource,
} from "../../kernels/neurons/population-form.ts";
import { type PopulationDrive, type EventDrive } from "./sources.ts";
import { known } from "../../../../ir/diagnostic.ts";
import { type Op } from "../../../../ir/op/op.ts";
import { type LaneMode, lanesPerVector, weightBytes } from "../../kernels/lanes.ts";
import { maskBuffers } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { gridViewFor } from "../copies.ts";
import { expectedRate, kernelFor } from "./cost.ts";

/** The sources as kernels take them: weights packed by block, currents by pixel. */
export function packDrive(
  lowering: Lowering,
  op: Op,
  drive: PopulationDrive,
  mode: LaneMode,
  vectors: number,
): {
  readonly sources: readonly DriveSource[];
  readonly bias: PopulationForm["bias"];
  readonly reads: readonly Buffer[];
} {
  const image = lowering.layouts.images.has(op.result);
  const [, ...rest] = op.type.shape;
  const channels = image ? (rest[0] ?? 1) : (op.type.shape.at(-1) ?? 1);
  const width = vectors * lanesPerVector(mode);
  const lanes = width * blockCount(channels, width);
  const name = (part: string): string => `%${op.result} ${part} ${mode} ${width}`;
  const wide = (): Float32Array | Int32Array =>
    mode === "f32" ? new Float32Array(lanes) : new Int32Array(lanes);
  const reads: Buffer[] = [];
  const read = (buffer: Buffer): Buffer => {
    reads.push(buffer);
    return buffer;
  };
  const sources = drive.sources.map((source, index): DriveSource => {
    if (source.kind === "current") {
      const view = gridViewFor(lowering, source.value, image);
      read(view.view.buffer);
      return { kind: "current", view };
    }
    const { masks } = source.spikes;
    reads.push(...maskBuffers(masks));
    if (source.kind === "aligned") {
      const taps = source.taps.map(({ origin, weightOf }, tap) => ({
        origin,
        weights: read(
          lowering.constant(name(`aligned ${index} ${tap}`), () => {
            const all = wide();
            for (let c = 0; c < channels; c++) all[c] = weightOf(c);
            return all;
          }),
        ),
      }));
      return { kind: "aligned", masks, stride: source.stride, taps };
    }
    const weights = lowering.constant(name(`weights ${index}`), () =>
      packEvents(source, channels, width, mode),
    );
    const { dilation, stride, origin, sharedTaps } = source;
    const window = { masks, kernel: source.kernel, dilation, stride, origin, sharedTaps };
    const inputs = masks.grid.channels;
    const taps = source.kernel[0] * source.kernel[1];
    const blocks = blockCount(channels, width);
    const rowBytes = width * weightBytes(mode);
    // Spikes with signs are in masks of either sign, which are walked one after the other.
    const fired = lowering.options.rates.get(source.spikes.op.result) ?? expectedRate;
    const rate = fired / maskBuffers(masks).length;
    const shape = { taps, inputs, vectors, rowBytes, blocks, sharedTaps, rate };
    const kernel = lowering.options.windows ?? kernelFor(shape);
    if (kernel === "events") return { kind: "events", ...window, weights: read(weights) };
    const groups = blocks * (sharedTaps ? 1 : taps);
    const element = mode;
    const tables = lowering.tables(name(`tables ${index}`), weights, {
      element,
      groups,
      inputs,
      width,
    });
    return { kind: "tables", ...window, tables: read(tables) };
  });
  const { bias } = drive;
  if (bias === null) return { sources, bias: null, reads };
  const buffer = lowering.constant(name("bias"), () => {
    const rows =
      mode === "f32" ? new Float32Array(bias.length * lanes) : new Int32Array(bias.length * lanes);
    bias.forEach((each, row) => {
      rows.set(each, row * lanes);
    });
    return rows;
  });
  return { sources, bias: { buffer: read(buffer), rows: bias.length }, reads };
}

/** Weights [block, tap, input channel, lane], zero beyond the last channel. */
function packEvents(
  source: EventDrive,
  channels: number,
  width: number,
  mode: LaneMode,
): Float32Array | Int32Array | Int16Array {
  const [rows, columns] = source.sharedTaps ? [1, 1] : source.kernel;
  const inputs = source.spikes.masks.grid.channels;
  const blocks = blockCount(channels, width);
  const length = blocks * rows * columns * inputs * width;
  const packed =
    mode === "f32"
      ? new Float32Array(length)
      : mode === "i32"
        ? new Int32Array(length)
        : new Int16Array(length);
  let at = 0;
  for (let block = 0; block < blocks; block++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let input = 0; input < inputs; input++) {
          for (let lane = 0; lane < width; lane++, at++) {
            const output = block * width + lane;
            if (output < channels) packed[at] = source.weightOf(output, row, column, input);
          }
        }
      }
    }
  }
  return known(packed, "weights");
}
