/**
 * JSON as data whose text is determined by its content: keys sorted, no blanks. For what must be
 * the same bytes whoever writes it, and for files whose keys must not repeat.
 */
import { type Result, invariant, no, ok } from "../diagnostic.ts";

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The text of a value. Numbers must be finite. */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    invariant(Number.isFinite(value), `JSON has no ${value}`);
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}

/** The value of a text, or why it is none. An object that gives a key twice is none. */
export function tryParseJson(text: string): Result<Json> {
  if (!nestsShallowly(text)) return no(`its JSON nests deeper than ${nestingLimit} levels`);
  try {
    const value: unknown = JSON.parse(text);
    const repeated = repeatedKey(text);
    if (repeated !== null) return no(`its JSON gives the key ${repeated} twice`);
    return isJson(value) ? ok(value) : no("its JSON holds something that is no JSON");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return no("its JSON is malformed");
  }
}

/** The members of an object, or null where the value is none. */
export function membersOf(value: Json): ReadonlyMap<string, Json> | null {
  if (value === null || typeof value !== "object" || isList(value)) return null;
  return new Map(Object.entries(value));
}

/** A list of whole numbers that are not negative, or null where the value is none. */
export function countsOf(value: Json | undefined): readonly number[] | null {
  if (value === undefined || value === null || typeof value !== "object" || !isList(value)) {
    return null;
  }
  const counts: number[] = [];
  for (const item of value) {
    if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0) return null;
    counts.push(item);
  }
  return counts;
}

/** More than this is no header of a file, and would exhaust the stack. */
const nestingLimit = 200;

/** Where the string that begins at `start` ends, behind its quote; -1 where it does not end. */
export function endOfString(text: string, start: number): number {
  // By hand, because a regular expression with a choice in its loop exhausts the stack.
  for (let i = start + 1; i < text.length; i++) {
    const character = text[i];
    if (character === "\\") i++;
    else if (character === '"') return i + 1;
  }
  return -1;
}

/** The strings, brackets and commas of JSON, in order. */
function* landmarks(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if ("{}[],".includes(character)) yield character;
    if (character !== '"') continue;
    const end = endOfString(text, i);
    if (end < 0) return;
    yield text.slice(i, end);
    i = end - 1;
  }
}

function nestsShallowly(text: string): boolean {
  let depth = 0;
  for (const token of landmarks(text)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    if (depth > nestingLimit) return false;
  }
  return true;
}

/** The first key that an object of well-formed JSON gives twice, as it is written, or null. */
function repeatedKey(text: string): string | null {
  // A key is a string that begins a member: the first one after `{` or after `,` in an object.
  const open: (Set<unknown> | null)[] = [];
  let mayBeKey = false;
  for (const token of landmarks(text)) {
    const keys = open[open.length - 1] ?? null;
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token !== "," && keys !== null && mayBeKey) {
      const key: unknown = JSON.parse(token);
      if (keys.has(key)) return token;
      keys.add(key);
    }
    mayBeKey = token === "{" || token === ",";
  }
  return null;
}

function isJson(value: unknown): value is Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  // JSON.parse makes infinity of numbers that are too large.
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return false;
  return Object.values(value).every(isJson);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
