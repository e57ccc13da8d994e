/**
 * Turns an analogue network into a spiking one of differential code.
 *
 * Precondition: no batch normalisation is left. Result: neurons hold what they have still to send and
 * send its nearest multiple of a step, and what is sent sums to the value. With steps that shrink, each
 * timestep corrects what the ones before left over:
 *
 *     v += W·Δy;  k = ⌊v/q_t + ½⌋ within what may be sent;  v −= k·q_t;  y = Σ k·q_t
 *
 * The image and all biases arrive once, at the first timestep. Functions that are not rectifiers work
 * on decoded values, and neurons of either sign send the changes of what they give. Steps of 1/t make
 * it the differential code of Huang et al. (ICML 2025), a constant step a sigma-delta network, halved
 * steps a radix code. Values keep their ids, so the neuron of a ReLU has the ReLU's.
 */
import { codeTraits } from "../../ir/module.ts";
import { scalar } from "../../ir/tensor.ts";
import { definePass } from "../pass.ts";
import { inIncrements } from "./over-time/increments.ts";
import { remarksOn } from "./over-time/remarks.ts";

const name = "convert-differential";
const code = "differential";

/** Spikes of so many bits leave less than a thousandth to correct after two timesteps. */
const manyBits = 8;

export const convertDifferential = definePass({
  name,
  role: "convert",
  summary: "replace activations by neurons that send what is still missing, in shrinking steps",
  requires: ["batchnorm-free"],
  establishes: ["spiking"],
  breaks: ["balanced"],
  preservesOutputs: false,
  makes: {
    code: () => code,
    timesteps: ({ bits }) => (bits >= manyBits ? 2 : codeTraits[code].timesteps),
  },
  options: {
    bits: {
      kind: "integer",
      means: "bits",
      default: 4,
      min: 1,
      max: 8,
      help: "bits of a spike: how many sizes it may have",
    },
    alphabet: {
      kind: "choice",
      default: "word",
      of: ["word", "power"],
      help: "spikes of every size up to 2^bits − 1, or of powers of two only",
    },
    schedule: {
      kind: "choice",
      default: "halving",
      of: ["constant", "reciprocal", "halving"],
      help: "how the step shrinks, unless fit-steps sets it: not at all, as 1/t, or by halves",
    },
  },
  run(module, { options, timesteps, report }) {
    if (module.code !== "none") return module;
    const { bits, alphabet, schedule } = options;
    const converted = inIncrements(module, {
      code,
      timesteps,
      pass: name,
      makeNeurons(builder, { current, offset, ceiling, signed, loc, result }) {
        const unit = builder.tensor("unit", scalar("f32", 1));
        const limit =
          ceiling === Infinity ? null : builder.tensor("ceiling", scalar("f32", ceiling));
        const attrs = {
          threshold: unit,
          vInit: offset,
          amplitude: unit,
          ceiling: limit,
          bits,
          alphabet,
          sign: signed ? ("free" as const) : ("retract" as const),
          schedule,
          shares: null,
        };
        return builder.add("snn.graded", [current], attrs, loc, result);
      },
    });
    for (const remark of remarksOn(module, converted)) report(remark);
    return converted;
  },
});
