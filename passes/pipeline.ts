/**
 * Pipelines as text: `fold-batchnorm,balance-mmse{levels=32,scope=channel}`, read with every option
 * checked against its pass's table, and printed back. Knows no pass by name; runs nothing.
 */
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import { nearest } from "../ir/text/nearest.ts";
import { diagnose } from "./diagnostics.ts";
import type { AnyPass, OptionSpec } from "./pass.ts";

export type OptionValue = number | string | boolean;
export type Options = Readonly<Record<string, OptionValue>>;

/** One pass with all of its options resolved. */
export interface PipelineStep {
  readonly pass: AnyPass;
  readonly options: Options;
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
  const checked = resolveOptions(pass, given);
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
  for (const { name, options } of new Reader(text).pipeline()) {
    const pass = names.passes.find((p) => p.name === name);
    const pipeline = names.pipelines.get(name);
    if (pass !== undefined) {
      const resolved = resolveText(pass, options);
      errors.push(...resolved.errors);
      steps.push({ pass, options: resolved.options });
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
    .map(({ pass, options }) => {
      const shown = Object.entries(pass.options)
        .filter(([key, spec]) => full || options[key] !== spec.default)
        .map(([key, spec]) => `${key}=${String(options[key] ?? spec.default)}`);
      return shown.length === 0 ? pass.name : `${pass.name}{${shown.join(",")}}`;
    })
    .join(",");
}

interface Resolved {
  readonly options: Options;
  readonly errors: readonly Diagnostic[];
}

/** Fills `given` up with defaults and checks every value against the table. */
export function resolveOptions(pass: AnyPass, given: Options): Resolved {
  const errors: Diagnostic[] = [];
  const options: Record<string, OptionValue> = {};
  for (const option of Object.keys(given)) {
    if (pass.options[option] !== undefined) continue;
    const known = Object.keys(pass.options);
    const near = nearest(option, known);
    errors.push(diagnose("unknown-option", null, { pass: pass.name, name: option, near, known }));
  }
  for (const [option, spec] of Object.entries(pass.options)) {
    const value = given[option] ?? spec.default;
    options[option] = value;
    const error = wrongValue(pass.name, option, spec, value);
    if (error !== null) errors.push(error);
  }
  return { options, errors };
}

function wrongValue(
  pass: string,
  option: string,
  spec: OptionSpec,
  value: OptionValue,
): Diagnostic | null {
  switch (spec.kind) {
    case "number":
    case "integer": {
      const whole = spec.kind === "integer";
      if (typeof value !== "number" || !Number.isFinite(value) || (whole && value % 1 !== 0)) {
        const text = String(value);
        return diagnose("option-not-a-number", null, { pass, option, value: text, whole });
      }
      const { min, max } = spec;
      if (value >= min && value <= max) return null;
      return diagnose("option-out-of-range", null, { pass, option, value, min, max });
    }
    case "choice": {
      if (typeof value === "string" && spec.of.includes(value)) return null;
      const text = String(value);
      const near = nearest(text, spec.of);
      return diagnose("option-not-a-choice", null, {
        pass,
        option,
        name: text,
        near,
        known: spec.of,
      });
    }
    case "flag":
      if (typeof value === "boolean") return null;
      return diagnose("option-not-a-flag", null, { pass, option, value: String(value) });
  }
}

/** Options as written: each is converted by its spec's kind, a bare name is a flag set to true. */
function resolveText(pass: AnyPass, written: readonly WrittenOption[]): Resolved {
  const given: Record<string, OptionValue> = {};
  const repeated: Diagnostic[] = [];
  for (const { key, value } of written) {
    if (Object.hasOwn(given, key)) {
      repeated.push(diagnose("repeated-option", null, { pass: pass.name, option: key }));
    }
    const spec = Object.hasOwn(pass.options, key) ? pass.options[key] : undefined;
    given[key] = spec === undefined ? value : valueOf(spec, value);
  }
  const { options, errors } = resolveOptions(pass, given);
  return { options, errors: [...repeated, ...errors] };
}

function valueOf(spec: OptionSpec, text: string): OptionValue {
  switch (spec.kind) {
    case "number":
    case "integer": {
      const value = Number(text);
      return text === "" || Number.isNaN(value) ? text : value;
    }
    case "flag":
      if (text === "true" || text === "") return true;
      return text === "false" ? false : text;
    case "choice":
      return text;
  }
}

interface WrittenOption {
  readonly key: string;
  readonly value: string;
}

/** `name ("{" option ("," option)* "}")?`, separated by commas; spaces do not count. */
class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  pipeline(): { name: string; options: WrittenOption[] }[] {
    const items: { name: string; options: WrittenOption[] }[] = [];
    do {
      const name = this.word("the name of a pass");
      items.push({ name, options: this.eat("{") ? this.options() : [] });
    } while (this.eat(","));
    if (this.peek() !== "") this.refuse("a comma or the end");
    return items;
  }

  private options(): WrittenOption[] {
    const options: WrittenOption[] = [];
    if (this.eat("}")) return options;
    do {
      const key = this.word("the name of an option");
      options.push({ key, value: this.eat("=") ? this.word("a value") : "" });
    } while (this.eat(","));
    if (!this.eat("}")) this.refuse("a comma or }");
    return options;
  }

  private word(expected: string): string {
    this.peek();
    const start = this.at;
    while (/[^\s,{}=]/.test(this.text[this.at] ?? " ")) this.at++;
    if (this.at === start) this.refuse(expected);
    return this.text.slice(start, this.at);
  }

  /** The next character that is no space; "" at the end. */
  private peek(): string {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
    return this.text[this.at] ?? "";
  }

  private eat(character: string): boolean {
    if (this.peek() !== character) return false;
    this.at++;
    return true;
  }

  private refuse(expected: string): never {
    const next = this.peek();
    const found = next === "" ? "the end" : `"${next}"`;
    const { text } = this;
    fail(diagnose("pipeline-syntax", null, { text, column: this.at + 1, expected, found }));
  }
}
