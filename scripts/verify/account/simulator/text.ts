/**
 * The text of a network, by "Grammar" of docs/ir.md: a function for each rule that needs one. It
 * trusts that the network is well typed, which is another program's to check, and nothing else.
 */
import type { Stored } from "./container.ts";
import { rounderOf } from "./numbers.ts";
import { refuse } from "./refusal.ts";
import { Attributes, type Dtype, dtypes, type Item, type Network, type Op } from "./types.ts";
import type { Shape, Tensor, Type } from "./types.ts";

const digits = "(?:0|[1-9][0-9]*)";
/** Tokens that are alike by their first character stand with the longest first. */
const tokens: readonly (readonly [string, RegExp])[] = [
  ["blank", /(?:[\t\n\r ]|\/\/[^\n]*)+/y],
  ["value", /%[0-9]+/y],
  ["ref", /@(?:[A-Za-z0-9_](?:(?!\/\/)[A-Za-z0-9_./-])*|"(?:[^"\\]|\\.)*")/y],
  ["number", new RegExp(`(?:-inf|-?${digits}(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\\w.])`, "y")],
  ["word", /[A-Za-z_][A-Za-z0-9_.-]*/y],
  ["string", /"(?:[^"\\]|\\.)*"/y],
  ["mark", /[=(){}[\]<>,:]/y],
];

interface Token {
  readonly is: string;
  readonly text: string;
}

function split(text: string): Token[] {
  const result: Token[] = [];
  for (let place = 0; place < text.length;) {
    let found: Token | undefined;
    for (const [is, pattern] of tokens) {
      pattern.lastIndex = place;
      const match = pattern.exec(text);
      if (match !== null) {
        found = { is, text: match[0] };
        break;
      }
    }
    if (found === undefined) return refuse(`No token: ${text.slice(place, place + 40)}`);
    place += found.text.length;
    if (found.is !== "blank") result.push(found);
  }
  return result;
}

function unquoted(text: string): string {
  const value: unknown = JSON.parse(text);
  return typeof value === "string" ? value : refuse(`No string: ${text}`);
}

function numberOf(text: string): number {
  if (text === "inf") return Infinity;
  return text === "-inf" ? -Infinity : Number(text);
}

class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = split(text);
  }

  get done(): boolean {
    return this.#next === this.#tokens.length;
  }

  peek(): Token {
    return this.#tokens[this.#next] ?? { is: "end", text: "the end" };
  }

  take(is: string): string {
    const token = this.peek();
    if (token.is !== is) return refuse(`A ${is} is due, not ${token.text}.`);
    this.#next += 1;
    return token.text;
  }

  /** Takes a token with this text if it is the next one. */
  has(text: string): boolean {
    const found = this.peek().text === text && this.peek().is !== "string";
    if (found) this.#next += 1;
    return found;
  }

  due(text: string): void {
    if (!this.has(text)) refuse(`"${text}" is due, not ${this.peek().text}.`);
  }

  /** What stands between a mark and the one that closes it, with commas. */
  list<T>(close: string, read: () => T): T[] {
    const result: T[] = [];
    if (this.has(close)) return result;
    do result.push(read());
    while (this.has(","));
    this.due(close);
    return result;
  }

  isNumber(): boolean {
    const { is, text } = this.peek();
    return is === "number" || (is === "word" && (text === "inf" || text === "nan"));
  }

  number(): number {
    if (!this.isNumber()) return refuse(`A number is due, not ${this.peek().text}.`);
    return numberOf(this.take(this.peek().is));
  }

  value(): number {
    return Number(this.take("value").slice(1));
  }

  ref(): string {
    const name = this.take("ref").slice(1);
    return name.startsWith('"') ? unquoted(name) : name;
  }

  dtype(): Dtype {
    const word = this.take("word");
    return dtypes.find((known) => known === word) ?? refuse(`No element type: ${word}`);
  }

  shape(): Shape {
    this.due("[");
    return this.list("]", () => this.number());
  }

  type(): Type {
    const word = this.take("word");
    const domains = ["real", "current", "spike"] as const;
    const domain = domains.find((known) => known === word) ?? refuse(`No domain: ${word}`);
    let dtype: Dtype = "f32";
    if (this.has("<")) {
      dtype = this.dtype();
      this.due(">");
    }
    return { domain, dtype, shape: this.shape() };
  }

  item(): Item {
    if (this.isNumber()) return { is: "number", number: this.number() };
    const token = this.peek();
    if (token.is === "string") return { is: "string", text: unquoted(this.take("string")) };
    if (token.is === "ref") return { is: "ref", text: this.ref() };
    if (token.is === "word") return { is: "word", text: this.take("word") };
    this.due("[");
    const numbers: number[] = [];
    const texts: string[] = [];
    this.list("]", () => {
      if (this.peek().is === "string") texts.push(unquoted(this.take("string")));
      else numbers.push(this.number());
    });
    return { is: "list", numbers, texts };
  }

  attributes(): Map<string, Item> {
    this.due("{");
    return new Map(
      this.list("}", () => {
        const name = this.take("word");
        this.due("=");
        return [name, this.item()] as const;
      }),
    );
  }

  /** Locations mean nothing. */
  location(): void {
    if (!this.has("loc")) return;
    this.due("(");
    if (this.has("fused")) {
      this.take(this.peek().is === "string" ? "string" : "word");
      while (this.peek().text === "loc") this.location();
    } else {
      while (!(this.peek().is === "mark" && this.peek().text === ")")) this.take(this.peek().is);
    }
    this.due(")");
  }

  /** Compares with what the file holds, or takes what is written out where there is no file. */
  tensors(stored: Map<string, Tensor>, file: ReadonlyMap<string, Stored> | undefined): void {
    this.due("{");
    while (!this.has("}")) {
      const name = this.ref();
      this.due("=");
      const dtype = this.dtype();
      const shape = this.shape();
      if (file === undefined) {
        this.due("dense");
        stored.set(name, { dtype, shape, values: this.elements(dtype) });
        continue;
      }
      const tensor = file.get(name) ?? refuse(`The file has no tensor @${name}.`);
      stored.set(name, tensor);
      const same = tensor.dtype === dtype && tensor.shape.join() === shape.join();
      if (!same) refuse(`@${name} has another type in the file.`);
      if (!this.has("dense")) {
        this.hash(tensor);
        continue;
      }
      const elements = this.elements(dtype);
      const alike = elements.every((element, i) => Object.is(element, tensor.values[i]));
      if (!alike || elements.length !== tensor.values.length) refuse(`@${name} differs.`);
    }
  }

  elements(dtype: Dtype): Float64Array {
    this.due("<");
    const numbers = this.has("[") ? this.list("]", () => this.number()) : [this.number()];
    this.due(">");
    return Float64Array.from(numbers, rounderOf(dtype));
  }

  hash(tensor: Stored): void {
    const hash = unquoted(this.take("string"));
    if (!`sha256:${tensor.hash}`.startsWith(hash)) refuse("A tensor has another hash.");
    for (const end of ["min", "max"]) {
      if (this.has(end)) {
        this.due("=");
        this.number();
      }
    }
  }
}

/** A network of a file, or of a text that has all its tensors written out. */
export function parse(text: string, file?: ReadonlyMap<string, Stored>): Network {
  const stored = new Map<string, Tensor>();
  const reader = new Reader(text);
  reader.due("module");
  reader.ref();
  reader.due("attributes");
  const head = new Attributes(reader.attributes(), stored);
  const ops: Op[] = [];
  const outputs: { value: number; name: string }[] = [];
  reader.due("{");
  while (!reader.has("}")) {
    if (reader.has("ann.output")) {
      reader.due("(");
      const value = reader.value();
      reader.due(")");
      outputs.push({ value, name: new Attributes(reader.attributes(), stored).text("name") });
      continue;
    }
    const id = reader.value();
    reader.due("=");
    const kind = reader.take("word");
    reader.due("(");
    const operands = reader.list(")", () => reader.value());
    const items = reader.peek().text === "{" ? reader.attributes() : new Map<string, Item>();
    reader.due(":");
    const type = reader.type();
    reader.location();
    ops.push({ id, kind, operands, attributes: new Attributes(items, stored), type });
  }
  if (reader.has("tensors")) reader.tensors(stored, file);
  if (!reader.done) refuse(`Nothing is due, but there is ${reader.peek().text}.`);
  return {
    ...{ code: head.text("code"), timesteps: head.number("timesteps") },
    ...{ ops, outputs, tensors: stored },
  };
}
