/**
 * Max-pooling of sums over time in one go: the sums of a window stay in registers from timestep to
 * timestep, in doubles, as do those of the pool. For runs of one chunk, which carry nothing on.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf } from "../../assembler/memory.ts";
import { type Slide, overWindows, tapOffsets } from "../synapses/slide.ts";

/** Most taps of a window; more would not stay in registers. */
export const mostTapsOverTime = 16;

/** Most taps of which four channels are summed at once, in two vectors each. */
const mostWideTaps = 4;

/** y[t] = pool of the sums up to t − pool of the sums up to t − 1, for t up to `steps`. */
export function poolOverTime(code: FunctionWriter, job: Slide, steps: number): void {
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
