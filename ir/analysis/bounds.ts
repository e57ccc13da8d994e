/**
 * What can be proved of the integers of a module before it runs: the interval that each value stays
 * in, how large sums get on the way, and for how many timesteps what is summed over time fits 32
 * bits. Read off weights, biases and element types; no sample is looked at. Decides nothing.
 */
import { isNeuron } from "../op/known.ts";
import { fail, known } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { shortName } from "../loc.ts";
import { type Module, carriedTo, isFramed, opsOf, tensorAt } from "../module.ts";
import {
  type NeuronKind,
  type Op,
  type OpOf,
  type ValueId,
  type WeightedKind,
  isOp,
} from "../op/op.ts";
import { rangeOf } from "./range.ts";
import { largestSpike } from "../semantics/neurons/graded.ts";
import { rangeOf as rangeOfDType, roundEven } from "../semantics/values/scalar.ts";
import { type Tensor, type TensorRef, roundTo, tensor } from "../tensor.ts";
import { elementCount, isFloat } from "../type.ts";

/** Both ends are reached by no more than the value; each is an integer. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** What is proved of the neurons of one op. */
export interface NeuronBounds {
  /** One timestep's current. */
  readonly current: Interval;
  /** No sum of some of the terms of that current, biases included, is larger in magnitude. */
  readonly partialSum: number;
  /** Timesteps for which no membrane potential leaves 32 bits, before the reset or after it. */
  readonly timesteps: number;
  /** Where membrane potentials stay in a run of so many timesteps, before the reset and after. */
  potential(timesteps: number): Interval;
}

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
const smallest = -(2 ** 31);

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
  const values = new Map<ValueId, Interval>();
  const partialSums = new Map<ValueId, number>();
  const neurons = new Map<ValueId, NeuronBounds>();
  const ops = new Map<ValueId, Op>();
  const limits: { op: Op; timesteps: number }[] = [];
  for (const op of module.ops) {
    ops.set(op.result, op);
    const operands = op.inputs.map((value) => values.get(value));
    const [x] = operands;
    // What is summed over a frame is in its interval.
    if (x !== undefined && !isFramed(module.code) && isOp(op, "snn.max-pool", "snn.readout")) {
      limits.push({ op, timesteps: Math.floor(largest / Math.max(1, magnitude(x))) });
    }
    if (isFloat(op.type.dtype)) continue;
    const range = rangeOfType(op);
    const found = coming.get(op.result) ?? boundsOf(op, operands, module, ops) ?? range;
    const fits = found.low >= range.low && found.high <= range.high;
    // Narrow integers wrap as they are meant to; sums of 32 bits are meant not to.
    const overflows = !fits && op.type.dtype === "i32";
    if (overflows) limits.push({ op, timesteps: 0 });
    values.set(op.result, fits || overflows ? found : range);
    const partial = partialSumOf(op, operands, partialSums, module);
    if (partial !== null) partialSums.set(op.result, partial);
    const [operand] = op.inputs;
    if (
      isNeuron(op) &&
      op.kind !== "snn.rehearsed-if" &&
      x !== undefined &&
      operand !== undefined
    ) {
      const partialSum = partialSums.get(operand) ?? magnitude(x);
      const of = { current: x, partialSum, ...potentialsOf(op, x, module) };
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

/** The interval of an op's result, or null where nothing is known beyond its type. */
function boundsOf(
  op: Op,
  operands: readonly (Interval | undefined)[],
  module: Module,
  ops: ReadonlyMap<ValueId, Op>,
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
      return times(sizes, times(worth, sharesOf(op, module)));
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
    case "snn.difference":
      // x itself at first; then, or over more than one timestep, any x less any other.
      return hull([
        [x.low, x.high],
        [x.low - x.high, x.high - x.low],
      ]);
    case "snn.temporal-bias":
      return plus(x, intervalOf(tensorAt(module, op.attrs.table)));
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

/** Sums of the positive and of the negative weights into each output channel. */
function weightSums(
  op: OpOf<WeightedKind>,
  { shape, data }: Tensor,
): { positive: number; negative: number }[] {
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

/** Neurons that may be made of integers. */
type IntegerKind = Exclude<NeuronKind, "snn.rehearsed-if">;

/** What `NeuronBounds` says of potentials. */
type Potentials = Pick<NeuronBounds, "timesteps" | "potential">;

function potentialsOf(op: OpOf<IntegerKind>, x: Interval, module: Module): Potentials {
  switch (op.kind) {
    case "snn.if":
      return neuronPotentials(op, x, module);
    case "snn.graded":
      return gradedPotentials(op, x, module);
    case "snn.lif":
      return unmoved(withZero(hullOf([intervalOf(tensorAt(module, op.attrs.vInit)), x])));
    case "snn.few-spikes":
      return fewSpikesPotentials(op, x, module);
    case "snn.ttfs":
      return unmoved(plus(intervalOf(tensorAt(module, op.attrs.vInit)), x));
  }
}

/** Potentials that stay within an interval for as long as a network runs. */
function unmoved(interval: Interval): Potentials {
  const fits = interval.low >= smallest && interval.high <= largest;
  return { timesteps: fits ? Infinity : 0, potential: () => interval };
}

/** Row by row: a neuron that fires was at the threshold or above it, one that does not is below. */
function fewSpikesPotentials(op: OpOf<"snn.few-spikes">, x: Interval, module: Module): Potentials {
  const rowsOf = (ref: TensorRef): Interval[] => rowIntervals(tensorAt(module, ref));
  const resets = rowsOf(op.attrs.reset);
  let v = plus(intervalOf(tensorAt(module, op.attrs.vInit)), x);
  const met = [v];
  rowsOf(op.attrs.threshold).forEach((threshold, row) => {
    const reset = known(resets[row], "a reset");
    const fired = { low: Math.max(v.low, threshold.low) - reset.high, high: v.high - reset.low };
    const silent = { low: v.low, high: Math.min(v.high, threshold.high - 1) };
    v = hullOf([fired, silent].filter(({ low, high }) => low <= high));
    met.push(v);
  });
  return unmoved(hullOf(met));
}

/**
 * With x in [low, high] and reset by subtraction a potential after t steps obeys
 *
 *     min(v0, 0) + t · min(low, 0)  ≤  v[t]  ≤  max(v0, θ) + t · max(high − θ, 0)
 *
 * because it is below θ where the neuron did not fire, and at least 0 where it did. Before the reset
 * of step t it is at most v[t−1] + high. With reset to zero nothing piles up above θ.
 */
function neuronPotentials(op: OpOf<"snn.if">, x: Interval, module: Module): Potentials {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const threshold = at(op.attrs.threshold);
  const vInit = at(op.attrs.vInit);
  const top = Math.max(vInit.high, threshold.high) + Math.max(0, x.high);
  const rise = op.attrs.reset === "subtract" ? Math.max(0, x.high - threshold.low) : 0;
  const bottom = Math.min(0, vInit.low);
  const fall = Math.max(0, -x.low);
  const potential = (timesteps: number): Interval => ({
    low: bottom - timesteps * fall,
    high: top + (timesteps - 1) * rise,
  });
  const upTo = top > largest ? 0 : rise === 0 ? Infinity : 1 + Math.floor((largest - top) / rise);
  const downTo = fall === 0 ? Infinity : Math.floor((bottom - smallest) / fall);
  return { timesteps: Math.min(upTo, downTo), potential };
}

/**
 * With L the largest spike in units of the step θ, the threshold times some share of it, a potential that did not meet a bound of its
 * spikes is left within `rest` · θ of 0: ½ where every size is there, L at most where only powers are.
 * What meets a bound moves on by x less L · θ, or by all of x where there is none left to fire. The
 * total that was sent is no more than was fired, and no more than was received and is not left over.
 */
function gradedPotentials(op: OpOf<"snn.graded">, x: Interval, module: Module): Potentials {
  const at = (ref: TensorRef): Interval => intervalOf(tensorAt(module, ref));
  const { attrs } = op;
  const step = times(at(attrs.threshold), sharesOf(op, module));
  const vInit = at(attrs.vInit);
  const most = largestSpike(attrs);
  const [up, down] = [Math.max(0, x.high), Math.max(0, -x.low)];
  const rest = Math.ceil((attrs.alphabet === "word" ? 0.5 : most) * step.high);
  const top = Math.max(vInit.high, rest) + up;
  // What was taken back too much, half a step at most, is sent again whatever the potential.
  const owed = attrs.sign === "retract" ? rest : 0;
  const bottom = Math.min(vInit.low - owed, -rest) - down;
  const fired = most * step.low;
  const rise = attrs.ceiling === null ? Math.max(0, up - fired) : up;
  const fall = attrs.sign === "free" && attrs.ceiling === null ? Math.max(0, down - fired) : down;
  const potential = (timesteps: number): Interval => ({
    low: bottom - (timesteps - 1) * fall,
    high: top + (timesteps - 1) * rise,
  });
  const room = (width: number, rate: number): number =>
    width < 0 ? 0 : rate === 0 ? Infinity : 1 + Math.floor(width / rate);
  // A spike's share of the potential may be half a step larger than the potential.
  const upTo = room(largest - rest - top, rise);
  const downTo = room(bottom - rest - smallest, fall);
  const isKept = attrs.sign === "retract" || attrs.ceiling !== null;
  const received = room(
    largest - Math.max(Math.abs(top), Math.abs(bottom)) * 2,
    up + rise + fall + down,
  );
  const sent = Math.floor(largest / (most * step.high));
  const total = isKept ? Math.max(received, sent) : Infinity;
  return { timesteps: Math.min(upTo, downTo, total), potential };
}

/** What the steps of graded neurons are multiples of their threshold by. */
function sharesOf({ attrs: { shares } }: OpOf<"snn.graded">, module: Module): Interval {
  return shares === null ? { low: 1, high: 1 } : intervalOf(tensorAt(module, shares));
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

function intervalOf(value: Tensor): Interval {
  const { min, max } = rangeOf(value);
  // Of no elements nothing is asked.
  return Number.isNaN(min) ? { low: 0, high: 0 } : { low: min, high: max };
}

/** The intervals of the rows of a table [R, …]. */
function rowIntervals({ dtype, shape: [rows = 0, ...rest], data }: Tensor): Interval[] {
  const size = elementCount(rest);
  return Array.from({ length: rows }, (_, row) =>
    intervalOf(tensor(dtype, rest, data.slice(row * size, (row + 1) * size))),
  );
}

function magnitude({ low, high }: Interval): number {
  return Math.max(Math.abs(low), Math.abs(high));
}

function plus(a: Interval, b: Interval): Interval {
  return { low: a.low + b.low, high: a.high + b.high };
}

function times(a: Interval, b: Interval): Interval {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  // Adding zero takes the sign off -0.
  return { low: Math.min(...products) + 0, high: Math.max(...products) + 0 };
}

function withZero({ low, high }: Interval): Interval {
  return { low: Math.min(0, low), high: Math.max(0, high) };
}

function hullOf(parts: readonly Interval[]): Interval {
  return hull(parts.map(({ low, high }) => [low, high]));
}

function hull(parts: readonly (readonly [number, number])[]): Interval {
  if (parts.length === 0) return { low: 0, high: 0 };
  return parts.reduce<Interval>(
    ({ low, high }, [a, b]) => ({ low: Math.min(low, a), high: Math.max(high, b) }),
    { low: Infinity, high: -Infinity },
  );
}
