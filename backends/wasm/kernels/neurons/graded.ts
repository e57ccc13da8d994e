/**
 * One timestep of graded neurons, as `snn.graded` in ir/op/attrs/neurons.ts has it: each +, −, · and / rounded once
 * in float32, or exact in integers, whose quotients are found in doubles.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { finestShare } from "../../../../ir/semantics/neurons/graded.ts";
import type { OpOf, StepSchedule } from "../../../../ir/op/op.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { choose, splat } from "../functions.ts";
import type { Update } from "../time/over-time.ts";

/** How a population is to be computed. */
export interface GradedForm {
  readonly attrs: Pick<OpOf<"snn.graded">["attrs"], "alphabet" | "bits" | "schedule" | "sign">;
  /** Parameters are threshold, amplitude and, where there is one, the ceiling. */
  readonly hasCeiling: boolean;
  /** Outputs are the spikes and, where asked for, potentials and sizes in units of the step. */
  readonly traced: boolean;
  readonly sized: boolean;
}

/** Whether the total that was sent is to be known. States are the potential and, then, the total. */
export function needsTotal({
  attrs,
  hasCeiling,
}: Pick<GradedForm, "attrs" | "hasCeiling">): boolean {
  return attrs.sign === "retract" || hasCeiling;
}

/** ρ_t over the timesteps of a chunk, where it is the same for all neurons. */
export class Clock {
  private readonly code: FunctionWriter;
  private readonly schedule: SharedSchedule;
  /** t, or ρ_t. */
  private readonly now: Local | null;
  private readonly lanes: Local | null;

  constructor(code: FunctionWriter, schedule: SharedSchedule) {
    this.code = code;
    this.schedule = schedule;
    this.now = schedule === "constant" ? null : code.local("f64");
    this.lanes = schedule === "constant" ? null : code.local("v128");
  }

  begin(): void {
    const { code, now } = this;
    if (now === null) return;
    const { f64, i64, i32 } = code.wasm;
    const elapsed = code.parameter(2);
    if (this.schedule === "reciprocal") {
      now.set(f64.convert_s.i32(i32.add(elapsed.get(), code.int(1))));
    } else {
      // A power of 1/2 by its exponent; doubles have those of the finest step and more.
      const isThere = i32.lt_s(elapsed.get(), code.int(500));
      const halvings = code.wasm.select(isThere, elapsed.get(), code.int(500));
      const exponent = i32.sub(code.int(1023), halvings);
      const bits = i64.shl(i64.extend_u(exponent), i64.const(52n));
      now.set(f64.max(f64.reinterpret(bits), f64.const(finestShare)));
    }
    this.spread();
  }

  tick(): void {
    const { code, now } = this;
    if (now === null) return;
    const { f64 } = code.wasm;
    switch (this.schedule) {
      case "constant":
        break;
      case "reciprocal":
        now.set(f64.add(now.get(), f64.const(1)));
        break;
      case "halving":
        now.set(f64.max(f64.mul(now.get(), f64.const(0.5)), f64.const(finestShare)));
        break;
    }
    this.spread();
  }

  private spread(): void {
    const { f32x4, f32 } = this.code.wasm;
    const now = known(this.now, "a time");
    known(this.lanes, "a time").set(f32x4.splat(f32.demote(now.get())));
  }

  /** `value` · ρ_t. */
  scheduled(value: Expr): Expr {
    if (this.lanes === null) return value;
    const { f32x4 } = this.code.wasm;
    const { lanes } = this;
    return this.schedule === "reciprocal"
      ? f32x4.div(value, lanes.get())
      : f32x4.mul(value, lanes.get());
  }

  /** `value` / ρ_t, up to rounding. */
  unscheduled(value: Expr): Expr {
    if (this.lanes === null) return value;
    const { f32x4 } = this.code.wasm;
    const { lanes } = this;
    return this.schedule === "reciprocal"
      ? f32x4.mul(value, lanes.get())
      : f32x4.div(value, lanes.get());
  }
}

/** Schedules that a clock knows: with a table, each neuron has shares of its own. */
export type SharedSchedule = Exclude<StepSchedule, "table">;

/** The largest spike in units of the step. */
function largest({ alphabet, bits }: Pick<GradedForm["attrs"], "alphabet" | "bits">): number {
  return alphabet === "word" ? 2 ** bits - 1 : 2 ** (bits - 1);
}

/** Neurons on float32. */
export function gradedFloats(code: FunctionWriter, form: GradedForm): Update {
  const { f32x4, v128 } = code.wasm;
  const { attrs } = form;
  const { schedule } = attrs;
  const clock = new Clock(code, schedule === "table" ? "constant" : schedule);
  const most = largest(attrs);
  const nearest = (a: Expr, step: Local): Expr =>
    f32x4.floor(f32x4.add(f32x4.div(a, step.get()), splat(code, 0.5)));
  return {
    begin: () => {
      clock.begin();
    },
    tick: () => {
      clock.tick();
    },
    step({ x, rows, parameters, states }) {
      const [threshold, amplitude, ceiling] = parameters.map((each) => () => each.get());
      const shared = (value: Expr): Expr =>
        schedule === "table"
          ? f32x4.mul(value, known(rows[0], "shares").get())
          : clock.scheduled(value);
      const v = known(states[0]?.[0], "a potential");
      const r = states[1]?.[0];
      const step =
        schedule === "constant"
          ? known(parameters[0], "a threshold")
          : code.define("v128", shared(known(threshold, "a threshold")()));
      const u = code.define("v128", f32x4.add(v.get(), x.get()));
      const bound = (a: Expr): Expr => f32x4.pmin(nearest(a, step), splat(code, most));
      const retracts = attrs.sign === "retract";
      const wanted = retracts
        ? code.define("v128", f32x4.pmax(u.get(), f32x4.neg(known(r, "a total").get())))
        : u;
      let low = (): Expr => splat(code, attrs.sign === "positive" ? 0 : -most);
      if (retracts && attrs.alphabet === "power") {
        const taken = f32x4.pmax(bound(known(r, "a total").get()), splat(code, 0));
        const least = code.define("v128", f32x4.neg(taken));
        low = () => least.get();
      }
      let high = (): Expr => splat(code, most);
      if (form.hasCeiling) {
        const room = f32x4.sub(known(ceiling, "a ceiling")(), known(r, "a total").get());
        const top = code.define("v128", bound(room));
        high = () => top.get();
      }
      const k = code.local("v128");
      if (attrs.alphabet === "word") {
        k.set(f32x4.pmax(f32x4.pmin(nearest(wanted.get(), step), high()), low()));
      } else {
        k.set(splat(code, 0));
        const size = code.local("v128");
        for (let e = 0; e < attrs.bits; e++) {
          const sign = v128.and(f32x4.lt(wanted.get(), splat(code, 0)), signBit(code));
          size.set(v128.or(splat(code, 2 ** e), sign));
          const reach = f32x4.mul(step.get(), splat(code, 0.75 * 2 ** e));
          const isReached = f32x4.ge(f32x4.abs(wanted.get()), reach);
          const isWithin = v128.and(f32x4.ge(size.get(), low()), f32x4.le(size.get(), high()));
          k.set(choose(code, v128.and(isReached, isWithin), size.get(), k.get()));
        }
      }
      const change = code.define("v128", f32x4.mul(k.get(), step.get()));
      v.set(f32x4.sub(u.get(), change.get()));
      r?.set(f32x4.add(r.get(), change.get()));
      return [
        () => f32x4.mul(k.get(), shared(known(amplitude, "an amplitude")())),
        ...(form.traced ? [() => v.get()] : []),
        ...(form.sized ? [() => k.get()] : []),
      ];
    },
  };
}

function signBit(code: FunctionWriter): Expr {
  return code.wasm.i32x4.splat(code.int(-(2 ** 31)));
}

/** Neurons on integers. */
export function gradedIntegers(code: FunctionWriter, form: GradedForm): Update {
  const { i32x4 } = code.wasm;
  return {
    begin: () => undefined,
    tick: () => undefined,
    step({ x, rows, parameters, states }) {
      const [threshold, amplitude, ceiling] = parameters;
      // There is a row of shares where steps come from a table.
      const [shares] = rows;
      const shared = (value: Local): Expr =>
        shares === undefined ? value.get() : i32x4.mul(value.get(), shares.get());
      const step = code.define("v128", shared(known(threshold, "a threshold")));
      const v = known(states[0]?.[0], "a potential");
      const r = states[1]?.[0];
      const u = code.define("v128", i32x4.add(v.get(), x.get()));
      const k = code.define("v128", integerWords(code, form.attrs, { u, sent: r, step, ceiling }));
      const change = code.define("v128", i32x4.mul(k.get(), step.get()));
      v.set(i32x4.sub(u.get(), change.get()));
      r?.set(i32x4.add(r.get(), change.get()));
      return [
        () => i32x4.mul(k.get(), shared(known(amplitude, "an amplitude"))),
        ...(form.traced ? [() => v.get()] : []),
        ...(form.sized ? [() => k.get()] : []),
      ];
    },
  };
}

/** The sizes that spikes may have. */
type FiringRule = Pick<GradedForm["attrs"], "alphabet" | "bits" | "sign">;

/** What four neurons fire by. */
interface Firing {
  /** Potentials before the reset. */
  readonly u: Local;
  /** What was sent; read where the sign or a ceiling asks for it. */
  readonly sent: Local | undefined;
  readonly step: Local;
  readonly ceiling: Local | undefined;
}

/** The spikes of four neurons on integers, in units of the step. */
export function integerWords(code: FunctionWriter, firing: FiringRule, given: Firing): Expr {
  const halves = [0, 1].map((half) => code.define("v128", spikesOfHalf(code, firing, half, given)));
  return inIntegers(code, halves);
}

/** The spikes of two of four neurons, as doubles. */
function spikesOfHalf(code: FunctionWriter, attrs: FiringRule, half: number, given: Firing): Expr {
  const { f64x2, f64, v128 } = code.wasm;
  const number = (value: number): Expr => f64x2.splat(f64.const(value));
  const most = largest(attrs);
  const wide = (lanes: Local): Expr => {
    const all = lanes.get();
    const four = half === 0 ? all : highHalf(code, all);
    return f64x2.convert_low_i32x4_s(four);
  };
  const step = code.define("v128", wide(given.step));
  const nearest = (a: Expr): Expr => nearestMultiple(code, a, step);
  const bound = (a: Expr): Expr => f64x2.pmin(nearest(a), number(most));
  const u = code.define("v128", wide(given.u));
  const retracts = attrs.sign === "retract";
  const wanted = retracts
    ? code.define("v128", f64x2.pmax(u.get(), f64x2.neg(wide(known(given.sent, "a total")))))
    : u;
  let low = (): Expr => number(attrs.sign === "positive" ? 0 : -most);
  if (retracts && attrs.alphabet === "power") {
    const taken = f64x2.pmax(bound(wide(known(given.sent, "a total"))), number(0));
    const least = code.define("v128", f64x2.neg(taken));
    low = () => least.get();
  }
  let high = (): Expr => number(most);
  if (given.ceiling !== undefined) {
    const room = f64x2.sub(wide(given.ceiling), wide(known(given.sent, "a total")));
    const top = code.define("v128", bound(room));
    high = () => top.get();
  }
  if (attrs.alphabet === "word")
    return f64x2.pmax(f64x2.pmin(nearest(wanted.get()), high()), low());
  const k = code.define("v128", number(0));
  const size = code.local("v128");
  for (let e = 0; e < attrs.bits; e++) {
    const isNegative = f64x2.lt(wanted.get(), number(0));
    size.set(choose(code, isNegative, number(-(2 ** e)), number(2 ** e)));
    const reach = f64x2.mul(step.get(), number(0.75 * 2 ** e));
    const isReached = f64x2.ge(f64x2.abs(wanted.get()), reach);
    const isWithin = v128.and(f64x2.ge(size.get(), low()), f64x2.le(size.get(), high()));
    k.set(choose(code, v128.and(isReached, isWithin), size.get(), k.get()));
  }
  return k.get();
}

/**
 * ⌊a/step + ½⌋ of whole numbers of up to 32 bits in doubles, as ⌊(2a + step) / 2step⌋: every sum is
 * exact, and so is the floor of the quotient.
 */
export function nearestMultiple(code: FunctionWriter, a: Expr, step: Local): Expr {
  const { f64x2, f64 } = code.wasm;
  const two = (): Expr => f64x2.splat(f64.const(2));
  return f64x2.floor(
    f64x2.div(f64x2.add(f64x2.mul(a, two()), step.get()), f64x2.mul(step.get(), two())),
  );
}

/** Four i32 from two vectors of whole numbers in doubles. */
export function inIntegers(code: FunctionWriter, halves: readonly Local[]): Expr {
  const { i32x4, i8x16 } = code.wasm;
  const [low, high] = halves.map((half) => i32x4.trunc_sat_f64x2_s_zero(half.get()));
  const both = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
  return i8x16.shuffle(known(low, "a half"), known(high, "a half"), both);
}

/** The upper two of four lanes, in the place of the lower. */
export function highHalf(code: FunctionWriter, lanes: Expr): Expr {
  const { i8x16, v128 } = code.wasm;
  const none = v128.const(new Array<number>(16).fill(0));
  return i8x16.shuffle(lanes, none, [8, 9, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16]);
}
