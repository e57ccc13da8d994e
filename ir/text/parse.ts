/**
 * Text → Module. The grammar is in `ir/text/syntax.ts`; here values and tensors are looked up,
 * attributes are held to their kinds, and every written type to the inferred one. What is wrong is
 * reported all at once, except that nothing is understood behind an error of grammar.
 */
import { describeKind, fitsKind, formatString } from "../op/attribute.ts";
import { makeOp, valueIdOf } from "../build.ts";
import { type Diagnostic, fail, known } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { type Token, at, sourceOf } from "./lex.ts";
import { type Carry, type Module, type Output, codes, properties } from "../module.ts";
import { nearest } from "./nearest.ts";
import { type Op, type OpAttrs, type OpKind, type ValueId, isInput } from "../op/op.ts";
import { type Faults, readTensors } from "./parse-tensors.ts";
import { type AttrKind, inferType, isOpKind, specOf, specs, tensorRefsOf } from "../op/table.ts";
import {
  type WrittenAttribute,
  type WrittenValue,
  type WrittenOp,
  numberOf,
  quote,
  readModule,
} from "./syntax.ts";
import type { Tensor, TensorRef } from "../tensor.ts";
import { type Type, formatType, sameType } from "../type.ts";

export interface ParseOptions {
  /** The name of the text in messages and in locations. */
  readonly file: string;
  /** The tensors that the text gives by hash only. */
  readonly tensors?: ReadonlyMap<TensorRef, Tensor>;
}

/**
 * Reads a module. Value ids are the numbers in the text; an op without `loc(…)` gets its place in
 * the text. Fails with every fault found; the result is well-typed but `verify` asks for more: of carries, timesteps
 * and unused ops, say. Call it before the module is run, or packed by `encodePackage`, which throws an
 * `InvariantError` for a module that does not verify.
 */
export function parseModule(text: string, options: ParseOptions): Module {
  const source = sourceOf(text, options.file);
  const written = readModule(source);
  const found: { offset: number; diagnostic: Diagnostic }[] = [];
  const faults: Faults = {
    add: (where, make) =>
      found.push({ offset: where.offset, diagnostic: at(source, where.offset, make) }),
  };
  const tensors = readTensors(written.tensors, options.tensors ?? new Map(), faults);
  const head = readAttributes("module", headTable, written.name, written.attributes, faults);
  const scope = new Map<number, Type | null>();
  const ops: Op[] = [];
  for (const op of written.ops) {
    const made = makeWrittenOp(op, scope, tensors, faults);
    if (made !== null) ops.push(made);
  }
  const outputs: Output[] = [];
  for (const output of written.outputs) {
    const attrs = readAttributes(
      "ann.output",
      outputTable,
      output.start,
      output.attributes,
      faults,
    );
    const value = readValue(output.value, faults);
    if (value !== null && !scope.has(value)) addUndefined(output.value, faults);
    if (value !== null) outputs.push({ name: String(attrs.get("name")), value });
  }
  const carries: Carry[] = [];
  for (const carry of written.carries) {
    const [value, source] = [carry.value, carry.source].map((token) => {
      const id = readValue(token, faults);
      if (id !== null && !scope.has(id)) addUndefined(token, faults);
      return id ?? undefined;
    });
    if (value !== undefined && source !== undefined) carries.push({ value, source });
  }
  if (found.length > 0) {
    fail(...found.sort((a, b) => a.offset - b.offset).map(({ diagnostic }) => diagnostic));
  }
  const claimed = head.get("properties");
  const table = new Map<TensorRef, Tensor>();
  for (const [name, value] of tensors) if (value !== null) table.set(name, value);
  return {
    name: written.name.content,
    code: codes.find((code) => code === head.get("code")) ?? "none",
    timesteps: Number(head.get("timesteps")),
    ops,
    outputs,
    carries,
    tensors: table,
    properties: new Set(
      properties.filter((property) => Array.isArray(claimed) && claimed.includes(property)),
    ),
  };
}

type TableKind = AttrKind | { readonly someOf: readonly string[] };

const headTable: readonly (readonly [string, TableKind])[] = [
  ["code", { oneOf: codes }],
  ["timesteps", "int"],
  ["properties", { someOf: properties }],
];

const outputTable: readonly (readonly [string, TableKind])[] = [["name", "string"]];

/** The op that is written, or null (with a fault) where it cannot be made. */
function makeWrittenOp(
  written: WrittenOp,
  scope: Map<number, Type | null>,
  tensors: ReadonlyMap<TensorRef, Tensor | null>,
  faults: Faults,
): Op | null {
  const kind = written.kind.content;
  const result = readValue(written.result, faults);
  if (result !== null && scope.has(result)) {
    faults.add(written.result, (loc, notes) =>
      diagnose("ir-value-repeated", loc, { value: written.result.text }, notes),
    );
  }
  const inputs: ValueId[] = [];
  const inputTypes: Type[] = [];
  for (const token of written.inputs) {
    const value = readValue(token, faults);
    if (value === null) continue;
    inputs.push(value);
    const type = scope.get(value);
    if (type === undefined) addUndefined(token, faults);
    else if (type !== null) inputTypes.push(type);
  }
  // From here on the written type stands for the result, so that one fault is not reported twice.
  if (result !== null) scope.set(result, written.type);
  if (!isOpKind(kind)) {
    faults.add(written.kind, (loc, notes) =>
      diagnose("ir-unknown-op", loc, { name: kind, near: nearestKind(kind) }, notes),
    );
    return null;
  }
  const table = Object.entries<AttrKind>(specOf(kind).attributes);
  const attributes = readAttributes(kind, table, written.kind, written.attributes, faults);
  if (attributes.size !== table.length || result === null) return null;
  // The table that the attributes were just held to is the one of `OpAttrs[kind]`.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  const attrs = Object.fromEntries(attributes) as unknown as OpAttrs[OpKind];
  const op = makeOp(kind, result, inputs, attrs, written.type, written.loc);
  let complete = inputTypes.length === written.inputs.length;
  for (const { attribute, ref } of tensorRefsOf(op)) {
    const there = tensors.get(ref);
    if (there === undefined || there === null) complete = false;
    if (there !== undefined) continue;
    const where = written.attributes.find(({ name }) => name.content === attribute);
    const token = where?.item.token ?? written.kind;
    faults.add(token, (loc, notes) =>
      diagnose("ir-tensor-undefined", loc, { tensor: token.text }, notes),
    );
  }
  if (complete && !isInput(op)) checkType(op, written, inputTypes, tensors, faults);
  return op;
}

function checkType(
  op: Op,
  written: WrittenOp,
  inputTypes: readonly Type[],
  tensors: ReadonlyMap<TensorRef, Tensor | null>,
  faults: Faults,
): void {
  const lookup = (ref: TensorRef): Tensor => known(tensors.get(ref), `tensor @${ref}`);
  const inferred = inferType(op, inputTypes, lookup);
  if (!inferred.ok) {
    const { reason } = inferred;
    faults.add(written.kind, (loc, notes) => diagnose("ir-ill-typed", loc, { reason }, notes));
  } else if (!sameType(inferred.value, op.type)) {
    const params = {
      op: op.kind,
      written: formatType(op.type),
      inferred: formatType(inferred.value),
    };
    faults.add(written.typeToken, (loc, notes) => diagnose("ir-type-differs", loc, params, notes));
  }
}

function readValue(token: Token, faults: Faults): ValueId | null {
  const id = Number(token.content);
  if (Number.isSafeInteger(id)) return valueIdOf(id);
  const why = "values are numbered up to 2^53";
  faults.add(token, (loc, notes) => diagnose("ir-number", loc, { text: token.text, why }, notes));
  return null;
}

function addUndefined(token: Token, faults: Faults): void {
  faults.add(token, (loc, notes) =>
    diagnose("ir-value-undefined", loc, { value: token.text }, notes),
  );
}

/** The attributes that fit the table, in its order; a fault for each that is wrong or missing. */
function readAttributes(
  owner: string,
  table: readonly (readonly [string, TableKind])[],
  ownerToken: Token,
  written: readonly WrittenAttribute[],
  faults: Faults,
): ReadonlyMap<string, unknown> {
  const given = new Map<string, WrittenAttribute>();
  for (const attribute of written) {
    const name = attribute.name.content;
    if (!table.some(([known]) => known === name)) {
      const params = { owner, name, known: table.map(([known]) => known) };
      faults.add(attribute.name, (loc, notes) =>
        diagnose("ir-attribute-unknown", loc, params, notes),
      );
    } else if (given.has(name)) {
      faults.add(attribute.name, (loc, notes) =>
        diagnose("ir-attribute-repeated", loc, { name }, notes),
      );
    } else given.set(name, attribute);
  }
  const missing = table.map(([name]) => name).filter((name) => !given.has(name));
  if (missing.length > 0) {
    faults.add(ownerToken, (loc, notes) =>
      diagnose("ir-attribute-missing", loc, { owner, names: missing }, notes),
    );
  }
  const values = new Map<string, unknown>();
  for (const [name, kind] of table) {
    const item = given.get(name)?.item;
    if (item === undefined) continue;
    const value = valueOf(kind, item);
    if (value !== undefined) values.set(name, value);
    else {
      const params = { expected: describe(kind), found: spell(item) };
      faults.add(item.token, (loc, notes) => diagnose("ir-syntax", loc, params, notes));
    }
  }
  return values;
}

/** The value that is written, or undefined where it is not of this kind. */
function valueOf(kind: TableKind, item: WrittenValue): unknown {
  if (item.kind === "list") {
    const strings = item.items.every(({ kind: token }) => token === "string");
    if (typeof kind === "object" && "someOf" in kind) {
      const chosen = item.items.map(({ content }) => content);
      return strings && chosen.every((one) => kind.someOf.includes(one)) ? chosen : undefined;
    }
    const numbers = item.items.map((token) => numberOf(token));
    return (kind === "ints" || kind === "floats") && fitsKind(kind, numbers) ? numbers : undefined;
  }
  if (typeof kind === "object" && "someOf" in kind) return undefined;
  const { token } = item;
  const spelledAs = (form: Token["kind"]): string | null =>
    token.kind === form ? token.content : null;
  const value = ((): unknown => {
    if (kind === "tensor") return spelledAs("ref");
    if (kind === "tensor?") return token.text === "none" ? null : (spelledAs("ref") ?? undefined);
    if (kind === "dtype") return spelledAs("word");
    if (kind === "bool")
      return token.text === "true" || (token.text === "false" ? false : undefined);
    if (kind === "int" || kind === "float") return numberOf(token);
    return spelledAs("string");
  })();
  return fitsKind(kind, value) ? value : undefined;
}

function describe(kind: TableKind): string {
  if (typeof kind === "object" && "someOf" in kind) {
    return `a list of ${kind.someOf.map(formatString).join(", ")}`;
  }
  return describeKind(kind);
}

function spell(item: WrittenValue): string {
  if (item.kind === "one") return quote(item.token.text);
  return quote(`[${item.items.map(({ text }) => text).join(", ")}]`);
}

/** The op kind that someone who wrote `name` most likely meant, or null. */
function nearestKind(name: string): string | null {
  // Turned round so that of two kinds with one bare name the first stays in the map.
  const all = Object.keys(specs).toReversed();
  const kinds = new Map(all.map((kind) => [bareName(kind), kind]));
  const near = nearest(name, kinds.values());
  return near ?? kinds.get(nearest(bareName(name), kinds.keys()) ?? "") ?? null;
}

/** The name without the dialect. */
function bareName(kind: string): string {
  return kind.slice(kind.indexOf(".") + 1);
}
