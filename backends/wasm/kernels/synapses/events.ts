/**
 * Spikes through weights: walks the set bits of a window's masks at one timestep and adds one row of
 * weights for each. Masks of neighbouring taps are joined into 64-bit words, as leaving a loop over
 * few bits is what costs most.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import {
  type SignedMasks,
  type SpikeMasks,
  pixelBytes,
  pixelOffset,
  rowBytes,
  signsOf,
} from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";
import { type LaneSums, adderOf, lanesPerVector, weightBytes } from "../lanes.ts";

/** A window of spikes that slides over a grid, and its weights. */
export interface EventWindow {
  readonly kind: "events";
  readonly masks: SpikeMasks;
  /** Taps by row and column. */
  readonly kernel: readonly [number, number];
  /** Pixels between neighbouring taps. */
  readonly dilation: readonly [number, number];
  /** Pixels between the windows of neighbouring outputs. */
  readonly stride: readonly [number, number];
  /** Row and column of the first tap of the first window; negative in the halo. */
  readonly origin: readonly [number, number];
  /** [block, tap, input channel, lane]; every tap has the same weights where `sharedTaps`. */
  readonly weights: Buffer;
  readonly sharedTaps: boolean;
}

/** Bits of one word, and where they come from. */
interface Piece {
  /** Bytes from the pixel's first timestep. */
  readonly offset: number;
  readonly bits: number;
  readonly shift: number;
}

interface Word {
  readonly pieces: readonly Piece[];
  /** The row of weights of bit 0. */
  readonly firstRow: number;
}

/** Above this many words of a window, taps become a loop of the generated code. */
const unrolledWords = 12;

/** Bits become additions, or subtractions where they are spikes of −1. */
interface Walk {
  readonly window: EventWindow;
  readonly sign: SignedMasks["sign"];
  /** The address of the first window's mask. */
  readonly base: number;
  readonly sums: LaneSums;
  readonly bytesPerRow: number;
}

/** Adds the events of one timestep. `pointer` is at the first window's pixel (0, 0) and timestep. */
export function emitEvents(
  code: FunctionWriter,
  window: EventWindow,
  pointer: Local,
  block: Local,
  sums: LaneSums,
): void {
  const bytesPerRow = sums.locals.length * lanesPerVector(sums.mode) * weightBytes(sums.mode);
  const offset = pixelOffset(window.masks, ...window.origin);
  for (const { buffer, sign } of signsOf(window.masks)) {
    const walk: Walk = { window, sign, base: buffer.address + offset, sums, bytesPerRow };
    emitWindow(code, walk, pointer, block);
  }
}

function emitWindow(code: FunctionWriter, walk: Walk, pointer: Local, block: Local): void {
  const { i32 } = code.wasm;
  const { window, bytesPerRow } = walk;
  const { masks, kernel } = window;
  const channels = masks.grid.channels;
  const taps = kernel[0] * kernel[1];
  const rows = (window.sharedTaps ? 1 : taps) * channels;
  const weights = code.define("i32", i32.mul(block.get(), code.int(rows * bytesPerRow)));

  const all = wordsOf(window, [0, kernel[0]], [0, kernel[1]]);
  if (all.length <= unrolledWords) {
    for (const word of all) emitWord(code, walk, word, pointer, weights);
    return;
  }
  const tapRow = code.define("i32", pointer.get());
  code.times(kernel[0], () => {
    const words = wordsOf(window, [0, 1], [0, kernel[1]]);
    if (words.length <= unrolledWords) {
      for (const word of words) emitWord(code, walk, word, tapRow, weights);
      if (!window.sharedTaps) weights.step(kernel[1] * channels * bytesPerRow);
    } else {
      const tap = code.define("i32", tapRow.get());
      code.times(kernel[1], () => {
        emitTap(code, walk, tap, weights);
        tap.step(window.dilation[1] * pixelBytes(masks));
        if (!window.sharedTaps) weights.step(channels * bytesPerRow);
      });
    }
    tapRow.step(window.dilation[0] * rowBytes(masks));
  });
}

/** One tap of many channels: a loop over whole words, then what is left. */
function emitTap(code: FunctionWriter, walk: Walk, tap: Local, weights: Local): void {
  const words = wordsOf(walk.window, [0, 1], [0, 1]);
  const full = words.filter((word) => word.pieces[0]?.bits === 64).length;
  if (words.length <= unrolledWords || full < 2) {
    for (const word of words) emitWord(code, walk, word, tap, weights);
    return;
  }
  const at = code.define("i32", tap.get());
  const rows = code.define("i32", weights.get());
  const first = known(words[0], "a word");
  code.times(full, () => {
    emitWord(code, walk, first, at, rows);
    at.step(8);
    rows.step(64 * walk.bytesPerRow);
  });
  for (const word of words.slice(full)) {
    const moved = {
      firstRow: 0,
      pieces: word.pieces.map((piece) => ({ ...piece, offset: 0 })),
    };
    emitWord(code, walk, moved, at, rows);
  }
}

/** The masks of some taps joined into as few words as they fit in without being cut. */
function wordsOf(
  window: EventWindow,
  rows: readonly [number, number],
  columns: readonly [number, number],
): Word[] {
  const { masks, dilation } = window;
  const channels = masks.grid.channels;
  const words: { pieces: Piece[]; firstRow: number; bits: number }[] = [];
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const offset = row * dilation[0] * rowBytes(masks) + column * dilation[1] * pixelBytes(masks);
      const tap = window.sharedTaps
        ? 0
        : (row - rows[0]) * (columns[1] - columns[0]) + (column - columns[0]);
      for (let first = 0; first < channels; first += 64) {
        const bits = Math.min(64, channels - first);
        const last = words.at(-1);
        const firstRow = tap * channels + first;
        if (
          last !== undefined &&
          last.bits + bits <= 64 &&
          last.firstRow + last.bits === firstRow
        ) {
          last.pieces.push({ offset: offset + first / 8, bits, shift: last.bits });
          last.bits += bits;
        } else {
          words.push({ pieces: [{ offset: offset + first / 8, bits, shift: 0 }], firstRow, bits });
        }
      }
    }
  }
  return words;
}

function emitWord(
  code: FunctionWriter,
  walk: Walk,
  word: Word,
  pointer: Local,
  weights: Local,
): void {
  const { i32, i64, v128 } = code.wasm;
  const { window, sign, base, sums, bytesPerRow } = walk;
  const combine = adderOf(code, sums.mode, sign);
  const single = word.pieces.reduce((sum, { bits }) => sum + bits, 0) <= 32;
  const type = single ? "i32" : "i64";
  const w = single ? i32 : i64;
  code.borrow(type, 1, ([mask]) => {
    code.borrow("i32", 1, ([address]) => {
      const [set, row] = [known(mask, "a mask"), known(address, "an address")];
      const joined = word.pieces
        .map((piece) => loadPiece(code, piece, base + piece.offset, pointer, single))
        .reduce((a, b) => w.or(a, b));
      set.set(joined);
      code.while(
        () => (single ? set.get() : i64.ne(set.get(), int64(code, 0n))),
        () => {
          const index = single ? i32.ctz(set.get()) : i32.wrap(i64.ctz(set.get()));
          row.set(i32.add(weights.get(), i32.mul(index, code.int(bytesPerRow))));
          set.set(
            single
              ? i32.and(set.get(), i32.sub(set.get(), code.int(1)))
              : i64.and(set.get(), i64.sub(set.get(), int64(code, 1n))),
          );
          const offset = window.weights.address + word.firstRow * bytesPerRow;
          sums.locals.forEach((sum, k) => {
            sum.set(combine(sum.get(), v128.load(offset + 16 * k, 4, row.get())));
          });
        },
      );
    });
  });
}

/** The bits of one piece, at their place in the word and nothing beside them. */
function loadPiece(
  code: FunctionWriter,
  piece: Piece,
  offset: number,
  pointer: Local,
  single: boolean,
): Expr {
  const { i32, i64 } = code.wasm;
  const { bits, shift } = piece;
  const ptr = pointer.get();
  if (single) {
    const [width, loaded] =
      bits <= 8
        ? [8, i32.load8_u(offset, 1, ptr)]
        : bits <= 16
          ? [16, i32.load16_u(offset, 1, ptr)]
          : [32, i32.load(offset, 1, ptr)];
    const cut = bits < width ? i32.and(loaded, code.int(2 ** bits - 1)) : loaded;
    return shift === 0 ? cut : i32.shl(cut, code.int(shift));
  }
  const [width, loaded] =
    bits <= 8
      ? [8, i64.load8_u(offset, 1, ptr)]
      : bits <= 16
        ? [16, i64.load16_u(offset, 1, ptr)]
        : bits <= 32
          ? [32, i64.load32_u(offset, 1, ptr)]
          : [64, i64.load(offset, 1, ptr)];
  const cut = bits < width ? i64.and(loaded, int64(code, 2n ** BigInt(bits) - 1n)) : loaded;
  return shift === 0 ? cut : i64.shl(cut, int64(code, BigInt(shift)));
}

function int64(code: FunctionWriter, value: bigint): Expr {
  return code.wasm.i64.const(BigInt.asIntN(64, value));
}
