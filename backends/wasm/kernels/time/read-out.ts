/** The decoder of rate code: the mean over the timesteps so far, in double precision. */
import type { FunctionWriter } from "../../assembler/code.ts";
import { onFirstThread, placeOf, pointerTo } from "../../assembler/memory.ts";
import type { View } from "../../memory/view.ts";

export interface ReadOut {
  /** Elements of the value. */
  readonly count: number;
  /** Timesteps of a chunk. */
  readonly steps: number;
  readonly start: number;
  /** Timesteps after which everything starts anew; 0 where nothing does. */
  readonly rehearsal: number;
}

/**
 * The equations of `snn.readout` and `snn.rehearsed-readout` in ir/op/op.ts for views that are row-major
 * alike. `sums` holds two doubles for each element: over all timesteps, and over those after `start`.
 * `elapsed` timesteps have been before this chunk.
 */
export function readOut(
  code: FunctionWriter,
  from: View,
  to: View,
  sums: View,
  { count, steps, start, rehearsal }: ReadOut,
): void {
  const { i32, f64, f32 } = code.wasm;
  onFirstThread(code, () => {
    const element = code.define("i32", code.int(0));
    const x = pointerTo(code, from.buffer);
    const y = pointerTo(code, to.buffer);
    const state = pointerTo(code, sums.buffer);
    code.upTo(
      element,
      () => code.int(count),
      1,
      () => {
        const all = code.define("f64", f64.load(placeOf(sums), 8, state.get()));
        const late = code.define("f64", f64.load(placeOf(sums, 1), 8, state.get()));
        const time = code.define("i32", i32.add(code.parameter(2).get(), code.int(1)));
        if (rehearsal > 0) {
          code.when(i32.gt_s(time.get(), code.int(rehearsal + 1)), () => time.step(-rehearsal));
        }
        // Where the run after the rehearsal begins within this chunk, by the clock of the rehearsal.
        const isRehearsing =
          rehearsal > 0
            ? code.define("i32", i32.le_s(code.parameter(2).get(), code.int(rehearsal)))
            : null;
        const [in_, out] = [code.define("i32", x.get()), code.define("i32", y.get())];
        code.times(steps, () => {
          const value = code.define(
            "f64",
            from.element === "f32"
              ? f64.promote(f32.load(placeOf(from), 4, in_.get()))
              : f64.convert_s.i32(i32.load(placeOf(from), 4, in_.get())),
          );
          if (isRehearsing !== null) {
            const isOver = i32.eq(time.get(), code.int(rehearsal + 1));
            code.when(i32.and(isRehearsing.get(), isOver), () => {
              isRehearsing.set(code.int(0));
              time.set(code.int(1));
              for (const sum of [all, late]) sum.set(f64.const(0));
            });
          }
          all.set(f64.add(all.get(), value.get()));
          code.when(i32.gt_s(time.get(), code.int(start)), () => {
            late.set(f64.add(late.get(), value.get()));
          });
          const settled = (): number => i32.ge_s(time.get(), code.int(2 * start));
          const sum = code.wasm.select(settled(), late.get(), all.get());
          const over = code.wasm.select(
            settled(),
            i32.sub(time.get(), code.int(start)),
            time.get(),
          );
          const mean = f64.div(sum, f64.convert_s.i32(over));
          code.push(f32.store(placeOf(to), 4, out.get(), f32.demote(mean)));
          in_.step(4 * from.lead);
          out.step(4 * to.lead);
          time.step(1);
        });
        code.push(f64.store(placeOf(sums), 8, state.get(), all.get()));
        code.push(f64.store(placeOf(sums, 1), 8, state.get(), late.get()));
        state.step(16);
        x.step(4);
        y.step(4);
      },
    );
  });
}
