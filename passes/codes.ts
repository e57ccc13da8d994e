/** What a pipeline makes: the code of its networks, their timesteps, and the bits of their spikes. */
import { type SpikingCode, codeTraits } from "../ir/module.ts";
import type { Meaning } from "../ir/role.ts";
import type { PipelineStep } from "./pipeline.ts";

/** Whether functions that are not rectifiers are computed on decoded values, and sent on. */
export function carriesDecoded(code: SpikingCode): boolean {
  return codeTraits[code].decoder !== "mean";
}

/** The first step that converts; undefined where a pipeline converts nothing. */
function convertingStep(steps: readonly PipelineStep[]): PipelineStep | undefined {
  return steps.find(({ pass }) => pass.makes !== undefined);
}

/** The code of what a pipeline makes of an analogue network; null where it converts nothing. */
export function codeMadeBy(steps: readonly PipelineStep[]): SpikingCode | null {
  const step = convertingStep(steps);
  return step?.pass.makes?.code(step.options) ?? null;
}

/** The timesteps that a pipeline makes a network for unless told; of one that converts nothing, those of rates. */
export function defaultTimesteps(steps: readonly PipelineStep[]): number {
  const step = convertingStep(steps);
  const own = step?.pass.makes?.timesteps?.(step.options);
  return own ?? codeTraits[codeMadeBy(steps) ?? "rate"].timesteps;
}

/** Bits of the spikes of what a pipeline makes; null where they have no number of choice. */
export function bitsMadeBy(steps: readonly PipelineStep[]): number | null {
  const code = codeMadeBy(steps);
  const step = convertingStep(steps);
  if (code === null || step === undefined || !codeTraits[code].hasBits) return null;
  const bits = step.options[optionFor(step, "bits") ?? ""];
  return typeof bits === "number" ? bits : null;
}

/** The steps with spikes of so many bits, where the pass that converts takes them. */
export function withBits(steps: readonly PipelineStep[], bits: number): readonly PipelineStep[] {
  return steps.map((step) => (step.pass.makes === undefined ? step : given(step, "bits", bits)));
}

/** The number that the first option which stands for `means` has; null where no step has one. */
export function numberOf(steps: readonly PipelineStep[], means: Meaning): number | null {
  for (const step of steps) {
    const value = step.options[optionFor(step, means) ?? ""];
    if (typeof value === "number") return value;
  }
  return null;
}

/** The steps with a value for every option that stands for `means`. */
export function withOption(
  steps: readonly PipelineStep[],
  means: Meaning,
  value: number,
): readonly PipelineStep[] {
  return steps.map((step) => given(step, means, value));
}

function given(step: PipelineStep, means: Meaning, value: number): PipelineStep {
  const option = optionFor(step, means);
  return option === null ? step : { ...step, options: { ...step.options, [option]: value } };
}

/** The option of a pass that stands for something; null where none does. */
function optionFor({ pass }: PipelineStep, wanted: Meaning): string | null {
  const found = Object.entries(pass.options).find(([, { means }]) => means === wanted);
  return found?.[0] ?? null;
}
