/**
 * What neurons of each kind make of a value that they are given throughout, which is what their output
 * is measured against: in one unit with the values of the ANN, whatever the code.
 */
import { known } from "../../ir/diagnostic.ts";
import { type Module, isFramed, tensorAt, codeTraitsOf } from "../../ir/module.ts";
import { type NeuronKind, type OpOf, isOp } from "../../ir/op/op.ts";
import { largestSpike, sharesOf } from "../../ir/semantics/neurons/graded.ts";
import { spikesOfCharge } from "../../ir/semantics/neurons/integrate-and-fire.ts";
import { broadcastIndices } from "../../ir/semantics/semantics.ts";
import { steppedCellOf } from "../../ir/semantics/spiking.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";

/** A population of neurons, seen as a function from values to what is sent of them. */
export interface Response {
  readonly neurons: number;
  /** The least and the largest value that each can send, [numel]. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** One parameter for each layer, channel or neuron; of few-spikes neurons the smallest spike. */
  readonly thresholds: Tensor;
  /** Mean of v[0] / θ; null where v[0] is a part of the value. */
  readonly initialPotential: number | null;
  /** What is part of each neuron's value and not of its operand, [numel]. */
  readonly offset: Float64Array;
  /** What the mean over the timesteps is multiplied by to be the value that was sent. */
  readonly scale: number;
  /** What neurons send that receive these values in all, without the offset. */
  readonly respond: (received: ArrayLike<number>) => ArrayLike<number>;
}

/** The response of `neuron` in a run of `timesteps` of its module. */
export function responseOf(neuron: OpOf<NeuronKind>, module: Module, timesteps: number): Response {
  const { code } = module;
  // Rates are means over the timesteps; in the other codes what is sent sums to the value. A run of a
  // framed code is one step whose values are sums already.
  const decoder = codeTraitsOf(code)?.decoder;
  const sums = decoder !== "mean";
  const scale = decoder === "sum" ? timesteps : 1;
  const { shape } = neuron.type;
  const at = (ref: string): Float64Array => expand(tensorAt(module, ref), shape);
  const vInit = at(neuron.attrs.vInit);
  const { low, high } = sendableRange(neuron, module, sums, timesteps);
  const thresholds = thresholdsOf(neuron, module);
  const shared = {
    neurons: vInit.length,
    low,
    high,
    thresholds,
    initialPotential: null,
    offset: sums ? vInit : new Float64Array(vInit.length),
    scale,
  };
  const byRule = (z: ArrayLike<number>): ArrayLike<number> =>
    simulated(neuron, module, timesteps, sums, z);
  if (isOp(neuron, "snn.if")) {
    const threshold = at(neuron.attrs.threshold);
    const amplitude = at(neuron.attrs.amplitude);
    const isClosed = neuron.attrs.reset === "subtract" && startsWithin(vInit, threshold, 0);
    return {
      ...shared,
      initialPotential:
        vInit.reduce((sum, v, i) => sum + v / (threshold[i] ?? NaN), 0) / vInit.length,
      respond: isClosed
        ? (z) =>
            amplitude.map((a, i) =>
              quantised(z[i] ?? NaN, timesteps, threshold[i] ?? NaN, a, vInit[i] ?? NaN),
            )
        : byRule,
    };
  }
  if (isOp(neuron, "snn.graded") && !sums) {
    const step = at(neuron.attrs.threshold);
    const amplitude = at(neuron.attrs.amplitude);
    const { alphabet, schedule, ceiling } = neuron.attrs;
    const isPlain = alphabet === "word" && schedule === "constant" && ceiling === null;
    return {
      ...shared,
      // By closed form: the nearest multiple of the step, as far as the sizes of spikes go.
      respond:
        isPlain && startsWithin(vInit, step, 0.5)
          ? (z) =>
              amplitude.map((a, i) => {
                const charge = (z[i] ?? NaN) * timesteps + (vInit[i] ?? NaN);
                const sent = (a * Math.floor(charge / (step[i] ?? NaN) + 0.5)) / timesteps;
                return Math.max(low[i] ?? NaN, Math.min(high[i] ?? NaN, sent));
              })
          : byRule,
    };
  }
  return { ...shared, respond: byRule };
}

/**
 * Whether each neuron starts where no spike is due without input, and none is held back: 0 ≤ v0/θ + c ≤ 1,
 * with c = ½ for neurons that round. Only from there is what a steady current makes of it a closed form;
 * it costs one step instead of T, and a test holds it against the rule.
 */
function startsWithin(vInit: Float64Array, threshold: Float64Array, c: number): boolean {
  return vInit.every((v, i) => {
    const due = v / (threshold[i] ?? NaN) + c;
    return due >= 0 && due <= 1;
  });
}

/**
 * The mean output over T timesteps of an integrate-and-fire neuron with reset by subtraction,
 * driven by the constant current z, where 0 ≤ v0 ≤ θ: A/T · clip(⌊(z·T + v0) / θ⌋, 0, T).
 */
export function quantised(
  z: number,
  timesteps: number,
  threshold: number,
  amplitude: number,
  vInit: number,
): number {
  const spikes = spikesOfCharge((z * timesteps + vInit) / threshold, timesteps);
  return (amplitude / timesteps) * spikes;
}

/** By the reference's own cell: a sum arrives at the first timestep, a current at each. */
function simulated(
  neuron: OpOf<NeuronKind>,
  module: Module,
  timesteps: number,
  sums: boolean,
  z: ArrayLike<number>,
): ArrayLike<number> {
  const { shape } = neuron.type;
  const lookup = (ref: string): Tensor => tensorAt(module, ref);
  const cell = steppedCellOf(neuron, shape, lookup, module.timesteps);
  const x = tensorOf("f32", shape, Array.from(z));
  if (isFramed(module.code)) return cell.step(x).data;
  const nothing = tensorOf(
    "f32",
    shape,
    Array.from(z, () => 0),
  );
  const total = new Float64Array(z.length);
  for (let t = 0; t < timesteps; t++) {
    cell.step(sums && t > 0 ? nothing : x).data.forEach((y, i) => {
      total[i] = (total[i] ?? 0) + y;
    });
  }
  return sums ? total : total.map((y) => y / timesteps);
}

interface Range {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function sendableRange(
  neuron: OpOf<NeuronKind>,
  module: Module,
  sums: boolean,
  timesteps: number,
): Range {
  const { shape } = neuron.type;
  const amplitude = tensorAt(module, neuron.attrs.amplitude);
  const upTo = (most: Float64Array): Range => ({ low: most.map(() => 0), high: most });
  switch (neuron.kind) {
    case "snn.if":
    case "snn.rehearsed-if":
      return upTo(expand(amplitude, shape));
    case "snn.lif": {
      const fastest = 1 / Math.max(1, neuron.attrs.refractory);
      return upTo(expand(amplitude, shape).map((a) => a * fastest));
    }
    case "snn.ttfs":
      return upTo(expand(amplitude, shape).map((a) => a * module.timesteps));
    case "snn.graded": {
      const shareOf = sharesOf(neuron.attrs, shape, (ref) => tensorAt(module, ref));
      const stepsOf = (i: number): number => {
        if (!sums) return 1;
        let steps = 0;
        for (let t = 1; t <= timesteps; t++) steps += shareOf(t, i);
        return steps;
      };
      const largest = largestSpike(neuron.attrs);
      const most = expand(amplitude, shape).map((a, i) => a * largest * stepsOf(i));
      const { ceiling, sign } = neuron.attrs;
      const limit = ceiling === null ? null : expand(tensorAt(module, ceiling), shape);
      const high = limit === null ? most : most.map((m, i) => Math.min(m, limit[i] ?? Infinity));
      return { low: sign === "free" ? most.map((m) => -m) : most.map(() => 0), high };
    }
    case "snn.few-spikes": {
      const [rows = 1, ...rest] = amplitude.shape;
      const size = elementCount(rest);
      const range = { low: new Float64Array(size), high: new Float64Array(size) };
      for (let k = 0; k < rows * size; k++) {
        const a = amplitude.data[k] ?? NaN;
        const side = a < 0 ? range.low : range.high;
        side[k % size] = (side[k % size] ?? 0) + a;
      }
      const spread = (side: Float64Array): Float64Array =>
        Float64Array.from(broadcastIndices(rest, shape), (i) => side[i] ?? NaN);
      return { low: spread(range.low), high: spread(range.high) };
    }
  }
}

function thresholdsOf(neuron: OpOf<NeuronKind>, module: Module): Tensor {
  if (!isOp(neuron, "snn.few-spikes")) return tensorAt(module, neuron.attrs.threshold);
  const { dtype, shape, data } = tensorAt(module, neuron.attrs.amplitude);
  const [, ...rest] = shape;
  const last = Array.from(data).slice(-elementCount(rest));
  return tensorOf(
    dtype,
    rest,
    last.map((a) => Math.abs(a)),
  );
}

/** `t` broadcast to `shape`, as doubles. */
function expand(t: Tensor, shape: Shape): Float64Array {
  return Float64Array.from(broadcastIndices(t.shape, shape), (at) =>
    known(t.data[at], "a parameter"),
  );
}
