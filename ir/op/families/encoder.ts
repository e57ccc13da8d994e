/** Ops that make spikes of values: types and attributes. They send, but they are no neurons. */
import { type Failure, no, ok } from "../../diagnostic.ts";
import { rangeOf } from "../../analysis/range.ts";
import type { TensorRef } from "../../tensor.ts";
import { type Type, broadcastsTo } from "../../type.ts";
import type { EncoderKind } from "../op.ts";
import type { SpecTable, TensorLookup } from "../spec.ts";
import { encoder } from "../traits.ts";
import { format, operandType } from "./check.ts";

/** Digits that a value of f32 can have. */
const mostBits = 24;

const sizes = {
  gain: "tensor",
  amplitude: "tensor",
  sign: { oneOf: ["positive", "free"] },
} as const;

export const encoderSpecs: SpecTable<EncoderKind> = {
  "snn.poisson-encode": {
    summary: "spikes at random, more of them for larger values",
    arity: 2,
    exactness: "exact",
    traits: encoder,
    attributes: { ...sizes, seed: "int" },
    infer: ({ gain, amplitude, seed }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      if (operandType(inputs, 1).domain === "spike") return no("draws cannot depend on spikes");
      if (seed < 0) return no(`a seed of ${seed} is below 0`);
      return requireEncodable(x, tensors, { gain, amplitude }) ?? ok(spikesOf(x));
    },
  },
  "snn.latency-encode": {
    summary: "one spike in each period, earlier for larger values",
    arity: 1,
    exactness: "exact",
    traits: encoder,
    attributes: { ...sizes, steps: "int", threshold: "float" },
    infer: ({ gain, amplitude, steps, threshold }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      if (steps < 1) return no(`a period of ${steps} timesteps`);
      if (!(threshold >= 0 && threshold <= 1)) {
        return no(`a threshold of ${threshold} is not in [0, 1]`);
      }
      return requireEncodable(x, tensors, { gain, amplitude }) ?? ok(spikesOf(x));
    },
  },
  "snn.phase-encode": {
    summary: "the binary digits of a value, one at each timestep",
    arity: 1,
    exactness: "exact",
    traits: encoder,
    attributes: { ...sizes, bits: "int" },
    infer: ({ gain, amplitude, bits }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      if (bits < 1 || bits > mostBits) {
        return no(`${bits} binary digits; snn.phase-encode has 1 to ${mostBits}`);
      }
      return requireEncodable(x, tensors, { gain, amplitude }) ?? ok(spikesOf(x));
    },
  },
  "snn.delta-encode": {
    summary: "a spike each time a value has moved by a threshold",
    arity: 1,
    exactness: "exact",
    traits: encoder,
    attributes: { threshold: "tensor", amplitude: "tensor" },
    infer: ({ threshold, amplitude }, inputs, tensors) => {
      const x = operandType(inputs, 0);
      return requireEncodable(x, tensors, { threshold, amplitude }) ?? ok(spikesOf(x));
    },
  },
};

function spikesOf(x: Type): Type {
  return { domain: "spike", dtype: "f32", shape: x.shape };
}

/** The value is a float that is not a spike yet; the first parameter divides or multiplies, and is above 0. */
function requireEncodable(
  x: Type,
  tensors: TensorLookup,
  parameters: Readonly<Record<string, TensorRef>>,
): Failure | null {
  if (x.domain === "spike") return no("an encoder needs a value, not spikes");
  if (x.dtype !== "f32") return no(`an encoder works on f32, not on ${x.dtype}`);
  for (const [name, ref] of Object.entries(parameters)) {
    const given = tensors(ref);
    if (given.dtype !== "f32") return no(`the ${name} of an encoder is f32, not ${given.dtype}`);
    if (!broadcastsTo(given.shape, x.shape)) {
      return no(
        `a ${name} of shape ${format(given.shape)} does not broadcast to ${format(x.shape)}`,
      );
    }
    const { min } = rangeOf(given);
    if (name !== "amplitude" && !(min > 0)) return no(`a ${name} of ${min} is not above 0`);
  }
  return null;
}
