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
      return requireSingle("snn.max-pool", x) ?? inferPool(attrs, x, false);
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
      return requireSingle("snn.readout", x) ?? ok({ ...x, domain: "real" });
    },
  },
};

function inferNeuron(attrs: OpAttrs["snn.if"], x: Type, tensors: TensorLookup): Result<Type> {
  if (x.domain === "spike") return no("a neuron needs a current, not spikes");
  const single = requireSingle("snn.if", x);
  if (single !== null) return single;
  for (const name of ["threshold", "vInit", "amplitude"] as const) {
    const { dtype, shape } = tensors(attrs[name]);
    if (dtype !== "f32") return no(`the ${name} of a neuron is f32, not ${dtype}`);
    if (!broadcastsTo(shape, x.shape)) {
      return no(`a ${name} of shape ${format(shape)} does not broadcast to ${format(x.shape)}`);
    }
  }
  return ok({ ...x, domain: "spike" });
}

/** What changes over time is float32: currents, membrane potentials and spikes. */
function requireSingle(kind: string, x: Type): ReturnType<typeof no> | null {
  return x.dtype === "f32" ? null : no(`${kind} works on f32, not on ${x.dtype}`);
}
