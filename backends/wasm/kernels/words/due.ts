/** Which timesteps of a tile are computed: those at which it may send something. */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { activityRowBytes } from "../../memory/words.ts";
import type { WordCells, WordLayer } from "./form.ts";
import type { LayerPlaces } from "./places.ts";
import type { TileShape } from "./turn.ts";

/** Bits for all timesteps of a chunk, as i64. */
export function allSteps(steps: number): bigint {
  return BigInt.asIntN(64, 2n ** BigInt(steps) - 1n);
}

/** Timesteps that are still to be computed, and those at which each position sent something, as bits. */
interface Due {
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
  const sent = code.several(tile.positions, "i64");
  for (const own of sent) own.set(i64.const(0n));
  const windows = windowActivity(layer, places, tile);
  if (windows === null) mask.set(i64.const(allSteps(steps)));
  else {
    mask.set(stepsOfChange(code, sink, steps));
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
 * Where it says at which timesteps the pixels send something that a tile receives from; null where it receives
 * at all of them, or is to be known at all of them.
 */
function windowActivity(
  { sink, windows, taps, currents, bias }: WordLayer,
  places: LayerPlaces,
  { positions }: TileShape,
): readonly { readonly at: Local; readonly offset: number }[] | null {
  if (sink.kind !== "cells" || sink.trace !== null || bias !== null) return null;
  if (currents.some(({ atFirst }) => !atFirst)) return null;
  const found: { readonly at: Local; readonly offset: number }[] = [];
  for (const [i, window] of windows.entries()) {
    const activity = places.windows[i]?.activity ?? null;
    if (activity === null) return null;
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
    if (activity === null) return null;
    for (const { origin } of source.chunks.flatMap(({ taps: each }) => each)) {
      for (let p = 0; p < positions; p++) {
        const bytes = origin[0] * activityRowBytes(source.words) + 8 * origin[1];
        found.push({ at: activity.at, offset: activity.offset + bytes + p * activity.stride });
      }
    }
  }
  return found;
}
