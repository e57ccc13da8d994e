/** Sums of a value over the timesteps, in double precision and in their order. */
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf } from "../../assembler/memory.ts";
import { type View, elementBytes } from "../../memory/view.ts";

/** Elements that are summed at a time: a cache line. `sums` must have room for whole ones. */
export const accumulatedTogether = 16;

/**
 * Adds the chunk's timesteps of `from` to `sums`, which lies as a timestep of `from` does, `span`
 * elements from first to last. Starts afresh with a run's first timestep and ends with its last,
 * number `timesteps`, though the chunk may go on.
 */
export function accumulate(
  code: FunctionWriter,
  from: View,
  sums: View,
  span: number,
  steps: number,
  timesteps: number,
): void {
  const { i32, v128, i8x16, f64x2 } = code.wasm;
  const elapsed = (): Expr => code.parameter(2).get();
  const left = code.define("i32", i32.sub(code.int(timesteps), elapsed()));
  const valid = code.define(
    "i32",
    code.wasm.select(i32.lt_s(left.get(), code.int(steps)), left.get(), code.int(steps)),
  );
  const share = shareOf(code, Math.ceil(span / accumulatedTogether));
  const x = pointerTo(code, from.buffer);
  const out = pointerTo(code, sums.buffer);
  const bytes = elementBytes(from.element);
  x.advance(i32.mul(share.from.get(), code.int(bytes * accumulatedTogether)));
  out.advance(i32.mul(share.from.get(), code.int(8 * accumulatedTogether)));
  const totals = code.several(accumulatedTogether / 2, "v128");
  const at = code.local("i32");
  const time = code.local("i32");
  const four = code.local("v128");
  const high = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
  const widen = (value: Expr): Expr =>
    from.element === "f32" ? f64x2.promote_low_f32x4(value) : f64x2.convert_low_i32x4_s(value);
  code.upTo(
    share.from,
    () => share.to.get(),
    1,
    () => {
      code.when(
        elapsed(),
        () => {
          totals.forEach((total, k) => {
            total.set(v128.load(placeOf(sums) + 16 * k, 8, out.get()));
          });
        },
        () => {
          for (const total of totals) total.set(v128.const(new Array<number>(16).fill(0)));
        },
      );
      at.set(x.get());
      time.set(valid.get());
      code.repeat(
        () => {
          totals.forEach((total, k) => {
            if (from.element === "f64") {
              const pair = v128.load(placeOf(from) + 16 * k, 8, at.get());
              total.set(f64x2.add(total.get(), pair));
              return;
            }
            if (k % 2 === 0) four.set(v128.load(placeOf(from) + 8 * k, 4, at.get()));
            const pair = k % 2 === 0 ? four.get() : i8x16.shuffle(four.get(), four.get(), high);
            total.set(f64x2.add(total.get(), widen(pair)));
          });
          at.step(bytes * from.lead);
          time.step(-1);
        },
        () => time.get(),
      );
      totals.forEach((total, k) => {
        code.push(v128.store(placeOf(sums) + 16 * k, 8, out.get(), total.get()));
      });
      x.step(bytes * accumulatedTogether);
      out.step(8 * accumulatedTogether);
    },
  );
}
