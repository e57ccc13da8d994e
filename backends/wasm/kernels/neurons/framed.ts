/**
 * Neurons of framed codes, whose operands and results are sums of frames here: one step from the sum
 * that was received to the sum that is sent. As `snn.few-spikes` and `snn.ttfs` in ir/op/op.ts have it.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { significandDigits } from "../../../../ir/semantics/neurons/first-spike.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { splat } from "../functions.ts";
import { inIntegers, nearestMultiple } from "./graded.ts";
import type { Update } from "../time/over-time.ts";
import { halfOf, inDoubles } from "../time/temporal.ts";

/**
 * Outputs are the sum, then, where asked for, the potential, and last what was fired: the number of
 * few-spikes, or the word that the time of a first spike is.
 */
export interface FramedForm {
  readonly traced: boolean;
}

/** As many digits as the significand of a float32 has. */
const anySignificand = 2 ** significandDigits - 1;

const timeless = { begin: () => undefined, tick: () => undefined };

/**
 * Parameters are the initial potential, then threshold, reset and amplitude for each of `rows`. Sums
 * of f32 are found in doubles; those of i32 are exact.
 */
export function fewSpikes(
  code: FunctionWriter,
  form: FramedForm,
  rows: number,
  element: "f32" | "i32",
): Update {
  const { f32x4, v128, i32x4 } = code.wasm;
  const isFloat = element === "f32";
  const unit = isFloat ? f32x4 : i32x4;
  const reaches = (a: Expr, b: Expr): Expr => (isFloat ? f32x4.ge(a, b) : i32x4.ge_s(a, b));
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  return {
    ...timeless,
    step({ x, parameters }) {
      const [vInit, ...rest] = parameters;
      const v = code.define("v128", unit.add(known(vInit, "a potential").get(), x.get()));
      const sum = isFloat ? sumOfFloats(code) : sumOfIntegers(code);
      const count = code.define("v128", none());
      const fires = code.local("v128");
      const sent = code.local("v128");
      for (let row = 0; row < rows; row++) {
        const [threshold, reset, amplitude] = rest
          .slice(3 * row, 3 * row + 3)
          .map((each) => () => each.get());
        fires.set(reaches(v.get(), known(threshold, "a threshold")()));
        v.set(unit.sub(v.get(), v128.and(known(reset, "a reset")(), fires.get())));
        sent.set(v128.and(known(amplitude, "an amplitude")(), fires.get()));
        sum.add(sent);
        count.set(i32x4.sub(count.get(), fires.get()));
      }
      return [() => sum.total(), ...outputsOf(form, v, count).map((each) => () => each.get())];
    },
  };
}

interface Sum {
  add(value: Local): void;
  total(): Expr;
}

/** In doubles, rounded once. */
function sumOfFloats(code: FunctionWriter): Sum {
  const { f64x2, v128 } = code.wasm;
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  const sums = [0, 1].map(() => code.define("v128", none()));
  return {
    add(value) {
      sums.forEach((sum, half) => {
        sum.set(f64x2.add(sum.get(), halfOf(code, value, half)));
      });
    },
    total: () => inDoubles(code, (half) => known(sums[half], "a sum").get()),
  };
}

function sumOfIntegers(code: FunctionWriter): Sum {
  const { i32x4, v128 } = code.wasm;
  const sum = code.define("v128", v128.const(new Array<number>(16).fill(0)));
  return {
    add(value) {
      sum.set(i32x4.add(sum.get(), value.get()));
    },
    total: () => sum.get(),
  };
}

/** Parameters are the initial potential, the slope of the ramp and the amplitude. */
export function firstSpike(
  code: FunctionWriter,
  form: FramedForm,
  ticks: number,
  resolution: "tick" | "continuous",
): Update {
  const { f32x4, v128, i32x4 } = code.wasm;
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  return {
    ...timeless,
    step({ x, parameters }) {
      const [vInit, threshold, amplitude] = parameters.map((each) => () => each.get());
      const v = code.define("v128", f32x4.add(known(vInit, "a potential")(), x.get()));
      const ratio = f32x4.div(v.get(), known(threshold, "a threshold")());
      const rounded =
        resolution === "tick" ? f32x4.floor(f32x4.add(ratio, splat(code, 0.5))) : ratio;
      // NaN is not above 0: there is no spike then.
      const bounded = f32x4.pmin(f32x4.pmax(splat(code, 0), rounded), splat(code, ticks));
      const lead = code.define("v128", bounded);
      const word = (): Expr =>
        resolution === "tick"
          ? i32x4.trunc_sat_f32x4_u(lead.get())
          : v128.and(f32x4.gt(lead.get(), none()), i32x4.splat(code.int(anySignificand)));
      const fired = code.define("v128", word());
      return [
        () => f32x4.mul(lead.get(), known(amplitude, "an amplitude")()),
        ...outputsOf(form, v, fired).map((each) => () => each.get()),
      ];
    },
  };
}

/** The same on integers, with a resolution of ticks: exact, the quotient found in doubles. */
export function firstSpikeIntegers(code: FunctionWriter, form: FramedForm, ticks: number): Update {
  const { i32x4, f64x2, f64 } = code.wasm;
  const number = (value: number): Expr => f64x2.splat(f64.const(value));
  return {
    ...timeless,
    step({ x, parameters }) {
      const [vInit, threshold, amplitude] = parameters;
      const v = code.define("v128", i32x4.add(known(vInit, "a potential").get(), x.get()));
      const halves = [0, 1].map((half) => {
        const slope = halfOf(code, known(threshold, "a threshold"), half, "i32");
        const step = code.define("v128", slope);
        const rounded = nearestMultiple(code, halfOf(code, v, half, "i32"), step);
        return code.define("v128", f64x2.pmin(f64x2.pmax(rounded, number(0)), number(ticks)));
      });
      const lead = code.define("v128", inIntegers(code, halves));
      return [
        () => i32x4.mul(lead.get(), known(amplitude, "an amplitude").get()),
        ...outputsOf(form, v, lead).map((each) => () => each.get()),
      ];
    },
  };
}

function outputsOf(form: FramedForm, v: Local, fired: Local): Local[] {
  return [...(form.traced ? [v] : []), fired];
}
