/**
 * What drives neurons, and where their potentials are. Currents are added to the potentials themselves
 * where no sum on the way can leave 32 bits, and to an array of their own elsewhere.
 */
import { known } from "../../../../ir/diagnostic.ts";
import { magnitude } from "../../../../ir/analysis/interval.ts";
import { shortName } from "../../../../ir/loc.ts";
import { tensorAt } from "../../../../ir/module.ts";
import { type NeuronKind, type Op, type OpOf, isOp } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import { type Code, sumOf } from "../../text/code.ts";
import type { Nest } from "../../text/nest.ts";
import { accumulate, orderFor } from "../accumulators.ts";
import { assigned, Sum } from "../sums.ts";
import type { Lowering } from "../lowering.ts";
import { type Parameter, spread } from "../parameters.ts";
import type { PartBuilder } from "../part.ts";
import { type View, filling, orderOf, viewOf } from "../views.ts";

export type IntegerNeuron = OpOf<Exclude<NeuronKind, "snn.rehearsed-if">>;

/** Whether neurons are of a kind that integer networks have. */
export function isInteger(op: Op): op is IntegerNeuron {
  return isOp(op, "snn.if", "snn.graded", "snn.lif", "snn.few-spikes", "snn.ttfs");
}

export interface Drive {
  /** The potentials. */
  readonly potential: View;
  /** Code that adds what is not added element by element. */
  readonly code: Code;
  readonly about: readonly string[];
  /** Views that the loop over the neurons goes over, the potentials first. */
  readonly views: readonly View[];
  /** The potential with this timestep's current. */
  charged(nest: Nest): string;
}

/** Currents and potentials of `op`, with the potentials as accumulators where they may be. */
export function driveOf(lowering: Lowering, part: PartBuilder, op: IntegerNeuron): Drive {
  return isSafe(lowering, op) ? inPlace(lowering, part, op) : apart(lowering, part, op);
}

/** Whether potentials and all that is added to them stay within 32 bits in whatever order it is added. */
function isSafe(lowering: Lowering, op: IntegerNeuron): boolean {
  const bounds = known(lowering.bounds.neurons.get(op.result), "bounds of neurons");
  const { timesteps } = lowering.options;
  return magnitude(bounds.potential(timesteps)) + bounds.partialSum < 2 ** 31;
}

function inPlace(lowering: Lowering, part: PartBuilder, op: IntegerNeuron): Drive {
  const { view, code, rest, about } = accumulate(lowering, part, op, {
    name: lowering.names.claim(`${shortName(op.loc)}_potential`),
    type: "int32_t",
    what: "membrane potentials",
    start: (order) => initial(lowering, op, order),
  });
  const views = [view, ...rest.views];
  return {
    potential: view,
    code,
    about,
    views,
    charged: (nest) => sumOf([nest.at(view), ...rest.terms(nest)]),
  };
}

/** Potentials beside an array of currents. */
function apart(lowering: Lowering, part: PartBuilder, op: IntegerNeuron): Drive {
  const { potential, current, code, about } = currentOf(lowering, part, op);
  const { isFramed } = lowering;
  const start = initial(lowering, op, orderOf(potential));
  const from = typeof start === "number" ? [] : [start];
  if (isFramed) part.uses(...from);
  return {
    potential,
    code,
    about,
    views: [potential, ...current.views, ...(isFramed ? from : [])],
    charged: (nest) =>
      sumOf([
        isFramed
          ? typeof start === "number"
            ? String(start)
            : nest.at(start)
          : nest.at(potential),
        ...current.terms(nest),
      ]),
  };
}

export interface Current {
  readonly potential: View;
  /** What the current is the sum of in a loop over the neurons. */
  readonly current: Pick<Sum, "terms" | "views">;
  readonly code: Code;
  readonly about: readonly string[];
}

/** The current of `op` by itself, and its potentials, which have nothing added. */
export function currentOf(lowering: Lowering, part: PartBuilder, op: IntegerNeuron): Current {
  const value = lowering.operandOf(op);
  const { shape } = op.type;
  const order = orderFor(lowering, value);
  const name = shortName(op.loc);
  const kind = lowering.isFramed ? "scratch" : "kept";
  const size = elementCount(shape);
  const own = lowering.names.claim(`${name}_potential`);
  const array = lowering.array(kind, own, "int32_t", size, "membrane potentials");
  const potential = known(viewOf(filling(array, shape, order)), "a view of potentials");
  part.uses(potential);
  if (!lowering.isFramed) beginAt(lowering, op, potential);
  const phase = lowering.phaseOf(op.result);
  const scratch = lowering.array(
    ...(["scratch", lowering.names.claim(`${name}_current`), "int32_t", size, "currents"] as const),
  );
  const target = known(viewOf(filling(scratch, shape, order)), "a view of currents");
  const sum = new Sum(lowering, part, target, name, phase);
  sum.add(value, 1);
  // What is added element by element alone needs no array.
  if (sum.synapses.length === 0) {
    return { potential, current: sum, code: sum.before, about: sum.about };
  }
  part.uses(target);
  const current = { views: [target], terms: (nest: Nest) => [nest.at(target)] };
  return { potential, current, code: assigned(target, sum), about: sum.about };
}

function beginAt(lowering: Lowering, op: IntegerNeuron, potential: View): void {
  const part = lowering.part();
  part.uses(potential);
  const name = shortName(op.loc);
  const none = new Sum(lowering, part, potential, name, "begin");
  const start = initial(lowering, op, orderOf(potential));
  if (typeof start !== "number") part.uses(start);
  part.add(assigned(potential, none, start));
  lowering.emit(`begin_${name}`, "begin", [`${name} before the first timestep.`], part);
}

function initial(lowering: Lowering, op: IntegerNeuron, order: readonly number[]): Parameter {
  const numbers = spread(tensorAt(lowering.module, op.attrs.vInit), op.type.shape);
  const name = `${shortName(op.loc)}_v_init`;
  return lowering.parameter(name, numbers, op.type.shape, order, "initial potentials");
}
