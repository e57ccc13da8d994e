/**
 * Module → text, in one canonical form: the same network gives the same text whatever its value
 * ids and the order of its tensor table. `ir/text/parse.ts` describes the grammar and reads it back.
 */
import {
  attributesOf,
  barePattern,
  formatAttribute,
  formatRef,
  formatString,
} from "../op/attribute.ts";
import { known } from "../diagnostic.ts";
import { type Loc, shortName } from "../loc.ts";
import { type Module, carriedTo, properties } from "../module.ts";
import { formatNumber } from "./number.ts";
import type { Op, ValueId } from "../op/op.ts";
import { rangeOf } from "../analysis/range.ts";
import { tensorRefsOf } from "../op/table.ts";
import { type Tensor, type TensorRef, hashTensor, storedAs } from "../tensor.ts";
import { elementCount, formatType } from "../type.ts";

/** Tensors of at most this many elements are written out: enough for a test to show a fold. */
const inlineLimit = 8;

/** Hex digits of a shortened hash: 64 bits, so that no two tensors of a network share one. */
const shortHashDigits = 16;

export interface PrintOptions {
  /**
   * `none`; `short`: the name of the source node, in a comment, for people; `full`: everything,
   * and `parseModule` reads it back. `none` unless said otherwise.
   */
  readonly locs?: "none" | "short" | "full";
  /** Whether hashes of tensors are cut to 16 digits or whole. `short` unless said otherwise. */
  readonly hashes?: "short" | "full";
}

/** The text of a module. Never fails on a module that `verify` accepts. */
export function printModule(module: Module, options: PrintOptions = {}): string {
  const numbers = new Map<ValueId, number>();
  for (const op of module.ops) numbers.set(op.result, numbers.size);
  // A value that no op makes is spelled so that the parser refuses it: dumps of broken modules.
  const nameOf = (value: ValueId): string => {
    const number = numbers.get(value);
    return number === undefined ? `%?${value}` : `%${number}`;
  };
  const lines = [`module ${formatRef(module.name)} attributes {${headOf(module)}} {`];
  for (const op of module.ops) {
    lines.push(`  ${formatOp(op, nameOf)}${locSuffix(op.loc, options.locs ?? "none")}`);
  }
  // In the order of the ops that they come back in, so that the text does not depend on theirs.
  const carried = carriedTo(module);
  for (const { result } of module.ops) {
    const value = carried.get(result);
    if (value !== undefined) lines.push(`  snn.carry(${nameOf(value)}, ${nameOf(result)})`);
  }
  for (const output of module.outputs) {
    lines.push(`  ann.output(${nameOf(output.value)}) {name = ${formatString(output.name)}}`);
  }
  lines.push("}");
  if (module.tensors.size > 0) {
    lines.push("tensors {");
    for (const ref of tensorOrder(module)) {
      const value = known(module.tensors.get(ref), `tensor @${ref}`);
      lines.push(`  ${formatRef(ref)} = ${formatTensor(value, options.hashes ?? "short")}`);
    }
    lines.push("}");
  }
  return `${lines.join("\n")}\n`;
}

/** One op on one line, without its place: `%2 = ann.relu(%1) : real[3]`. */
export function formatOp(op: Op, nameOf: (value: ValueId) => string): string {
  const attributes = attributesOf(op).map((entry) => `${entry.name} = ${formatAttribute(entry)}`);
  const braces = attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`;
  const inputs = op.inputs.map(nameOf).join(", ");
  return `${nameOf(op.result)} = ${op.kind}(${inputs})${braces} : ${formatType(op.type)}`;
}

function headOf(module: Module): string {
  const claimed = properties.filter((property) => module.properties.has(property));
  const list = `[${claimed.map(formatString).join(", ")}]`;
  return `code = ${formatString(module.code)}, timesteps = ${module.timesteps}, properties = ${list}`;
}

/** Tensors by their first use, so that the table reads like the network; unused ones by name. */
function tensorOrder(module: Module): readonly TensorRef[] {
  const order = new Set<TensorRef>();
  for (const op of module.ops) {
    for (const { ref } of tensorRefsOf(op)) if (module.tensors.has(ref)) order.add(ref);
  }
  for (const ref of [...module.tensors.keys()].sort()) order.add(ref);
  return [...order];
}

function formatTensor(value: Tensor, hashes: "short" | "full"): string {
  const head = `${storedAs(value)}[${value.shape.join(", ")}]`;
  if (elementCount(value.shape) <= inlineLimit) {
    const items = Array.from(value.data, (item) => formatNumber(item, value.dtype)).join(", ");
    return `${head} dense<${value.shape.length === 0 ? items : `[${items}]`}>`;
  }
  const hash = hashTensor(value);
  const digits = hashes === "full" ? hash : hash.slice(0, shortHashDigits);
  const { min, max } = rangeOf(value);
  const range = `min=${formatNumber(min, value.dtype)} max=${formatNumber(max, value.dtype)}`;
  return `${head} "sha256:${digits}" ${range}`;
}

function locSuffix(loc: Loc, style: "none" | "short" | "full"): string {
  switch (style) {
    case "none":
      return "";
    case "short":
      return ` // ${formatString(shortName(loc))}`;
    case "full":
      return ` ${writeLoc(loc)}`;
  }
}

function writeLoc(loc: Loc): string {
  switch (loc.kind) {
    case "source":
      return `loc(${formatString(loc.file)} ${formatString(loc.name)} ${formatWord(loc.op)})`;
    case "text":
      return `loc(${formatString(loc.file)}:${loc.line}:${loc.column})`;
    case "fused":
      return `loc(${["fused", formatWord(loc.pass), ...loc.from.map(writeLoc)].join(" ")})`;
  }
}

function formatWord(word: string): string {
  return barePattern.test(word) ? word : formatString(word);
}
