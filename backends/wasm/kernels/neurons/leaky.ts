/**
 * One timestep of leaky neurons, as `snn.lif` in ir/op/attrs/neurons.ts has it. On floats: in double precision,
 * potentials and silence rounded once; without a refractory period two at a time, with one each by
 * itself, as then some call functions of the host. On integers: exact, but for what leaks.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { OpOf } from "../../../../ir/op/op.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { type BinaryForm, binaryOutputs } from "./binary.ts";
import { inIntegers } from "./graded.ts";
import type { Moment, Update } from "../time/over-time.ts";
import { halfOf, inDoubles } from "../time/temporal.ts";

/** Parameters are threshold and amplitude; the state is the potential, and the silence that is left. */
export interface LeakyForm extends BinaryForm {
  readonly attrs: Pick<OpOf<"snn.lif">["attrs"], "leak" | "refractory" | "spikeTime" | "reset">;
}

export function leaky(code: FunctionWriter, form: LeakyForm): Update {
  return {
    begin: () => undefined,
    tick: () => undefined,
    step(moment) {
      const fires =
        form.attrs.refractory === 0 ? openStep(code, form, moment) : eachStep(code, form, moment);
      const v = known(moment.states[0]?.[0], "a potential");
      const amplitude = known(moment.parameters[1], "an amplitude");
      return binaryOutputs(code, form, { amplitude, fires, v });
    },
  };
}

/** Neurons on integers. */
export function leakyIntegers(code: FunctionWriter, form: LeakyForm): Update {
  const { i32x4, f64, f64x2, v128 } = code.wasm;
  const { leak, refractory, reset } = form.attrs;
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  return {
    begin: () => undefined,
    tick: () => undefined,
    step({ x, parameters, states }) {
      const [threshold, amplitude] = parameters;
      const theta = known(threshold, "a threshold");
      const v = known(states[0]?.[0], "a potential");
      const silence = states[1]?.[0];
      const halves = [0, 1].map((half) => {
        const current = code.define("v128", halfOf(code, x, half, "i32"));
        const above = f64x2.sub(halfOf(code, v, half, "i32"), current.get());
        const left = f64x2.trunc(f64x2.mul(above, f64x2.splat(f64.const(leak))));
        return code.define("v128", f64x2.add(current.get(), left));
      });
      const u = code.define("v128", inIntegers(code, halves));
      const fires = code.local("v128");
      if (silence === undefined) fires.set(i32x4.ge_s(u.get(), theta.get()));
      else {
        const open = code.define("v128", i32x4.eq(silence.get(), none()));
        u.set(v128.bitselect(u.get(), v.get(), open.get()));
        fires.set(v128.and(i32x4.ge_s(u.get(), theta.get()), open.get()));
        const rest = i32x4.sub(silence.get(), i32x4.splat(code.int(1)));
        const left = i32x4.max_s(rest, none());
        const whole = i32x4.splat(code.int(refractory));
        silence.set(v128.bitselect(whole, left, fires.get()));
      }
      const after = reset === "zero" ? none() : i32x4.sub(u.get(), theta.get());
      v.set(v128.bitselect(after, i32x4.max_s(u.get(), none()), fires.get()));
      return binaryOutputs(code, form, { amplitude: known(amplitude, "an amplitude"), fires, v });
    },
  };
}

/** The factor of a whole timestep, as the interpreter finds it. */
function wholeLeak({ attrs }: LeakyForm): number {
  return Math.exp(Math.log(attrs.leak));
}

/** A timestep of neurons that are never silenced: all bits are set where one fires. */
function openStep(code: FunctionWriter, form: LeakyForm, { x, parameters, states }: Moment): Local {
  const { f64, f64x2, i8x16, v128 } = code.wasm;
  const v = known(states[0]?.[0], "a potential");
  const threshold = known(parameters[0], "a threshold");
  const leak = (): Expr => f64x2.splat(f64.const(wholeLeak(form)));
  const us = [0, 1].map((half) => {
    const current = code.define("v128", halfOf(code, x, half));
    const above = f64x2.sub(halfOf(code, v, half), current.get());
    return code.define("v128", f64x2.add(current.get(), f64x2.mul(above, leak())));
  });
  const masks = us.map((u, half) =>
    code.define("v128", f64x2.ge(u.get(), halfOf(code, threshold, half))),
  );
  const none = (): Expr => v128.const(new Array<number>(16).fill(0));
  v.set(
    inDoubles(code, (half) => {
      const [u, mask] = [known(us[half], "a potential"), known(masks[half], "a mask")];
      const kept = f64x2.pmax(none(), u.get());
      const reset =
        form.attrs.reset === "zero" ? none() : f64x2.sub(u.get(), halfOf(code, threshold, half));
      return v128.bitselect(reset, kept, mask.get());
    }),
  );
  const [low, high] = masks;
  // The lower half of each double's mask.
  const lanes = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
  const both = i8x16.shuffle(known(low, "a mask").get(), known(high, "a mask").get(), lanes);
  return code.define("v128", both);
}

/** A timestep of four neurons one after the other. */
function eachStep(code: FunctionWriter, form: LeakyForm, { x, parameters, states }: Moment): Local {
  const { f64, f32, f32x4, i32x4 } = code.wasm;
  const { leak, refractory, spikeTime, reset } = form.attrs;
  const logLeak = Math.log(leak);
  const v = known(states[0]?.[0], "a potential");
  const silence = known(states[1]?.[0], "a silence");
  const threshold = known(parameters[0], "a threshold");
  const fires = code.define("v128", code.wasm.v128.const(new Array<number>(16).fill(0)));
  const call = (name: string, operand: Expr): Expr => code.assembler.callHost(name, [operand]);
  for (let lane = 0; lane < 4; lane++) {
    const read = (from: Local): Local =>
      code.define("f64", f64.promote(f32x4.extract_lane(from.get(), lane)));
    const write = (to: Local, value: Expr): void => {
      to.set(f32x4.replace_lane(to.get(), lane, f32.demote(value)));
    };
    const [current, theta, before, rest] = [x, threshold, v, silence]
      .map(read)
      .map((l) => () => l.get());
    const [j, q, v0, w] = [
      known(current, "a current"),
      known(theta, "a threshold"),
      known(before, "a potential"),
      known(rest, "a silence"),
    ];
    const open = code.define(
      "f64",
      f64.min(f64.const(1), f64.max(f64.const(0), f64.sub(f64.const(1), w()))),
    );
    const left = code.define("f64", f64.const(wholeLeak(form)));
    code.when(f64.ne(open.get(), f64.const(1)), () => {
      left.set(call("exp", f64.mul(open.get(), f64.const(logLeak))));
    });
    const u = code.define("f64", f64.add(j(), f64.mul(f64.sub(v0(), j()), left.get())));
    const { i32 } = code.wasm;
    const isOpen = f64.gt(open.get(), f64.const(0));
    code.when(
      i32.and(f64.ge(u.get(), q()), isOpen),
      () => {
        fires.set(i32x4.replace_lane(fires.get(), lane, code.int(-1)));
        const early = code.define("f64", f64.const(0));
        if (spikeTime === "exact") {
          code.when(f64.gt(j(), q()), () => {
            const share = f64.div(f64.neg(f64.sub(u.get(), q())), f64.sub(j(), q()));
            const past = f64.div(call("log1p", f64.max(f64.const(-1), share)), f64.const(logLeak));
            early.set(f64.min(open.get(), past));
          });
        }
        write(v, reset === "zero" ? f64.const(0) : f64.sub(u.get(), q()));
        write(silence, f64.max(f64.const(0), f64.sub(f64.const(refractory), early.get())));
      },
      () => {
        write(v, f64.max(f64.const(0), u.get()));
        write(silence, f64.max(f64.const(0), f64.sub(w(), f64.const(1))));
      },
    );
  }
  return fires;
}
