/**
 * Text of the IR → tokens, each with its place. Knows spelling only; `ir/text/parse.ts` knows what may
 * follow what. Blanks and `//` comments separate tokens and mean nothing else.
 */
import { type Diagnostic, fail, invariant } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { endOfString } from "../file/json.ts";
import type { Loc } from "../loc.ts";

export interface Token {
  /**
   * `word`: a bare name; `value`: %3; `ref`: @name or @"any name"; `punctuation`: one character;
   * `end`: after the last token.
   */
  readonly kind: "word" | "number" | "string" | "value" | "ref" | "punctuation" | "end";
  /** As it is written. */
  readonly text: string;
  /** What it says: the characters of a string, the name of a ref, the number of a value. */
  readonly content: string;
  /** Where it begins, in UTF-16 units from the start of the text. */
  readonly offset: number;
}

/** A text, where it came from, and where its lines begin: all that a message needs. */
export interface SourceText {
  readonly text: string;
  readonly file: string;
  readonly lineStarts: readonly number[];
}

export function sourceOf(text: string, file: string): SourceText {
  const lineStarts = [0];
  for (let i = text.indexOf("\n"); i >= 0; i = text.indexOf("\n", i + 1)) lineStarts.push(i + 1);
  return { text, file, lineStarts };
}

/** The place of an offset into the text. */
export function placeOf(source: SourceText, offset: number): Extract<Loc, { kind: "text" }> {
  let low = 0;
  let high = source.lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  const column = offset - (source.lineStarts[low] ?? 0) + 1;
  return { kind: "text", file: source.file, line: low + 1, column };
}

// No choice inside a loop: on a long text that would exhaust the stack.
const blank = /[ \t\r\n]+|\/\/[^\n]*/y;
const word = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const value = /%[0-9]+/y;
const ref = /@[A-Za-z0-9_][A-Za-z0-9_./-]*/y;
const number = /-?(?:inf(?![A-Za-z0-9_.-])|[0-9][A-Za-z0-9_.]*(?:(?<=[eE])[+-][0-9]+)?)/y;
const wellFormedNumber = /^-?(?:inf|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;
const punctuation = "{}()[]<>=,:";

/** All tokens, with an `end` after them. Fails at the first character that begins none. */
export function lex(source: SourceText): readonly Token[] {
  const { text } = source;
  const tokens: Token[] = [];
  let offset = 0;
  const match = (pattern: RegExp, at = offset): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const push = (kind: Token["kind"], written: string, content = written): void => {
    tokens.push({ kind, text: written, content, offset });
    offset += written.length;
  };
  while (offset < text.length) {
    const first = text.charAt(offset);
    const skipped = match(blank);
    if (skipped !== null) {
      offset += skipped.length;
    } else if (punctuation.includes(first)) {
      push("punctuation", first);
    } else if (first === '"') {
      const written = readString(source, offset);
      push("string", written, unescape(source, written, offset));
    } else if (first === "@" && text.charAt(offset + 1) === '"') {
      const written = readString(source, offset + 1);
      push("ref", `@${written}`, unescape(source, written, offset + 1));
    } else {
      const written = match(word);
      const asValue = match(value);
      const asRef = match(ref)?.replace(/\/\/[^]*$/, "") ?? null;
      const asNumber = match(number);
      if (written !== null) push("word", written);
      else if (asValue !== null) push("value", asValue, asValue.slice(1));
      else if (asRef !== null) push("ref", asRef, asRef.slice(1));
      else if (asNumber !== null) push("number", checkNumber(source, asNumber, offset));
      else {
        const character = describeCharacter(text, offset);
        fail(
          at(source, offset, (loc, notes) => diagnose("ir-character", loc, { character }, notes)),
        );
      }
    }
  }
  push("end", "");
  return tokens;
}

/** Makes a diagnostic at a place, with the line and a caret under the place as notes. */
export function at(
  source: SourceText,
  offset: number,
  make: (loc: Loc, notes: readonly string[]) => Diagnostic,
): Diagnostic {
  const place = placeOf(source, offset);
  const newline = source.text.indexOf("\n", offset);
  const line = source.text.slice(offset - place.column + 1, newline < 0 ? undefined : newline);
  return make(place, frame(line, place.column));
}

/** Characters of a long line that are shown on either side of the caret. */
const frameSide = 48;

function frame(line: string, column: number): readonly string[] {
  const from = Math.max(0, column - 1 - frameSide);
  const to = Math.min(line.length, column - 1 + frameSide);
  const shown = `${from > 0 ? "…" : ""}${line.slice(from, to)}${to < line.length ? "…" : ""}`;
  const indent = column - 1 - from + (from > 0 ? 1 : 0);
  // One character of output per character of input, or the caret would stand elsewhere.
  return [
    shown.replace(/[^\x20-\x7e…]/g, (c) => (c > "\u009f" ? c : " ")),
    `${" ".repeat(indent)}^`,
  ];
}

function readString(source: SourceText, offset: number): string {
  const end = endOfString(source.text, offset);
  const written = source.text.slice(offset, end);
  if (end < 0 || written.includes("\n")) {
    const why = "it does not end on its line";
    fail(at(source, offset, (loc, notes) => diagnose("ir-string", loc, { why }, notes)));
  }
  return written;
}

function unescape(source: SourceText, written: string, offset: number): string {
  try {
    // Escapes are JSON's, and so the characters that JSON forbids in a string are forbidden here.
    const content: unknown = JSON.parse(written);
    invariant(typeof content === "string", "a quoted string reads as something else");
    return content;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const why = "it has an escape or a control character that JSON does not know";
    fail(at(source, offset, (loc, notes) => diagnose("ir-string", loc, { why }, notes)));
  }
}

function checkNumber(source: SourceText, written: string, offset: number): string {
  const bad = (why: string): never =>
    fail(
      at(source, offset, (loc, notes) => diagnose("ir-number", loc, { text: written, why }, notes)),
    );
  if (!wellFormedNumber.test(written)) bad("numbers look like -1.5e-7");
  if (!written.endsWith("inf") && !Number.isFinite(Number(written))) {
    bad("it is larger than any double (infinity is written inf)");
  }
  return written;
}

function describeCharacter(text: string, offset: number): string {
  const code = text.codePointAt(offset) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const printable =
    code > 0x20 && (code < 0x7f || code > 0xa0) && !(code >= 0xd800 && code < 0xe000);
  return printable ? `${String.fromCodePoint(code)} (${name})` : name;
}
