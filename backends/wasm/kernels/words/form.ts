/**
 * What a layer on words is made of: the sources that it sums, and what becomes of the sums. Words are
 * whole numbers that neurons send; the current they cause is an exact integer.
 */
import type { Sign } from "../../../../ir/op/op.ts";
import type { Alphabet } from "../../../../ir/op/attrs/shared.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import type { RowSteps } from "../../memory/row-steps.ts";
import type { WordPlanes } from "../../memory/words.ts";
import type { EventSums } from "./event-sums.ts";
import type { RowsInside } from "./inside.ts";
import type { GridView } from "../neurons/population-form.ts";

/** A row for each timestep of a run, the last one for all that follow. */
export interface Rows {
  readonly buffer: Buffer;
  readonly rows: number;
  readonly bytesPerRow: number;
}

/** What words of a timestep are multiplied by after they are summed; null for 1. In i32, one a row. */
export interface Worth {
  readonly table: Rows;
  /** What the table holds. */
  readonly factors: readonly number[];
  /** Numbers of bits to shift by, where all factors are powers of two. */
  readonly isShift: boolean;
}

/** Groups of four bytes that follow each other, of words and of weights. */
export interface Run {
  /** Bytes from the first tap of the window to the first group. */
  readonly offset: number;
  readonly groups: number;
  /** The row of taps that it is of. */
  readonly row: number;
}

/** Words in a window, each through a weight for each output channel. */
export interface WordWindow {
  readonly words: WordPlanes;
  /** Rows and columns of the window, and between neighbouring windows. */
  readonly kernel: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Row and column of the first tap of the first window. */
  readonly origin: readonly [number, number];
  /** Runs whose sum is proved to fit the width of the sums; between them sums go on to 32 bits. */
  readonly chunks: readonly (readonly Run[])[];
  /** [block, group, vector]: 4 output channels by the words of a group. */
  readonly weights: Buffer;
  /** What sums of bytes begin at: [set of rows, block, chunk, vector] in i16; null for 0. */
  readonly starts: Buffer | null;
  readonly inside: RowsInside;
  readonly worth: Worth | null;
  /** How timesteps of few words are summed by events; null where all are summed as above. */
  readonly events: EventSums | null;
}

/** A weight for each channel at one place of a window. */
export interface Tap {
  /** Row and column for the first output. */
  readonly origin: readonly [number, number];
  /** Per output channel, padded to blocks, in i16. */
  readonly weights: Buffer;
}

/** Taps that are summed before their sum goes on to 32 bits. */
export interface TapChunk {
  readonly taps: readonly Tap[];
  /** What takes away the bias of the words, per padded channel in i16; null where there is none to take. */
  readonly starts: Buffer | null;
}

/** Words of one channel each, through a weight of its own for each tap: no fan-out. */
export interface WordTaps {
  readonly words: WordPlanes;
  readonly stride: readonly [number, number];
  readonly chunks: readonly TapChunk[];
  /** Whether what each chunk comes to is proved to fit 16 bits; otherwise products of 32 bits are summed. */
  readonly isNarrow: boolean;
  /** Channels that an output's channel is after the word's; a whole number of blocks. */
  readonly shift: number;
  /** Blocks of outputs that have words. */
  readonly blocks: readonly [number, number];
  readonly worth: Worth | null;
}

/** A current in memory, at each timestep, or at the first of a run only. */
export interface WordCurrent {
  readonly view: GridView;
  readonly atFirst: boolean;
  /** Which timesteps of each row are there; null for all. */
  readonly when: RowSteps | null;
}

/** Neurons of `snn.graded` that end a layer. Tables are [row, padded channel]. */
export interface WordCells {
  readonly kind: "cells";
  readonly words: WordPlanes;
  readonly sign: Sign;
  readonly alphabet: Alphabet;
  readonly bits: number;
  /** Steps as i32, and what divides by them: see `cells.ts`. */
  readonly steps: Rows;
  /** What `constantsOf` in cells.ts gives. */
  readonly constants: Buffer;
  /** 1/step as f32; null for powers, which are found in doubles. */
  readonly inverses: Rows | null;
  /** ¼/step as f32; null where steps are too large to do without a correction. */
  readonly slacks: Rows | null;
  /**
   * What potentials begin at with the layer's bias and ¼, as f32, where neurons fire once and all that they can
   * receive is small enough for that; else null. See `onceOf` in lower/words/once.ts.
   */
  readonly once: Parameter | null;
  /** The largest step. */
  readonly mostStep: number;
  /** Whether a timestep's steps are those of the one before, from this timestep of a run on (from 0). */
  readonly settled: number;
  readonly vInit: Parameter;
  readonly ceiling: Parameter | null;
  /**
   * What no total, negated, is let beyond, so that its sum with the ceiling fits 32 bits; null where that is
   * proved of all totals.
   */
  readonly floor: Parameter | null;
  /** By pixel where state lives on from chunk to chunk, else room for a tile of each unit of work. */
  readonly potentials: Buffer;
  /** What was sent, negated. */
  readonly sent: Buffer | null;
  readonly resumes: boolean;
  readonly trace: GridView | null;
}

/** Per padded channel, 32 bits; the same for all pixels where the stride is 0. */
export interface Parameter {
  readonly buffer: Buffer;
  readonly pixelStride: number;
}

/** Stores the sums. */
export interface WordSums {
  readonly kind: "sums";
  readonly target: GridView;
  /** Where it is to be said which timesteps of a row are stored, if not all. */
  readonly when: RowSteps | null;
}

export interface WordLayer {
  readonly grid: PixelGrid;
  /** Timesteps, 1 where nothing varies. */
  readonly steps: number;
  /** Whether these are all timesteps of a run. */
  readonly isWhole: boolean;
  /** Vectors of four output channels to a block. */
  readonly vectors: number;
  /** Outputs that are summed together: neighbouring pixels, or timesteps of the one that there is. */
  readonly together: number;
  readonly windows: readonly WordWindow[];
  readonly taps: readonly WordTaps[];
  readonly currents: readonly WordCurrent[];
  /** Per padded channel, at each timestep. */
  readonly bias: Buffer | null;
  /** Room for sums of 32 bits, one tile for each unit of work; null where all stay in registers. */
  readonly spare: Buffer | null;
  readonly sink: WordCells | WordSums;
}

/** Whether outputs that are summed together are timesteps. */
export function isAlongTime({ grid }: Pick<WordLayer, "grid">): boolean {
  return grid.rows * grid.columns === 1;
}

/** Output channels of a block. */
export function wordBlock({ vectors }: Pick<WordLayer, "vectors">): number {
  return 4 * vectors;
}

/** Blocks that hold all channels. */
export function wordBlocks(layer: Pick<WordLayer, "vectors" | "grid">): number {
  return Math.ceil(layer.grid.channels / wordBlock(layer));
}

/** Channels with the padding. */
export function paddedChannels(layer: Pick<WordLayer, "vectors" | "grid">): number {
  return wordBlock(layer) * wordBlocks(layer);
}

/** Units of work, each on one thread: rows, or blocks where there is one row. */
export function unitsOf(layer: Pick<WordLayer, "vectors" | "grid">): number {
  return layer.grid.rows > 1 ? layer.grid.rows : wordBlocks(layer);
}

/** Bytes of a tile of sums, or of potentials, in i32. */
export function tileBytes({ together, vectors }: Pick<WordLayer, "together" | "vectors">): number {
  return 16 * together * vectors;
}
