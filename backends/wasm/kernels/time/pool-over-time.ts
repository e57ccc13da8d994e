/**
 * Max-pooling of sums over time in one go: the sums of a window stay in registers from timestep to
 * timestep, in doubles, as do those of the pool. For runs of one chunk, which carry nothing on.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, storeLanes } from "../../assembler/memory.ts";
import type { RowSteps } from "../../memory/row-steps.ts";
import type { View } from "../../memory/view.ts";
import { type Segment, type Slide, overWindows, tapOffsets } from "../synapses/slide.ts";
import { forEachStep, noteRowSteps, rowStepsAt } from "./row-steps.ts";

/** Most taps of a window; more would not stay in registers. */
export const mostTapsOverTime = 16;

/** Most taps of which four channels are summed at once, in two vectors each. */
const mostWideTaps = 4;

/** What of a pool's input is there, and what of its output is to be; null for all. */
export interface PooledSteps {
  readonly input: RowSteps;
  readonly output: RowSteps;
}

/** How sums are kept: `isShort` where 32 bits are proved to hold them, in integers. */
export interface PoolForm {
  readonly steps: number;
  readonly isShort: boolean;
  readonly when: PooledSteps | null;
}

/** y[t] = pool of the sums up to t − pool of the sums up to t − 1, for t up to `steps`. */
export function poolOverTime(code: FunctionWriter, job: Slide, form: PoolForm): void {
  const { steps, when } = form;
  if (form.isShort) {
    const bits = code.local("i64");
    overWindows(
      code,
      job,
      (window, x, y, lanes) => {
        emitShort(code, job, steps, tapOffsets(job, window), x, y, lanes, when && bits);
      },
      (row, segment) => {
        if (when !== null) enterRow(code, job, when, row, segment, bits);
      },
    );
    return;
  }
  overWindows(code, job, (window, x, y, lanes) => {
    const offsets = tapOffsets(job, window);
    if (offsets.length <= mostWideTaps && lanes > 2) {
      emitLanes(code, job, steps, offsets, x, y, 0, lanes);
      return;
    }
    for (let first = 0; first < lanes; first += 2) {
      emitLanes(code, job, steps, offsets, x, y, first, Math.min(2, lanes - first));
    }
  });
}

/**
 * Sets `bits` to the timesteps at which a row of windows sees anything, and notes them. Of rows that are not
 * there at one of these, zeros are made.
 */
function enterRow(
  code: FunctionWriter,
  { axes, input: read }: Slide,
  { input, output }: PooledSteps,
  row: Local,
  { firstTap, taps }: Segment,
  bits: Local,
): void {
  const { i32, i64, memory } = code.wasm;
  const { stride, dilation, padBegin, inputStride: rowStride } = known(axes[0], "a spatial axis");
  bits.set(i64.const(0n));
  const from = code.define("i32", i32.mul(row.get(), code.int(stride)));
  from.step(firstTap * dilation - padBegin);
  for (let tap = 0; tap < taps; tap++) {
    bits.set(i64.or(bits.get(), rowStepsAt(code, input, from).get()));
    from.step(dilation);
  }
  noteRowSteps(code, output, row, bits);
  const time = code.local("i32");
  for (let tap = 0; tap < taps; tap++) {
    from.step(-dilation);
    const own = rowStepsAt(code, input, from);
    own.set(i64.and(bits.get(), i64.xor(own.get(), i64.const(-1n))));
    forEachStep(code, own, time, () => {
      const at = pointerTo(code, read.buffer);
      at.advance(i32.mul(from.get(), code.int(4 * rowStride)));
      at.advance(i32.mul(time.get(), code.int(4 * read.lead)));
      at.step(placeOf(read));
      code.push(memory.fill(at.get(), code.int(0), code.int(rowBytesOf(read))));
    });
  }
}

/** Bytes of a row of pixels, whose channels are beside each other. */
function rowBytesOf({ shape, strides }: View): number {
  return 4 * (((shape[3] ?? 1) - 1) * (strides[3] ?? 0) + (shape[1] ?? 1));
}

/** Up to four channels, in sums of 32 bits; at the timesteps that `bits` has, or at all. */
function emitShort(
  code: FunctionWriter,
  { input, output }: Slide,
  steps: number,
  offsets: readonly number[],
  x: Local,
  y: Local,
  lanes: number,
  bits: Local | null,
): void {
  const { i32, i32x4, v128 } = code.wasm;
  const zero = (): Expr => v128.const(new Array<number>(16).fill(0));
  code.borrow("v128", offsets.length + 2, ([pooled, before, ...taps]) => {
    const [most, last] = [known(pooled, "a maximum"), known(before, "the maximum before")];
    for (const sum of [last, ...taps]) sum.set(zero());
    const [at, out] = [code.define("i32", x.get()), code.define("i32", y.get())];
    const step = (): void => {
      offsets.forEach((offset, tap) => {
        const place = placeOf(input, offset);
        const sum = known(taps[tap], "a sum");
        const loaded =
          lanes === 4 ? v128.load(place, 4, at.get()) : loadLanes(code, place, at, lanes);
        sum.set(i32x4.add(sum.get(), loaded));
        most.set(tap === 0 ? sum.get() : i32x4.max_s(most.get(), sum.get()));
      });
      const change = i32x4.sub(most.get(), last.get());
      const store = (value: () => Expr): void =>
        storeLanes(code, placeOf(output), () => out.get(), value, lanes);
      if (lanes === 4) store(() => change);
      else {
        const held = code.define("v128", change);
        store(() => held.get());
      }
      last.set(most.get());
    };
    if (bits === null) {
      code.times(steps, () => {
        step();
        at.step(4 * input.lead);
        out.step(4 * output.lead);
      });
      return;
    }
    const time = code.local("i32");
    forEachStep(code, bits, time, () => {
      at.set(i32.add(x.get(), i32.mul(time.get(), code.int(4 * input.lead))));
      out.set(i32.add(y.get(), i32.mul(time.get(), code.int(4 * output.lead))));
      step();
    });
  });
}

/** Fewer than four elements; others are whatever. */
function loadLanes(code: FunctionWriter, place: number, at: Local, lanes: number): Expr {
  const { v128 } = code.wasm;
  if (lanes === 1) return v128.load32_zero(place, 4, at.get());
  const two = v128.load64_zero(place, 4, at.get());
  return lanes === 2 ? two : v128.load32_lane(place + 8, 4, 2, at.get(), two);
}

/** `lanes` channels from number `first` on: up to two in one vector of doubles, up to four in two. */
function emitLanes(
  code: FunctionWriter,
  job: Slide,
  steps: number,
  offsets: readonly number[],
  x: Local,
  y: Local,
  first: number,
  lanes: number,
): void {
  const { f32x4, f64x2, i32x4, i8x16, v128, f64 } = code.wasm;
  const { input, output } = job;
  const float = input.element === "f32";
  const halves = lanes > 2 ? 2 : 1;
  const zero = (): Expr => f64x2.splat(f64.const(0));
  const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
  const widened = (value: Expr): Expr =>
    float ? f64x2.promote_low_f32x4(value) : f64x2.convert_low_i32x4_s(value);
  const narrowed = (value: Expr): Expr =>
    float ? f32x4.demote_f64x2_zero(value) : i32x4.trunc_sat_f64x2_s_zero(value);
  const isNaNAt = (value: Local): Expr => f64x2.ne(value.get(), value.get());
  const stays = (a: Local, b: Local): Expr =>
    v128.or(f64x2.eq(a.get(), b.get()), v128.and(isNaNAt(a), isNaNAt(b)));
  code.borrow("v128", halves * (offsets.length + 2) + 1, (locals) => {
    const loaded = known(locals[0], "a value");
    const sums = Array.from({ length: halves }, (_, half) => {
      const from = 1 + half * (offsets.length + 2);
      return {
        pooled: known(locals[from], "a maximum"),
        before: known(locals[from + 1], "the maximum before"),
        taps: locals.slice(from + 2, from + 2 + offsets.length),
      };
    });
    for (const { before, taps } of sums) for (const sum of [before, ...taps]) sum.set(zero());
    const [at, out] = [code.define("i32", x.get()), code.define("i32", y.get())];
    code.times(steps, () => {
      offsets.forEach((offset, tap) => {
        const place = placeOf(input, offset + first);
        loaded.set(
          lanes === 1
            ? v128.load32_zero(place, 4, at.get())
            : lanes === 2
              ? v128.load64_zero(place, 4, at.get())
              : v128.load(place, 4, at.get()),
        );
        sums.forEach(({ pooled, taps }, half) => {
          const sum = known(taps[tap], "a sum");
          const value =
            half === 0 ? loaded.get() : i8x16.shuffle(loaded.get(), loaded.get(), upper);
          sum.set(f64x2.add(sum.get(), widened(value)));
          pooled.set(tap === 0 ? sum.get() : f64x2.max(pooled.get(), sum.get()));
        });
      });
      sums.forEach(({ pooled, before }, half) => {
        const place = placeOf(output, first + 2 * half);
        const mine = Math.min(2, lanes - 2 * half);
        const change = f64x2.sub(pooled.get(), before.get());
        // Sums that are infinite, or NaN, stay so: nothing changes.
        loaded.set(narrowed(float ? v128.andnot(change, stays(pooled, before)) : change));
        before.set(pooled.get());
        code.push(
          mine === 2
            ? v128.store64_lane(place, 4, 0, out.get(), loaded.get())
            : v128.store32_lane(place, 4, 0, out.get(), loaded.get()),
        );
      });
      at.step(4 * input.lead);
      out.step(4 * output.lead);
    });
  });
}
