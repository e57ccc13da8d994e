/**
 * Neurons whose spikes are masks, together with the synapses that drive them. What a neuron integrates is
 * taken apart into sources: spikes through weights, spikes one to one, and currents that are there
 * already. Whatever has no such form is computed densely, timestep by timestep, and joins as a
 * current.
 */
import { packDrive } from "./pack-drive.ts";
import {
  blockCount,
  blockWidth,
  crowdsRegisters,
  type CurrentSink,
  type NeuronSink,
  type PopulationForm,
} from "../../kernels/neurons/population-form.ts";
import { known } from "../../../../ir/diagnostic.ts";
import { type Op, isOp } from "../../../../ir/op/op.ts";
import { expandSpikes } from "../../kernels/expand.ts";
import { clearMaskHalo } from "../../kernels/synapses/halo.ts";
import type { LaneMode } from "../../kernels/lanes.ts";
import { populate } from "../../kernels/neurons/population.ts";
import { type PixelGrid, type SpikeMasks, maskBuffers, masksBytes } from "../../memory/spikes.ts";
import type { Buffer, View } from "../../memory/view.ts";
import {
  type PopulationLayout,
  type Spiking,
  amplitudeOf,
  firingOf,
  hasSigns,
  isBinary,
  needsSent,
  startOf,
} from "./firing.ts";
import { pixelGridOf, gridViewOf, haloOf } from "../grid.ts";
import type { Lowering, Spikes } from "../lowering.ts";
import { startPotentials, zeroState } from "../scratch.ts";
import { type PopulationDrive, collectDrive } from "./sources.ts";

/** The spikes of a neuron op, with the population that fires them. */
export function lowerPopulation(lowering: Lowering, op: Op): Spikes | null {
  if (!isBinary(lowering, op)) return null;
  if (lowering.options.given.has(op.result)) return givenSpikes(lowering, op);
  const image = lowering.layouts.images.has(op.result);
  const grid = pixelGridOf(op.type.shape, image);
  const drive = collectDrive(lowering, lowering.operandOf(op), image, grid);
  const mode = modeOf(op, drive);
  const vectors = vectorsOf(grid.channels, mode);
  const width = blockWidth({ mode, vectors });
  const { chunked } = lowering.options;
  const masks = masksFor(lowering, op, image, mode);
  const place: PopulationLayout = { grid, image, width, mode };
  const vInit = startOf(lowering, op, place);
  const pixels = grid.rows * grid.columns;
  const rowOfPixels = 4 * width * blockCount(grid.channels, width);
  const potentials =
    chunked || crowdsRegisters({ vectors })
      ? lowering.buffer(
          chunked ? "state" : "scratch",
          `%${op.result} potentials`,
          pixels * rowOfPixels,
        )
      : null;
  if (potentials !== null && chunked) {
    startPotentials(lowering, op.result, potentials, vInit, pixels, rowOfPixels);
  }
  const sentBytes = pixels * rowOfPixels;
  const sent = !needsSent(op)
    ? null
    : chunked
      ? zeroState(lowering, op, "sent", sentBytes)
      : lowering.buffer("scratch", `%${op.result} sent`, sentBytes);
  const trace = lowering.options.traces.has(op.result) ? lowering.place(op.result) : null;
  if (trace !== null) lowering.traces.set(op.result, trace);
  const sink: NeuronSink = {
    kind: "neurons",
    firing: firingOf(lowering, op, place, sent),
    vInit,
    masks,
    potentials,
    resumes: chunked,
    trace: trace === null ? null : known(gridViewOf(trace, image), "a trace by pixel"),
  };
  emitPopulation(lowering, op, { grid, mode, vectors, drive, sink });
  return { masks, amplitude: amplitudeOf(lowering, op, place), op };
}

/** Room for the spikes of a population whose neurons are computed in `mode`. */
function masksFor(lowering: Lowering, op: Spiking, image: boolean, mode: LaneMode): SpikeMasks {
  const grid = pixelGridOf(op.type.shape, image);
  const width = blockWidth({ mode, vectors: vectorsOf(grid.channels, mode) });
  const maskBytes = (width * blockCount(grid.channels, width)) / 8;
  const { steps } = lowering.options;
  const shape = { grid, halo: haloOf(lowering, op.result, image), steps, maskBytes };
  const room = (name: string): Buffer =>
    lowering.buffer("scratch", `%${op.result} ${name}`, masksBytes(shape));
  const minus = hasSigns(op) ? room("spikes of −1") : null;
  return { ...shape, buffer: room("spikes"), minus };
}

/** Masks that the host writes, all but the zeros around them. */
function givenSpikes(lowering: Lowering, op: Spiking): Spikes {
  const image = lowering.layouts.images.has(op.result);
  const mode: LaneMode = op.type.dtype === "f32" ? "f32" : "i32";
  const masks = masksFor(lowering, op, image, mode);
  lowering.emit({
    name: `%${op.result} around what is given`,
    phase: "each",
    reads: [],
    writes: maskBuffers(masks),
    emit(code) {
      clearMaskHalo(code, masks);
    },
  });
  const { grid } = masks;
  return { masks, amplitude: amplitudeOf(lowering, op, { grid, image }), op };
}

/** Neurons, and pools of them, as values in memory: amplitude where there is a spike. */
export function lowerSpiking(lowering: Lowering, op: Op): View | null {
  const spikes = lowering.spikesOf(op);
  if (spikes === null) return null;
  const target = lowering.place(op.result);
  expandInto(lowering, op, spikes, "amplitude", target);
  return target;
}

/** A view that is not 0 where there is a spike, whatever it is worth. */
export function onesWhereSpikes(lowering: Lowering, op: Op, spikes: Spikes): View {
  const { amplitude } = spikes;
  const worth = "perChannel" in amplitude ? amplitude.perChannel : amplitude.perNeuron;
  if (worth.every((a) => a !== 0)) return lowering.dense(op.result);
  const target = lowering.place(op.result);
  const ones = { perChannel: new Float64Array(spikes.masks.grid.channels).fill(1) };
  expandInto(lowering, op, { ...spikes, amplitude: ones }, "ones", target);
  return target;
}

function expandInto(
  lowering: Lowering,
  op: Op,
  { masks, amplitude }: Spikes,
  name: string,
  target: View,
): void {
  const image = lowering.layouts.images.has(op.result);
  const view = known(gridViewOf(target, image), "spikes by pixel");
  const element = target.element === "i32" ? "i32" : "f32";
  const values = "perChannel" in amplitude ? amplitude.perChannel : amplitude.perNeuron;
  const buffer = lowering.constant(`%${op.result} ${name} ${element}`, () =>
    element === "f32" ? Float32Array.from(values) : Int32Array.from(values),
  );
  const pixelStride = "perChannel" in amplitude ? 0 : 4 * masks.grid.channels;
  lowering.emit({
    name: `%${op.result} expand ${name}`,
    phase: "each",
    reads: [...maskBuffers(masks), buffer],
    writes: [target.buffer],
    emit(code) {
      expandSpikes(code, masks, { buffer, pixelStride }, view);
    },
  });
}

/** Synapses on spikes as currents in memory, where events are worth it. */
export function lowerDriven(lowering: Lowering, op: Op): View | null {
  const isCurrent = isOp(op, "ann.conv", "ann.linear", "snn.temporal-bias");
  if (!isCurrent || !lowering.isVarying(op.result)) return null;
  const image = lowering.layouts.images.has(op.result);
  const grid = pixelGridOf(op.type.shape, image);
  const drive = collectDrive(lowering, op.result, image, grid, true);
  if (drive.sources.every(({ kind }) => kind === "current")) return null;
  const mode: LaneMode = op.type.dtype === "f32" ? "f32" : drive.fitsInt16 ? "i16" : "i32";
  const vectors = vectorsOf(grid.channels, mode);
  const output = lowering.place(op.result);
  const target = gridViewOf(output, image);
  if (target === null) return null;
  const sink: CurrentSink = { kind: "current", target };
  emitPopulation(lowering, op, { grid, mode, vectors, drive, sink });
  return output;
}

interface Planned {
  readonly grid: PixelGrid;
  readonly mode: LaneMode;
  readonly vectors: number;
  readonly drive: PopulationDrive;
  readonly sink: NeuronSink | CurrentSink;
}

function emitPopulation(lowering: Lowering, op: Op, planned: Planned): void {
  const { sink } = planned;
  const { steps } = lowering.options;
  const packed = packDrive(lowering, op, planned.drive, planned.mode, planned.vectors);
  const population: PopulationForm = { ...planned, ...packed, steps };
  const reads: Buffer[] = [...packed.reads];
  const writes: Buffer[] = [];
  if (sink.kind === "current") writes.push(sink.target.view.buffer);
  else {
    reads.push(sink.firing.parameters.buffer, sink.vInit.buffer);
    writes.push(...maskBuffers(sink.masks));
    if (sink.firing.sent !== null) writes.push(sink.firing.sent);
    if (sink.potentials !== null) writes.push(sink.potentials);
    if (sink.trace !== null) writes.push(sink.trace.view.buffer);
  }
  lowering.emit({
    name: `%${op.result} ${op.kind}`,
    phase: "each",
    reads,
    writes,
    emit(code) {
      if (sink.kind === "neurons") clearMaskHalo(code, sink.masks);
      populate(code, population);
    },
  });
}

function modeOf(op: Op, drive: PopulationDrive): LaneMode {
  if (op.type.dtype === "f32") return "f32";
  return drive.fitsInt16 ? "i16" : "i32";
}

/**
 * Vectors to a block, a power of two: whole bytes of spikes, and as many sums as a core has registers
 * for, since walking over spikes costs the same for a narrow block.
 */
function vectorsOf(channels: number, mode: LaneMode): number {
  if (mode === "i16") return channels <= 8 ? 1 : channels <= 16 ? 2 : channels <= 32 ? 4 : 8;
  return channels <= 8 ? 2 : channels <= 16 ? 4 : 8;
}
