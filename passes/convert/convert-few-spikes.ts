/**
 * Turns an analogue network into a spiking one of few-spikes code.
 *
 * Precondition: no batch normalisation is left. Result: every ReLU and every clip from 0 is a neuron that
 * waits for the frames of its operands and then sends its value as T binary digits, largest first:
 *
 *     v = Σ W·y;  for t = 1 … T:  z = 1 where v ≥ (2^(T−t) − ½)·q, v −= 2^(T−t)·q·z, y[t] = 2^(T−t)·q·z
 *
 * so that Σ y is the nearest multiple of q from 0 to (2^T − 1)·q, which a balance pass sets. Layers follow
 * one another: the answer is there after T timesteps for each layer of neurons. With `activations=fitted`
 * activations of other kinds are neurons too, whose tables are fitted to them on the range of the
 * calibration set. (Stoeckl & Maass 2021.)
 */
import { known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";
import { type ActivationFit, fitActivations, fitNotices } from "./curves/fit-activations.ts";
import { byPairs, inIncrements } from "./over-time/increments.ts";
import { remarksOn } from "./over-time/remarks.ts";

const name = "convert-few-spikes";
const code = "few-spikes";

/** Digits beyond which a float32 potential has none left to tell. */
const mostDigits = 20;

export const convertFewSpikes = definePass({
  name,
  role: "convert",
  summary: "replace activations by neurons that send values as binary digits",
  requires: ["batchnorm-free"],
  establishes: ["spiking"],
  breaks: ["balanced"],
  preservesOutputs: false,
  makes: { code: () => code },
  options: {
    activations: {
      kind: "choice",
      default: "decode",
      of: ["decode", "fitted"],
      help: "activations other than rectifiers: compute them on decoded values, or fit neurons to them",
    },
  },
  async run(module, { options: { activations }, timesteps, report, measure }) {
    if (module.code !== "none") return module;
    const digits = Math.min(mostDigits, timesteps);
    if (digits < timesteps) report(diagnose("fewer-digits", null, { timesteps, digits }));
    const fitted =
      activations === "fitted"
        ? await fitActivations(module, digits, measure)
        : new Map<ValueId, ActivationFit>();
    for (const notice of fitNotices([...fitted.values()])) report(notice);
    const sizes = Array.from({ length: digits }, (_, t) => 2 ** (digits - 1 - t));
    const converted = inIncrements(module, {
      code,
      timesteps: digits,
      pass: name,
      operandOf: (op) => fitted.get(op.result)?.curve.operand ?? null,
      makeActivation: (builder, op, { current, offset, loc, result }) => {
        const { threshold, reset, amplitude } = known(fitted.get(op.result), "a fit").tables;
        const table = (part: string, rows: Float64Array): string =>
          builder.tensor(`${shortName(loc)}.${part}`, tensorOf("f32", [rows.length], [...rows]));
        const attrs = {
          threshold: table("threshold", threshold),
          reset: table("reset", reset),
          amplitude: table("amplitude", amplitude),
          vInit: offset,
        };
        return builder.add("snn.few-spikes", [current], attrs, loc, result);
      },
      makeNeurons: (builder, site) =>
        byPairs(builder, site, (_, { current, offset, loc, result }) => {
          const amplitude = builder.tensor("digits", tensorOf("f32", [digits], sizes));
          const reached = sizes.map((size) => size - 0.5);
          const threshold = builder.tensor("reached", tensorOf("f32", [digits], reached));
          const attrs = { threshold, reset: amplitude, amplitude, vInit: offset };
          return builder.add("snn.few-spikes", [current], attrs, loc, result);
        }),
    });
    for (const remark of remarksOn(module, converted)) report(remark);
    return converted;
  },
});
