/**
 * One timestep of neurons that rehearse, as `snn.rehearsed-if` in ir/op/attrs/neurons.ts has it: each sum rounded to
 * float32 where the interpreter rounds it, four neurons at a time.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { OpOf } from "../../../../ir/op/op.ts";
import { rehearsalMargin } from "../../../../ir/semantics/neurons/rehearsed.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { type BinaryForm, binaryOutputs } from "./binary.ts";
import type { Moment, Update } from "../time/over-time.ts";

/**
 * Parameters are threshold, amplitude and initial potential. The first state is the potential; with rule
 * `offset` the others are e and g, from ∞ on.
 */
export interface RehearsedForm extends BinaryForm {
  readonly attrs: Pick<OpOf<"snn.rehearsed-if">["attrs"], "rehearsal" | "rule">;
}

/** The locals of four neurons by name. */
interface Four {
  readonly threshold: Local;
  readonly vInit: Local;
  readonly v: Local;
}

export function rehearsed(code: FunctionWriter, form: RehearsedForm): Update {
  const { rehearsal, rule } = form.attrs;
  const now = code.local("i32");
  return {
    begin: () => now.set(code.parameter(2).get()),
    tick: () => now.step(1),
    step(moment) {
      const { i32, f32x4, v128 } = code.wasm;
      const { x, parameters, states } = moment;
      const amplitude = known(parameters[1], "an amplitude");
      const four: Four = {
        threshold: known(parameters[0], "a threshold"),
        vInit: known(parameters[2], "an initial potential"),
        v: known(states[0]?.[0], "a potential"),
      };
      const { threshold, v } = four;
      const margins = rule === "offset" ? marginsOf(moment) : null;
      code.when(i32.eq(now.get(), code.int(rehearsal)), () => {
        v.set(margins === null ? silenced(code, four) : shifted(code, four, margins));
      });
      const u = code.define("v128", f32x4.add(v.get(), x.get()));
      const fires = code.define("v128", f32x4.ge(u.get(), threshold.get()));
      v.set(v128.bitselect(f32x4.sub(u.get(), threshold.get()), u.get(), fires.get()));
      if (margins !== null) {
        const { toSilence, toFire } = margins;
        const short = f32x4.sub(threshold.get(), u.get());
        const distance = v128.bitselect(v.get(), short, fires.get());
        const least = code.define("v128", f32x4.add(distance, marginOf(code, four)));
        const less = (than: Local): Expr => f32x4.min(than.get(), least.get());
        toSilence.set(v128.bitselect(less(toSilence), toSilence.get(), fires.get()));
        toFire.set(v128.bitselect(toFire.get(), less(toFire), fires.get()));
      }
      return binaryOutputs(code, form, { amplitude, fires, v });
    },
  };
}

interface Margins {
  readonly toSilence: Local;
  readonly toFire: Local;
}

function marginsOf({ states }: Moment): Margins {
  return {
    toSilence: known(states[1]?.[0], "the margin of spikes"),
    toFire: known(states[2]?.[0], "the margin of silences"),
  };
}

/** ε. */
function marginOf({ wasm: { f32x4, f32 } }: FunctionWriter, { threshold }: Four): Expr {
  return f32x4.mul(f32x4.splat(f32.const(rehearsalMargin)), threshold.get());
}

/** The potential after a rehearsal by rule `silence`. */
function silenced(code: FunctionWriter, four: Four): Expr {
  const { f32x4, f32, v128 } = code.wasm;
  const never = f32x4.splat(f32.const(-Infinity));
  const isLow = f32x4.le(four.v.get(), marginOf(code, four));
  return v128.bitselect(never, four.vInit.get(), isLow);
}

/** The potential after a rehearsal by rule `offset`. */
function shifted(
  code: FunctionWriter,
  { threshold, vInit, v }: Four,
  { toSilence, toFire }: Margins,
): Expr {
  const { f32x4, f32, v128 } = code.wasm;
  const isThere = (margin: Local): Expr => f32x4.lt(margin.get(), f32x4.splat(f32.const(Infinity)));
  const by = (margin: Local): Expr => f32x4.max(threshold.get(), margin.get());
  const isLow = v128.and(f32x4.lt(v.get(), f32x4.splat(f32.const(0))), isThere(toSilence));
  const isHigh = v128.and(f32x4.ge(v.get(), threshold.get()), isThere(toFire));
  const raised = v128.bitselect(f32x4.add(vInit.get(), by(toFire)), vInit.get(), isHigh);
  return v128.bitselect(f32x4.sub(vInit.get(), by(toSilence)), raised, isLow);
}
