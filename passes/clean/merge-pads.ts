/**
 * Moves zero padding of a value into the convolution or average pool that reads it.
 *
 * Precondition: none. Result: such ops pad for themselves, which they do without a copy. Exact:
 * zeros contribute nothing to a convolution, and count as elements of a mean
 * (countIncludePad); where a mean is padded both ways and counts one kind only, it stays.
 */
import {
  type Op,
  type OpOf,
  type PoolAttrs,
  type ValueId,
  type WindowAttrs,
  isOp,
} from "../../ir/op/op.ts";
import { type Graph, rework, untilStable } from "../graph.ts";
import { definePass } from "../pass.ts";

const name = "merge-pads";

export const mergePads = definePass({
  name,
  role: "clean",
  summary: "let convolutions and average pools do the zero padding before them",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    // Again for pads of pads.
    untilStable(module, (current) => rework(current, (op, graph) => merge(op, graph))),
});

function merge(op: Op, graph: Graph): ValueId | null {
  if (!isOp(op, "ann.conv", "ann.average-pool")) return null;
  const [operand] = op.inputs;
  const pad = operand === undefined ? null : graph.producer(operand);
  const [x] = pad?.inputs ?? [];
  if (pad?.kind !== "ann.pad" || x === undefined || !padsZeros(pad)) return null;
  if (op.kind === "ann.average-pool") return pool(op, pad, x, graph);
  const attrs = { ...op.attrs, ...widened(op.attrs, pad) };
  return graph.builder.add("ann.conv", [x], attrs, graph.loc(name, op, pad), op.result);
}

/** True for padding with zeros, of spatial axes only, that crops nothing. */
function padsZeros({ attrs }: OpOf<"ann.pad">): boolean {
  const fits = (pads: readonly number[]): boolean =>
    pads.every((n, axis) => n >= 0 && (axis >= 2 || n === 0));
  return attrs.mode === "constant" && attrs.value === 0 && fits(attrs.begin) && fits(attrs.end);
}

function widened(attrs: WindowAttrs, { attrs: pad }: OpOf<"ann.pad">) {
  return {
    padsBegin: attrs.padsBegin.map((n, axis) => n + (pad.begin[axis + 2] ?? 0)),
    padsEnd: attrs.padsEnd.map((n, axis) => n + (pad.end[axis + 2] ?? 0)),
  };
}

function pool(
  op: OpOf<"ann.average-pool">,
  pad: OpOf<"ann.pad">,
  x: ValueId,
  graph: Graph,
): ValueId | null {
  const { attrs } = op;
  // Windows that hang over the end are cut off differently once the end is padding.
  if (attrs.ceilMode || !(attrs.countIncludePad || isUnpadded(attrs))) return null;
  const merged = { ...attrs, ...widened(attrs, pad), countIncludePad: true };
  const added = graph.builder.tryAdd(op.kind, [x], merged, graph.loc(name, op, pad), op.result);
  return added.ok ? added.value : null;
}

function isUnpadded({ padsBegin, padsEnd }: PoolAttrs): boolean {
  return [...padsBegin, ...padsEnd].every((n) => n === 0);
}
