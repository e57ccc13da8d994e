/**
 * Sums of words through weights, by products of pairs. Bytes: i8 weights by words of 0 to 127, in sums of 16
 * bits, 16 products an instruction of relaxed SIMD. That instruction leaves to the machine what it does with
 * an operand above 127 and with pairs beyond 16 bits; words have 7 bits, and 2 · 127 · 128 fits, so
 * neither ever occurs. Sums of 16 bits may wrap on the way: only what a chunk of terms comes to must fit.
 * Words of two bytes: 8 products an instruction of plain SIMD, in sums of 32 bits.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import type { Run, WordWindow, Worth } from "./form.ts";
import { type RowInside, whenRowInside } from "./inside.ts";

/** The tile that is summed. */
export interface DotTile {
  /** One a position and vector, positions first: where sums are in the end, as i32. */
  readonly sums: readonly Local[];
  readonly positions: number;
  readonly vectors: number;
  /** Bytes of words from one position to the next. */
  readonly stride: number;
}

/** Where a tile's window is read. */
export interface DotPlace {
  /** The first tap of the first position, with the offset from there. */
  readonly words: Local;
  readonly wordsOffset: number;
  readonly weights: Local;
  readonly inside: RowInside | null;
  /** Where sums of the block and row begin. */
  readonly starts: Local | null;
  /** A place in memory for sums of 32 bits, and the offset from there. */
  readonly spare: Local | null;
  readonly spareOffset: number;
}

/** Runs of groups that are unrolled: V8 of Node 20 spills where a turn has more than one. */
function unrolled(groups: number, isByte: boolean): number {
  if (!isByte) return 1;
  for (const turns of [4, 3, 2]) if (groups % turns === 0) return turns;
  return 1;
}

/** Sets the sums of a tile to those of a window, before they are multiplied by what a word is worth. */
export function sumWindow(
  code: FunctionWriter,
  window: WordWindow,
  place: DotPlace,
  tile: DotTile,
): void {
  const { v128, i32x4 } = code.wasm;
  const isByte = window.words.bytes === 1;
  const { sums, vectors } = tile;
  const last = window.chunks.length - 1;
  window.chunks.forEach((runs, chunk) => {
    sums.forEach((sum, i) => {
      if (window.starts === null) sum.set(v128.const(new Array<number>(16).fill(0)));
      else {
        const at = window.starts.address + 16 * (chunk * vectors + (i % vectors));
        sum.set(v128.load(at, 16, known(place.starts, "where sums begin").get()));
      }
    });
    for (const run of runs) {
      const add = (): void => {
        sumRun(code, window, place, tile, run);
      };
      whenRowInside(code, window.inside, place.inside, run.row, add, () => {
        place.weights.step(16 * vectors * run.groups);
      });
    }
    if (!isByte) return;
    sums.forEach((sum, i) => {
      const wide = (): Expr => i32x4.extadd_pairwise_i16x8_s(sum.get());
      const spare = place.spare;
      const at = place.spareOffset + 16 * i;
      const all =
        chunk === 0
          ? wide()
          : i32x4.add(wide(), v128.load(at, 16, known(spare, "room for sums").get()));
      if (chunk === last) sum.set(all);
      else code.push(v128.store(at, 16, known(spare, "room for sums").get(), all));
    });
  });
}

/** Adds the products of a run; moves the pointer to weights. */
function sumRun(
  code: FunctionWriter,
  window: WordWindow,
  place: DotPlace,
  tile: DotTile,
  run: Run,
): void {
  const { i32 } = code.wasm;
  const turns = unrolled(run.groups, window.words.bytes === 1);
  const group = 16 * tile.vectors;
  if (run.groups === turns) {
    for (let turn = 0; turn < turns; turn++) {
      const offset = place.wordsOffset + run.offset + 4 * turn;
      sumGroup(code, window, place.words, place.weights, tile, offset, turn);
    }
    place.weights.step(group * turns);
    return;
  }
  code.borrow("i32", 2, ([first, second]) => {
    const [at, end] = [known(first, "a pointer"), known(second, "an end")];
    at.set(i32.add(place.words.get(), code.int(run.offset)));
    end.set(i32.add(at.get(), code.int(4 * run.groups)));
    code.repeat(
      () => {
        for (let turn = 0; turn < turns; turn++) {
          const offset = place.wordsOffset + 4 * turn;
          sumGroup(code, window, at, place.weights, tile, offset, turn);
        }
        at.step(4 * turns);
        place.weights.step(group * turns);
      },
      () => i32.lt_u(at.get(), end.get()),
    );
  });
}

/** Adds the products of four bytes of words of each position. */
function sumGroup(
  code: FunctionWriter,
  window: WordWindow,
  words: Local,
  weights: Local,
  { sums, positions, vectors, stride }: DotTile,
  offset: number,
  turn: number,
): void {
  const { v128, i16x8, i32x4 } = code.wasm;
  const isByte = window.words.bytes === 1;
  code.borrow("v128", vectors + 1, (temporaries) => {
    const rows = temporaries.slice(0, vectors);
    const four = known(temporaries[vectors], "a temporary");
    rows.forEach((row, v) => {
      row.set(v128.load(window.weights.address + 16 * (turn * vectors + v), 16, weights.get()));
    });
    for (let p = 0; p < positions; p++) {
      const at = offset + p * stride;
      four.set(v128.load32_splat(at, 1, words.get()));
      rows.forEach((row, v) => {
        const sum = known(sums[p * vectors + v], "a sum");
        sum.set(
          isByte
            ? i16x8.add(sum.get(), code.assembler.dotOfBytes(row.get(), four.get()))
            : i32x4.add(sum.get(), i32x4.dot_i16x8_s(row.get(), four.get())),
        );
      });
    }
  });
}

/** `sum` · what a word is worth at the timestep that `row` points to. */
export function timesLoaded(
  code: FunctionWriter,
  { table, isShift }: Worth,
  row: Local | null,
  sum: Expr,
): Expr {
  const { i32x4, i32, v128 } = code.wasm;
  const at = known(row, "a row of worths");
  if (isShift) return i32x4.shl(sum, i32.load(table.buffer.address, 4, at.get()));
  return i32x4.mul(sum, v128.load32_splat(table.buffer.address, 4, at.get()));
}

/** `sum` · 2^`factor`, or · `factor`. */
export function timesKnown(
  code: FunctionWriter,
  factor: number,
  isShift: boolean,
  sum: Expr,
): Expr {
  const { i32x4 } = code.wasm;
  if (factor === (isShift ? 0 : 1)) return sum;
  return isShift ? i32x4.shl(sum, code.int(factor)) : i32x4.mul(sum, i32x4.splat(code.int(factor)));
}
