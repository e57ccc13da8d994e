/**
 * What can be proved of the integers of a module before it runs: the interval that each value stays
 * in, how large sums get on the way, and for how many timesteps what is summed over time fits 32
 * bits. Read off weights, biases, element types and tables over time, of which the analysis follows the
 * rows; no sample is looked at. Decides nothing.
 */
import { isNeuron, variesByItself } from "../op/known.ts";
import { fail, known } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { shortName } from "../loc.ts";
import { type Module, carriedTo, isFramed, opsOf, tensorAt } from "../module.ts";
import { type Op, type OpOf, type ValueId, type WeightedKind, isOp } from "../op/op.ts";
import {
  type Interval,
  hull,
  hullOf,
  intervalOf,
  magnitude,
  plus,
  rowIntervals,
  times,
  withZero,
} from "./interval.ts";
import { type NeuronBounds, potentialsOf, sharesWithin } from "./potentials.ts";
import { type Span, longestRun, spansOf, tableWithin } from "./spans.ts";
import { largestSpike } from "../semantics/neurons/graded.ts";
import { dtypeLimits as rangeOfDType, roundEven } from "../semantics/values/scalar.ts";
import { type Tensor, roundTo } from "../tensor.ts";
import { elementCount, isFloat } from "../type.ts";

export interface IntegerBounds {
  /**
   * Of every value of an integer type, at any one timestep. In a framed code, of a value over time: the
   * sum of any timesteps of a frame that follow each other, of one as of all.
   */
  readonly values: ReadonlyMap<ValueId, Interval>;
  /**
   * Of what synapses and sums of them make: no sum of some of the terms, in whatever order, is
   * larger in magnitude.
   */
  readonly partialSums: ReadonlyMap<ValueId, number>;
  readonly neurons: ReadonlyMap<ValueId, NeuronBounds>;
  /**
   * Timesteps for which potentials, and the sums of pools and read-outs, fit 32 bits; 0 where one
   * timestep's current does not, Infinity where there are no integers over time.
   */
  readonly timesteps: number;
  /** The op that sets `timesteps`; null where it is Infinity. */
  readonly limit: Op | null;
}

const largest = 2 ** 31 - 1;

const remembered = new WeakMap<Module, IntegerBounds>();

/** The bounds of `module`; found once for each. */
export function integerBounds(module: Module): IntegerBounds {
  const there = remembered.get(module);
  if (there !== undefined) return there;
  const bounds = findBounds(module);
  remembered.set(module, bounds);
  return bounds;
}

/** Timesteps for which integers of `module` are proved to stay within 32 bits; Infinity where there is no end. */
export function provenTimesteps(module: Module): number {
  return module.code === "none" ? Infinity : integerBounds(module).timesteps;
}

/** Fails with a diagnostic where integers of `module` might overflow in a run of `timesteps`. */
export function requireSafeTimesteps(module: Module, timesteps: number): void {
  if (module.code === "none") return;
  const { timesteps: proven, limit, values, neurons } = integerBounds(module);
  if (timesteps <= proven || limit === null) return;
  const name = shortName(limit.loc);
  if (proven >= 1) {
    fail(diagnose("integer-timesteps", limit.loc, { name, timesteps, proven }));
  }
  const { low, high } =
    neurons.get(limit.result)?.current ??
    values.get(limit.result) ??
    known(values.get(known(limit.inputs[0], "an operand")), "the interval of an integer value");
  fail(diagnose("integer-overflow", limit.loc, { name, low, high }));
}

/** Rounds in which intervals of values that come back may widen before they are taken for any. */
const mostRounds = 8;

/**
 * What comes back holds its initial value and whatever is carried to it, which depends on it in turn: the
 * intervals are widened until they stay.
 */
function findBounds(module: Module): IntegerBounds {
  const coming = new Map<ValueId, Interval>();
  const sources = opsOf(module, "snn.previous").filter(({ type }) => !isFloat(type.dtype));
  for (const { result, attrs } of sources) {
    coming.set(result, intervalOf(tensorAt(module, attrs.initial)));
  }
  const carried = carriedTo(module);
  for (let round = 0; ; round++) {
    const bounds = boundsGiven(module, coming);
    let widened = false;
    for (const op of sources) {
      const before = known(coming.get(op.result), "an interval");
      const value = known(carried.get(op.result), "what is carried");
      const range = rangeOfType(op);
      const { low, high } = bounds.values.get(value) ?? range;
      // Sums beyond the type are reported where they are made.
      const wider = hull([
        [Math.max(low, range.low), Math.min(high, range.high)],
        [before.low, before.high],
      ]);
      if (wider.low === before.low && wider.high === before.high) continue;
      widened = true;
      coming.set(op.result, round < mostRounds ? wider : range);
    }
    if (!widened) return bounds;
  }
}

/** The bounds where it is known what values that come back hold. */
function boundsGiven(module: Module, coming: ReadonlyMap<ValueId, Interval>): IntegerBounds {
  const spans = spansOf(module);
  const inSpans = new Map<ValueId, readonly Interval[]>();
  const partialSums = new Map<ValueId, number>();
  const values = new Map<ValueId, Interval>();
  const neurons = new Map<ValueId, NeuronBounds>();
  const limits: { op: Op; timesteps: number }[] = [];
  const soFar: SoFar = { module, spans, ops: new Map(), varying: new Set() };
  for (const op of module.ops) {
    soFar.ops.set(op.result, op);
    if (variesByItself(op) || op.inputs.some((value) => soFar.varying.has(value))) {
      soFar.varying.add(op.result);
    }
    const operands = op.inputs.map((value) => inSpans.get(value));
    const [x] = operands;
    // What is summed over a frame is in its interval.
    if (x !== undefined && !isFramed(module.code) && isOp(op, "snn.max-pool", "snn.readout")) {
      limits.push({ op, timesteps: longestSum(x, spans) });
    }
    if (isFloat(op.type.dtype)) continue;
    const range = rangeOfType(op);
    const comes = coming.get(op.result);
    const found = comes === undefined ? intervalsOf(op, operands, soFar) : [comes];
    const whole = found === null ? range : hullOf(found);
    const fits = whole.low >= range.low && whole.high <= range.high;
    // Narrow integers wrap as they are meant to; sums of 32 bits are meant not to.
    const overflows = !fits && op.type.dtype === "i32";
    if (overflows) limits.push({ op, timesteps: 0 });
    const isKept = found !== null && (fits || overflows);
    inSpans.set(op.result, isKept ? found : spans.map(() => range));
    values.set(op.result, isKept ? whole : range);
    const wholes = op.inputs.map((value) => values.get(value));
    const partial = partialSumOf(op, wholes, partialSums, module);
    if (partial !== null) partialSums.set(op.result, partial);
    const [operand] = op.inputs;
    if (
      isNeuron(op) &&
      op.kind !== "snn.rehearsed-if" &&
      x !== undefined &&
      operand !== undefined
    ) {
      const current = hullOf(x);
      const partialSum = partialSums.get(operand) ?? magnitude(current);
      const of = { current, partialSum, ...potentialsOf(op, { spans, currents: x }, module) };
      neurons.set(op.result, of);
      limits.push({ op, timesteps: of.timesteps });
    }
  }
  const limit = limits.reduce<(typeof limits)[number] | null>(
    (least, each) => (least === null || each.timesteps < least.timesteps ? each : least),
    null,
  );
  return {
    values,
    partialSums,
    neurons,
    timesteps: limit?.timesteps ?? Infinity,
    limit: limit?.op ?? null,
  };
}

/** Timesteps for which the sum of what is in `x` in each span fits 32 bits. */
function longestSum(x: readonly Interval[], spans: readonly Span[]): number {
  const rates = x.map((each) => Math.max(1, magnitude(each)));
  const advance = (sum: number, i: number, timesteps: number): number =>
    sum + timesteps * (rates[i] ?? 0);
  return longestRun({ start: 0, advance, fits: (sum) => sum <= largest }, spans);
}

/** What is known of a module before an op of it is looked at. */
interface SoFar {
  readonly module: Module;
  readonly spans: readonly Span[];
  readonly ops: Map<ValueId, Op>;
  /** Values that may change from timestep to timestep. */
  readonly varying: Set<ValueId>;
}

/** The intervals of an op's result in each span, or null where nothing is known beyond its type. */
function intervalsOf(
  op: Op,
  operands: readonly (readonly Interval[] | undefined)[],
  soFar: SoFar,
): readonly Interval[] | null {
  const found: Interval[] = [];
  const isStill = !op.inputs.some((value) => soFar.varying.has(value));
  for (const [i, span] of soFar.spans.entries()) {
    const now = operands.map((each) => each?.[i]);
    const [x] = now;
    const before = operands[0]?.[i - 1];
    const each =
      isOp(op, "snn.difference") && x !== undefined
        ? differenceOf(x, { before, span, isStill })
        : boundsOf(op, now, span, soFar);
    if (each === null) return null;
    found.push(each);
  }
  return found;
}

/**
 * What a value in `x` within `span` differs by from the timestep before, `before` being its interval in the span
 * before: by nothing where it stays the same.
 */
function differenceOf(
  x: Interval,
  how: { readonly before: Interval | undefined; readonly span: Span; readonly isStill: boolean },
): Interval {
  const { before, span, isStill } = how;
  if (isStill && before !== undefined) return { low: 0, high: 0 };
  const last = before === undefined ? x : hullOf([x, before]);
  const change = { low: x.low - last.high, high: x.high - last.low };
  if (before !== undefined) return change;
  // The value itself at first; in a frame also its changes over more than one timestep.
  return span.last === 1 ? x : hullOf([x, change]);
}

/** The interval of an op's result within `span`, or null where nothing is known beyond its type. */
function boundsOf(
  op: Op,
  operands: readonly (Interval | undefined)[],
  span: Span,
  { module, ops }: SoFar,
): Interval | null {
  const [x, y] = operands;
  if (isOp(op, "ann.constant")) return intervalOf(tensorAt(module, op.attrs.value));
  if (isOp(op, "ann.quantize-linear")) return quantised(op, module, ops);
  if (x === undefined) return null;
  switch (op.kind) {
    case "ann.conv":
    case "ann.conv-transpose":
    case "ann.linear":
      return hull(
        channelSums(op, x, module).map(({ bias, low, high }) => [bias + low, bias + high]),
      );
    case "ann.affine": {
      const scaled = times(x, intervalOf(tensorAt(module, op.attrs.scale)));
      return plus(scaled, intervalOf(tensorAt(module, op.attrs.shift)));
    }
    case "ann.add":
      return y === undefined ? null : plus(x, y);
    case "ann.sub":
      return y === undefined ? null : plus(x, times(y, { low: -1, high: -1 }));
    case "ann.neg":
      return times(x, { low: -1, high: -1 });
    case "ann.cast":
      return x;
    case "ann.pad": {
      const value = op.attrs.mode === "constant" ? op.attrs.value : x.low;
      return hull([
        [x.low, x.high],
        [value, value],
      ]);
    }
    case "ann.concat":
      return operands.every((each) => each !== undefined)
        ? hull(operands.map((each) => [each.low, each.high]))
        : null;
    case "snn.if":
    case "snn.lif":
      return withZero(intervalOf(tensorAt(module, op.attrs.amplitude)));
    case "snn.graded": {
      const most = largestSpike(op.attrs);
      const sizes = { low: op.attrs.sign === "positive" ? 0 : -most, high: most };
      const worth = intervalOf(tensorAt(module, op.attrs.amplitude));
      return times(sizes, times(worth, sharesWithin(op, span, module)));
    }
    case "snn.few-spikes":
      return rowIntervals(tensorAt(module, op.attrs.amplitude)).reduce<Interval>(
        (sum, row) => plus(sum, withZero(row)),
        { low: 0, high: 0 },
      );
    case "snn.ttfs": {
      const leads = { low: 0, high: module.timesteps };
      return times(leads, intervalOf(tensorAt(module, op.attrs.amplitude)));
    }
    case "snn.temporal-bias":
      return plus(x, tableWithin(op, span, module));
    case "ann.resize":
      // The nearest is taken as it is; what interpolation makes of integers is rounded.
      return op.attrs.mode === "nearest" && op.attrs.coordinates !== "tf_crop_and_resize"
        ? x
        : null;
    // A running maximum rises by no more than the largest term, and by no less than the least.
    case "snn.max-pool":
    case "ann.max-pool":
    case "ann.identity":
    case "ann.reshape":
    case "ann.transpose":
    case "ann.slice":
    case "ann.expand":
    case "ann.tile":
      return x;
    default:
      return null;
  }
}

interface ChannelSum {
  readonly bias: number;
  /** The least and the largest sum of some of the weighted terms; never above 0, never below. */
  readonly low: number;
  readonly high: number;
}

/** For each output channel of a synapse whose operand is in `x`, what its terms can sum to. */
function channelSums(op: OpOf<WeightedKind>, x: Interval, module: Module): ChannelSum[] {
  const weight = tensorAt(module, op.attrs.weight);
  const bias = op.attrs.bias === null ? null : tensorAt(module, op.attrs.bias);
  const up = Math.max(0, x.high);
  const down = Math.min(0, x.low);
  return weightSums(op, weight).map(({ positive, negative }, o) => ({
    bias: bias?.data[o] ?? 0,
    low: positive * down + negative * up,
    high: positive * up + negative * down,
  }));
}

interface WeightSums {
  positive: number;
  negative: number;
}

const rememberedSums = new WeakMap<Tensor, WeightSums[]>();

/** Sums of the positive and of the negative weights into each output channel; found once for all spans. */
function weightSums(op: OpOf<WeightedKind>, weight: Tensor): readonly WeightSums[] {
  // The weights of a transposed convolution sum up by its groups.
  if (op.kind === "ann.conv-transpose") return sumWeights(op, weight);
  const sums = rememberedSums.get(weight) ?? sumWeights(op, weight);
  rememberedSums.set(weight, sums);
  return sums;
}

function sumWeights(op: OpOf<WeightedKind>, { shape, data }: Tensor): WeightSums[] {
  const [first = 0, second = 0] = shape;
  const isTransposed = op.kind === "ann.conv-transpose";
  const groups = isTransposed ? op.attrs.groups : 1;
  const channels = isTransposed ? second * groups : first;
  const sums = Array.from({ length: channels }, () => ({ positive: 0, negative: 0 }));
  const taps = isTransposed ? elementCount(shape.slice(2)) : elementCount(shape.slice(1));
  const add = (channel: number, from: number): void => {
    const sum = sums[channel];
    if (sum === undefined) return;
    for (let i = from; i < from + taps; i++) {
      const w = data[i] ?? 0;
      if (w > 0) sum.positive += w;
      else sum.negative += w;
    }
  };
  if (!isTransposed) {
    for (let o = 0; o < channels; o++) add(o, o * taps);
    return sums;
  }
  // A weight is [in, out / groups, …kernel]: each input channel feeds the outputs of its group. Not
  // every tap meets every output position, so these are more than can come together.
  for (let c = 0; c < first; c++) {
    const group = Math.floor((c * groups) / first);
    for (let o = 0; o < second; o++) add(group * second + o, (c * second + o) * taps);
  }
  return sums;
}

/** See `IntegerBounds.partialSums`; null for what is no sum. */
function partialSumOf(
  op: Op,
  operands: readonly (Interval | undefined)[],
  partialSums: ReadonlyMap<ValueId, number>,
  module: Module,
): number | null {
  const [x] = operands;
  if (x === undefined) return null;
  const before = (i: number): number => {
    const value = op.inputs[i];
    const interval = operands[i];
    const known = value === undefined ? undefined : partialSums.get(value);
    return known ?? (interval === undefined ? 0 : magnitude(interval));
  };
  switch (op.kind) {
    case "ann.conv":
    case "ann.conv-transpose":
    case "ann.linear":
      return channelSums(op, x, module).reduce(
        (most, { bias, low, high }) =>
          Math.max(most, Math.max(0, bias) + high, -(Math.min(0, bias) + low)),
        0,
      );
    case "ann.affine": {
      const scaled = times(x, intervalOf(tensorAt(module, op.attrs.scale)));
      return magnitude(scaled) + magnitude(intervalOf(tensorAt(module, op.attrs.shift)));
    }
    case "ann.add":
    case "ann.sub":
      return before(0) + before(1);
    case "snn.temporal-bias":
      return before(0) + magnitude(intervalOf(tensorAt(module, op.attrs.table)));
    case "ann.concat":
      return op.inputs.reduce((most, _, i) => Math.max(most, before(i)), 0);
    case "ann.neg":
    case "ann.pad":
    case "ann.resize":
    case "ann.max-pool":
    case "snn.max-pool":
    case "ann.identity":
    case "ann.reshape":
    case "ann.transpose":
    case "ann.slice":
    case "ann.expand":
    case "ann.tile": {
      const [value] = op.inputs;
      return value === undefined ? null : (partialSums.get(value) ?? null);
    }
    default:
      return null;
  }
}

/** What is left of a clipped range, or of all floats, after quantisation. */
function quantised(
  op: OpOf<"ann.quantize-linear">,
  module: Module,
  ops: ReadonlyMap<ValueId, Op>,
): Interval {
  const range = rangeOfType(op);
  const [x, scale, zeroPoint] = op.inputs.map((value) => known(ops.get(value), "an operand"));
  if (x === undefined || !isOp(x, "ann.clip")) return range;
  if (scale?.kind !== "ann.constant" || zeroPoint?.kind !== "ann.constant") return range;
  const steps = tensorAt(module, scale.attrs.value);
  const zeros = intervalOf(tensorAt(module, zeroPoint.attrs.value));
  if (steps.data.length !== 1) return range;
  const step = steps.data[0] ?? 1;
  // What the op does to the ends of the range; it is monotone, so nothing gets beyond them.
  const { dtype } = scale.type;
  const quotient = (end: number): number =>
    roundEven(roundTo(dtype, roundTo(x.type.dtype, end) / step));
  return {
    low: Math.max(range.low, quotient(x.attrs.min) + zeros.low),
    high: Math.min(range.high, quotient(x.attrs.max) + zeros.high),
  };
}

function rangeOfType(op: Op): Interval {
  const [low, high] = rangeOfDType(op.type.dtype);
  return { low, high };
}
