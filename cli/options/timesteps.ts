/** How many timesteps a loaded network runs, and what is reported if that cannot be chosen. */
import type { DataSource } from "../../calibrate/data/source.ts";
import { type Module, isFramed, isOverTime, rehearsalOf } from "../../ir/module.ts";
import { lastFinerStep } from "../../ir/run/sending.ts";
import { droppedFrames, framesIn } from "../../library/data.ts";
import type { CommandContext } from "../action.ts";
import { diagnose } from "../diagnostics.ts";

/**
 * The timesteps to run a network for: those of the command line, or its own, a rehearsal included. An
 * analogue network and one whose frames have a fixed length do not have the choice, and a warning says
 * so, as it does where a run would end within the rehearsal.
 */
export function timestepsOf(
  module: Module,
  file: string,
  given: number | undefined,
  context: Pick<CommandContext, "report">,
): number {
  const { code, timesteps: own } = module;
  if (!isOverTime(module)) {
    if (given !== undefined) context.report(diagnose("timesteps-ignored", null, { file }));
    return 1;
  }
  if (!isFramed(code)) {
    const rehearsal = rehearsalOf(module);
    if (given !== undefined && given <= rehearsal) {
      context.report(diagnose("ends-in-rehearsal", null, { file, rehearsal, given }));
    }
    const end = lastFinerStep(module);
    if (given !== undefined && end !== null && given > Math.max(own, end)) {
      context.report(diagnose("silent-timesteps", null, { file, end, given }));
    }
    return given ?? own;
  }
  if (given !== undefined && given !== own) {
    const params = { file, code, frame: own, given };
    context.report(diagnose("frame-is-fixed", null, params));
  }
  return own;
}

/**
 * The timesteps to run a network for on these samples: where an input changes over time as many as the longest
 * sample has frames, unless the command line says otherwise, and a warning says so if that drops some;
 * elsewhere `own`, those of `timestepsOf`.
 */
export function timestepsOn(
  { name, samples }: { readonly name: string; readonly samples: DataSource },
  own: number,
  given: number | undefined,
  context: Pick<CommandContext, "report">,
): number {
  const frames = framesIn(samples);
  if (frames === null) return own;
  if (given === undefined) return frames;
  context.report(...droppedFrames(name, samples, given));
  return given;
}
