/** Ops with a state or that look across timesteps: neurons, pools of running sums, decoders. */
import { type Result, no, ok } from "../diagnostic.ts";
import { type OpAttrs } from "../op.ts";
import type { SpecTable, TensorLookup } from "./op-spec.ts";
import { type Type, broadcastsTo } from "../type.ts";
import { format, operandType } from "./check.ts";
import { inferPool, maxPoolAttributes } from "./pool.ts";

export type SpikingKind = "snn.if" | "snn.max-pool" | "snn.readout";

export const spikingSpecs: SpecTable<SpikingKind> = {
  "snn.if": {
    summary: "integrate-and-fire neurons",
    arity: 1,
    exactness: "exact",
    attributes: {
      threshold: "tensor",
      vInit: "tensor",
      amplitude: "tensor",
      reset: { oneOf: ["subtract", "zero"] },
    },
    infer: (attrs, inputs, tensors) => inferNeuron(attrs, operandType(inputs, 0), tensors),
  },
  "snn.max-pool": {
    summary: "maximum over sliding windows of what was received so far",
    arity: 1,
    exactness: "rounding",
    attributes: maxPoolAttributes,
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      if (x.domain === "real") {
        return no("snn.max-pool works on spikes and currents; ann.max-pool is for real values");
      }
      return requireOverTime("snn.max-pool", x) ?? inferPool(attrs, x, false);
    },
  },
  "snn.readout": {
    summary: "mean over the timesteps so far: decodes rates",
    arity: 1,
    exactness: "rounding",
    attributes: { start: "int" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      if (!Number.isInteger(attrs.start) || attrs.start < 0) {
        return no(`snn.readout leaves out the first ${attrs.start} timesteps`);
      }
      // The mean of integers is a float: it is what leaves the integer part of a network.
      return (
        requireOverTime("snn.readout", x) ?? ok({ domain: "real", dtype: "f32", shape: x.shape })
      );
    },
  },
};

function inferNeuron(attrs: OpAttrs["snn.if"], x: Type, tensors: TensorLookup): Result<Type> {
  if (x.domain === "spike") return no("a neuron needs a current, not spikes");
  if (x.dtype !== "f32" && x.dtype !== "i32") {
    return no(`snn.if works on f32 and i32, not on ${x.dtype}`);
  }
  const isInteger = x.dtype === "i32";
  const wanted = { threshold: x.dtype, vInit: x.dtype, amplitude: isInteger ? "i8" : "f32" };
  for (const name of ["threshold", "vInit", "amplitude"] as const) {
    const { dtype, shape } = tensors(attrs[name]);
    if (dtype !== wanted[name]) {
      const which = isInteger ? "a neuron on i32" : "a neuron";
      return no(`the ${name} of ${which} is ${wanted[name]}, not ${dtype}`);
    }
    if (!broadcastsTo(shape, x.shape)) {
      return no(`a ${name} of shape ${format(shape)} does not broadcast to ${format(x.shape)}`);
    }
  }
  return ok({ domain: "spike", dtype: isInteger ? "i8" : "f32", shape: x.shape });
}

/** What changes over time is float32, or in integer mode i8 (spikes) and i32 (currents). */
function requireOverTime(kind: string, x: Type): ReturnType<typeof no> | null {
  if (x.dtype === "f32" || x.dtype === "i8" || x.dtype === "i32") return null;
  return no(`${kind} works on f32, i8 and i32, not on ${x.dtype}`);
}
