/** Read-outs: sums of what comes over time, in integers, and the floats that are made of them when they are asked for. */
import { magnitude } from "../../../ir/analysis/interval.ts";
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { type Op, type OpOf, isOp } from "../../../ir/op/op.ts";
import { block } from "../text/code.ts";
import { nestOver } from "../text/nest.ts";
import { accumulate } from "./accumulators.ts";
import type { Lowering } from "./lowering.ts";
import { remaining } from "./sums.ts";
import { type Held, type View, orderOf, viewOf } from "./views.ts";

export type ReadOut = OpOf<"snn.readout" | "snn.accumulate">;

export function isReadOut(op: Op): op is ReadOut {
  return isOp(op, "snn.readout", "snn.accumulate");
}

/** The sums behind a read-out. */
export interface Sums {
  readonly op: ReadOut;
  readonly total: View;
  /** The sums when as many timesteps had passed as are left out; null where none are. */
  readonly early: View | null;
}

const made = new WeakMap<Lowering, Map<ReadOut, Sums>>();

/** The sums behind a read-out, added to by now; made once. */
export function sumsOf(lowering: Lowering, op: ReadOut): Sums {
  const all = made.get(lowering) ?? new Map<ReadOut, Sums>();
  made.set(lowering, all);
  const sums = all.get(op) ?? lowerSums(lowering, op);
  all.set(op, sums);
  return sums;
}

/** Adds what comes to the sums of a read-out. */
function lowerSums(lowering: Lowering, op: ReadOut): Sums {
  const part = lowering.part();
  const name = shortName(op.loc);
  const timesteps = lowering.isFramed ? 1 : lowering.options.timesteps;
  const partial = lowering.bounds.partialSums.get(lowering.operandOf(op)) ?? 0;
  const most = magnitude(lowering.intervalOf(lowering.operandOf(op))) * timesteps + partial;
  const accumulator = accumulate(lowering, part, op, {
    name: lowering.names.claim(`${name}_total`),
    type: most < 2 ** 31 ? "int32_t" : "int64_t",
    what: "sums of the read-out",
    start: () => 0,
  });
  const { view, code, rest } = accumulator;
  part.add(code);
  part.add(remaining(view, rest));
  const start = isOp(op, "snn.readout") ? op.attrs.start : 0;
  let early: View | null = null;
  if (start > 0 && !lowering.isFramed) {
    const held = lowering.kept(op, "early", view.array.type, view.shape, orderOf(view));
    early = known(viewOf(held), "a view of sums");
    part.uses(early);
    part.usesTime = true;
    const nest = nestOver([early, view]);
    part.add(block(`if (t == ${start})`, nest.around(`${nest.at(early)} = ${nest.at(view)};`)));
  }
  const phase = lowering.isFramed ? "begin" : "step";
  const about = [
    `${name}: sums for the read-out.`,
    ...accumulator.about.map((each) => `  ${each}.`),
  ];
  lowering.emit(name, phase, about, part);
  return { op, total: view, early };
}

/** The decoded value: the sum, or the mean over the timesteps that count. */
export function lowerReadOut(lowering: Lowering, op: ReadOut): Held {
  const { total, early } = sumsOf(lowering, op);
  const part = lowering.part();
  const order = orderOf(total);
  const held = lowering.scratchFor(op, "value", order);
  const view = known(viewOf(held), "a view of values");
  part.uses(total, view, early);
  const nest = nestOver([view, total, ...(early === null ? [] : [early])]);
  const sum = `(double)${nest.at(total)}`;
  if (!isOp(op, "snn.readout"))
    part.add(nest.around(`${nest.at(view)} = (float)${nest.at(total)};`));
  else {
    const { start } = op.attrs;
    part.usesTime = true;
    const mean = `${nest.at(view)} = (float)(${sum} / t);`;
    if (early === null) part.add(nest.around(mean));
    else {
      const rest = `(double)(${nest.at(total)} - ${nest.at(early)}) / (t - ${start})`;
      part.add(block(`if (t < ${2 * start})`, nest.around(mean)));
      part.add(block("else", nest.around(`${nest.at(view)} = (float)(${rest});`)));
    }
  }
  const what = isOp(op, "snn.readout") ? "the mean over the timesteps" : "the sum";
  lowering.emit(
    `${shortName(op.loc)}_value`,
    "output",
    [`${shortName(op.loc)}: ${what}, as floats.`],
    part,
  );
  return held;
}
