/** Ops with a state or that look across timesteps: neurons, pools of running sums, decoders. */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { EncoderKind, NeuronKind, OpAttrs, SpikingKind } from "../op.ts";
import { rangeOf } from "../../analysis/range.ts";
import type { TensorRef } from "../../tensor.ts";
import { type DType, type Type, broadcastsTo } from "../../type.ts";
import { format, operandType, requireFloat } from "./check.ts";
import type { SpecTable, TensorLookup } from "../spec.ts";
import { neurons, overTime } from "../traits.ts";
import { inferPool, maxPoolAttributes } from "./pool.ts";

/** Most binary spikes in the word of a graded neuron: sizes up to 2^16 − 1. */
const mostBits = 16;

/** Leaks of integer neurons are whole multiples of one over this. */
const leakScale = 2 ** 16;

const largest = 2 ** 31 - 1;

export const spikingSpecs: SpecTable<Exclude<SpikingKind, EncoderKind>> = {
  "snn.if": {
    summary: "integrate-and-fire neurons",
    arity: 1,
    exactness: "exact",
    traits: neurons,
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      reset: { oneOf: ["subtract", "zero"] },
    },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const isInteger = x.dtype === "i32";
      const { threshold, vInit, amplitude } = attrs;
      return (
        requireNeuronInput("snn.if", x, ["f32", "i32"]) ??
        requireParameters(x, tensors, { threshold, vInit }, x.dtype) ??
        requireParameters(x, tensors, { amplitude }, isInteger ? "i8" : "f32") ??
        ok({ domain: "spike", dtype: isInteger ? "i8" : "f32", shape: x.shape })
      );
    },
  },
  "snn.rehearsed-if": {
    summary: "integrate-and-fire neurons that run for a while, learn from it, and start anew",
    arity: 1,
    exactness: "exact",
    traits: neurons,
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      rehearsal: "int",
      rule: { oneOf: ["offset", "silence"] },
    },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const { threshold, vInit, amplitude } = attrs;
      return (
        requireRehearsal("snn.rehearsed-if", attrs) ??
        requireNeuronInput("snn.rehearsed-if", x, ["f32"]) ??
        requireParameters(x, tensors, { threshold, vInit, amplitude }, "f32") ??
        ok({ domain: "spike", dtype: "f32", shape: x.shape })
      );
    },
  },
  "snn.graded": {
    summary: "neurons whose spikes have sizes and signs, with a step that may shrink",
    arity: 1,
    exactness: "exact",
    traits: neurons,
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      ceiling: "tensor?",
      bits: "int",
      alphabet: { oneOf: ["word", "power"] },
      sign: { oneOf: ["positive", "retract", "free"] },
      schedule: { oneOf: ["constant", "reciprocal", "halving", "table"] },
      shares: "tensor?",
    },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const { threshold, vInit, amplitude, ceiling, bits, schedule, shares } = attrs;
      if (!Number.isInteger(bits) || bits < 1 || bits > mostBits) {
        return no(`spikes of ${bits} bits; snn.graded has 1 to ${mostBits}`);
      }
      if (x.dtype === "i32" && schedule !== "constant" && schedule !== "table") {
        return no(`on i32 the step of snn.graded is constant or from a table, not ${schedule}`);
      }
      if ((schedule === "table") !== (shares !== null)) {
        return no(`schedule "${schedule}" ${shares === null ? "needs" : "takes no"} shares`);
      }
      const parameters = { threshold, vInit, amplitude, ...(ceiling === null ? {} : { ceiling }) };
      return (
        requireNeuronInput("snn.graded", x, ["f32", "i32"]) ??
        requireParameters(x, tensors, parameters, x.dtype) ??
        (shares === null ? null : requireRows(x, tensors, { shares }, x.dtype)) ??
        (shares === null || x.dtype !== "i32" ? null : requireSteps(tensors, threshold, shares)) ??
        ok({ domain: "spike", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.lif": {
    summary: "leaky integrate-and-fire neurons with a refractory period",
    arity: 1,
    exactness: "rounding",
    traits: neurons,
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      leak: "float",
      refractory: "float",
      spikeTime: { oneOf: ["step", "exact"] },
      reset: { oneOf: ["subtract", "zero"] },
    },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const { threshold, vInit, amplitude, leak, refractory } = attrs;
      if (!(leak > 0 && leak < 1)) return no(`a leak of ${leak} is not between 0 and 1`);
      if (!(refractory >= 0 && refractory < Infinity)) {
        return no(`a refractory period of ${refractory} timesteps`);
      }
      return (
        requireNeuronInput("snn.lif", x, ["f32", "i32"]) ??
        (x.dtype === "i32" ? requireWhole(attrs) : null) ??
        requireParameters(x, tensors, { threshold, vInit, amplitude }, x.dtype) ??
        ok({ domain: "spike", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.few-spikes": {
    summary: "neurons that send a value as a few weighted spikes",
    arity: 1,
    exactness: "rounding",
    traits: { ...neurons, time: "frame" },
    attributes: { threshold: "tensor", reset: "tensor", amplitude: "tensor", vInit: "tensor" },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const { threshold, reset, amplitude, vInit } = attrs;
      return (
        requireNeuronInput("snn.few-spikes", x, ["f32", "i32"]) ??
        requireIncrements("snn.few-spikes", x) ??
        requireRows(x, tensors, { threshold, reset, amplitude }, x.dtype) ??
        requireParameters(x, tensors, { vInit }, x.dtype) ??
        ok({ domain: "spike", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.ttfs": {
    summary: "neurons that send a value as the time of one spike",
    arity: 1,
    exactness: "rounding",
    traits: { ...neurons, time: "frame" },
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      resolution: { oneOf: ["tick", "continuous"] },
    },
    infer: (attrs, inputs, tensors) => {
      const x = operandType(inputs, 0);
      const { threshold, vInit, amplitude, resolution } = attrs;
      if (x.dtype === "i32" && resolution === "continuous") {
        return no('on i32 spikes of snn.ttfs fall on ticks: its resolution is "tick"');
      }
      return (
        requireNeuronInput("snn.ttfs", x, ["f32", "i32"]) ??
        requireIncrements("snn.ttfs", x) ??
        requireParameters(x, tensors, { threshold, vInit, amplitude }, x.dtype) ??
        ok({ domain: "spike", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.temporal-bias": {
    summary: "adds a bias that depends on the timestep",
    arity: 1,
    exactness: "exact",
    traits: overTime,
    attributes: { table: "tensor" },
    infer: ({ table }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      if (x.dtype !== "f32" && x.dtype !== "i32") {
        return no(`snn.temporal-bias works on f32 and i32, not on ${x.dtype}`);
      }
      return (
        requireRows(x, tensors, { table }, x.dtype) ??
        ok({ domain: "current", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.low-pass": {
    summary: "a synapse that smooths what it receives",
    arity: 1,
    exactness: "rounding",
    traits: overTime,
    attributes: { decay: "float" },
    infer: ({ decay }, inputs) => {
      const x = operandType(inputs, 0);
      if (!(decay >= 0 && decay < 1)) return no(`a decay of ${decay} is not in [0, 1)`);
      return (
        requireFloat("snn.low-pass", [x]) ??
        ok({ domain: "current", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.accumulate": {
    summary: "sum over the timesteps so far: decodes increments",
    arity: 1,
    exactness: "rounding",
    traits: { ...overTime, time: "sums" },
    attributes: {},
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      if (x.domain === "real") return no("snn.accumulate works on spikes and currents");
      return (
        requireOverTime("snn.accumulate", x) ?? ok({ domain: "real", dtype: "f32", shape: x.shape })
      );
    },
  },
  "snn.difference": {
    summary: "what a value has changed by since the last timestep",
    arity: 1,
    exactness: "exact",
    traits: { ...overTime, time: "sums" },
    attributes: {},
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      if (x.domain !== "real") return no("snn.difference works on real values: decoded ones");
      return (
        (x.dtype === "i32" ? null : requireFloat("snn.difference", [x])) ??
        ok({ domain: "current", dtype: x.dtype, shape: x.shape })
      );
    },
  },
  "snn.max-pool": {
    summary: "maximum over sliding windows of what was received so far",
    arity: 1,
    exactness: "rounding",
    traits: { ...overTime, structure: "mixed", time: "sums", channels: "second" },
    attributes: maxPoolAttributes,
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireVarying("snn.max-pool", x) ??
        requireOverTime("snn.max-pool", x) ??
        inferPool(attrs, x, false)
      );
    },
  },
  "snn.rehearsed-max-pool": {
    summary: "maximum over sliding windows of what was received since the rehearsal, or in it",
    arity: 1,
    exactness: "rounding",
    traits: { ...overTime, structure: "mixed", channels: "second" },
    attributes: { ...maxPoolAttributes, rehearsal: "int" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireRehearsal("snn.rehearsed-max-pool", attrs) ??
        requireVarying("snn.rehearsed-max-pool", x) ??
        requireFloat("snn.rehearsed-max-pool", [x]) ??
        inferPool(attrs, x, false)
      );
    },
  },
  "snn.readout": {
    summary: "mean over the timesteps so far: decodes rates",
    arity: 1,
    exactness: "rounding",
    traits: overTime,
    attributes: { start: "int" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      // The mean of integers is a float: it is what leaves the integer part of a network.
      return (
        requireStart("snn.readout", attrs) ??
        requireOverTime("snn.readout", x) ??
        ok({ domain: "real", dtype: "f32", shape: x.shape })
      );
    },
  },
  "snn.rehearsed-readout": {
    summary: "mean over the timesteps since the rehearsal, or in it: decodes rates",
    arity: 1,
    exactness: "rounding",
    traits: overTime,
    attributes: { start: "int", rehearsal: "int" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      return (
        requireStart("snn.rehearsed-readout", attrs) ??
        requireRehearsal("snn.rehearsed-readout", attrs) ??
        requireFloat("snn.rehearsed-readout", [x]) ??
        ok({ domain: "real", dtype: "f32", shape: x.shape })
      );
    },
  },
};

function requireNeuronInput(kind: NeuronKind, x: Type, dtypes: readonly DType[]): Failure | null {
  if (x.domain === "spike") return no("a neuron needs a current, not spikes");
  if (dtypes.includes(x.dtype)) return null;
  return no(`${kind} works on ${dtypes.join(" and ")}, not on ${x.dtype}`);
}

function requireRehearsal(
  kind: SpikingKind,
  attrs: { readonly rehearsal: number },
): Failure | null {
  const { rehearsal } = attrs;
  if (Number.isInteger(rehearsal) && rehearsal >= 1) return null;
  return no(`${kind} rehearses for ${rehearsal} timesteps, which is not a whole number above 0`);
}

function requireStart(kind: SpikingKind, { start }: { readonly start: number }): Failure | null {
  if (Number.isInteger(start) && start >= 0) return null;
  return no(`${kind} leaves out the first ${start} timesteps`);
}

/** A running maximum is of what comes bit by bit. */
function requireVarying(kind: SpikingKind, x: Type): Failure | null {
  if (x.domain !== "real") return null;
  return no(`${kind} works on spikes and currents; ann.max-pool is for real values`);
}

/** A frame is summed: of a value that stays the same, the sum would hang on its length. */
function requireIncrements(kind: NeuronKind, x: Type): Failure | null {
  if (x.domain !== "real") return null;
  return no(`${kind} takes increments: snn.difference makes them of a real value`);
}

/** What is left of an integer potential is exact, and its neuron is silent for whole timesteps. */
function requireWhole({ leak, refractory, spikeTime }: OpAttrs["snn.lif"]): Failure | null {
  if (!Number.isInteger(leak * leakScale)) {
    const nearest = Math.min(leakScale - 1, Math.max(1, Math.round(leak * leakScale)));
    return no(`on i32 the leak of snn.lif is one like ${nearest}/${leakScale}, not ${leak}`);
  }
  if (!Number.isInteger(refractory) || refractory > largest) {
    return no(`on i32 snn.lif is silent for whole timesteps of 32 bits, not for ${refractory}`);
  }
  return spikeTime === "step"
    ? null
    : no('on i32 spikes of snn.lif fall on timesteps: its spikeTime is "step"');
}

/** Steps of integers are above 0 and fit 32 bits, whichever threshold meets whichever share. */
function requireSteps(
  tensors: TensorLookup,
  threshold: TensorRef,
  shares: TensorRef,
): Failure | null {
  const { min, max } = rangeOf(tensors(shares));
  if (!(min >= 1)) return no(`on i32 a share of the step is a whole number above 0, not ${min}`);
  const step = max * rangeOf(tensors(threshold)).max;
  if (step <= largest) return null;
  return no(`a step of ${step}, the largest share of the largest threshold, leaves 32 bits`);
}

/** Each tensor must be of `dtype` and broadcast to the neurons' shape. */
function requireParameters(
  x: Type,
  tensors: TensorLookup,
  parameters: Readonly<Record<string, TensorRef>>,
  dtype: DType,
): Failure | null {
  for (const [name, ref] of Object.entries(parameters)) {
    const given = tensors(ref);
    if (given.dtype !== dtype) {
      const which = x.dtype === "i32" ? "a neuron on i32" : "a neuron";
      return no(`the ${name} of ${which} is ${dtype}, not ${given.dtype}`);
    }
    if (!broadcastsTo(given.shape, x.shape)) {
      return no(
        `a ${name} of shape ${format(given.shape)} does not broadcast to ${format(x.shape)}`,
      );
    }
  }
  return null;
}

/** Each tensor must have the same number of rows, whose rest broadcasts to the shape of `x`. */
function requireRows(
  x: Type,
  tensors: TensorLookup,
  parameters: Readonly<Record<string, TensorRef>>,
  dtype: DType = "f32",
): Failure | null {
  const counts = new Set<number>();
  for (const [name, ref] of Object.entries(parameters)) {
    const given = tensors(ref);
    const [rows = 0, ...rest] = given.shape;
    if (given.dtype !== dtype) return no(`the ${name} is ${dtype}, not ${given.dtype}`);
    if (rows < 1) return no(`the ${name} needs a row for each timestep`);
    if (!broadcastsTo(rest, x.shape)) {
      return no(`rows of shape ${format(rest)} do not broadcast to ${format(x.shape)}`);
    }
    counts.add(rows);
  }
  return counts.size > 1 ? no(`${[...counts].join(" and ")} rows do not match`) : null;
}

/** What changes over time is float32, or in integer mode i8 (spikes) and i32 (currents). */
function requireOverTime(kind: SpikingKind, x: Type): Failure | null {
  if (x.dtype === "f32" || x.dtype === "i8" || x.dtype === "i32") return null;
  return no(`${kind} works on f32, i8 and i32, not on ${x.dtype}`);
}
