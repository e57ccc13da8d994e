/**
 * One set of names: a code is called the same as the pipeline that makes it. Names that pipelines had before
 * still work wherever a name is taken, and for codes too; what is printed, and lists, have the present ones.
 */
import { type SpikingCode, spikingCodes } from "../ir/module.ts";
import { fail } from "../ir/diagnostic.ts";
import { nearest } from "../ir/text/nearest.ts";
import { diagnose } from "./diagnostics.ts";
import type { PipelineNames, PipelineStep } from "./pipeline.ts";

/** Former names, and what they are called now. */
export const aliases: ReadonlyMap<string, string> = new Map([
  ["default", "differential"],
  ["binary", "signed-rate"],
  ["one-spike", "ttfs"],
]);

/** Pipelines that have a pipeline of their own for integers. */
export const integerForms: ReadonlyMap<string, string> = new Map([["rate", "integer"]]);

/** Pipelines by name: found by former names too, and listed by the present ones. */
export class NamedPipelines extends Map<string, readonly PipelineStep[]> {
  override get(name: string): readonly PipelineStep[] | undefined {
    return super.get(aliases.get(name) ?? name);
  }

  override has(name: string): boolean {
    return super.has(aliases.get(name) ?? name);
  }
}

/** The code that a name stands for, its pipeline's former name included. Fails with a diagnostic. */
export function codeNamed(name: string, { pipelines, passes }: PipelineNames): SpikingCode {
  const present = aliases.get(name) ?? name;
  const code = spikingCodes.find((each) => each === present);
  if (code !== undefined) return code;
  const near = nearest(name, [...spikingCodes, ...aliases.keys()]);
  const kind = pipelines.has(name) ? "pipeline" : isPass(name, passes) ? "pass" : null;
  return fail(diagnose("unknown-code", null, { name, kind, near, known: spikingCodes }));
}

/**
 * What `--pipeline` takes: the name of a pipeline, or as before a list of passes, which is read later. Fails
 * with a diagnostic for a name alone that is none.
 */
export function pipelineNamed(text: string, { pipelines, passes }: PipelineNames): string {
  const name = text.trim();
  if (pipelines.has(name) || !/^[^\s,{}=]+$/.test(name)) return text;
  const known = [...pipelines.keys()];
  const near = nearest(name, [...known, ...aliases.keys()]);
  const kind = isPass(name, passes) ? "pass" : null;
  return fail(diagnose("unknown-pipeline", null, { name, kind, near, known }));
}

function isPass(name: string, passes: PipelineNames["passes"]): boolean {
  return passes.some((pass) => pass.name === name);
}
