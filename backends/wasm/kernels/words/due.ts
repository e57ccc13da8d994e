/** Which timesteps of a tile are computed: those at which it may send something. */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { pointerTo } from "../../assembler/memory.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { RowSteps } from "../../memory/row-steps.ts";
import { activityBytes, activityOffset, activityRowBytes } from "../../memory/words.ts";
import { noteRowSteps } from "../time/row-steps.ts";
import { type WordCells, type WordLayer, isAlongTime } from "./form.ts";
import type { LayerPlaces } from "./places.ts";
import type { TileShape } from "./turn.ts";

/** Bits for all timesteps of a chunk, as i64. */
export function allSteps(steps: number): bigint {
  return BigInt.asIntN(64, 2n ** BigInt(steps) - 1n);
}

/** Timesteps that are still to be computed, and those at which each position sent something, as bits. */
export interface Due {
  readonly mask: Local;
  readonly sent: readonly Local[];
}

/** Null where all timesteps are computed and nobody asks which sent something. */
export function dueOf(
  code: FunctionWriter,
  layer: WordLayer,
  places: LayerPlaces,
  tile: TileShape,
): Due | null {
  const { sink, steps } = layer;
  if (sink.kind !== "cells" || sink.words.activity === null) return null;
  const { i64 } = code.wasm;
  const mask = code.local("i64");
  const alongTime = isAlongTime(layer);
  const sent = code.several(alongTime ? 1 : tile.positions, "i64");
  for (const own of sent) own.set(i64.const(0n));
  if (alongTime) {
    const { received } = tile;
    const all = i64.const(allSteps(steps));
    mask.set(received === null ? all : i64.or(stepsOfChange(code, sink, steps), received.get()));
    return { mask, sent };
  }
  const windows = windowActivity(layer, places, tile);
  if (windows === null) mask.set(i64.const(allSteps(steps)));
  else {
    mask.set(stepsOfChange(code, sink, steps));
    for (const { when } of places.currents) {
      if (when !== null) mask.set(i64.or(mask.get(), when.get()));
    }
    for (const { at, offset } of windows) {
      mask.set(i64.or(mask.get(), i64.load(offset, 8, at.get())));
    }
  }
  return { mask, sent };
}

/**
 * Timesteps at which neurons may send something whatever they receive: those whose step is another than
 * before, and the first one of a chunk, which follows one that is not known here. A neuron that sent nothing at its last
 * timestep and receives nothing has the same potential and, where the step is the same, sends nothing again.
 */
function stepsOfChange(code: FunctionWriter, { settled }: WordCells, steps: number): Expr {
  const { i32, i64 } = code.wasm;
  const rows = code.define("i32", i32.sub(code.int(settled), code.parameter(2).get()));
  code.when(i32.lt_s(rows.get(), code.int(1)), () => {
    rows.set(code.int(1));
  });
  const low = i64.sub(i64.shl(i64.const(1n), i64.extend_u(rows.get())), i64.const(1n));
  return code.wasm.select(i32.ge_s(rows.get(), code.int(steps)), i64.const(allSteps(steps)), low);
}

/**
 * Timesteps of a chunk at which a layer of one pixel receives anything, as bits; null where it may at all of them, or is to
 * be known at all of them. What is there at the first timestep of a run only is not meant: that one is always computed.
 */
export function receivedAt(
  code: FunctionWriter,
  { sink, windows, taps, currents, bias }: WordLayer,
): Local | null {
  if (sink.kind !== "cells" || sink.words.activity === null) return null;
  if (sink.trace !== null || bias !== null || currents.some(({ atFirst }) => !atFirst)) return null;
  const sources = [...windows, ...taps].map(({ words }) => words);
  if (sources.some(({ activity }) => activity === null)) return null;
  const { i64 } = code.wasm;
  const received = code.define("i64", i64.const(0n));
  for (const words of new Set(sources)) {
    // All of them: a window of one pixel sees nearly all, and halos are 0.
    const buffer = known(words.activity, "activity");
    const at = pointerTo(code, buffer);
    code.times(activityBytes(words) / 8, () => {
      received.set(i64.or(received.get(), i64.load(buffer.address, 8, at.get())));
      at.step(8);
    });
  }
  return received;
}

/**
 * Notes for rows of sums at which timesteps their windows receive anything: only these are computed. For layers of
 * nothing but words that say when they are sent.
 */
export function noteStored(
  code: FunctionWriter,
  { windows, taps }: WordLayer,
  when: RowSteps,
  { from, to }: { readonly from: Local; readonly to: Local },
): void {
  const { i32, i64 } = code.wasm;
  const sources = [
    ...windows.map(({ words, kernel, dilation, origin, stride }) => ({
      ...{ words, stride },
      rows: Array.from({ length: kernel[0] }, (_, r) => origin[0] + r * dilation[0]),
    })),
    ...taps.map(({ words, stride, chunks }) => ({
      ...{ words, stride },
      rows: chunks.flatMap(({ taps: each }) => each.map(({ origin }) => origin[0])),
    })),
  ];
  const row = code.define("i32", from.get());
  const bits = code.local("i64");
  code.upTo(
    row,
    () => to.get(),
    1,
    () => {
      bits.set(i64.const(0n));
      for (const { words, stride, rows } of sources) {
        const buffer = known(words.activity, "activity");
        const bytes = activityRowBytes(words);
        for (const first of new Set(rows)) {
          const at = pointerTo(code, buffer);
          at.advance(i32.mul(row.get(), code.int(stride[0] * bytes)));
          at.step(activityOffset(words, first, -words.halo.left));
          code.times(bytes / 8, () => {
            bits.set(i64.or(bits.get(), i64.load(buffer.address, 8, at.get())));
            at.step(8);
          });
        }
      }
      noteRowSteps(code, when, row, bits);
    },
  );
}

/**
 * Where it says at which timesteps the pixels send something that a tile receives from; null where it receives
 * at all of them, or is to be known at all of them.
 */
function windowActivity(
  { sink, windows, taps, currents, bias }: WordLayer,
  places: LayerPlaces,
  { positions }: TileShape,
): readonly { readonly at: Local; readonly offset: number }[] | null {
  if (sink.kind !== "cells" || sink.trace !== null || bias !== null) return null;
  if (currents.some(({ atFirst, when }) => !atFirst && when === null)) return null;
  const found: { readonly at: Local; readonly offset: number }[] = [];
  for (const [i, window] of windows.entries()) {
    const activity = places.windows[i]?.activity ?? null;
    if (activity === null || window.words.noted > 1) return null;
    const columns = new Set<number>();
    for (let p = 0; p < positions; p++) {
      for (let c = 0; c < window.kernel[1]; c++) {
        columns.add(p * window.stride[1] + c * window.dilation[1]);
      }
    }
    for (let r = 0; r < window.kernel[0]; r++) {
      for (const column of columns) {
        const bytes = r * window.dilation[0] * activityRowBytes(window.words) + 8 * column;
        found.push({ at: activity.at, offset: activity.offset + bytes });
      }
    }
  }
  for (const [i, source] of taps.entries()) {
    const activity = places.taps[i]?.activity ?? null;
    if (activity === null || source.words.noted > 1) return null;
    for (const { origin } of source.chunks.flatMap(({ taps: each }) => each)) {
      for (let p = 0; p < positions; p++) {
        const bytes = origin[0] * activityRowBytes(source.words) + 8 * origin[1];
        found.push({ at: activity.at, offset: activity.offset + bytes + p * activity.stride });
      }
    }
  }
  return found;
}
