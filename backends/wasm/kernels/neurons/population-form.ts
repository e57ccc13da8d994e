/** What a population of neurons is made of: sources, sinks, and how its channels lie in blocks. */
import type { Local } from "../../assembler/code.ts";
import { type PixelGrid, type SpikeMasks } from "../../memory/spikes.ts";
import type { Buffer, View } from "../../memory/view.ts";
import { type EventWindow } from "../synapses/events.ts";
import { type FiringForm, type Parameters } from "./firing.ts";
import { type LaneMode, lanesPerVector } from "../lanes.ts";
import { type TableWindow } from "../synapses/lookups.ts";

/** What a population integrates. */
export type DriveSource =
  /** Spikes through weights. */
  | EventWindow
  | TableWindow
  /** Spikes of the same channel, each through its own weight: no fan-out, no event loop. */
  | {
      readonly kind: "aligned";
      readonly masks: SpikeMasks;
      /** Pixels between the windows of neighbouring outputs. */
      readonly stride: readonly [number, number];
      readonly taps: readonly {
        /** Row and column of this tap for the first output. */
        readonly origin: readonly [number, number];
        /** Per channel, padded to blocks, in 32-bit elements. */
        readonly weights: Buffer;
      }[];
    }
  /** A current that is there already; constant over time where its lead is 0. */
  | { readonly kind: "current"; readonly view: GridView };

/** A view by pixel: channels are neighbours. Strides in elements. */
export interface GridView {
  readonly view: View;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface NeuronSink {
  readonly kind: "neurons";
  readonly firing: FiringForm;
  readonly vInit: Parameters;
  readonly masks: SpikeMasks;
  /** Keeps potentials where registers do not: [pixel, padded channel]. */
  readonly potentials: Buffer | null;
  /** Whether state is there from the chunk of timesteps before; else each begins at `vInit`. */
  readonly resumes: boolean;
  /** Receives the potential after each timestep. */
  readonly trace: GridView | null;
}

/** Stores the sums themselves, at each timestep. */
export interface CurrentSink {
  readonly kind: "current";
  readonly target: GridView;
}

export interface PopulationForm {
  readonly grid: PixelGrid;
  readonly steps: number;
  readonly mode: LaneMode;
  /** Vectors of output channels to a block. */
  readonly vectors: number;
  readonly sources: readonly DriveSource[];
  /**
   * Added at each timestep, per channel, padded to blocks; in 32-bit elements. A row for each timestep
   * of a run, the last one for all that follow.
   */
  readonly bias: { readonly buffer: Buffer; readonly rows: number } | null;
  readonly sink: NeuronSink | CurrentSink;
}

/** Channels of one block. */
export function blockWidth(population: Pick<PopulationForm, "mode" | "vectors">): number {
  return population.vectors * lanesPerVector(population.mode);
}

/**
 * Whether potentials are better kept in memory from timestep to timestep: x64 has 16 vector
 * registers, and where potentials take half of them, the sums that events add to are spilled.
 */
export function crowdsRegisters({ vectors }: Pick<PopulationForm, "vectors">): boolean {
  return vectors > 4;
}

/** Whole blocks that hold `channels`. */
export function blockCount(channels: number, width: number): number {
  return Math.ceil(channels / width);
}

/** Where a row of pixels starts in everything that is indexed by pixel. */
export interface PixelPointers {
  readonly local: Local;
  /** Bytes from pixel to pixel. */
  readonly pixel: number;
}

export type SinkPointers =
  | { readonly target: PixelPointers }
  | {
      readonly levels: PixelPointers;
      readonly vInit: PixelPointers;
      readonly masks: PixelPointers;
      readonly potentials: PixelPointers | null;
      readonly sent: PixelPointers | null;
      readonly trace: PixelPointers | null;
    };

/** Bytes of one pixel's channels with the padding, in 32-bit elements. */
export function paddedBytes(grid: PixelGrid, width: number): number {
  return 4 * width * blockCount(grid.channels, width);
}
