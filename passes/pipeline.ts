/**
 * Pipelines as text: `fold-batchnorm,balance-mmse{levels=32,scope=channel}`, read with every option
 * checked against its pass's table, and printed back. Knows no pass by name; runs nothing.
 */
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import {
  type OptionTaker,
  type Options,
  printItem,
  readItems,
  resolveOptions,
  resolveText,
} from "../ir/options.ts";
import { nearest } from "../ir/text/nearest.ts";
import { diagnose } from "./diagnostics.ts";
import type { AnyPass } from "./pass.ts";

/** One pass with all of its options resolved. */
export interface PipelineStep {
  readonly pass: AnyPass;
  readonly options: Options;
  /** The options that somebody wrote, which nothing else sets; by default none. */
  readonly chosen?: ReadonlySet<string>;
}

/** What names in a pipeline stand for. No name may be both. */
export interface PipelineNames {
  readonly passes: readonly AnyPass[];
  readonly pipelines: ReadonlyMap<string, readonly PipelineStep[]>;
  /** Former names of pipelines, which `pipelines` finds as well. */
  readonly aliases?: ReadonlyMap<string, string>;
}

/** A step that takes `given` for some options and the table's defaults for the rest. */
export function step(pass: AnyPass, given: Options = {}): PipelineStep {
  const checked = resolveOptions(takerOf(pass), given);
  if (checked.errors.length > 0) fail(...checked.errors);
  return { pass, options: checked.options };
}

/**
 * Reads a pipeline. A name of `names.pipelines` stands for its steps. Fails with every unknown
 * name and every wrong option at once; a mistake of syntax ends the reading.
 */
export function parsePipeline(text: string, names: PipelineNames): readonly PipelineStep[] {
  const steps: PipelineStep[] = [];
  const errors: Diagnostic[] = [];
  for (const { name, options } of readItems(text, "pipeline", "pass")) {
    const pass = names.passes.find((p) => p.name === name);
    const pipeline = names.pipelines.get(name);
    if (pass !== undefined) {
      const resolved = resolveText(takerOf(pass), options);
      errors.push(...resolved.errors);
      const chosen = new Set(options.map(({ key }) => key));
      steps.push({ pass, options: resolved.options, chosen });
    } else if (pipeline !== undefined) {
      if (options.length > 0) {
        const passes = writtenOut(name, names.pipelines);
        errors.push(diagnose("pipeline-takes-no-options", null, { name, passes }));
      }
      steps.push(...pipeline);
    } else {
      const known = [...names.pipelines.keys()];
      const near = nearest(name, [
        ...names.passes.map((p) => p.name),
        ...known,
        ...(names.aliases?.keys() ?? []),
      ]);
      errors.push(diagnose("unknown-pass", null, { name, near, known }));
    }
  }
  if (errors.length > 0) fail(...errors);
  return steps;
}

/** A named pipeline as text that can be changed: the longest other one that it holds, and its passes. */
export function writtenOut(name: string, pipelines: PipelineNames["pipelines"]): string {
  const steps = pipelines.get(name) ?? [];
  return abbreviated(steps, new Map([...pipelines].filter(([, each]) => each !== steps)));
}

/** The text of steps, with the longest named pipeline that they hold by its name. */
export function abbreviated(
  steps: readonly PipelineStep[],
  pipelines: PipelineNames["pipelines"],
): string {
  let best = { name: "", at: 0, length: 0 };
  for (const [name, held] of pipelines) {
    if (held.length <= best.length) continue;
    const at = steps.findIndex((_, i) => held.every((each, k) => each === steps[i + k]));
    if (at >= 0) best = { name, at, length: held.length };
  }
  if (best.length === 0) return printPipeline(steps);
  const parts = [steps.slice(0, best.at), steps.slice(best.at + best.length)].map((part) =>
    printPipeline(part),
  );
  return [parts[0] ?? "", best.name, parts[1] ?? ""].filter((text) => text !== "").join(",");
}

/** The text of a pipeline; options that have their default are left out unless `full`. */
export function printPipeline(
  steps: readonly PipelineStep[],
  { full = false }: { full?: boolean } = {},
): string {
  return steps
    .map(({ pass, options }) => printItem(pass.name, pass.options, options, full))
    .join(",");
}

/** A pass as the one that options are for, in messages. */
export function takerOf({ name, options }: AnyPass): OptionTaker {
  return { what: `pass ${name}`, options };
}
