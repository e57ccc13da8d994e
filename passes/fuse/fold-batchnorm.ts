/**
 * Folds batch normalisation into the convolution or linear layer before it; where it stands alone,
 * it becomes an affine map, which merge-linear takes into the weights behind it.
 *
 * Precondition: none. Result: no `ann.batchnorm` is left. Also folds through a reshape between the
 * two, as exporters put around one-dimensional normalisation, and through pools where that is exact.
 *
 *     s = scale / √(variance + epsilon),   BN(x) = s·x + (bias − s·mean)
 *     W' = s·W,  b' = s·(b − mean) + bias
 *
 * (Ioffe & Szegedy 2015; Rueckauer et al. 2017, equation 7.)
 */
import type { OpOf } from "../../ir/op/op.ts";
import { fail } from "../../ir/diagnostic.ts";
import { tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { type Graph, rework } from "../graph.ts";
import { definePass } from "../pass.ts";
import { intoProducer } from "./absorb.ts";
import { type Affine, addAffine, fits } from "./affine.ts";

const name = "fold-batchnorm";

export const foldBatchnorm = definePass({
  name,
  role: "fuse",
  summary: "fold batch normalisation into weights, or make it an affine map",
  requires: [],
  establishes: ["batchnorm-free"],
  breaks: [],
  preservesOutputs: true,
  options: {},
  run: (module) =>
    rework(module, (op, graph) => {
      if (op.kind !== "ann.batchnorm") return null;
      const [x] = op.inputs;
      if (x === undefined) return null;
      const affine = asAffine(op, graph);
      if (!fits(affine, op.type.dtype)) fail(diagnose("batchnorm-not-finite", op.loc, {}));
      return intoProducer(x, affine, op, graph, name) ?? addAffine(x, affine, op, graph, name);
    }),
});

/** The normalisation as one scale and one shift per channel, along axis 1. */
function asAffine({ attrs, type }: OpOf<"ann.batchnorm">, graph: Graph): Affine {
  const { data: gain } = graph.builder.tensorAt(attrs.scale);
  const { data: bias } = graph.builder.tensorAt(attrs.bias);
  const { data: mean } = graph.builder.tensorAt(attrs.mean);
  const { data: variance } = graph.builder.tensorAt(attrs.variance);
  const scale = Float64Array.from(
    gain,
    (g, c) => g / Math.sqrt((variance[c] ?? 0) + attrs.epsilon),
  );
  const shift = scale.map((s, c) => (bias[c] ?? 0) - s * (mean[c] ?? 0));
  // Trailing axes of one element put the channels at axis 1.
  const shape = [gain.length, ...type.shape.slice(2).map(() => 1)];
  return { scale: tensor("f64", shape, scale), shift: tensor("f64", shape, shift) };
}
