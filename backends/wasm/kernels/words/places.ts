/** Where a layer on words reads and writes: pointers at a row of pixels, and what they move by. */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo } from "../../assembler/memory.ts";
import type { Buffer } from "../../memory/view.ts";
import {
  type WordPlanes,
  activityOffset,
  activityRowBytes,
  wordOffset,
  wordPixelBytes,
  wordPlaneBytes,
  wordRowBytes,
} from "../../memory/words.ts";
import type { RowSteps } from "../../memory/row-steps.ts";
import { rowStepsAt } from "../time/row-steps.ts";
import type { GridView } from "../neurons/population-form.ts";
import { type RowInside, openInside } from "./inside.ts";
import { type EventSums, sumsPixelBytes, sumsRowBytes } from "./event-sums.ts";
import {
  type Parameter,
  type WordLayer,
  isAlongTime,
  paddedChannels,
  tileBytes,
  wordBlock,
} from "./form.ts";

/** A pointer to a buffer, and the immediate offset that belongs to it. */
export interface Place {
  readonly at: Local;
  readonly offset: number;
  /** Bytes from position to position of a tile. */
  readonly stride: number;
  /** Bytes from timestep to timestep. */
  readonly plane: number;
}

export interface CellPlaces {
  readonly words: Place;
  readonly activity: Place | null;
  readonly potentials: Place;
  readonly sent: Place | null;
  readonly vInit: Place;
  readonly once: Place | null;
  readonly ceiling: Place | null;
  readonly floor: Place | null;
  readonly trace: Place | null;
}

/** All places of a row of one block. */
export interface LayerPlaces {
  /** Of the first tap of a window, and its activity. */
  readonly windows: readonly {
    readonly words: Place;
    readonly activity: Place | null;
    /** From where the sums of a timestep by events begin. */
    readonly sums: Place | null;
    readonly inside: RowInside | null;
  }[];
  readonly taps: readonly { readonly words: Place; readonly activity: Place | null }[];
  /** With the timesteps of the row that are there, as bits; null for all. */
  readonly currents: readonly { readonly place: Place; readonly when: Local | null }[];
  readonly spare: Place | null;
  readonly cells: CellPlaces | null;
  /** With the timesteps of the row that are to be stored; null for all. */
  readonly sums: { readonly place: Place; readonly when: Local | null } | null;
  /** Moves to the tile so many positions on. */
  advance(positions: number): void;
}

export function openRow(
  code: FunctionWriter,
  layer: WordLayer,
  block: Local,
  row: Local,
): LayerPlaces {
  const { i32 } = code.wasm;
  const { grid, sink, spare } = layer;
  const width = wordBlock(layer);
  const lanes = paddedChannels(layer);
  const alongTime = isAlongTime(layer);
  const unit = grid.rows > 1 ? row : block;
  const moving: { readonly at: Local; readonly bytes: number }[] = [];
  const open = (
    buffer: Buffer,
    offset: number,
    per: { readonly row?: number; readonly block?: number; readonly unit?: number },
    step: { readonly pixel: number; readonly plane: number },
    moves = true,
  ): Place => {
    const at = pointerTo(code, buffer);
    const add = (local: Local, bytes = 0): void => {
      if (bytes !== 0) at.advance(i32.mul(local.get(), code.int(bytes)));
    };
    add(row, per.row);
    add(block, per.block);
    add(unit, per.unit);
    if (moves) moving.push({ at, bytes: step.pixel });
    const { plane } = step;
    return { at, offset: buffer.address + offset, stride: alongTime ? plane : step.pixel, plane };
  };
  const ofGrid = ({ view, rowStride, columnStride }: GridView): Place =>
    open(
      view.buffer,
      placeOf(view) - view.buffer.address,
      { row: 4 * rowStride, block: 4 * width },
      { pixel: 4 * columnStride, plane: 4 * view.lead },
    );
  const ofWords = (
    words: WordPlanes,
    offset: number,
    stride: readonly [number, number],
    blockBytes: number,
  ): Place =>
    open(
      words.buffer,
      offset,
      { row: stride[0] * wordRowBytes(words), block: blockBytes },
      { pixel: stride[1] * wordPixelBytes(words), plane: wordPlaneBytes(words) },
    );
  const ofActivity = (
    words: WordPlanes,
    origin: readonly [number, number],
    stride: readonly [number, number],
    block = 0,
  ): Place | null =>
    words.activity === null
      ? null
      : open(
          words.activity,
          activityOffset(words, ...origin),
          { row: stride[0] * activityRowBytes(words), block },
          { pixel: 8 * words.noted * stride[1], plane: 0 },
        );
  const ofParameter = ({ buffer, pixelStride }: Parameter): Place =>
    open(
      buffer,
      0,
      { row: pixelStride * grid.columns, block: 4 * width },
      { pixel: pixelStride, plane: 0 },
    );
  const ofSums = (events: EventSums): Place => {
    const at = code.define("i32", i32.mul(row.get(), code.int(sumsRowBytes(events))));
    at.advance(i32.mul(block.get(), code.int(4 * width)));
    const pixel = sumsPixelBytes(events);
    moving.push({ at, bytes: pixel });
    return { at, offset: 0, stride: alongTime ? 0 : pixel, plane: 0 };
  };
  const windows = layer.windows.map(({ words, origin, stride, events, inside }) => ({
    words: ofWords(words, wordOffset(words, ...origin), stride, 0),
    activity: ofActivity(words, origin, stride),
    sums: events === null ? null : ofSums(events),
    inside: openInside(code, inside, row),
  }));
  const taps = layer.taps.map(({ words, stride, shift }) => {
    const place = ofWords(words, 0, stride, width * words.bytes);
    place.at.step(-shift * words.bytes);
    return { words: place, activity: ofActivity(words, [0, 0], stride) };
  });
  const whenOf = (when: RowSteps | null): Local | null =>
    when === null ? null : rowStepsAt(code, when, row);
  const currents = layer.currents.map(({ view, when }) => ({
    place: ofGrid(view),
    when: whenOf(when),
  }));
  const tile = tileBytes(layer);
  const stay = { pixel: 0, plane: 0 };
  let cells: CellPlaces | null = null;
  if (sink.kind === "cells") {
    const { words, resumes } = sink;
    const state = (buffer: Buffer): Place =>
      resumes
        ? open(
            buffer,
            0,
            { row: grid.columns * 4 * lanes, block: 4 * width },
            { pixel: 4 * lanes, plane: 0 },
          )
        : { ...open(buffer, 0, { unit: tile }, stay, false), stride: alongTime ? 0 : 4 * width };
    cells = {
      words: ofWords(words, wordOffset(words, 0, 0), [1, 1], width * words.bytes),
      activity: ofActivity(words, [0, 0], [1, 1], alongTime ? 8 : 0),
      potentials: state(sink.potentials),
      sent: sink.sent === null ? null : state(sink.sent),
      vInit: ofParameter(sink.vInit),
      once: sink.once === null ? null : ofParameter(sink.once),
      ceiling: sink.ceiling === null ? null : ofParameter(sink.ceiling),
      floor: sink.floor === null ? null : ofParameter(sink.floor),
      trace: sink.trace === null ? null : ofGrid(sink.trace),
    };
  }
  return {
    windows,
    taps,
    currents,
    spare: spare === null ? null : open(spare, 0, { unit: 2 * tile }, stay, false),
    cells,
    sums: sink.kind === "sums" ? { place: ofGrid(sink.target), when: whenOf(sink.when) } : null,
    advance(positions) {
      for (const { at, bytes } of moving) at.step(positions * bytes);
    },
  };
}
