/** Sums over time and their differences, in double precision, element by element. */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf } from "../../assembler/memory.ts";
import type { View } from "../../memory/view.ts";
import { axesOf, nest } from "../nest.ts";

/** The timesteps of a chunk, and after how many of the run everything starts at 0 again; 0 for never. */
export interface ChunkSpan {
  readonly steps: number;
  readonly rehearsal: number;
}

/**
 * sums[t] = sums[t − 1] + from[t] for each element of each timestep of a chunk. `before` holds the
 * sums of the timesteps before the chunk, and receives those after it.
 */
export function runningSums(
  code: FunctionWriter,
  from: View,
  before: View,
  sums: View,
  span: ChunkSpan,
): void {
  eachTimestep(code, [sums, from, before], span, ([to, x], carry) => {
    const { f64, f32, i32 } = code.wasm;
    const value =
      from.element === "f32"
        ? f64.promote(f32.load(placeOf(from), 4, known(x, "x").get()))
        : f64.convert_s.i32(i32.load(placeOf(from), 4, known(x, "x").get()));
    carry.set(f64.add(carry.get(), value));
    code.push(f64.store(placeOf(sums), 8, known(to, "a sum").get(), carry.get()));
  });
}

/** to[t] = sums[t] − sums[t − 1], 0 where nothing changed, rounded into the element of `to`; `before` as above. */
export function runningDifferences(
  code: FunctionWriter,
  sums: View,
  before: View,
  to: View,
  span: ChunkSpan,
): void {
  eachTimestep(code, [to, sums, before], span, ([y, x], carry) => {
    const { f64, f32, i32 } = code.wasm;
    const now = code.define("f64", f64.load(placeOf(sums), 8, known(x, "a sum").get()));
    const isNaNAt = (value: Local): Expr => f64.ne(value.get(), value.get());
    // Sums that are infinite, or NaN, stay so: nothing changes.
    const same = f64.eq(now.get(), carry.get());
    const stays = i32.or(same, i32.and(isNaNAt(now), isNaNAt(carry)));
    const change = code.wasm.select(stays, f64.const(0), f64.sub(now.get(), carry.get()));
    const pointer = (): Expr => known(y, "y").get();
    if (to.element === "f32") code.push(f32.store(placeOf(to), 4, pointer(), f32.demote(change)));
    else code.push(i32.store(placeOf(to), 4, pointer(), i32.trunc_s_sat.f64(change)));
    carry.set(now.get());
  });
}

/** For each element: `body` at each timestep, with what the last view carries from one to the next. */
function eachTimestep(
  code: FunctionWriter,
  views: readonly [View, View, View],
  { steps, rehearsal }: ChunkSpan,
  body: (pointers: readonly Local[], carry: Local) => void,
): void {
  const { f64, i32 } = code.wasm;
  const [first, second, before] = views;
  nest(code, views, axesOf(views, 1), false, (_, pointers) => {
    const [y, x, state] = pointers;
    const at = [y, x].map((pointer) => code.define("i32", known(pointer, "a pointer").get()));
    const home = known(state, "a state");
    const carry = code.define("f64", f64.load(placeOf(before), 8, home.get()));
    const now = rehearsal > 0 ? code.define("i32", code.parameter(2).get()) : null;
    code.times(steps, () => {
      if (now !== null) {
        code.when(i32.eq(now.get(), code.int(rehearsal)), () => carry.set(f64.const(0)));
        now.step(1);
      }
      body(at, carry);
      at[0]?.step(first.lead * (first.element === "f64" ? 8 : 4));
      at[1]?.step(second.lead * (second.element === "f64" ? 8 : 4));
    });
    code.push(f64.store(placeOf(before), 8, home.get(), carry.get()));
  });
}
