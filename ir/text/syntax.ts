/**
 * Tokens → the parts of a module as they are written. Says what may follow what, by the grammar of
 * docs/ir.md, which a test holds to this file; whether values, tensors and types fit together is
 * `ir/text/parse.ts`'s to say. One token of lookahead.
 */
import { type Diagnostic, fail } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { type SourceText, type Token, at, lex, placeOf } from "./lex.ts";
import { type Loc, sourceLoc } from "../loc.ts";
import { type Storage, storages } from "../packed.ts";
import { type DType, type Shape, type Type, domains, dtypes, elementCount } from "../type.ts";

/** The value of an attribute as written: one token, or the tokens of a list. */
export type WrittenValue =
  | { readonly kind: "one"; readonly token: Token }
  | { readonly kind: "list"; readonly token: Token; readonly items: readonly Token[] };

export interface WrittenAttribute {
  readonly name: Token;
  readonly item: WrittenValue;
}

export interface WrittenOp {
  readonly result: Token;
  readonly kind: Token;
  readonly inputs: readonly Token[];
  readonly attributes: readonly WrittenAttribute[];
  readonly type: Type;
  readonly typeToken: Token;
  readonly loc: Loc;
}

export interface WrittenOutput {
  readonly start: Token;
  readonly value: Token;
  readonly attributes: readonly WrittenAttribute[];
}

export interface WrittenCarry {
  readonly value: Token;
  readonly source: Token;
}

export interface WrittenTensor {
  readonly name: Token;
  /** The element type, or the storage of what is read as `i8`. */
  readonly stored: DType | Storage;
  readonly shape: Shape;
  readonly content:
    | { readonly kind: "elements"; readonly start: Token; readonly items: readonly Token[] }
    | {
        readonly kind: "hash";
        readonly hash: Token;
        readonly digits: string;
        readonly min: Token | null;
        readonly max: Token | null;
      };
}

export interface WrittenModule {
  readonly name: Token;
  readonly attributes: readonly WrittenAttribute[];
  readonly ops: readonly WrittenOp[];
  readonly outputs: readonly WrittenOutput[];
  readonly carries: readonly WrittenCarry[];
  readonly tensors: readonly WrittenTensor[];
}

/** Nested locations deeper than this are no network's, and would exhaust the stack. */
const nestingLimit = 1000;

/** What someone wrote, for a message: in quotes, and cut where it is long. */
export function quote(written: string): string {
  return `\`${written.length > 60 ? `${written.slice(0, 60)}…` : written}\``;
}

/** The number that a token spells, or null where it spells none. */
export function numberOf(token: Token): number | null {
  if (token.kind === "word") {
    if (token.text === "inf") return Infinity;
    return token.text === "nan" ? NaN : null;
  }
  if (token.kind !== "number") return null;
  return token.text === "-inf" ? -Infinity : Number(token.text);
}

/** Reads a whole module. Fails at the first token that does not belong. */
export function readModule(source: SourceText): WrittenModule {
  const cursor = new Cursor(source);
  cursor.word("module");
  const name = cursor.take("ref", "a name (@…)");
  cursor.word("attributes");
  const attributes = cursor.attributes();
  cursor.punctuation("{");
  const ops: WrittenOp[] = [];
  const outputs: WrittenOutput[] = [];
  const carries: WrittenCarry[] = [];
  while (!cursor.tryPunctuation("}")) {
    if (cursor.peek().kind === "value") ops.push(readOp(cursor));
    else if (cursor.peek().text === "snn.carry") carries.push(readCarry(cursor));
    else outputs.push(readOutput(cursor));
  }
  const tensors: WrittenTensor[] = [];
  if (cursor.tryWord("tensors")) {
    cursor.punctuation("{");
    while (!cursor.tryPunctuation("}")) tensors.push(readTensor(cursor));
  }
  cursor.take("end", "the end of the text");
  return { name, attributes, ops, outputs, carries, tensors };
}

function readOp(cursor: Cursor): WrittenOp {
  const result = cursor.take("value", "a value (%…)");
  cursor.punctuation("=");
  const kind = cursor.take("word", "the kind of an op");
  cursor.punctuation("(");
  const inputs = cursor.list(")", () => cursor.take("value", "a value (%…)"));
  const attributes = cursor.peek().text === "{" ? cursor.attributes() : [];
  cursor.punctuation(":");
  const typeToken = cursor.peek();
  const type = readType(cursor);
  const loc =
    cursor.peek().text === "loc" ? readLoc(cursor, 0) : placeOf(cursor.source, result.offset);
  return { result, kind, inputs, attributes, type, typeToken, loc };
}

function readOutput(cursor: Cursor): WrittenOutput {
  const start = cursor.peek();
  if (start.text !== "ann.output")
    cursor.expected("an op (`%… = …`), an `ann.output(…)`, an `snn.carry(…)` or `}`");
  cursor.word("ann.output");
  cursor.punctuation("(");
  const value = cursor.take("value", "a value (%…)");
  cursor.punctuation(")");
  return { start, value, attributes: cursor.attributes() };
}

function readCarry(cursor: Cursor): WrittenCarry {
  cursor.word("snn.carry");
  cursor.punctuation("(");
  const value = cursor.take("value", "a value (%…)");
  cursor.punctuation(",");
  const source = cursor.take("value", "a value (%…)");
  cursor.punctuation(")");
  return { value, source };
}

function readType(cursor: Cursor): Type {
  const domain = cursor.oneOf(domains);
  let dtype: DType = "f32";
  if (cursor.tryPunctuation("<")) {
    dtype = cursor.oneOf(dtypes);
    cursor.punctuation(">");
  }
  return { domain, dtype, shape: cursor.shape() };
}

function readTensor(cursor: Cursor): WrittenTensor {
  const name = cursor.take("ref", "a tensor (`@… = …`) or `}`");
  cursor.punctuation("=");
  const stored = cursor.oneOf<DType | Storage>([...dtypes, ...storages]);
  const shape = cursor.shape();
  const start = cursor.peek();
  if (cursor.tryWord("dense")) {
    cursor.punctuation("<");
    const number = (): Token => cursor.number("a number");
    const items = cursor.tryPunctuation("[") ? cursor.list("]", number) : [number()];
    cursor.punctuation(">");
    return { name, stored, shape, content: { kind: "elements", start, items } };
  }
  const digits = /^sha256:([0-9a-f]{64}|[0-9a-f]{16})$/.exec(start.content)?.[1];
  if (start.kind !== "string" || digits === undefined) {
    cursor.expected('elements (dense<…>) or a hash of 16 or 64 hexadecimal digits ("sha256:…")');
  }
  const hash = cursor.take("string", "a hash");
  let min: Token | null = null;
  let max: Token | null = null;
  if (cursor.tryWord("min")) {
    cursor.punctuation("=");
    min = cursor.number("a number");
    cursor.word("max");
    cursor.punctuation("=");
    max = cursor.number("a number");
  }
  return { name, stored, shape, content: { kind: "hash", hash, digits, min, max } };
}

function readLoc(cursor: Cursor, depth: number): Loc {
  if (depth > nestingLimit) {
    cursor.fail((loc, notes) => diagnose("ir-nesting", loc, { limit: nestingLimit }, notes));
  }
  cursor.word("loc");
  cursor.punctuation("(");
  if (cursor.tryWord("fused")) {
    const pass = cursor.name("the name of a pass");
    const from: Loc[] = [];
    while (!cursor.tryPunctuation(")")) from.push(readLoc(cursor, depth + 1));
    return { kind: "fused", pass, from };
  }
  const file = cursor.take("string", "the name of a file or `fused`").content;
  if (cursor.tryPunctuation(":")) {
    const line = cursor.integer();
    cursor.punctuation(":");
    const column = cursor.integer();
    cursor.punctuation(")");
    return { kind: "text", file, line, column };
  }
  const node = cursor.take("string", "the name of a node").content;
  const op = cursor.name("the operator of a node");
  cursor.punctuation(")");
  return sourceLoc(file, node, op);
}

/** A place in a list of tokens. */
class Cursor {
  readonly source: SourceText;
  private readonly tokens: readonly Token[];
  private index = 0;

  constructor(source: SourceText) {
    this.source = source;
    this.tokens = lex(source);
  }

  peek(): Token {
    // The last token is `end`, and nothing goes past it.
    return this.tokens[this.index] ?? this.tokens[this.tokens.length - 1] ?? nothing;
  }

  take(kind: Token["kind"], what: string): Token {
    const token = this.peek();
    if (token.kind !== kind) this.expected(what);
    this.index++;
    return token;
  }

  punctuation(text: string): void {
    if (!this.tryPunctuation(text)) this.expected(`\`${text}\``);
  }

  tryPunctuation(text: string): boolean {
    const token = this.peek();
    if (token.kind !== "punctuation" || token.text !== text) return false;
    this.index++;
    return true;
  }

  word(text: string): void {
    if (!this.tryWord(text)) this.expected(`\`${text}\``);
  }

  tryWord(text: string): boolean {
    const token = this.peek();
    if (token.kind !== "word" || token.text !== text) return false;
    this.index++;
    return true;
  }

  oneOf<T extends string>(choices: readonly T[]): T {
    const token = this.peek();
    const found = choices.find((choice) => token.kind === "word" && choice === token.text);
    if (found === undefined) this.expected(`one of ${choices.join(", ")}`);
    this.index++;
    return found;
  }

  /** A bare or quoted name. */
  name(what: string): string {
    const token = this.peek();
    return this.take(token.kind === "string" ? "string" : "word", what).content;
  }

  number(what: string): Token {
    const token = this.peek();
    if (numberOf(token) === null) this.expected(what);
    this.index++;
    return token;
  }

  /** A whole number that is not negative. */
  integer(): number {
    const token = this.peek();
    const value = Number(token.text);
    if (token.kind !== "number" || !/^[0-9]+$/.test(token.text) || !Number.isSafeInteger(value)) {
      this.expected("a whole number that is not negative");
    }
    this.index++;
    return value;
  }

  shape(): Shape {
    const start = this.peek();
    this.punctuation("[");
    const shape = this.list("]", () => this.integer());
    if (!Number.isSafeInteger(elementCount(shape))) {
      const expected = "a shape of at most 2^53 elements";
      const found = quote(`[${shape.join(", ")}]`);
      fail(
        at(this.source, start.offset, (loc, notes) =>
          diagnose("ir-syntax", loc, { expected, found }, notes),
        ),
      );
    }
    return shape;
  }

  /** Items with commas between them, up to and with `close`. */
  list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.tryPunctuation(close)) return items;
    for (;;) {
      items.push(item());
      if (this.tryPunctuation(close)) return items;
      if (!this.tryPunctuation(",")) this.expected(`\`,\` or \`${close}\``);
    }
  }

  attributes(): readonly WrittenAttribute[] {
    this.punctuation("{");
    return this.list("}", () => {
      const name = this.take("word", "the name of an attribute");
      this.punctuation("=");
      return { name, item: this.item() };
    });
  }

  private item(): WrittenValue {
    const token = this.peek();
    if (this.tryPunctuation("[")) {
      const items = this.list("]", () =>
        this.peek().kind === "string"
          ? this.take("string", "a string")
          : this.number("a number or a string"),
      );
      return { kind: "list", token, items };
    }
    if (token.kind === "punctuation" || token.kind === "value" || token.kind === "end") {
      this.expected("the value of an attribute");
    }
    this.index++;
    return { kind: "one", token };
  }

  expected(what: string): never {
    const token = this.peek();
    const found = token.kind === "end" ? "the end of the text" : quote(token.text);
    this.fail((loc, notes) => diagnose("ir-syntax", loc, { expected: what, found }, notes));
  }

  fail(make: (loc: Loc, notes: readonly string[]) => Diagnostic): never {
    fail(at(this.source, this.peek().offset, make));
  }
}

const nothing: Token = { kind: "end", text: "", content: "", offset: 0 };
