/**
 * Merges linear ops that follow one another: affine maps with affine maps and with the weights
 * before or behind them, linear layers with linear layers.
 *
 * Precondition: constants-to-affine and fold-batchnorm have run, or arithmetic with constants is
 * missed. Result: an affine map is left only behind or before what is not a synapse, where its
 * scale is not per channel, or with the shift of a border that padding made uneven. Linear layers
 * merge where the product has no more weights than its factors:
 *
 *     W₂·(W₁·x + b₁) + b₂ = (W₂·W₁)·x + (W₂·b₁ + b₂)
 *
 * (Jacob et al. 2018, section 3.2, for the scales; the rest is linear algebra.)
 */
import { isWeighted } from "../../ir/op/known.ts";
import type { Op, OpOf, ValueId } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { type Graph, rework, untilStable } from "../graph.ts";
import { definePass } from "../pass.ts";
import { intoConsumer, intoProducer } from "./absorb.ts";
import { addAffine, affineOf, composed, fits } from "./affine.ts";
import { areFinite, keep, mappedBias } from "./weights.ts";

const name = "merge-linear";

export const mergeLinear = definePass({
  name,
  role: "fuse",
  summary: "merge affine maps and linear layers into the weights around them",
  requires: [],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    untilStable(module, (current) =>
      rework(current, (op, graph) => {
        if (op.kind === "ann.affine") return mergeAffine(op, graph);
        if (op.kind === "ann.linear")
          return mergeLayers(op, graph) ?? intoConsumer(op, graph, name);
        return isWeighted(op) ? intoConsumer(op, graph, name) : null;
      }),
    ),
});

function mergeAffine(op: Op, graph: Graph): ValueId | null {
  const [x] = op.inputs;
  const own = affineOf(op, graph);
  if (x === undefined || own === null) return null;
  const before = graph.producer(x);
  const first = affineOf(before, graph);
  const [z] = before.inputs;
  if (first === null || z === undefined) return intoProducer(x, own, op, graph, name);
  const both = composed(first, own);
  return fits(both, op.type.dtype) ? addAffine(z, both, op, graph, name) : null;
}

function mergeLayers(op: OpOf<"ann.linear">, graph: Graph): ValueId | null {
  const [x] = op.inputs;
  if (x === undefined || graph.uses(x) !== 1) return null;
  const before = graph.producer(x);
  if (before.kind !== "ann.linear") return null;
  const outer = graph.builder.tensorAt(op.attrs.weight);
  const inner = graph.builder.tensorAt(before.attrs.weight);
  const [out = 0, middle = 0] = outer.shape;
  const into = inner.shape[1] ?? 0;
  if (out * into > outer.data.length + inner.data.length) return null;
  const product = new Float64Array(out * into);
  for (let o = 0; o < out; o++) {
    for (let m = 0; m < middle; m++) {
      const w = outer.data[o * middle + m] ?? 0;
      for (let i = 0; i < into; i++) {
        const at = o * into + i;
        product[at] = (product[at] ?? 0) + w * (inner.data[m * into + i] ?? 0);
      }
    }
  }
  const { bias } = before.attrs;
  const passed = bias === null ? null : Float64Array.from(graph.builder.tensorAt(bias).data);
  const attrs = {
    weight: keep(graph, op.attrs.weight, tensorOf(outer.dtype, [out, into], product)),
    bias:
      passed === null
        ? op.attrs.bias
        : mappedBias(op, graph, (own, o) =>
            passed.reduce((sum, b, m) => sum + b * (outer.data[o * middle + m] ?? 0), own),
          ),
  };
  if (!areFinite(attrs, graph)) return null;
  const loc = graph.loc(name, op, before);
  return graph.builder.add("ann.linear", before.inputs, attrs, loc, op.result);
}
