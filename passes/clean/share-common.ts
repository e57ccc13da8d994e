/**
 * Computes equal things once: of ops with equal kind, attributes and operands the first stays and
 * the others' users read it. Inputs and
 * values that come back are never shared.
 *
 * Precondition: none. Result: no two ops are equal; the same function, bit for bit. Tensors count
 * by their elements, not their names. (Local value numbering over a graph in topological order:
 * Cocke & Schwartz 1970.)
 */
import { type Op, isInput } from "../../ir/op/op.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import { type Tensor, sameTensor } from "../../ir/tensor.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";

export const shareCommon = definePass({
  name: "share-common",
  role: "clean",
  summary: "compute equal things once",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) => {
    const seen = new Map<string, Op[]>();
    return rework(module, (op, graph) => {
      if (isInput(op) || op.kind === "snn.previous") return null;
      const key = keyOf(op);
      const alike = seen.get(key) ?? [];
      const twin = alike.find((other) => sameTensors(op, other, graph));
      if (twin !== undefined) return twin.result;
      seen.set(key, [...alike, op]);
      return null;
    });
  },
});

/** Equal for ops that differ in nothing but, perhaps, the tensors they name. */
function keyOf(op: Op): string {
  const refs = new Set(tensorRefsOf(op).map(({ attribute }) => attribute));
  const values = new Map<string, unknown>(Object.entries(op.attrs));
  const attrs = [...values.keys()].sort().map((key) => {
    return refs.has(key) ? key : `${key}=${spell(values.get(key))}`;
  });
  return `${op.kind}(${op.inputs.join()}){${attrs.join(";")}}`;
}

/** Tells apart what JSON does not: infinities and the sign of zero. */
function spell(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spell).join()}]`;
  return Object.is(value, -0) ? "-0" : `${typeof value} ${String(value)}`;
}

function sameTensors(a: Op, b: Op, graph: Graph): boolean {
  return sameValues(tensorsOf(a, graph), tensorsOf(b, graph));
}

function tensorsOf(op: Op, graph: Graph): readonly Tensor[] {
  return tensorRefsOf(op).map(({ ref }) => graph.builder.tensorAt(ref));
}

function sameValues(a: readonly Tensor[], b: readonly Tensor[]): boolean {
  return a.every((value, i) => {
    const other = b[i];
    return other !== undefined && (value === other || sameTensor(value, other));
  });
}
