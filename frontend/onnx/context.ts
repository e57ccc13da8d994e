/**
 * What an operator function works with: the node's inputs as values or constants, its attributes,
 * the builder, and the ways to refuse. Everything that goes wrong leaves as a diagnostic with the
 * node's place; nothing is defaulted in silence.
 */
import type { Builder } from "../../ir/build.ts";
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import type { Loc } from "../../ir/loc.ts";
import type { OpAttrs, OpKind, ValueId } from "../../ir/op/op.ts";
import { specOf } from "../../ir/op/table.ts";
import { type Tensor, type TensorRef, scalar } from "../../ir/tensor.ts";
import { type DType, type Shape, type Type, elementCount, formatType } from "../../ir/type.ts";
import type { RecurrentExtent } from "./batch/batch.ts";
import { Attributes } from "./attributes.ts";
import { diagnose } from "./diagnostics.ts";
import type { Folder } from "./graph/fold.ts";
import type { OnnxNode } from "./graph/graph.ts";
import type { Limits } from "../limits.ts";
import type { DataType, GraphProto, SparseTensorProto, TensorProto } from "./file/proto.ts";
import type { Entry, NodeOutput } from "./graph/scope.ts";
import { findNonFinite } from "./file/tensors.ts";

/** What a node's context needs of the importer. */
export interface ImportServices {
  readonly builder: Builder;
  readonly folder: Folder;
  readonly limits: Limits;
  readonly report: (diagnostic: Diagnostic) => void;
  /** Notes, once per input, that the module is valid for its given value only. */
  readonly noteSpecialised: (inputs: readonly string[], operator: string, loc: Loc) => void;
  readonly decode: (proto: TensorProto, name: string, loc: Loc) => Tensor;
  readonly decodeSparse: (proto: SparseTensorProto, name: string, loc: Loc) => Tensor;
  /** The batch that was taken out of the inputs, or null. */
  readonly removedBatch: number | null;
  /** Whether recurrent operators take one timestep at each of the module's. */
  readonly streams: boolean;
  /** Lets a value come back a timestep later; `source` is an `snn.previous`. */
  readonly carry: (value: ValueId, source: ValueId) => void;
  /** Notes over how many steps, and how many sequences at once, a recurrent operator runs. */
  readonly noteRecurrent: (extent: RecurrentExtent) => void;
  /** Takes the bytes of a value that the module is to have off those of all. */
  readonly takeValue: (bytes: number, loc: Loc) => void;
  /** Notes what a constant shape begins with: a batch that was written into it, perhaps. */
  readonly noteLeading: (extent: number) => void;
}

/** `wants` says which outputs have a use; null stands for the others, which were not made. */
export type InlineGraph = (
  graph: GraphProto,
  inputs: readonly ValueId[],
  wants: (output: number) => boolean,
) => readonly NodeOutput[];

export class NodeContext {
  readonly node: OnnxNode;
  readonly opset: number;
  readonly loc: Loc;
  readonly attributes: Attributes;
  readonly services: ImportServices;
  /** Imports a branch or body in the scope of this node, with its inputs; gives its outputs. */
  readonly inlineGraph: InlineGraph;
  private readonly entries: readonly (Entry | null)[];
  private readonly isUsed: (name: string) => boolean;

  constructor(options: {
    node: OnnxNode;
    opset: number;
    loc: Loc;
    services: ImportServices;
    entries: readonly (Entry | null)[];
    isUsed: (name: string) => boolean;
    inlineGraph: InlineGraph;
    /** Those of the node unless given: what was read of them is known there. */
    attributes?: Attributes;
  }) {
    this.node = options.node;
    this.opset = options.opset;
    this.loc = options.loc;
    this.services = options.services;
    this.entries = options.entries;
    this.isUsed = options.isUsed;
    this.inlineGraph = options.inlineGraph;
    this.attributes = options.attributes ?? new Attributes(options.node, options.loc);
  }

  /** The same node by another opset, with `values` in the place of its first inputs. */
  inside(opset: number, values: readonly ValueId[]): NodeContext {
    const entries = this.entries.map((entry, i): Entry | null => {
      const value = values[i];
      return value === undefined ? entry : { kind: "value", value };
    });
    const { node, loc, services, attributes, inlineGraph, isUsed } = this;
    return new NodeContext({
      node,
      opset,
      loc,
      services,
      entries,
      isUsed,
      inlineGraph,
      attributes,
    });
  }

  get inputCount(): number {
    return this.entries.length;
  }

  get outputCount(): number {
    return this.node.outputs.length;
  }

  /** True where input `index` is given (an optional input may be absent). */
  has(index: number): boolean {
    return this.entryOrNull(index) !== null;
  }

  /** True where output `index` is named and something reads it. */
  wants(index: number): boolean {
    const name = this.node.outputs[index] ?? "";
    return name !== "" && this.isUsed(name);
  }

  /** Input `index` as a value of the graph. */
  value(index: number): ValueId {
    const entry = this.entry(index);
    switch (entry.kind) {
      case "value":
        return entry.value;
      case "tensor":
        return entry.value();
      case "sequence":
        return this.invalid(`input ${index} is a sequence, not a tensor`);
      case "absent":
      case "poisoned":
        return this.invalid(`input ${index} has no value`);
    }
  }

  /** Input `index` as a list of values. */
  sequence(index: number): readonly ValueId[] {
    const entry = this.entry(index);
    return entry.kind === "sequence"
      ? entry.items
      : this.invalid(`input ${index} is not a sequence`);
  }

  optional(index: number): ValueId | null {
    return this.has(index) ? this.value(index) : null;
  }

  /** All inputs, of an operator that takes any number. */
  values(): readonly ValueId[] {
    return this.entries.map((_, index) => this.value(index));
  }

  type(value: ValueId): Type {
    return this.services.builder.typeOf(value);
  }

  shape(value: ValueId): Shape {
    return this.type(value).shape;
  }

  /** Type of input `index`, without making a value of it. */
  inputType(index: number): Type {
    const entry = this.entry(index);
    if (entry.kind !== "tensor") return this.type(this.value(index));
    const { dtype, shape } = entry.tensor();
    return { domain: "real", dtype, shape };
  }

  /** The file's element type of input `index`, where that is known and the IR's does not say it. */
  format(index: number): DataType | null {
    const entry = this.entry(index);
    return entry.kind === "tensor" || entry.kind === "value" ? (entry.format ?? null) : null;
  }

  /** True where the model alone determines input `index`. */
  isConstant(index: number): boolean {
    const entry = this.entry(index);
    if (entry.kind === "tensor") return true;
    return entry.kind === "value" && this.services.folder.constancyOf(entry.value) === "constant";
  }

  /** Input `index` where the model alone determines it, else null. */
  tryConstant(index: number): Tensor | null {
    return this.isConstant(index) ? this.constant(index, "") : null;
  }

  /**
   * Input `index`, called `name` in the ONNX specification, which must be static. Where it rests
   * on values given for inputs, the module is valid for those values only, and that is reported.
   */
  constant(index: number, name: string): Tensor {
    const entry = this.entry(index);
    if (entry.kind === "tensor") return entry.tensor();
    return this.constantOf(this.value(index), name);
  }

  /** What `constant` gives, of any value. */
  constantOf(value: ValueId, name: string): Tensor {
    const { folder } = this.services;
    const constancy = folder.constancyOf(value);
    if (constancy === "variable") {
      const behind = folder.smallInputsBehind(value);
      fail(diagnose("not-constant", this.loc, { op: this.node.opType, input: name, behind }));
    }
    if (constancy === "given") {
      this.services.noteSpecialised(folder.specialisedBy(value), this.node.opType, this.loc);
    }
    return folder.valueOf(value);
  }

  /** A static input of integers, as numbers. */
  ints(index: number, name: string): readonly number[] {
    return [...this.constant(index, name).data];
  }

  /** A static input of one element. */
  scalar(index: number, name: string): number {
    const { data, shape } = this.constant(index, name);
    if (data.length !== 1) this.invalid(`its input ${name} has shape [${shape.join(", ")}]`);
    return data[0] ?? 0;
  }

  /** A static input that is trained: it must be finite. */
  weight(index: number, name: string): Tensor {
    const tensor = this.constant(index, name);
    this.checkFinite(tensor, this.node.inputs[index] || name);
    return tensor;
  }

  /** Puts a tensor that an op is to name into the table, called like input `index`. */
  tensor(index: number, tensor: Tensor): TensorRef {
    return this.named(this.node.inputs[index] || this.node.name, tensor);
  }

  /** A tensor that has no name of its own in the model. */
  namedTensor(suffix: string, tensor: Tensor): TensorRef {
    return this.named(`${this.node.name}.${suffix}`, tensor);
  }

  private named(name: string, tensor: Tensor): TensorRef {
    // Once more: a factor (alpha, a scale) may have made it infinite.
    this.checkFinite(tensor, name);
    return this.services.builder.tensor(name, tensor);
  }

  private checkFinite(tensor: Tensor, name: string): void {
    const bad = findNonFinite(tensor, name, this.loc, "weight");
    if (bad !== null) fail(bad);
  }

  /** A constant made here. */
  literal(tensor: Tensor): ValueId {
    const value = this.services.builder.constant(`${this.node.name}.value`, tensor, this.loc);
    this.services.folder.noteOp(this.services.builder.opOf(value));
    return value;
  }

  /** A constant of one element. */
  number(dtype: DType, value: number): ValueId {
    return this.literal(scalar(dtype, value));
  }

  /** Adds an op; operands that do not fit are the model's fault. */
  add<K extends OpKind>(kind: K, inputs: readonly ValueId[], attrs: OpAttrs[K]): ValueId {
    const { builder, folder, limits } = this.services;
    if (builder.ops.length >= limits.ops) {
      const what = `more than ${limits.ops} ops after unrolling`;
      fail(diagnose("graph-too-large", this.loc, { what }));
    }
    this.checkIntegers(kind, attrs);
    const added = builder.tryAdd(kind, inputs, attrs, this.loc);
    if (!added.ok) {
      const notes = inputs.map((value, i) => `operand ${i} is ${formatType(this.type(value))}`);
      const params = { op: this.node.opType, reason: added.reason };
      fail(diagnose("shape-mismatch", this.loc, params, notes));
    }
    const op = builder.opOf(added.value);
    this.checkSize(op.type.shape);
    this.services.takeValue(4 * elementCount(op.type.shape), this.loc);
    folder.noteOp(op);
    return added.value;
  }

  /** Kernels compute with 32 bits: what is beyond them means nothing, in any op's attribute. */
  private checkIntegers(kind: OpKind, attrs: object): void {
    const values = new Map<string, unknown>(Object.entries(attrs));
    for (const [name, type] of Object.entries(specOf(kind).attributes)) {
      if (type !== "int" && type !== "ints") continue;
      const numbers = [values.get(name)].flat().map(Number);
      const wrong = numbers.find((value) => (value | 0) !== value);
      if (wrong !== undefined) this.invalid(`its ${name} would be ${wrong}, beyond 32 bits`);
    }
  }

  /** Takes a tensor of `elements` that is about to be made here off the budget. */
  spend(elements: number): void {
    this.services.folder.spend(elements, elements, this.loc);
  }

  /** Fails where a value of this shape would be too large. */
  checkSize(shape: Shape): void {
    const { limits } = this.services;
    this.checkRank(shape.length);
    // What is held in memory takes 8 bytes an element at most; 4 is what nearly everything takes.
    const bytes = 4 * elementCount(shape);
    if (!(bytes <= limits.valueBytes)) {
      const what = `the result of ${this.node.opType}, [${shape.join(", ")}],`;
      fail(diagnose("value-too-large", this.loc, { what, bytes, limit: limits.valueBytes }));
    }
  }

  private checkRank(rank: number): void {
    const { limits } = this.services;
    if (rank <= limits.rank) return;
    this.refuse(`a value has ${rank} axes`, `at most ${limits.rank} axes are supported`);
  }

  /** `axis` counted from the front; it may be `rank` itself only where `inclusive`. */
  axis(axis: number, rank: number, inclusive = false): number {
    const most = inclusive ? rank : rank - 1;
    const counted = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(axis) || counted < 0 || counted > most) {
      this.invalid(`axis ${axis} of a value with ${rank} axes`);
    }
    return counted;
  }

  /** The same for a list; an axis named twice is an error. */
  axes(axes: readonly number[], rank: number): readonly number[] {
    this.checkRank(rank);
    const counted = axes.map((axis) => this.axis(axis, rank));
    if (new Set(counted).size < counted.length) this.invalid(`axes [${axes.join(", ")}] repeat`);
    return counted.toSorted((a, b) => a - b);
  }

  /** One of the values that the specification lists for a string attribute. */
  oneOf<T extends string>(what: string, value: string, allowed: readonly T[]): T {
    const found = allowed.find((candidate) => candidate === value);
    return found ?? this.invalid(`${what} "${value}" is none of ${allowed.join(", ")}`);
  }

  /** The operator is known, but not in this form. `why` and `help` are sentences. */
  refuse(why: string, help: string): never {
    fail(diagnose("unsupported-form", this.loc, { op: this.node.opType, why, help }));
  }

  /** The node is not what its operator's definition wants. */
  invalid(why: string): never {
    fail(diagnose("invalid-node", this.loc, { op: this.node.opType, why }));
  }

  report(diagnostic: Diagnostic): void {
    this.services.report(diagnostic);
  }

  private entryOrNull(index: number): Entry | null {
    return this.entries[index] ?? null;
  }

  private entry(index: number): Entry {
    return this.entryOrNull(index) ?? this.invalid(`its input ${index} is missing`);
  }
}
