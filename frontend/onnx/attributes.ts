/**
 * Attributes of one node, read by their ONNX names. Defaults of protobuf lie on prototypes, so a
 * value counts only where the type says so. What nobody reads is reported: an attribute that is
 * not understood may mean something.
 */
import { fail } from "../../ir/diagnostic.ts";
import type { Loc } from "../../ir/loc.ts";
import { diagnose } from "./diagnostics.ts";
import type { OnnxNode } from "./graph/graph.ts";
import {
  type AttributeProto,
  type GraphProto,
  type SparseTensorProto,
  type TensorProto,
  attributeTypes,
  integer,
  text,
} from "./file/proto.ts";

type AttributeType = (typeof attributeTypes)[number];

export class Attributes {
  private readonly read = new Set<string>();
  private readonly node: OnnxNode;
  private readonly loc: Loc;

  constructor(node: OnnxNode, loc: Loc) {
    this.node = node;
    this.loc = loc;
  }

  has(name: string): boolean {
    this.read.add(name);
    return this.node.attributes.has(name);
  }

  int(name: string, absent: number): number {
    const attribute = this.get(name, "int");
    return attribute === null ? absent : integer(attribute.i);
  }

  bool(name: string, absent: boolean): boolean {
    return this.int(name, absent ? 1 : 0) !== 0;
  }

  float(name: string, absent: number): number {
    const attribute = this.get(name, "float");
    // A default of the specification is a float32, as the written value is.
    return attribute === null ? Math.fround(absent) : (attribute.f ?? 0);
  }

  string(name: string, absent: string): string {
    const attribute = this.get(name, "string");
    return attribute === null ? absent : text(attribute.s);
  }

  ints(name: string): readonly number[] | null {
    const attribute = this.get(name, "ints");
    return attribute === null ? null : (attribute.ints ?? []).map(integer);
  }

  floats(name: string): readonly number[] | null {
    const attribute = this.get(name, "floats");
    return attribute === null ? null : (attribute.floats ?? []);
  }

  strings(name: string): readonly string[] | null {
    const attribute = this.get(name, "strings");
    return attribute === null ? null : (attribute.strings ?? []).map(text);
  }

  tensor(name: string): TensorProto | null {
    return this.get(name, "tensor")?.t ?? null;
  }

  sparseTensor(name: string): SparseTensorProto | null {
    return this.get(name, "sparse_tensor")?.sparseTensor ?? null;
  }

  graph(name: string): GraphProto | null {
    return this.get(name, "graph")?.g ?? null;
  }

  /** Takes note of attributes that change nothing for inference. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.read.add(name);
  }

  /** Names of attributes that were never asked for. */
  unread(): readonly string[] {
    return [...this.node.attributes.keys()].filter((name) => !this.read.has(name));
  }

  private get(name: string, type: AttributeType): AttributeProto | null {
    this.read.add(name);
    const attribute = this.node.attributes.get(name);
    if (attribute === undefined) return null;
    // Very old models leave the type out; the field that is asked for is then taken as it is.
    const found = attributeTypes[attribute.type ?? 0];
    if (found !== type && found !== "undefined") {
      const why = `its attribute ${name} has type ${found ?? "unknown"} instead of ${type}`;
      fail(diagnose("invalid-node", this.loc, { op: this.node.opType, why }));
    }
    return attribute;
  }
}
