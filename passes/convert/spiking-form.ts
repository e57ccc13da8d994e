/**
 * Which ops have a form in a spiking network, decided for a whole module at once. Used by the pass
 * that converts and by `snnc check`, so that the two never disagree. Changes nothing.
 */
import { elementCount, isFloat } from "../../ir/type.ts";
import { specOf } from "../../ir/op/table.ts";
import type { Module } from "../../ir/module.ts";
import { hasWeights, traitsOf } from "../../ir/op/known.ts";
import { type Op, type OpKind, type OpOf, type ValueId, isInput, isOp } from "../../ir/op/op.ts";

/**
 * What becomes of an op.
 *
 * - `shared`: linear or structural; means the same on values over time.
 * - `neuron`: an activation that becomes neurons: a rectifier, or what the pass at hand says.
 * - `pool`: a max-pool over values over time, done by running sums.
 * - `tail`: nonlinear, but nothing that spikes lies behind it: runs on the decoded output.
 * - `analogue`: nonlinear on values that do not change over time, with neurons behind it, and no
 *   weights before it: part of how the input is prepared.
 * - `relaxed`: a rounded clip over time that is no rectifier: relax-quantisers makes of it what the
 *   others can be, before a conversion.
 * - `refused`: nonlinear, with no spiking form here.
 */
export type Fate = "shared" | "neuron" | "pool" | "tail" | "analogue" | "relaxed" | "refused";

export interface ConversionPlan {
  readonly fates: ReadonlyMap<ValueId, Fate>;
  /** Results of the ops that weight what neurons send, or would: those with products for each event. */
  readonly weights: ReadonlySet<ValueId>;
  readonly refused: readonly { readonly op: Op; readonly help: string }[];
  readonly neurons: number;
}

/**
 * The largest value that a rectifier lets through (Infinity for ReLU); null for any other op, and
 * for rectifiers of another type than float32, which neurons do not work on.
 */
export function rectifierCeiling(op: Op): number | null {
  return op.type.dtype === "f32" ? ceilingOf(op) : null;
}

function ceilingOf(op: Op): number | null {
  if (isOp(op, "ann.relu")) return Infinity;
  if (isOp(op, "ann.clip") && op.attrs.min === 0 && op.attrs.max > 0) return op.attrs.max;
  return isStaircase(op) &&
    op.attrs.rounding === "nearest" &&
    op.attrs.low === 0 &&
    op.attrs.high > 0
    ? Math.fround(op.attrs.step) * op.attrs.high
    : null;
}

function isStaircase(op: Op): op is OpOf<"ann.fake-quantize"> {
  return isOp(op, "ann.fake-quantize");
}

/** Whether an op becomes neurons. */
type Fires = (op: Op) => boolean;

const isRectifier: Fires = (op) => rectifierCeiling(op) !== null;

/** What leaky neurons stand for: rectifiers, and the activation that is their own rate. */
export const hasLeakyForm: Fires = (op) =>
  isRectifier(op) || (isOp(op, "ann.soft-lif") && op.type.dtype === "f32");

/** Decides the fate of every op of a module of code "none", where these ops become neurons. */
export function planConversion(module: Module, fires: Fires = isRectifier): ConversionPlan {
  const behind = lookBehind(module, fires);
  const fates = new Map<ValueId, Fate>();
  const refused: { op: Op; help: string }[] = [];
  const overTime = new Set<ValueId>();
  const weighted = new Set<ValueId>();
  const decoded = new Set<ValueId>();
  const fromInput = new Set<ValueId>();
  let neurons = 0;
  for (const op of module.ops) {
    const ofSample = op.inputs.map((value) => fromInput.has(value));
    if (isInput(op) || ofSample.includes(true)) fromInput.add(op.result);
    const varying = op.inputs.map((value) => overTime.has(value));
    const varies = varying.includes(true);
    const afterWeights = hasWeights(op) || op.inputs.some((value) => weighted.has(value));
    if (afterWeights) weighted.add(op.result);
    const ahead = behind.get(op.result) ?? { neuron: false, weights: false };
    const fate = fateOf(op, {
      varying,
      ofSample,
      fires: fires(op),
      decoded: op.inputs.some((value) => decoded.has(value)),
      afterWeights,
      ahead,
    });
    fates.set(op.result, fate);
    if (fate === "neuron") neurons++;
    if (fate === "refused") refused.push({ op, help: wayOut(op) });
    if (fate === "tail") decoded.add(op.result);
    // What is refused counts as a neuron from here on, so that each refusal is reported once.
    else if (fate === "neuron" || fate === "relaxed" || fate === "refused" || varies)
      overTime.add(op.result);
  }
  return { fates, weights: weightsOf(module, fates, fires), refused, neurons };
}

/**
 * The ops that weight what changes over time. A mean or a sum is one where it pools: where its result goes
 * on to weights, neurons or an output. Where it goes into a function, as in a normalisation, it is a part
 * of that.
 */
function weightsOf(
  module: Module,
  fates: ConversionPlan["fates"],
  fires: Fires,
): ReadonlySet<ValueId> {
  const weights = new Set<ValueId>();
  const leading = new Set(module.outputs.map(({ value }) => value));
  for (const op of module.ops.toReversed()) {
    const isShared = fates.get(op.result) === "shared";
    const pools = isOp(op, "ann.reduce-mean", "ann.reduce-sum") && leading.has(op.result);
    const weighs = isShared && (hasWeights(op) || pools || isOp(op, "ann.average-pool"));
    if (weighs) weights.add(op.result);
    if (!weighs && !fires(op) && !(isShared && leading.has(op.result))) continue;
    for (const value of op.inputs) leading.add(value);
  }
  return weights;
}

/**
 * The kinds, with repeats, of what a conversion left to be computed on decoded values: ops of `module`
 * that have no spiking form of their own, and are in `converted` as they were.
 */
export function decodedOps(module: Module, converted: Module): string[] {
  const { fates } = planConversion(module);
  const kinds = new Map(converted.ops.map((op) => [op.result, op.kind]));
  return module.ops
    .filter(({ result, kind }) => {
      const fate = fates.get(result);
      return (fate === "refused" || fate === "pool") && kinds.get(result) === kind;
    })
    .map(({ kind }) => kind.slice(kind.indexOf(".") + 1));
}

interface Ahead {
  readonly neuron: boolean;
  readonly weights: boolean;
}

/** For each value: whether a rectifier, or weights, lie somewhere behind it towards the outputs. */
function lookBehind(module: Module, fires: Fires): Map<ValueId, Ahead> {
  const ahead = new Map<ValueId, Ahead>();
  for (const op of module.ops.toReversed()) {
    const own = ahead.get(op.result) ?? { neuron: false, weights: false };
    const through: Ahead = {
      neuron: own.neuron || fires(op),
      weights: own.weights || hasWeights(op),
    };
    for (const value of op.inputs) {
      const known = ahead.get(value) ?? { neuron: false, weights: false };
      ahead.set(value, {
        neuron: known.neuron || through.neuron,
        weights: known.weights || through.weights,
      });
    }
  }
  return ahead;
}

interface OperandFacts {
  /** For each operand: whether it changes over time. */
  readonly varying: readonly boolean[];
  /** For each operand: whether it depends on the sample at all. */
  readonly ofSample: readonly boolean[];
  readonly fires: boolean;
  readonly decoded: boolean;
  readonly afterWeights: boolean;
  readonly ahead: Ahead;
}

function fateOf(op: Op, at: OperandFacts): Fate {
  const varies = at.varying.includes(true);
  if (isInput(op) || isOp(op, "ann.constant")) return "shared";
  if (at.decoded) return at.ahead.neuron ? "refused" : "tail";
  if (isShared(op, at)) return "shared";
  // A quantiser of the input rectifies it too where pixels are positive, and is not an activation.
  if (at.fires && !(isStaircase(op) && !varies && !at.afterWeights)) return "neuron";
  if (isOp(op, "ann.max-pool")) return varies ? "pool" : "shared";
  if (!at.ahead.neuron && !at.ahead.weights) return "tail";
  if (!varies && !at.afterWeights) return "analogue";
  if (isStaircase(op) && op.type.dtype === "f32") return "relaxed";
  return "refused";
}

/** What an op of this kind can be in a spiking network, in two or three words. */
export function spikingFormOf(kind: OpKind): string {
  const { linear, structure, time } = specOf(kind).traits;
  if (structure === "source") return "source";
  if (time !== "none") return "spiking";
  switch (kind) {
    case "ann.relu":
      return "neuron";
    case "ann.clip":
      return "neuron, from 0";
    case "ann.fake-quantize":
      return "neuron, or dropped";
    case "ann.soft-lif":
      return "leaky neuron";
    case "ann.max-pool":
      return "running sums";
    default:
      if (linear === "none") return "analogue only";
      return linear === "all" || structure === "pick" ? "shared" : "one over time";
  }
}

/** Linear or structural: in the operands that vary over time, and products in the sample itself. */
function isShared(
  op: Op,
  { varying, ofSample }: Pick<OperandFacts, "varying" | "ofSample">,
): boolean {
  const count = varying.filter((varies) => varies).length;
  // What changes over time is float32: integers and floats of other widths have no spikes.
  if (count > 0 && op.type.dtype !== "f32") return false;
  switch (op.kind) {
    case "ann.pad":
      return op.attrs.mode !== "constant" || op.attrs.value === 0 || count === 0;
    case "ann.resize":
      // What lies outside the region is a constant.
      return (
        op.attrs.coordinates !== "tf_crop_and_resize" || op.attrs.extrapolation === 0 || count === 0
      );
    default:
      break;
  }
  const { linear, structure } = traitsOf(op);
  switch (linear) {
    case "first":
      // By indices that change, values would be picked that do not.
      if (structure === "pick") return varying[1] !== true;
      return varying[1] !== true && (count === 1 || ofSample[1] !== true);
    case "one":
      return count === 1 || (count === 0 && !ofSample.every((depends) => depends));
    case "all":
      return true;
    case "none":
      return false;
  }
}

/** Whether an op is linear in its operands that vary, but for a constant. */
export function isLinear(op: Op, varying: readonly boolean[]): boolean {
  return isShared(op, { varying, ofSample: varying });
}

function wayOut(op: Op): string {
  const { dtype } = op.type;
  if (isFloat(dtype) && dtype !== "f32") {
    return `spikes are of float32, not of ${dtype}; run use-float32 before the conversion`;
  }
  const how =
    "on decoded values: --code differential, few-spikes or ttfs (in rate code --allow-analogue)";
  const [hybrid, instead] = [`or compute it ${how}`, `it can be computed ${how}`];
  if (elementCount(op.type.shape) === 0) return "the value is empty";
  if (ceilingOf(op) !== null) {
    return `neurons work on float32, not on ${dtype}; export the model in float32`;
  }
  switch (op.kind) {
    case "ann.soft-lif":
      return `it is the rate of leaky neurons: convert with the pipeline lif, ${hybrid}`;
    case "ann.clip":
      return `a clip converts where its lower bound is 0; this one starts at ${op.attrs.min}; ${instead}`;
    case "ann.reduce-max":
      return `write it as a max-pool over the whole extent, ${hybrid}`;
    case "ann.mul":
    case "ann.matmul":
      return `both operands change with the sample, and spikes cannot be multiplied; ${instead}`;
    case "ann.div":
      return `the divisor changes over time, and nothing can be divided by spikes; ${instead}`;
    default:
      if (traitsOf(op).isCurve) return `train with ReLU or ReLU6 in its place, ${hybrid}`;
      return `only linear ops, ReLU, ReLU6 and max-pooling may stand between neurons; ${instead}`;
  }
}
