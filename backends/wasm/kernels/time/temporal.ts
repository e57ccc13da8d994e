/**
 * One timestep of ops that look across timesteps and are no neurons, with the roundings that they have
 * in ir/semantics/spiking.ts: what is computed there in double precision and rounded once is so here.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { highHalf } from "../neurons/graded.ts";
import type { Update } from "./over-time.ts";

const timeless = { begin: () => undefined, tick: () => undefined };

/** y[t] = x[t] + row t. */
export function addRows(code: FunctionWriter, element: "f32" | "i32"): Update {
  const { f32x4, i32x4 } = code.wasm;
  const unit = element === "f32" ? f32x4 : i32x4;
  return {
    ...timeless,
    step: ({ x, rows }) => [() => unit.add(x.get(), known(rows[0], "a row").get())],
  };
}

/** y[t] = decay · y[t − 1] + (1 − decay) · x[t]; the state is y. */
export function smooth(code: FunctionWriter, decay: number): Update {
  const { f64, f64x2 } = code.wasm;
  const times = (factor: number, half: Expr): Expr =>
    f64x2.mul(f64x2.splat(f64.const(factor)), half);
  return {
    ...timeless,
    step({ x, states }) {
      const y = known(states[0]?.[0], "a state");
      y.set(
        inDoubles(code, (half) =>
          f64x2.add(times(decay, halfOf(code, y, half)), times(1 - decay, halfOf(code, x, half))),
        ),
      );
      return [() => y.get()];
    },
  };
}

/** y[t] = x[1] + … + x[t]; the state is the sum, in doubles. */
export function sumUp(code: FunctionWriter, from: "f32" | "i32"): Update {
  const { f64x2 } = code.wasm;
  return {
    ...timeless,
    step({ x, states }) {
      const sums = known(states[0], "a state");
      sums.forEach((sum, half) => {
        sum.set(f64x2.add(sum.get(), halfOf(code, x, half, from)));
      });
      return [() => inDoubles(code, (half) => known(sums[half], "a sum").get())];
    },
  };
}

/** y[t] = x[t] − x[t − 1], 0 where nothing changed; the state is x. */
export function takeDifferences(code: FunctionWriter, element: "f32" | "i32"): Update {
  const { f32x4, i32x4, v128 } = code.wasm;
  const isNaNAt = (value: Local): Expr => f32x4.ne(value.get(), value.get());
  return {
    ...timeless,
    step({ x, states }) {
      const before = known(states[0]?.[0], "a state");
      const change = code.local("v128");
      if (element === "i32") change.set(i32x4.sub(x.get(), before.get()));
      else {
        const same = i32x4.eq(x.get(), before.get());
        const stays = v128.or(same, v128.and(isNaNAt(x), isNaNAt(before)));
        change.set(v128.andnot(f32x4.sub(x.get(), before.get()), stays));
      }
      before.set(x.get());
      return [() => change.get()];
    },
  };
}

/** Two of four elements as doubles. */
export function halfOf(
  code: FunctionWriter,
  lanes: Local,
  half: number,
  from: "f32" | "i32" = "f32",
): Expr {
  const { f64x2 } = code.wasm;
  const low = half === 0 ? lanes.get() : highHalf(code, lanes.get());
  return from === "f32" ? f64x2.promote_low_f32x4(low) : f64x2.convert_low_i32x4_s(low);
}

/** Four elements from what is computed of each two in doubles, rounded to float32. */
export function inDoubles(code: FunctionWriter, halfAt: (half: number) => Expr): Expr {
  const { f32x4, i8x16 } = code.wasm;
  const [low, high] = [0, 1].map((half) => f32x4.demote_f64x2_zero(halfAt(half)));
  const both = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  return i8x16.shuffle(known(low, "a half"), known(high, "a half"), both);
}
