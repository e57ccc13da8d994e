/** A synapse as code that adds to an accumulator: by events or densely, whichever is less work. */
import { invariant, known } from "../../../../ir/diagnostic.ts";
import { isNeuron } from "../../../../ir/op/known.ts";
import { type Op, type OpOf, type ValueId, type WeightedKind, isOp } from "../../../../ir/op/op.ts";
import { tensorAt } from "../../../../ir/module.ts";
import { shortName } from "../../../../ir/loc.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { type Code, loop } from "../../text/code.ts";
import type { Lowering } from "../lowering.ts";
import type { PartBuilder } from "../part.ts";
import { type Held, type View, isWhole, viewOf } from "../views.ts";
import {
  convolveDense,
  isNumbered,
  multiplyDense,
  paddedSize,
  rowHelper,
  windowsTogether,
} from "./dense.ts";
import { convolveDepthwise } from "./depthwise.ts";
import {
  type MatrixShape,
  convolveEvents,
  convolveRuns,
  hasRuns,
  inRuns,
  multiplyEvents,
} from "./events.ts";
import {
  type Convolution,
  type Geometry,
  byInput,
  byOutput,
  geometryOf,
  isConvolution,
} from "./geometry.ts";
import { type Weights, weightsOf } from "./weights.ts";

export interface LoweredSynapse {
  readonly code: Code;
  readonly about: string;
  /** Sums of 16 bits that the code made instead of adding to the target, and that are still to be added; or null. */
  readonly aside: View | null;
}

/**
 * Of words that are not 0 more often than this, all are multiplied: a product within a long row costs a
 * fraction of one that stands alone.
 */
const densest = 0.25;

export function lowerSynapse(
  lowering: Lowering,
  part: PartBuilder,
  op: OpOf<WeightedKind>,
  target: View,
  sign: 1 | -1,
): LoweredSynapse {
  part.isHeavy = true;
  const value = lowering.operandOf(op);
  const isByEvents = takesEvents(lowering, op);
  const aside = isByEvents ? shortSums(lowering, op, target) : null;
  const into = {
    value,
    target: aside ?? target,
    sign: aside === null ? sign : 1,
    isByEvents,
  } as const;
  const made = isConvolution(op)
    ? convolution(lowering, part, op, into)
    : matrix(lowering, part, linearOf(op), into);
  if (aside === null) return { ...made, aside };
  part.uses(aside);
  const clear = loop("i", aside.array.length, `${aside.array.name}[i] = 0;`);
  return { ...made, code: [clear, made.code], aside };
}

function linearOf(op: OpOf<WeightedKind>): OpOf<"ann.linear"> {
  invariant(isOp(op, "ann.linear"), "a synapse of another kind");
  return op;
}

/**
 * An array for sums of this synapse alone, where they are proved to fit 16 bits at every timestep: twice as many are
 * added at once, and memory is gone over half as far.
 */
function shortSums(lowering: Lowering, op: OpOf<WeightedKind>, target: View): View | null {
  const most = lowering.bounds.partialSums.get(op.result) ?? Infinity;
  // A frame is added up once, so that clearing and adding these would be no less work.
  if (lowering.isFramed || most >= 2 ** 15 || !isWhole(target)) return null;
  const name = lowering.names.claim(`${shortName(op.loc)}_sums`);
  const array = lowering.array(
    "scratch",
    name,
    "int16_t",
    target.array.length,
    "sums of a timestep",
  );
  return { ...target, array };
}

interface Into {
  readonly value: ValueId;
  readonly target: View;
  readonly sign: 1 | -1;
  readonly isByEvents: boolean;
}

type Made = Omit<LoweredSynapse, "aside">;

function convolution(
  lowering: Lowering,
  part: PartBuilder,
  op: Convolution,
  { value, target, sign, isByEvents }: Into,
): Made {
  const weight = tensorAt(lowering.module, op.attrs.weight);
  const input = viewFor(lowering, value, lowering.valueOf(value));
  const geometry = geometryOf(op, weight, input, target);
  const name = `${shortName(op.loc)}_weights`;
  const words = { view: input, interval: lowering.intervalOf(value) };
  part.uses(input, target);
  const constant = (order: Int32Array): Weights => {
    const weights = weightsOf(lowering, name, weight, order);
    part.uses(weights.array);
    return weights;
  };
  const told = (code: Code, how: string, { bits }: Weights): Made => ({
    code,
    about: `${describe(op, geometry)}, weights of ${bits} bits, ${how}`,
  });
  if (isByEvents && hasRuns(geometry)) {
    const weights = constant(inRuns(geometry));
    return told(convolveRuns(geometry, words, weights, sign), "event by event", weights);
  }
  if (isByEvents || !isNumbered(geometry)) {
    const weights = constant(byInput(geometry));
    return told(convolveEvents(geometry, words, weights, sign), "event by event", weights);
  }
  if (geometry.inputs === 1 && geometry.outputs === 1) {
    const weights = constant(byTap(weight));
    return told(convolveDepthwise(geometry, weights, sign), "channel by channel", weights);
  }
  const count = windowsTogether(elementCount(target.shape.slice(2)));
  const own = geometry.taps * geometry.inputs;
  const size = paddedSize(own);
  const array = lowering.array(
    "scratch",
    lowering.names.claim(`${shortName(op.loc)}_windows`),
    // Products of two bytes are what vectors have: bytes are widened here, once.
    input.array.type === "int32_t" ? "int32_t" : "int16_t",
    count * size,
    "windows in order",
  );
  part.uses(array);
  const helper = rowHelper(geometry);
  if (helper !== null) lowering.helpers.add(helper);
  const weights = constant(inRows(byOutput(geometry), own, size));
  return told(
    convolveDense(geometry, weights, { array, count, size }, sign),
    "window by window",
    weights,
  );
}

/** Rows of `own` indices as rows of `size`; −1 for what is added, which is a weight of 0. */
function inRows(order: Int32Array, own: number, size: number): Int32Array {
  if (own === size) return order;
  const rows = new Int32Array((order.length / own) * size).fill(-1);
  order.forEach((at, i) => (rows[Math.floor(i / own) * size + (i % own)] = at));
  return rows;
}

function describe(op: Convolution, { axes, groups, inputs, isTransposed }: Geometry): string {
  const kernel = axes.map((axis) => axis.kernel).join(" × ");
  const kind = `${isTransposed ? "transposed " : ""}${kernel} convolution`;
  const parts = groups > 1 ? ` in ${groups} groups` : "";
  const channels = inputs * groups;
  return `${shortName(op.loc)}: ${kind} of ${channels} ${channels === 1 ? "channel" : "channels"}${parts}`;
}

/** Weights of one channel each in the order tap, channel. */
function byTap({ shape: [channels = 0, , ...kernel] }: Tensor): Int32Array {
  const taps = elementCount(kernel);
  return Int32Array.from({ length: channels * taps }, (_, i) => {
    const [tap, channel] = [Math.floor(i / channels), i % channels];
    return channel * taps + tap;
  });
}

function matrix(
  lowering: Lowering,
  part: PartBuilder,
  op: OpOf<"ann.linear">,
  { value, target, sign, isByEvents }: Into,
): Made {
  const weight = tensorAt(lowering.module, op.attrs.weight);
  const [outputs = 0, inputs = 0] = weight.shape;
  const name = `${shortName(op.loc)}_weights`;
  const { input, order } = rowsFor(lowering, value, inputs);
  const lastIn = input.shape.length - 1;
  const lastOut = target.shape.length - 1;
  const shape: MatrixShape = {
    inputs,
    outputs,
    input,
    output: target,
    rows: {
      count: elementCount(input.shape) / inputs,
      inputStep: rowStep(input),
      outputStep: rowStep(target),
      elementStep: input.strides[lastIn] ?? 0,
      channelStep: target.strides[lastOut] ?? 0,
    },
  };
  part.uses(input, target);
  const words = { view: input, interval: lowering.intervalOf(value) };
  const size = `${inputs} × ${outputs}`;
  const say = (how: string, bits: number): string =>
    `${shortName(op.loc)}: ${size} weights of ${bits} bits, ${how}`;
  if (isByEvents) {
    const at = Int32Array.from({ length: inputs * outputs }, (_, i) => {
      const [k, o] = [Math.floor(i / outputs), i % outputs];
      return o * inputs + (order[k] ?? 0);
    });
    const weights = weightsOf(lowering, name, weight, at);
    part.uses(weights.array);
    return {
      code: multiplyEvents(shape, words, weights, sign),
      about: say("event by event", weights.bits),
    };
  }
  const at = Int32Array.from({ length: inputs * outputs }, (_, i) => {
    const [o, k] = [Math.floor(i / inputs), i % inputs];
    return o * inputs + (order[k] ?? 0);
  });
  const weights = weightsOf(lowering, name, weight, at);
  part.uses(weights.array);
  return { code: multiplyDense(shape, weights, sign), about: say("every row", weights.bits) };
}

/** Elements from one row of a matrix to the next; there are several only where they lie evenly. */
function rowStep({ shape, strides }: View): number {
  const axis = shape.findLastIndex((extent, at) => at < shape.length - 1 && extent > 1);
  return axis < 0 ? 0 : known(strides[axis], "a stride");
}

/** The view of a value that windows slide over. */
function viewFor(lowering: Lowering, value: ValueId, held: Held): View {
  const view = viewOf(held);
  if (view !== null) return view;
  const copy = lowering.copyOf(value, held, orderForWindows(held));
  return known(viewOf(copy), "a view of a copy");
}

function orderForWindows({ shape }: Held): readonly number[] {
  const axes = shape.map((_, axis) => axis);
  return [0, ...axes.slice(2), 1];
}

/**
 * The rows that a matrix is multiplied with, and which input each element of a row is: a single row that lies in
 * memory in another order is taken as it lies, and the weights are put into that order.
 */
function rowsFor(
  lowering: Lowering,
  value: ValueId,
  inputs: number,
): { readonly input: View; readonly order: Int32Array } {
  const held = lowering.valueOf(value);
  const inOrder = Int32Array.from({ length: inputs }, (_, k) => k);
  if (held.places.length === inputs) {
    const first = held.places.reduce((least, place) => Math.min(least, place), Infinity);
    const isDense = held.places.every((place) => place >= 0 && place - first < inputs);
    const order = new Int32Array(inputs).fill(-1);
    if (isDense) held.places.forEach((place, k) => (order[place - first] = k));
    if (isDense && order.every((k) => k >= 0)) {
      const strides = held.shape.map((_, axis) => (axis === held.shape.length - 1 ? 1 : 0));
      return { input: { array: held.array, shape: held.shape, strides, offset: first }, order };
    }
  }
  const view = viewOf(held);
  if (view !== null && isEven(view)) return { input: view, order: inOrder };
  const rowMajor = held.shape.map((_, axis) => axis);
  const copy = lowering.copyOf(value, held, rowMajor);
  return { input: known(viewOf(copy), "a view of a copy"), order: inOrder };
}

/** Whether all rows lie at equal distances. */
function isEven(view: View): boolean {
  const step = rowStep(view);
  let expected = step;
  for (let axis = view.shape.length - 2; axis >= 0; axis--) {
    const extent = view.shape[axis] ?? 1;
    if (extent > 1 && view.strides[axis] !== expected) return false;
    if (extent > 1) expected *= extent;
  }
  return true;
}

/** Whether words come, and few enough of them: as rates were measured, or in any case where they were not. */
function takesEvents(lowering: Lowering, op: OpOf<WeightedKind>): boolean {
  const { synapses } = lowering.options;
  const value = lowering.operandOf(op);
  if (lowering.opOf(value).type.domain !== "spike") return false;
  if (synapses !== "auto") return synapses === "events";
  const rate = rateOf(lowering, value);
  // All of a frame comes at once.
  return rate === null || rate * lowering.ticks < densest;
}

/** Spikes per neuron and timestep of what a value is moved from; null where nobody measured. */
function rateOf(lowering: Lowering, value: ValueId): number | null {
  const { rates } = lowering.module;
  if (rates === undefined) return null;
  let most: number | null = null;
  const visit = (op: Op): void => {
    if (isNeuron(op)) {
      const rate = rates.get(op.result);
      if (rate !== undefined) most = Math.max(most ?? 0, rate);
      return;
    }
    for (const each of op.inputs) visit(lowering.opOf(each));
  };
  visit(lowering.opOf(value));
  return most;
}
