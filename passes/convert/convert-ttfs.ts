/**
 * Turns an analogue network into one in which each neuron fires at most once.
 *
 * Precondition: no batch normalisation is left. Result: every ReLU and every clip from 0 is a neuron that
 * waits for the frame of its operands, and then fires the earlier the larger its value is:
 *
 *     t* = T + 1 − (Σ W·y) / q, no spike where the sum is not positive
 *
 * A spike is worth T + 1 − t*, the height that the ramp it starts has at the end of the frame, so each
 * neuron sends its value exactly where spikes may fall between ticks, and rounded to a multiple of q where
 * they may not. Values above T·q, the window, are clipped: a balance pass sets it. Values of either sign
 * are sent as two neurons. (Rueckauer & Liu 2018; Stanojevic et al. 2022, Nature Communications 2024.)
 */
import { scalar } from "../../ir/tensor.ts";
import { definePass } from "../pass.ts";
import { byPairs, inIncrements } from "./over-time/increments.ts";
import { remarksOn } from "./over-time/remarks.ts";

const name = "convert-ttfs";
const code = "ttfs";

export const convertTtfs = definePass({
  name,
  role: "convert",
  summary: "replace activations by neurons that send a value as the time of one spike",
  requires: ["batchnorm-free"],
  establishes: ["spiking"],
  breaks: ["balanced"],
  preservesOutputs: false,
  makes: { code: () => code },
  options: {
    resolution: {
      kind: "choice",
      default: "tick",
      of: ["tick", "continuous"],
      help: "whether spikes fall only on ticks of the clock, or also between them",
    },
  },
  run(module, { options: { resolution }, timesteps, report }) {
    if (module.code !== "none") return module;
    const converted = inIncrements(module, {
      code,
      timesteps,
      pass: name,
      makeNeurons: (builder, site) =>
        byPairs(builder, site, (_, { current, offset, loc, result }) => {
          const unit = builder.tensor("unit", scalar("f32", 1));
          const attrs = { threshold: unit, vInit: offset, amplitude: unit, resolution };
          return builder.add("snn.ttfs", [current], attrs, loc, result);
        }),
    });
    for (const remark of remarksOn(module, converted)) report(remark);
    return converted;
  },
});
