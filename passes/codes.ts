/**
 * How a network of each code is made: the pipeline that does it, and the timesteps that it is made for
 * unless somebody says otherwise. What `--code` stands for, and what `-T` is without one.
 */
import type { Code } from "../ir/module.ts";
import type { PipelineStep } from "./pipeline.ts";

/** The codes that a network can be converted to. */
export const spikingCodes = [
  "rate",
  "signed-rate",
  "burst",
  "differential",
  "few-spikes",
  "ttfs",
] as const satisfies readonly Code[];
export type SpikingCode = (typeof spikingCodes)[number];

interface Making {
  /** Name of a pipeline. */
  readonly pipeline: string;
  readonly timesteps: number;
  /** Whether its spikes have a number of bits of choice. */
  readonly hasBits: boolean;
}

const makings: Readonly<Record<SpikingCode, Making>> = {
  rate: { pipeline: "rate", timesteps: 32, hasBits: false },
  "signed-rate": { pipeline: "binary", timesteps: 16, hasBits: false },
  burst: { pipeline: "burst", timesteps: 4, hasBits: true },
  differential: { pipeline: "default", timesteps: 4, hasBits: true },
  // Eight binary digits.
  "few-spikes": { pipeline: "few-spikes", timesteps: 8, hasBits: false },
  // Time in eight bits.
  ttfs: { pipeline: "one-spike", timesteps: 255, hasBits: false },
};

/** How a network of `code` is made. */
export function makingOf(code: SpikingCode): Making {
  return makings[code];
}

/** Whether functions that are not rectifiers are computed on decoded values, and sent on. */
export function carriesDecoded(code: SpikingCode): boolean {
  return code === "differential" || code === "few-spikes" || code === "ttfs";
}

/** Spikes of so many bits leave less than a thousandth to correct after two timesteps. */
const manyBits = 8;

/**
 * A quarter of a second of milliseconds: leaky neurons fire at 200 Hz at most, and a rate in so many levels
 * as 32 timesteps have spikes is none.
 */
const leakyTimesteps = 256;

/** The timesteps that a pipeline makes a network for unless told. */
export function defaultTimesteps(steps: readonly PipelineStep[]): number {
  if (steps.some(({ pass }) => pass.name === "soft-lif")) return leakyTimesteps;
  const code = codeMadeBy(steps) ?? "rate";
  if (code === "differential" && (bitsMadeBy(steps) ?? 0) >= manyBits) return 2;
  return makings[code].timesteps;
}

/** Bits of the spikes of what a pipeline makes; null where they have no number of choice. */
export function bitsMadeBy(steps: readonly PipelineStep[]): number | null {
  const code = codeMadeBy(steps);
  if (code === null || !makings[code].hasBits) return null;
  const bits = steps.find(({ pass }) => pass.phase === "convert" && "bits" in pass.options)
    ?.options["bits"];
  return typeof bits === "number" ? bits : null;
}

/** The code of what a pipeline makes of an analogue network; null where it converts nothing. */
export function codeMadeBy(steps: readonly PipelineStep[]): SpikingCode | null {
  for (const { pass, options } of steps) {
    switch (pass.name) {
      case "convert-activations":
        if (options["bits"] !== 1) return "burst";
        return options["sign"] === "retract" ? "signed-rate" : "rate";
      case "convert-differential":
        return "differential";
      case "convert-few-spikes":
        return "few-spikes";
      case "convert-ttfs":
        return "ttfs";
      default:
        continue;
    }
  }
  return null;
}

/** The steps with spikes of so many bits, where the pass that converts takes them. */
export function withBits(steps: readonly PipelineStep[], bits: number): readonly PipelineStep[] {
  return steps.map((step) =>
    step.pass.phase === "convert" && "bits" in step.pass.options
      ? { ...step, options: { ...step.options, bits } }
      : step,
  );
}
