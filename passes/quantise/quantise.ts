/**
 * Makes a spiking network of integers.
 *
 * Precondition: a balanced spiking module and a calibration set. Result: everything between the
 * encoder of the input and the read-out is of integers: weights of b bits, one unit q per output
 * channel; biases, thresholds and potentials of 32 bits in the same unit, spikes 0 and 1. No
 * multiplication by a unit is left, because neurons do not change when weights and threshold are
 * scaled together:
 *
 *     w' = round(a·w / q)    b' = round(b / q)    θ' = round(θ / q)    v0' = round(v0 / q)
 *
 * where a is the amplitude of the neuron before, and q the unit with the least squared error of the
 * rounded weights and biases that meet at a channel, those of shortcuts included. What is read out
 * is multiplied by its unit in float32. Rounding is half away from zero. (Per channel and by least
 * squares: Choukroun et al. 2019; folding scales into thresholds: Rueckauer et al. 2017.)
 */
import { requireSafeTimesteps } from "../../ir/bounds.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Observation } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op.ts";
import { diagnose } from "../diagnostics.ts";
import { withoutDead } from "../graph.ts";
import { type PassContext, definePass } from "../pass.ts";
import { type Encoding, emitIntegers } from "./emit.ts";
import { type Plan, planIntegers } from "./plan.ts";
import { leastThreshold } from "./scale.ts";

export const quantise = definePass({
  name: "quantise",
  phase: "quantise",
  summary: "makes weights, biases, thresholds and potentials integers",
  requires: ["spiking", "balanced"],
  establishes: ["integer"],
  breaks: [],
  preservesOutputs: false,
  options: {
    bits: {
      kind: "integer",
      default: 8,
      min: 2,
      max: 8,
      help: "bits of a weight, its sign included",
    },
    input: { kind: "integer", default: 8, min: 2, max: 8, help: "bits of an input" },
    grid: {
      kind: "integer",
      default: 40,
      min: 2,
      max: 1000,
      help: "candidates for the unit of a channel",
    },
  },
  async run(module, context) {
    if (module.properties.has("integer")) return module;
    const { bits, input, grid } = context.options;
    const plan = planIntegers(module, largestOf(bits));
    if (plan.refusals.length > 0) fail(...plan.refusals);
    const encodings = await encodingsOf(module, plan, input, context);
    for (const [value, id] of plan.encoded) {
      plan.table.fix(id, known(encodings.get(value), "an encoding").unit);
    }
    const limited = new Set<number>();
    const chosen = new Set<number>();
    const choose = plan.table.choose(grid, {
      limited: (id) => limited.add(id),
      loop: () => fail(diagnose("units-loop", null, {})),
    });
    const unitOf = (id: number): number => {
      if (id >= 0) chosen.add(plan.table.find(id));
      return choose(id);
    };
    const made = withoutDead(emitIntegers(module, plan, unitOf, encodings));
    if (limited.size > 0) {
      const counts = { channels: limited.size, of: chosen.size, least: leastThreshold };
      context.report(diagnose("units-limited", null, counts));
    }
    requireSafeTimesteps(made, context.timesteps);
    return made;
  },
});

/** The largest integer of `bits`, its negative included: 127 of 8 bits, 1 of 2. */
function largestOf(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/** Units that cover what calibration saw of the values that are to be quantised. */
async function encodingsOf(
  module: Module,
  plan: Plan,
  bits: number,
  { measure }: Pick<PassContext<unknown>, "measure">,
): Promise<ReadonlyMap<ValueId, Encoding>> {
  const observe = [...plan.encoded.keys()].map((value): Observation => ({
    value,
    scope: "layer",
    axis: 0,
  }));
  const encodings = new Map<ValueId, Encoding>();
  if (observe.length === 0) return encodings;
  const { values } = await measure(module, observe, 1);
  for (const { value } of observe) {
    const { channels } = known(values.get(value), `statistics of %${value}`);
    const seen = known(channels[0], "a layer's statistics");
    const dtype = seen.min >= 0 ? "u8" : "i8";
    const levels = dtype === "u8" ? 2 ** bits - 1 : largestOf(bits);
    const largest = Math.max(Math.abs(seen.min), Math.abs(seen.max));
    // All zeros fit any unit; the op divides by it in float32.
    const unit = largest > 0 ? Math.fround(largest / levels) : 1;
    encodings.set(value, { unit, dtype, levels });
  }
  return encodings;
}
