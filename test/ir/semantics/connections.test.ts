/** The cost of a spike: connections within bounds, counted by pushing ones through the op. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import type { OpAttrs, OpKind } from "../../../ir/op/op.ts";
import { outDegrees } from "../../../ir/semantics/connections.ts";
import { type Shape, elementCount, real } from "../../../ir/type.ts";
import { type Tensors, evaluateOp, f, loc, numbers } from "../one-op.ts";

function degrees<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  shape: Shape,
  tensors: Tensors = {},
): number[] | null {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", real("f32", shape), loc);
  const op = builder.opOf(builder.add(kind, [x], attrs, loc));
  const found = outDegrees(op, shape, (ref) => builder.tensorAt(ref));
  return found === null ? null : [...found];
}

/** With weights of 1, an element's fan-out is what it alone adds to all results. */
function pushed<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  shape: Shape,
  tensors: Tensors,
): number[] {
  return Array.from({ length: elementCount(shape) }, (_, one) => {
    const x = f(
      shape,
      Array.from({ length: elementCount(shape) }, (_unused, i) => (i === one ? 1 : 0)),
    );
    return numbers(evaluateOp(kind, attrs, [x], tensors)).reduce((a, b) => a + b, 0);
  });
}

function ones(shape: Shape): Tensors {
  return { w: f(shape, new Array<number>(elementCount(shape)).fill(1)) };
}

const window = { strides: [2, 1], padsBegin: [1, 0], padsEnd: [0, 2], dilations: [1, 2] };

describe("outDegrees", () => {
  it("counts a convolution's taps within bounds, per output channel of the group", () => {
    const attrs = { ...window, groups: 2, weight: "w", bias: null };
    const tensors = ones([6, 1, 3, 2]);
    const shape = [1, 2, 4, 3];
    expect(degrees("ann.conv", attrs, shape, tensors)).toEqual(
      pushed("ann.conv", attrs, shape, tensors),
    );
  });

  it("counts a transposed convolution's", () => {
    const attrs = { ...window, groups: 2, weight: "w", bias: null, outputPadding: [1, 0] };
    const tensors = ones([4, 3, 3, 2]);
    const shape = [1, 4, 3, 3];
    expect(degrees("ann.conv-transpose", attrs, shape, tensors)).toEqual(
      pushed("ann.conv-transpose", attrs, shape, tensors),
    );
  });

  it("is the number of outputs for a linear layer, whatever the weights are", () => {
    const zero = { w: f([3, 2], [0, 0, 0, 0, 0, 0]) };
    expect(degrees("ann.linear", { weight: "w", bias: null }, [1, 2], zero)).toEqual([3, 3]);
  });

  it("is the number of windows around an element for an average-pool", () => {
    const attrs = {
      strides: [1],
      padsBegin: [1],
      padsEnd: [0],
      dilations: [1],
      kernel: [2],
      ceilMode: false,
      countIncludePad: true,
    };
    expect(degrees("ann.average-pool", attrs, [1, 2, 3])).toEqual([2, 2, 1, 2, 2, 1]);
  });

  it("counts no others", () => {
    expect(degrees("ann.relu", {}, [1, 2])).toBeNull();
  });
});
