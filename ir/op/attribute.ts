/**
 * Attribute values by their declared kind: what a value of each kind is, and how it is written.
 * `ir/text/parse.ts` reads them back; `ir/verify.ts` holds every op to them.
 */
import { invariant } from "../diagnostic.ts";
import { formatNumber } from "../text/number.ts";
import type { Op } from "./op.ts";
import { type AttrKind, specOf } from "./table.ts";
import { dtypes } from "../type.ts";

/** Words that need no quotes: op kinds, attribute names, operator names, names of passes. */
export const barePattern = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Names after `@` that need no quotes, unless two slashes begin a comment in them. */
const bareRef = /^[A-Za-z0-9_][A-Za-z0-9_./-]*$/;

/** A JSON string, with the control characters that JSON leaves alone escaped too. */
export function formatString(value: string): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `@conv1.w`, or `@"a b"` where the name needs it. */
export function formatRef(name: string): string {
  return bareRef.test(name) && !name.includes("//") ? `@${name}` : `@${formatString(name)}`;
}

/** An attribute of an op with its declared kind and its value, as yet unchecked. */
export interface AttributeEntry {
  readonly name: string;
  readonly kind: AttrKind;
  readonly value: unknown;
}

/** The attributes of an op in the order of its spec's table. */
export function attributesOf(op: Pick<Op, "kind" | "attrs">): readonly AttributeEntry[] {
  const values = new Map<string, unknown>(Object.entries(op.attrs));
  return Object.entries<AttrKind>(specOf(op.kind).attributes).map(([name, kind]) => ({
    name,
    kind,
    value: values.get(name),
  }));
}

/** What a value of this kind is, for messages: `expected an integer`. */
export function describeKind(kind: AttrKind): string {
  if (typeof kind === "object") return `one of ${kind.oneOf.map(formatString).join(", ")}`;
  switch (kind) {
    case "tensor":
      return "the name of a tensor (@…)";
    case "tensor?":
      return "the name of a tensor (@…) or none";
    case "int":
      return "an integer";
    case "ints":
      return "a list of integers";
    case "float":
      return "a number";
    case "floats":
      return "a list of numbers";
    case "bool":
      return "true or false";
    case "string":
      return "a string";
    case "dtype":
      return `one of ${dtypes.join(", ")}`;
  }
}

/** True when `value` is of this kind. */
export function fitsKind(kind: AttrKind, value: unknown): boolean {
  if (typeof kind === "object") return kind.oneOf.some((choice) => choice === value);
  switch (kind) {
    case "tensor":
    case "string":
      return typeof value === "string";
    case "tensor?":
      return value === null || typeof value === "string";
    case "int":
      return Number.isSafeInteger(value);
    case "ints":
      return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item));
    case "float":
      return typeof value === "number";
    case "floats":
      return Array.isArray(value) && value.every((item) => typeof item === "number");
    case "bool":
      return typeof value === "boolean";
    case "dtype":
      return dtypes.some((dtype) => dtype === value);
  }
}

/** The text of one attribute's value. */
export function formatAttribute({ name, kind, value }: AttributeEntry): string {
  invariant(fitsKind(kind, value), `attribute ${name} is not ${describeKind(kind)}`);
  if (value === null) return "none";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) {
    return `[${value.map((item) => formatNumber(Number(item))).join(", ")}]`;
  }
  invariant(typeof value === "string", `attribute ${name} has a value of no kind`);
  if (kind === "tensor" || kind === "tensor?") return formatRef(value);
  return kind === "dtype" ? value : formatString(value);
}
