/**
 * From the words of a timestep to lists of events, without a branch for each: eight words at a time, those
 * that are not 0 are moved to the front by a table of permutations, and the end of the list goes on by as
 * many as there are.
 */
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import {
  type EventLists,
  columnBytes,
  entryBytes,
  eventsOffset,
  magnitudeOffset,
  placesOffset,
} from "../../memory/event-lists.ts";
import type { PixelGrid } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";

/** How the words of one timestep lie: channels of a pixel beside each other. */
export interface WordRaster {
  readonly grid: PixelGrid;
  readonly bytes: 1 | 2;
  /** What was added to each word. */
  readonly bias: number;
  /** Bytes from pixel to pixel, and from row to row. */
  readonly pixelBytes: number;
  readonly rowBytes: number;
}

/** The rows of pixels that are wanted, and the first column; both may lie outside of the grid. */
export interface ListedPart {
  readonly firstRow: Local;
  readonly rows: Local;
  readonly firstColumn: number;
}

/** Of each mask of eight lanes: the permutation that moves its lanes to the front, and their numbers. */
const compactionBytes = 2 * 256 * 16;
const numbersOffset = 256 * 16;

export function compactionTable(): Int16Array {
  const table = new Int16Array(compactionBytes / 2);
  const bytes = new Uint8Array(table.buffer);
  for (let mask = 0; mask < 256; mask++) {
    const lanes = [0, 1, 2, 3, 4, 5, 6, 7].filter((lane) => (mask >> lane) % 2 === 1);
    lanes.forEach((lane, k) => {
      bytes[16 * mask + 2 * k] = 2 * lane;
      bytes[16 * mask + 2 * k + 1] = 2 * lane + 1;
      table[(numbersOffset + 16 * mask) / 2 + k] = lane;
    });
  }
  return table;
}

/**
 * Writes the lists of a timestep. `plane` is at the word of pixel (0, 0) and channel 0; `lists` where this
 * thread's part begins. There must be room for all events.
 */
export function listEvents(
  code: FunctionWriter,
  words: WordRaster,
  shape: EventLists,
  part: ListedPart,
  plane: Local,
  lists: Local,
  compaction: Buffer,
): void {
  const { i32 } = code.wasm;
  const { grid } = words;
  const end = code.define("i32", i32.add(lists.get(), code.int(eventsOffset(shape))));
  const magnitudes = code.define("i32", code.int(0));
  const entries = code.define("i32", lists.get());
  const entry = code.local("i32");
  const row = code.local("i32");
  const from = code.define(
    "i32",
    larger(code, code.int(0), i32.sub(code.int(0), part.firstRow.get())),
  );
  from.set(smaller(code, from.get(), part.rows.get()));
  const to = code.define(
    "i32",
    smaller(code, part.rows.get(), i32.sub(code.int(grid.rows), part.firstRow.get())),
  );
  to.set(larger(code, to.get(), from.get()));
  const note = (): void => {
    code.push(i32.store(0, 4, entry.get(), end.get()));
    code.push(i32.store(magnitudeOffset, 4, entry.get(), magnitudes.get()));
    entry.step(entryBytes);
  };
  const nothing = (last: () => Expr): void => {
    code.upTo(row, last, 1, note);
  };
  const wholeColumn = (): void => {
    entry.set(entries.get());
    row.set(code.int(0));
    nothing(() => i32.add(part.rows.get(), code.int(1)));
    entries.step(columnBytes(shape));
  };

  const first = Math.min(shape.columns, Math.max(0, -part.firstColumn));
  const last = Math.max(first, Math.min(shape.columns, grid.columns - part.firstColumn));
  code.times(first, wholeColumn);
  const column = code.define(
    "i32",
    i32.add(
      i32.add(plane.get(), code.int((first + part.firstColumn) * words.pixelBytes)),
      i32.mul(i32.add(part.firstRow.get(), from.get()), code.int(words.rowBytes)),
    ),
  );
  const pixel = code.local("i32");
  const place = code.local("i32");
  code.times(last - first, () => {
    entry.set(entries.get());
    row.set(code.int(0));
    nothing(() => from.get());
    pixel.set(column.get());
    place.set(i32.mul(from.get(), code.int(grid.channels)));
    code.upTo(
      row,
      () => to.get(),
      1,
      () => {
        note();
        emitPixel(code, words, shape, compaction, { pixel, place, end, magnitudes });
        pixel.step(words.rowBytes);
        place.step(grid.channels);
      },
    );
    nothing(() => i32.add(part.rows.get(), code.int(1)));
    entries.step(columnBytes(shape));
    column.step(words.pixelBytes);
  });
  code.times(shape.columns - last, wholeColumn);
}

interface Writing {
  readonly pixel: Local;
  readonly place: Local;
  readonly end: Local;
  readonly magnitudes: Local;
}

function emitPixel(
  code: FunctionWriter,
  words: WordRaster,
  shape: EventLists,
  compaction: Buffer,
  { pixel, place, end, magnitudes }: Writing,
): void {
  const { i32, v128, i8x16, i16x8 } = code.wasm;
  const { channels } = words.grid;
  const together = words.bytes === 1 ? 16 : 8;
  for (let first = 0; first < channels; first += together) {
    const lanes = Math.min(together, channels - first);
    const values = code.define("v128", loadWords(code, words, pixel, first, lanes));
    code.when(v128.any_true(values.get()), () => {
      const zero = (): Expr => v128.const(new Array<number>(16).fill(0));
      const mask = code.define(
        "i32",
        words.bytes === 1
          ? i8x16.bitmask(i8x16.ne(values.get(), zero()))
          : i16x8.bitmask(i16x8.ne(values.get(), zero())),
      );
      for (let half = 0; 8 * half < lanes; half++) {
        const eight =
          words.bytes === 2
            ? values.get()
            : half === 0
              ? i16x8.extend_low_i8x16_s(values.get())
              : i16x8.extend_high_i8x16_s(values.get());
        const own =
          half === 0 ? i32.and(mask.get(), code.int(255)) : i32.shr_u(mask.get(), code.int(8));
        const at = code.define("i32", i32.shl(own, code.int(4)));
        const order = v128.load(compaction.address, 16, at.get());
        const numbers = v128.load(compaction.address + numbersOffset, 16, at.get());
        const base = i16x8.splat(i32.add(place.get(), code.int(first + 8 * half)));
        code.push(v128.store(0, 2, end.get(), i8x16.swizzle(eight, order)));
        code.push(v128.store(placesOffset(shape), 2, end.get(), i16x8.add(base, numbers)));
        end.advance(i32.shl(i32.popcnt(at.get()), code.int(1)));
      }
      magnitudes.advance(sumOfMagnitudes(code, values, words.bytes));
    });
  }
}

/** Words of some channels without their bias, 0 beyond the last. */
function loadWords(
  code: FunctionWriter,
  { bytes, bias }: WordRaster,
  pixel: Local,
  first: number,
  lanes: number,
): Expr {
  const { v128, i8x16, i16x8 } = code.wasm;
  const wide = lanes * bytes > 8;
  const offset = first * bytes;
  const loaded = wide
    ? v128.load(offset, 1, pixel.get())
    : v128.load64_zero(offset, 1, pixel.get());
  const plain =
    bias === 0
      ? loaded
      : bytes === 1
        ? i8x16.sub(loaded, i8x16.splat(code.int(bias)))
        : i16x8.sub(loaded, i16x8.splat(code.int(bias)));
  if (lanes * bytes === 16) return plain;
  const kept = Array.from({ length: 16 }, (_, i) => (i < lanes * bytes ? 255 : 0));
  return v128.and(plain, v128.const(kept));
}

function sumOfMagnitudes(code: FunctionWriter, values: Local, bytes: 1 | 2): Expr {
  const { i32x4, i16x8, i8x16 } = code.wasm;
  const pairs =
    bytes === 1 ? i16x8.extadd_pairwise_i8x16_u(i8x16.abs(values.get())) : i16x8.abs(values.get());
  const four = code.define("v128", i32x4.extadd_pairwise_i16x8_u(pairs));
  const swap = (order: readonly number[]): Expr =>
    i8x16.shuffle(four.get(), four.get(), [...order]);
  four.set(i32x4.add(four.get(), swap([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7])));
  four.set(i32x4.add(four.get(), swap([4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11])));
  return i32x4.extract_lane(four.get(), 0);
}

/** Sets `count` to how many words of some rows of the grid are not 0, or more where rows do not end with a vector. */
export function countEvents(
  code: FunctionWriter,
  words: WordRaster,
  start: () => Expr,
  length: () => Expr,
  count: Local,
): void {
  const { i32, v128, i8x16, i16x8, i32x4 } = code.wasm;
  const at = code.define("i32", start());
  const last = code.define("i32", i32.add(at.get(), length()));
  const bytes = code.local("v128");
  const total = code.define("v128", v128.const(new Array<number>(16).fill(0)));
  const stop = code.local("i32");
  const one = (offset: number): Expr => {
    const loaded = v128.load(offset, 1, at.get());
    return words.bytes === 1
      ? i8x16.ne(loaded, i8x16.splat(code.int(words.bias)))
      : i16x8.ne(loaded, i16x8.splat(code.int(words.bias)));
  };
  // Bytes count up to 255 before they are summed.
  code.while(
    () => i32.lt_u(at.get(), last.get()),
    () => {
      bytes.set(v128.const(new Array<number>(16).fill(0)));
      stop.set(smaller(code, last.get(), i32.add(at.get(), code.int(255 * 16))));
      code.while(
        () => i32.lt_u(at.get(), stop.get()),
        () => {
          bytes.set(i8x16.sub(bytes.get(), one(0)));
          at.step(16);
        },
      );
      const pairs = i16x8.extadd_pairwise_i8x16_u(bytes.get());
      total.set(i32x4.add(total.get(), i32x4.extadd_pairwise_i16x8_u(pairs)));
    },
  );
  const lane = (k: number): Expr => i32x4.extract_lane(total.get(), k);
  const all = [0, 1, 2, 3].map(lane).reduce((a, b) => i32.add(a, b));
  count.set(words.bytes === 1 ? all : i32.shr_u(all, code.int(1)));
}

export function smaller(code: FunctionWriter, a: Expr, b: Expr): Expr {
  const [x, y] = [code.define("i32", a), code.define("i32", b)];
  return code.wasm.select(code.wasm.i32.lt_s(x.get(), y.get()), x.get(), y.get());
}

export function larger(code: FunctionWriter, a: Expr, b: Expr): Expr {
  const [x, y] = [code.define("i32", a), code.define("i32", b)];
  return code.wasm.select(code.wasm.i32.lt_s(x.get(), y.get()), y.get(), x.get());
}
