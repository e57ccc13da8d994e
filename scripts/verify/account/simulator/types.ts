/**
 * What a network is once it has been read: ops with types and attributes, outputs, tensors. All
 * elements are held as doubles, whatever their type; numbers.ts rounds to that type.
 */
import { refuse } from "./refusal.ts";

export const dtypes = [
  ...(["f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8"] as const),
  ...(["u64", "u32", "u16", "u8", "bool"] as const),
];
export type Dtype = (typeof dtypes)[number];
export type Shape = readonly number[];

export interface Tensor {
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly values: Float64Array;
}

export interface Type {
  readonly domain: "real" | "current" | "spike";
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** What is written after the `=` of an attribute. */
export type Item =
  | { readonly is: "number"; readonly number: number }
  | { readonly is: "string" | "ref" | "word"; readonly text: string }
  | { readonly is: "list"; readonly numbers: readonly number[]; readonly texts: readonly string[] };

/** The attributes of an op, asked for by the kind that the docs give them. */
export class Attributes {
  readonly #items: ReadonlyMap<string, Item>;
  readonly #tensors: ReadonlyMap<string, Tensor>;

  constructor(items: ReadonlyMap<string, Item>, tensors: ReadonlyMap<string, Tensor>) {
    this.#items = items;
    this.#tensors = tensors;
  }

  #item(name: string): Item {
    return this.#items.get(name) ?? refuse(`The attribute ${name} is missing.`);
  }

  number(name: string): number {
    const item = this.#item(name);
    return item.is === "number" ? item.number : refuse(`${name} is not a number.`);
  }

  numbers(name: string): readonly number[] {
    const item = this.#item(name);
    return item.is === "list" && item.texts.length === 0
      ? item.numbers
      : refuse(`${name} is not a list of numbers.`);
  }

  text(name: string): string {
    const item = this.#item(name);
    return item.is === "string" ? item.text : refuse(`${name} is not a string.`);
  }

  word(name: string): string {
    const item = this.#item(name);
    return item.is === "word" ? item.text : refuse(`${name} is not a word.`);
  }

  flag(name: string): boolean {
    const word = this.word(name);
    return word === "true" || (word !== "false" && refuse(`${name} is neither true nor false.`));
  }

  tensor(name: string): Tensor {
    return this.tensorOrNone(name) ?? refuse(`${name} is none.`);
  }

  tensorOrNone(name: string): Tensor | undefined {
    const item = this.#item(name);
    if (item.is === "word" && item.text === "none") return undefined;
    if (item.is !== "ref") return refuse(`${name} names no tensor.`);
    return this.#tensors.get(item.text) ?? refuse(`There is no tensor @${item.text}.`);
  }
}

export interface Op {
  readonly id: number;
  readonly kind: string;
  readonly operands: readonly number[];
  readonly attributes: Attributes;
  readonly type: Type;
}

export interface Network {
  readonly code: string;
  readonly timesteps: number;
  readonly ops: readonly Op[];
  readonly outputs: readonly { readonly value: number; readonly name: string }[];
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

/** How far apart neighbours along each axis are, in row-major order. */
export const stridesOf = (shape: Shape): number[] =>
  shape.map((_, i) => sizeOf(shape.slice(i + 1)));

/** The operand at a position of an op, of a list that goes with its operands. */
export function at<T>(list: readonly T[], index: number): T {
  return list[index] ?? refuse(`There is no element ${String(index)}.`);
}
