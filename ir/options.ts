/**
 * Options that passes and targets declare in a table, and how they are written: `name{key=value,…}`.
 * Every value is checked against its table, and all that is wrong is found at once. Knows no pass
 * and no target.
 */
import { type Diagnostic, fail } from "./diagnostic.ts";
import { diagnose } from "./option-diagnostics.ts";
import type { Meaning } from "./role.ts";
import { nearest } from "./text/nearest.ts";

/** One option, as it is written on the command line: `name{key=value,…}`. */
export type OptionSpec = { readonly means?: Meaning } & (
  | {
      readonly kind: "number";
      readonly default: number;
      readonly help: string;
      readonly min: number;
      readonly max: number;
    }
  | {
      readonly kind: "integer";
      readonly default: number;
      readonly help: string;
      readonly min: number;
      readonly max: number;
    }
  | {
      readonly kind: "choice";
      readonly default: string;
      readonly help: string;
      readonly of: readonly string[];
    }
  | { readonly kind: "flag"; readonly default: boolean; readonly help: string }
  /** A name that files and code can have: small letters, digits and underscores. */
  | { readonly kind: "identifier"; readonly default: string; readonly help: string }
);

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The values that an option table describes. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends { kind: "number" | "integer" }
    ? number
    : T[K] extends { kind: "flag" }
      ? boolean
      : T[K] extends { kind: "choice"; of: readonly (infer C)[] }
        ? C
        : T[K] extends { kind: "identifier" }
          ? string
          : never;
};

export type OptionValue = number | string | boolean;
export type Options = Readonly<Record<string, OptionValue>>;

/** Who takes options. */
export interface OptionTaker {
  /** For messages: "pass quantise", "target wasm". */
  readonly what: string;
  readonly options: OptionTable;
}

/** Reads names with options, separated by commas: `each` of a `what`, as messages say it. */
export function readItems(text: string, what: string, each: string): readonly WrittenItem[] {
  return new Reader(text, what, each).items();
}

/** A name with its options as text; those that have their default are left out unless `full`. */
export function printItem(
  name: string,
  table: OptionTable,
  options: Options,
  full = false,
): string {
  const shown = Object.entries(table)
    .filter(([key, spec]) => full || options[key] !== spec.default)
    .map(([key, spec]) => `${key}=${String(options[key] ?? spec.default)}`);
  return shown.length === 0 ? name : `${name}{${shown.join(",")}}`;
}

/** What an option may be, for a list: ` (1 to 64)`. */
export function rangeText(spec: OptionSpec): string {
  switch (spec.kind) {
    case "choice":
      return ` (${spec.of.join(", ")})`;
    case "number":
    case "integer":
      return ` (${spec.min} to ${spec.max})`;
    case "flag":
    case "identifier":
      return "";
  }
}

export interface Resolved {
  readonly options: Options;
  readonly errors: readonly Diagnostic[];
}

/** Fills `given` up with defaults and checks every value against the table. */
export function resolveOptions(taker: OptionTaker, given: Options): Resolved {
  const errors: Diagnostic[] = [];
  const options: Record<string, OptionValue> = {};
  for (const option of Object.keys(given)) {
    if (taker.options[option] !== undefined) continue;
    const known = Object.keys(taker.options);
    const near = nearest(option, known);
    errors.push(diagnose("unknown-option", null, { taker: taker.what, name: option, near, known }));
  }
  for (const [option, spec] of Object.entries(taker.options)) {
    const value = given[option] ?? spec.default;
    options[option] = value;
    const error = wrongValue(taker.what, option, spec, value);
    if (error !== null) errors.push(error);
  }
  return { options, errors };
}

function wrongValue(
  taker: string,
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
        return diagnose("option-not-a-number", null, { taker, option, value: text, whole });
      }
      const { min, max } = spec;
      if (value >= min && value <= max) return null;
      return diagnose("option-out-of-range", null, { taker, option, value, min, max });
    }
    case "choice": {
      if (typeof value === "string" && spec.of.includes(value)) return null;
      const text = String(value);
      const near = nearest(text, spec.of);
      return diagnose("option-not-a-choice", null, {
        taker,
        option,
        name: text,
        near,
        known: spec.of,
      });
    }
    case "flag":
      if (typeof value === "boolean") return null;
      return diagnose("option-not-a-flag", null, { taker, option, value: String(value) });
    case "identifier":
      if (typeof value === "string" && /^[a-z][a-z0-9_]{0,39}$/.test(value)) return null;
      return diagnose("option-not-an-identifier", null, { taker, option, value: String(value) });
  }
}

/** Options as written: each is converted by its spec's kind, a bare name is a flag set to true. */
export function resolveText(taker: OptionTaker, written: readonly WrittenOption[]): Resolved {
  const given: Record<string, OptionValue> = {};
  const repeated: Diagnostic[] = [];
  for (const { key, value } of written) {
    if (Object.hasOwn(given, key)) {
      repeated.push(diagnose("repeated-option", null, { taker: taker.what, option: key }));
    }
    const spec = Object.hasOwn(taker.options, key) ? taker.options[key] : undefined;
    given[key] = spec === undefined ? value : valueOf(spec, value);
  }
  const { options, errors } = resolveOptions(taker, given);
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
    case "identifier":
      return text;
  }
}

export interface WrittenItem {
  readonly name: string;
  readonly options: readonly WrittenOption[];
}

export interface WrittenOption {
  readonly key: string;
  readonly value: string;
}

/** `name ("{" option ("," option)* "}")?`, separated by commas; spaces do not count. */
class Reader {
  private readonly text: string;
  private readonly what: string;
  private readonly each: string;
  private at = 0;

  constructor(text: string, what: string, each: string) {
    this.text = text;
    this.what = what;
    this.each = each;
  }

  items(): { name: string; options: WrittenOption[] }[] {
    const items: { name: string; options: WrittenOption[] }[] = [];
    do {
      const name = this.word(`the name of a ${this.each}`);
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
    const { text, what } = this;
    fail(diagnose("pipeline-syntax", null, { what, text, column: this.at + 1, expected, found }));
  }
}
