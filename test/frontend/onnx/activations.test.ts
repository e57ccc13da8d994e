/** Operators of activations: what each becomes, and the defaults of its attributes. */
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../ir/op/op.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import type { PlainActivation } from "../../ir/op/activations.ts";
import { type Attribute, model, node, value } from "../build-model.ts";
import { moduleOf, outputsOf } from "../run.ts";

/** Kinds of activations that ONNX has no operator of. */
type Foreign = "ann.fake-quantize" | "ann.soft-lif";

/**
 * What each operator of an activation becomes where no attribute is given, with the defaults of ONNX's
 * documentation. An activation that is missing here does not compile.
 */
const defaults: {
  readonly [K in Exclude<PlainActivation, Foreign>]: readonly [op: string, attrs: OpAttrs[K]];
} = {
  "ann.clip": ["Clip", { min: -Infinity, max: Infinity }],
  "ann.leaky-relu": ["LeakyRelu", { alpha: Math.fround(0.01) }],
  "ann.elu": ["Elu", { alpha: 1 }],
  "ann.celu": ["Celu", { alpha: 1 }],
  "ann.selu": ["Selu", { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 }],
  "ann.hard-sigmoid": ["HardSigmoid", { alpha: Math.fround(0.2), beta: 0.5 }],
  "ann.thresholded-relu": ["ThresholdedRelu", { alpha: 1 }],
  "ann.shrink": ["Shrink", { bias: 0, lambda: 0.5 }],
  "ann.swish": ["Swish", { alpha: 1 }],
  "ann.gelu": ["Gelu", { approximate: "none" }],
  "ann.is-inf": ["IsInf", { negative: true, positive: true }],
};

function build(op: string, attributes: Readonly<Record<string, Attribute>> = {}): Uint8Array {
  return model({
    opset: 24,
    inputs: [value("x", [4])],
    outputs: [value("y", null)],
    nodes: [node(op, ["x"], ["y"], attributes)],
  });
}

describe("an activation", () => {
  it.each(Object.entries(defaults))("%s is one op, with defaults", (kind, [op, attrs]) => {
    const { ops } = moduleOf(build(op));
    expect(ops.slice(1).map((each) => [each.kind, each.attrs])).toEqual([[kind, attrs]]);
  });

  it("takes the attributes that are given", () => {
    const module = moduleOf(build("Swish", { alpha: { float: 1.702 } }), { batch: null });
    const [y] = outputsOf(module, [tensorOf("f32", [4], [-2, -0.5, 0.5, 2])]);
    // By ONNX's reference evaluator.
    [-0.0643414, -0.1496116, 0.3503884, 1.9356586].forEach((wanted, i) => {
      expect(y?.data[i]).toBeCloseTo(wanted, 6);
    });
  });
});
