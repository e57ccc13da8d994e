/**
 * Where two engines part first, by timestep and then by op, and whether a rounding may have done it: at a
 * neuron that is at a tie, or in an op that gives what the interpreter makes of the same operands.
 */
import { isFramedNeuron, isNeuron, isStateful } from "../../../ir/op/known.ts";
import type { Engine, Probe, ProbeData, SampleResult } from "../../../ir/executable.ts";
import { known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Module, answersOf, isFramed, tensorAt } from "../../../ir/module.ts";
import {
  type NeuronKind,
  type Op,
  type OpKind,
  type OpOf,
  type ValueId,
  isOp,
} from "../../../ir/op/op.ts";
import { steppedCellOf } from "../../../ir/semantics/spiking.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount, isFloat } from "../../../ir/type.ts";
import { runOn } from "./run.ts";
import { tieShare, tiesAt } from "./ties.ts";
import { scaleOf, toleranceOf } from "./tolerance.ts";

export interface Parting {
  /**
   * `tie`: neurons at a tie send otherwise. `rounding`: each op gives what follows from its operands, in
   * which roundings grew: by sums that cancel, at a pole, in a comparison. `fault`: one does not.
   */
  readonly kind: "tie" | "rounding" | "fault";
  /** Where, in words. */
  readonly why: string;
  /** The kind of op. */
  readonly at: OpKind | null;
}

/** What both engines say of an op's result at every timestep, [T, numel]. */
interface Seen {
  readonly op: Op;
  readonly size: number;
  readonly wanted: ProbeData;
  readonly found: ProbeData;
  /** Beyond this, elements differ. */
  readonly room: number;
}

/** Runs both again with every value watched. */
export async function partingOf(
  module: Module,
  inputs: readonly Tensor[],
  reference: Engine,
  engine: Engine,
): Promise<Parting> {
  const probes = module.ops.map(({ result }): Probe => ({ value: result, keep: "trace" }));
  const wanted = await runOn(reference, module, inputs, probes);
  const found = await runOn(engine, module, inputs, probes);
  const seen = pairsOf(module, wanted, found);
  const timesteps = answersOf(module, module.timesteps);
  /** Where roundings first made a difference that is larger than one. */
  let grown: Parting | null = null;
  for (let t = 0; t < timesteps; t++) {
    for (const each of seen.values()) {
      const { op } = each;
      const differing = differingIn(each, t);
      if (differing.length === 0) continue;
      const where = `first at timestep ${t + 1} in ${op.kind} %${op.result}`;
      if (isNeuron(op)) {
        const ties = tiesOf(module, op, seen, t);
        if (differing.every((i) => ties[i] === true)) {
          return grown ?? { kind: "tie", why: where, at: op.kind };
        }
      }
      const wrong = wrongIn(module, each, seen, t);
      if (wrong !== null) {
        return { kind: "fault", why: `${where}, element ${wrong}`, at: op.kind };
      }
      grown ??= { kind: "rounding", why: where, at: op.kind };
    }
  }
  if (grown !== null) return grown;
  // Watching may have given it another kernel, which adds in another order.
  const neurons = module.ops.filter(isNeuron);
  for (let t = 0; t < timesteps; t++) {
    for (const op of neurons) {
      if (!tiesOf(module, op, seen, t).includes(true)) continue;
      const why = `at timestep ${t + 1} in ${op.kind} %${op.result}`;
      return { kind: "tie", why, at: op.kind };
    }
  }
  const why = "with every value watched they are alike, and nothing is at a tie";
  return { kind: "fault", why, at: null };
}

function pairsOf(
  module: Module,
  wanted: SampleResult,
  found: SampleResult,
): ReadonlyMap<ValueId, Seen> {
  return new Map(
    module.ops.map((op, i) => {
      const x = known(wanted.probes[i], "a value");
      const room = roomOf(module, op, x);
      const size = elementCount(op.type.shape);
      return [op.result, { op, size, wanted: x, found: known(found.probes[i], "a value"), room }];
    }),
  );
}

/** How far elements may be apart: not at all in integers, which float32, or what is kept of them, holds. */
function roomOf(module: Module, op: Op, values: ProbeData): number {
  const { dtype } = op.type;
  const isExact = !isFloat(dtype) && dtype !== "i64" && dtype !== "u64" && dtype !== "u32";
  return isExact ? 0 : toleranceOf(module) * scaleOf(values);
}

/** What share of a threshold is a tie: none of one of integers. */
function shareOf(module: Module, op: Op): number {
  return isFloat(op.type.dtype) ? Math.max(tieShare, toleranceOf(module)) : 0;
}

function at(values: ProbeData, size: number, t: number): ProbeData {
  return values.slice(t * size, (t + 1) * size);
}

/** The elements that both engines differ in at a timestep. */
function differingIn({ op, size, wanted, found, room }: Seen, t: number): readonly number[] {
  return differing(at(wanted, size, t), at(found, size, t), sendsWords(op) ? null : room);
}

/** Whether a spike is one of a few sizes, so that the least difference is one of spikes. */
function sendsWords(op: Op): boolean {
  return isNeuron(op) && !(isOp(op, "snn.ttfs") && op.attrs.resolution !== "tick");
}

/** Where `x` and `y` are further apart than `room`; null for what sizes of spikes are rounded to. */
function differing(x: ProbeData, y: ProbeData, room: number | null): readonly number[] {
  return [...x.keys()].filter((i) => {
    const [a = NaN, b = NaN] = [x[i], y[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return false;
    return !(Math.abs(a - b) <= (room ?? 1e-6 * Math.max(Math.abs(a), Math.abs(b))));
  });
}

function tiesOf(
  module: Module,
  op: OpOf<NeuronKind>,
  seen: ReadonlyMap<ValueId, Seen>,
  t: number,
): readonly boolean[] {
  const drive = known(seen.get(known(op.inputs[0], "an operand")), "a current").wanted;
  return tiesAt(module, op, drive, t, shareOf(module, op));
}

/**
 * The first element that does not follow from what the engine itself gave to the op; null where all do,
 * so that what differs came from before. Of neurons that are at a tie either answer follows.
 */
function wrongIn(
  module: Module,
  { op, size, found, room }: Seen,
  seen: ReadonlyMap<ValueId, Seen>,
  t: number,
): number | null {
  if (op.kind === "ann.input") return 0;
  const operands = op.inputs.map((value) => known(seen.get(value), "an operand"));
  const operandsAt = (step: number): readonly Tensor[] =>
    operands.map((each) => {
      const { dtype, shape } = each.op.type;
      return tensorOf(dtype, shape, at(each.found, each.size, step));
    });
  const tensors = (ref: string): Tensor => tensorAt(module, ref);
  const follows = (): Tensor => {
    if (!isStateful(op) && !isFramedNeuron(op)) return evaluate(op, operandsAt(t), tensors);
    const { shape } = known(operands[0], "an operand").op.type;
    const cell = steppedCellOf(op, shape, tensors, isFramed(module.code) ? module.timesteps : 1);
    for (let step = 0; step < t; step++) cell.step(known(operandsAt(step)[0], "an operand"));
    return cell.step(known(operandsAt(t)[0], "an operand"));
  };
  const wanted = Float32Array.from(follows().data);
  const ownRoom = Math.max(room, roomOf(module, op, wanted));
  const others = differing(wanted, at(found, size, t), sendsWords(op) ? null : ownRoom);
  if (!isNeuron(op)) return others[0] ?? null;
  const drive = known(operands[0], "a current").found;
  const ties = Array.from({ length: t + 1 }, (_, step) =>
    tiesAt(module, op, drive, step, shareOf(module, op)),
  );
  return others.find((i) => !ties.some((each) => each[i] === true)) ?? null;
}
