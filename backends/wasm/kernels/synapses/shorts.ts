/**
 * Sums of products of integers of 16 bits, two products an instruction: what is quantised and its weights, of the
 * first layer above all. Inputs lie in memory as 32 bits; four that follow each other become 16 bits by one
 * instruction, and each pair is splat against pairs of weights. The sums are the same integers in any order.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf } from "../../assembler/memory.ts";
import type { Expr } from "../../assembler/types.ts";
import type { Buffer, View } from "../../memory/view.ts";

/** Inputs that are narrowed together. */
const together = 4;

/** A run of inputs that follow each other, for a tile. */
interface ShortRun {
  readonly input: View;
  readonly weights: Buffer;
  /** Elements between the windows of neighbouring pixels. */
  readonly windowStride: number;
  readonly length: number;
  readonly pixels: number;
  readonly vectors: number;
}

/**
 * Adds the products of a run to sums, pixels first. `x` is at the run's first element, and is used up; `w` moves on
 * beyond the run's weights.
 */
export function addShorts(
  code: FunctionWriter,
  run: ShortRun,
  sums: readonly Local[],
  x: Local,
  w: Local,
): void {
  const { i32 } = code.wasm;
  const { vectors, length } = run;
  const whole = Math.floor(length / together);
  const step = (): void => {
    addGroup(code, run, sums, x, w, together);
    x.step(4 * together);
    w.step(16 * vectors * (together / 2));
  };
  if (whole > 2) {
    code.borrow("i32", 1, ([end]) => {
      const stop = known(end, "an end");
      stop.set(i32.add(x.get(), code.int(4 * together * whole)));
      code.repeat(step, () => i32.lt_u(x.get(), stop.get()));
    });
  } else for (let group = 0; group < whole; group++) step();
  const rest = length % together;
  if (rest === 0) return;
  addGroup(code, run, sums, x, w, rest);
  w.step(16 * vectors * Math.ceil(rest / 2));
}

function addGroup(
  code: FunctionWriter,
  { input, weights, windowStride, pixels, vectors }: ShortRun,
  sums: readonly Local[],
  x: Local,
  w: Local,
  count: number,
): void {
  const { v128, i32x4, i16x8, i8x16 } = code.wasm;
  code.borrow("v128", pixels + vectors + 1, (locals) => {
    const fours = locals.slice(0, pixels);
    const rows = locals.slice(pixels, pixels + vectors);
    const pair = known(locals[pixels + vectors], "a pair");
    fours.forEach((four, pixel) => {
      four.set(loadFew(code, placeOf(input, pixel * windowStride), x, count));
    });
    const multiply = (): void => {
      for (const four of fours) four.set(i16x8.narrow_i32x4_s(four.get(), four.get()));
      for (let at = 0; 2 * at < count; at++) {
        rows.forEach((row, vector) => {
          row.set(v128.load(weights.address + 16 * (vectors * at + vector), 16, w.get()));
        });
        fours.forEach((four, pixel) => {
          const lanes = Array.from({ length: 16 }, (_, lane) => 4 * at + (lane % 4));
          pair.set(i8x16.shuffle(four.get(), four.get(), lanes));
          rows.forEach((row, vector) => {
            const sum = known(sums[pixel * vectors + vector], "a sum");
            sum.set(i32x4.add(sum.get(), i32x4.dot_i16x8_s(row.get(), pair.get())));
          });
        });
      }
    };
    // One pixel reads each weight once: memory is what it waits for, and zeros need none.
    const [only] = fours;
    if (pixels === 1 && count === together && only !== undefined) {
      code.when(v128.any_true(only.get()), multiply);
    } else multiply();
  });
}

/** The first elements at a place, and 0 behind them: nothing is read beyond. */
function loadFew(code: FunctionWriter, offset: number, at: Local, count: number): Expr {
  const { v128 } = code.wasm;
  if (count === 4) return v128.load(offset, 4, at.get());
  if (count === 1) return v128.load32_zero(offset, 4, at.get());
  const two = v128.load64_zero(offset, 4, at.get());
  return count === 2 ? two : v128.load32_lane(offset + 8, 4, 2, at.get(), two);
}

/**
 * Weights [group, block, tap row, pair of a run's taps, lane, tap of the pair]; a run of an odd number ends with a
 * weight of 0. `runs` are the lengths of the runs of one row of taps, whose taps are columns of channels.
 */
export function packShorts(
  shape: {
    readonly groups: number;
    readonly outputChannels: number;
    readonly inputChannels: number;
    readonly rows: number;
  },
  runs: readonly number[],
  blocks: readonly number[],
  weightOf: (output: number, input: number, row: number, column: number) => number,
): Int16Array {
  const { groups, outputChannels, inputChannels, rows } = shape;
  const packed: number[] = [];
  for (let group = 0; group < groups; group++) {
    let first = 0;
    for (const block of blocks) {
      for (let row = 0; row < rows; row++) {
        let from = 0;
        for (const length of runs) {
          for (let tap = from; tap < from + length; tap += 2) {
            for (let half = 0; half < 8 * block; half++) {
              const output = first + Math.floor(half / 2);
              const own = tap + (half % 2);
              const isThere = output < outputChannels && own < from + length;
              const column = Math.floor(own / inputChannels);
              const out = group * outputChannels + output;
              packed.push(isThere ? weightOf(out, own % inputChannels, row, column) : 0);
            }
          }
          from += length;
        }
      }
      first += 4 * block;
    }
  }
  return Int16Array.from(packed);
}
