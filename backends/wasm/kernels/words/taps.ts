/**
 * Words through a weight each, without fan-out: shortcuts, depthwise windows and pools. Where what a chunk of taps
 * comes to is proved to fit 16 bits, eight channels are multiplied and summed in one register, the words still
 * with their bias; sums may wrap on the way. A word that several positions see is loaded once.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { wordOffset } from "../../memory/words.ts";
import type { Tap, TapChunk, WordTaps } from "./form.ts";
import type { Place } from "./places.ts";

/** The tile that is summed. */
export interface TapTile {
  /** One a position and vector, positions first. */
  readonly sums: readonly Local[];
  readonly positions: number;
  readonly vectors: number;
  /** Of the block, in weights of two bytes. */
  readonly weights: Local;
  /** How the sum of a position's words becomes what they are worth. */
  readonly worth: (position: number, sum: Expr) => Expr;
  /** Whether sums have no value yet. */
  readonly isFirst: boolean;
}

/** Taps of a row that are multiplied together: their weights are in registers. */
const mostTogether = 5;

/** Adds taps to the sums of a tile, or sets them. `place` is at the timestep. */
export function addTaps(
  code: FunctionWriter,
  source: WordTaps,
  place: Pick<Place, "at" | "stride">,
  tile: TapTile,
): void {
  const { v128 } = code.wasm;
  if (!source.isNarrow) {
    if (tile.isFirst) {
      for (const sum of tile.sums) sum.set(v128.const(new Array<number>(16).fill(0)));
    }
    for (const { taps } of source.chunks) addWide(code, source, taps, place, tile);
    return;
  }
  for (let pair = 0; pair < tile.vectors / 2; pair++) {
    source.chunks.forEach((chunk, i) => {
      code.borrow("v128", tile.positions, (accumulated) => {
        sumNarrow(code, source, chunk, place, tile, pair, accumulated);
        const isFirst = tile.isFirst && i === 0;
        accumulated.forEach((eight, p) => {
          addEight(code, { ...tile, isFirst }, pair, p, (half) => {
            const { i32x4 } = code.wasm;
            return half === 0
              ? i32x4.extend_low_i16x8_s(eight.get())
              : i32x4.extend_high_i16x8_s(eight.get());
          });
        });
      });
    });
  }
}

/** Adds both halves of a vector of eight channels to sums of 32 bits. */
function addEight(
  code: FunctionWriter,
  { sums, vectors, worth, isFirst }: TapTile,
  pair: number,
  position: number,
  half: (half: 0 | 1) => Expr,
): void {
  for (const which of [0, 1] as const) {
    const sum = known(sums[position * vectors + 2 * pair + which], "a sum");
    const own = worth(position, half(which));
    sum.set(isFirst ? own : code.wasm.i32x4.add(sum.get(), own));
  }
}

/** Sums of 16 bits of a chunk of taps, for eight channels of each position. */
function sumNarrow(
  code: FunctionWriter,
  { words }: WordTaps,
  { taps, starts }: TapChunk,
  { at, stride }: Pick<Place, "at" | "stride">,
  tile: TapTile,
  pair: number,
  accumulated: readonly Local[],
): void {
  const { v128, i16x8 } = code.wasm;
  const isSet = accumulated.map(() => starts !== null);
  if (starts !== null) {
    for (const each of accumulated) {
      each.set(v128.load(starts.address + 16 * pair, 16, tile.weights.get()));
    }
  }
  for (const row of rowsOf(taps)) {
    code.borrow("v128", row.length + 1, (registers) => {
      const eight = known(registers[row.length], "words");
      row.forEach(({ weights }, i) => {
        const own = known(registers[i], "weights");
        own.set(v128.load(weights.address + 16 * pair, 16, tile.weights.get()));
      });
      for (const [offset, uses] of readsOf(words, row, stride, tile.positions)) {
        const from = words.buffer.address + offset + 8 * pair * words.bytes;
        eight.set(loadEight(code, words, from, at));
        for (const { tap, position } of uses) {
          const sum = known(accumulated[position], "a sum");
          const product = i16x8.mul(eight.get(), known(registers[tap], "weights").get());
          sum.set(isSet[position] === true ? i16x8.add(sum.get(), product) : product);
          isSet[position] = true;
        }
      }
    });
  }
}

/** Taps that follow each other in a row of the window, a few at once. */
function rowsOf(taps: readonly Tap[]): Tap[][] {
  const rows: Tap[][] = [];
  for (const tap of taps) {
    const last = rows.at(-1);
    if (last?.[0]?.origin[0] === tap.origin[0] && last.length < mostTogether) last.push(tap);
    else rows.push([tap]);
  }
  return rows;
}

/** What is read for some taps of all positions, in the order in which it lies, with the products it is for. */
function readsOf(
  words: WordTaps["words"],
  taps: readonly Tap[],
  stride: number,
  positions: number,
): [number, { readonly tap: number; readonly position: number }[]][] {
  const reads = new Map<number, { tap: number; position: number }[]>();
  for (let position = 0; position < positions; position++) {
    taps.forEach(({ origin }, tap) => {
      const offset = wordOffset(words, ...origin) + position * stride;
      const uses = reads.get(offset) ?? [];
      uses.push({ tap, position });
      reads.set(offset, uses);
    });
  }
  return [...reads].sort(([a], [b]) => a - b);
}

/** Eight words as 16 bits, with their bias. */
function loadEight(
  code: FunctionWriter,
  { bytes }: WordTaps["words"],
  from: number,
  at: Local,
): Expr {
  const { v128 } = code.wasm;
  return bytes === 1 ? v128.load8x8_u(from, 1, at.get()) : v128.load(from, 1, at.get());
}

/** Products of 32 bits, tap by tap. */
function addWide(
  code: FunctionWriter,
  source: WordTaps,
  taps: readonly Tap[],
  { at, stride }: Pick<Place, "at" | "stride">,
  tile: TapTile,
): void {
  const { i32x4, i16x8, v128 } = code.wasm;
  const { words } = source;
  const eight = code.local("v128");
  const own = code.local("v128");
  for (const { origin, weights } of taps) {
    const offset = words.buffer.address + wordOffset(words, ...origin);
    for (let pair = 0; pair < tile.vectors / 2; pair++) {
      own.set(v128.load(weights.address + 16 * pair, 16, tile.weights.get()));
      for (let p = 0; p < tile.positions; p++) {
        const loaded = loadEight(code, words, offset + p * stride + 8 * pair * words.bytes, at);
        eight.set(words.bias === 0 ? loaded : i16x8.sub(loaded, i16x8.splat(code.int(words.bias))));
        addEight(code, { ...tile, isFirst: false }, pair, p, (half) => {
          const name = half === 0 ? "extmul_low_i16x8_s" : "extmul_high_i16x8_s";
          return i32x4[name](eight.get(), own.get());
        });
      }
    }
  }
}
