/**
 * Forms of operators where versions differ or attributes interact, each with numbers worked out by
 * hand. The ONNX backend tests (`npm run conformance`) cover the rest.
 */
import type { onnx } from "onnx-proto";
import { describe, expect, it } from "vitest";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { onnxOperators } from "../../../frontend/onnx/operators.ts";
import { type Attribute, floats, ints, model, node, value } from "../build-model.ts";
import { importBytes, moduleOf, outputsOf } from "../run.ts";

interface One {
  readonly op: string;
  readonly opset?: number;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Shape of the input x, whose elements are 1, 2, 3 … unless given. */
  readonly shape: readonly number[];
  readonly x?: readonly number[];
  readonly others?: readonly onnx.ITensorProto[];
  readonly outputs?: number;
  /** Names of all inputs, where they are not x and then the others. */
  readonly inputs?: readonly string[];
}

function build(one: One): Uint8Array {
  const others = one.others ?? [];
  const outputs = Array.from({ length: one.outputs ?? 1 }, (_, i) => `y${i}`);
  const inputs = one.inputs ?? ["x", ...others.map(({ name }) => name ?? "")];
  return model({
    opset: one.opset ?? 17,
    inputs: [value("x", one.shape)],
    outputs: outputs.map((name) => value(name, null)),
    nodes: [node(one.op, inputs, outputs, one.attributes ?? {}, { name: "n" })],
    initializers: others,
  });
}

function counting(shape: readonly number[]): number[] {
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + 1);
}

function run(one: One): readonly Tensor[] {
  const module = moduleOf(build(one), { batch: null });
  return outputsOf(module, [tensorOf("f32", one.shape, one.x ?? counting(one.shape))]);
}

/** The first output: its shape and its elements, rounded to 5 digits. */
function result(one: One): [readonly number[], number[]] {
  const [y] = run(one);
  return [y?.shape ?? [], [...(y?.data ?? [])].map((v) => Math.round(v * 1e5) / 1e5)];
}

const kinds = (one: One): string[] => moduleOf(build(one)).ops.map(({ kind }) => kind);

describe("the table", () => {
  it("has each operator once, with ascending versions", () => {
    const names = onnxOperators.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(names.toSorted());
    for (const { name, since } of onnxOperators) {
      expect([name, since]).toEqual([name, since.toSorted((a, b) => a - b)]);
    }
  });
});

describe("windows", () => {
  const w = floats("w", [1, 1, 2], [1, 10]);
  it.each<[string, Readonly<Record<string, Attribute>>, number[]]>([
    ["without padding", {}, [21, 32, 43]],
    ["SAME_UPPER pads the end first", { auto_pad: "SAME_UPPER" }, [21, 32, 43, 4]],
    ["SAME_LOWER pads the begin first", { auto_pad: "SAME_LOWER" }, [10, 21, 32, 43]],
    ["SAME_UPPER at a stride", { auto_pad: "SAME_UPPER", strides: [3] }, [21, 4]],
    ["VALID pads nothing", { auto_pad: "VALID", strides: [2] }, [21, 43]],
    ["pads may differ at the ends", { pads: [2, 0] }, [0, 10, 21, 32, 43]],
    ["dilations spread the kernel", { dilations: [2] }, [31, 42]],
  ])("of Conv: %s", (_name, attributes, y) => {
    expect(result({ op: "Conv", attributes, shape: [1, 1, 4], others: [w] })[1]).toEqual(y);
  });

  it("of Conv must be those of the weight", () => {
    const attributes = { kernel_shape: [3] };
    const bytes = build({ op: "Conv", attributes, shape: [1, 1, 4], others: [w] });
    expect(importBytes(bytes).diagnostics[0]?.message).toBe(
      "Conv breaks its operator's rules: " +
        "kernel_shape is [3] for 1 spatial axes and a weight of extents [2]",
    );
  });

  it("of a pool in ceil mode may end beyond the input", () => {
    const attributes = { kernel_shape: [2], strides: [2], ceil_mode: 1 };
    expect(result({ op: "MaxPool", attributes, shape: [1, 1, 5] })[1]).toEqual([2, 4, 5]);
    expect(result({ op: "AveragePool", attributes, shape: [1, 1, 5] })[1]).toEqual([1.5, 3.5, 5]);
  });

  it("count padding or not", () => {
    const pool = { kernel_shape: [2], pads: [1, 0] };
    const at = (count: number): number[] =>
      result({
        op: "AveragePool",
        attributes: { ...pool, count_include_pad: count },
        shape: [1, 1, 2],
      })[1];
    expect(at(0)).toEqual([1, 1.5]);
    expect(at(1)).toEqual([0.5, 1.5]);
  });

  it("of MaxPool refuse indices only where they are used", () => {
    const one: One = { op: "MaxPool", attributes: { kernel_shape: [2] }, shape: [1, 1, 4] };
    expect(importBytes(build({ ...one, outputs: 2 })).unsupported[0]?.help).toBe(
      "MaxPool in this form is not supported: its second output, Indices, is used; " +
        "pool without return_indices",
    );
  });
});

describe("ConvTranspose", () => {
  const w = floats("w", [1, 1, 2], [1, 10]);
  const at = (attributes: Readonly<Record<string, Attribute>>): number[] =>
    result({ op: "ConvTranspose", attributes, shape: [1, 1, 2], others: [w] })[1];
  it("spreads each element over the kernel", () => {
    expect(at({})).toEqual([1, 12, 20]);
    expect(at({ strides: [3] })).toEqual([1, 10, 0, 2, 20]);
  });
  it("crops by pads and grows by output_padding", () => {
    expect(at({ strides: [3], pads: [1, 0] })).toEqual([10, 0, 2, 20]);
    expect(at({ strides: [3], output_padding: [1] })).toEqual([1, 10, 0, 2, 20, 0]);
  });
  it("pads so that output_shape comes out, and grows where that is not enough", () => {
    expect(at({ strides: [3], output_shape: [3] })).toEqual([10, 0, 2]);
    expect(at({ strides: [3], output_shape: [4], auto_pad: "SAME_UPPER" })).toEqual([1, 10, 0, 2]);
    expect(at({ strides: [3], output_shape: [7] })).toEqual([1, 10, 0, 2, 20, 0, 0]);
  });
});

describe("Gemm", () => {
  const b = floats("b", [2, 3], [1, 0, 1, 0, 1, 1]);
  it("with constants is a linear op, factors folded in", () => {
    const one: One = {
      op: "Gemm",
      attributes: { alpha: { float: 2 }, beta: { float: 3 } },
      shape: [1, 2],
      others: [b, floats("c", [3], [1, 2, 3])],
    };
    expect(kinds(one)).toEqual(["ann.input", "ann.linear"]);
    expect(result(one)).toEqual([
      [1, 3],
      [5, 10, 15],
    ]);
  });
  it("takes a C of one column as a value", () => {
    const one: One = { op: "Gemm", shape: [2, 2], others: [b, floats("c", [2, 1], [10, 20])] };
    expect(result(one)[1]).toEqual([11, 12, 13, 23, 24, 27]);
  });
  it("transposes either side", () => {
    const others = [floats("b", [3, 2], [1, 0, 0, 1, 1, 1])];
    const attributes = { transA: 1, transB: 1 };
    expect(result({ op: "Gemm", attributes, shape: [2, 1], others })[1]).toEqual([1, 2, 3]);
  });
  it("of two values is a product and a sum", () => {
    const one: One = { op: "Gemm", shape: [2, 2], inputs: ["x", "x", "x"] };
    expect(result(one)[1]).toEqual([8, 12, 18, 26]);
  });
});

describe("BatchNormalization", () => {
  const parameters = (dims: number[], values: number[][]): onnx.ITensorProto[] =>
    ["s", "b", "m", "v"].map((name, i) => floats(name, dims, values[i]));
  const values = [
    [2, 3],
    [1, 0],
    [1, 2],
    [4, 9],
  ];
  it("uses the stored statistics", () => {
    const others = parameters([2], values);
    const attributes = { epsilon: { float: 0 } };
    const one: One = { op: "BatchNormalization", attributes, shape: [1, 2, 2], others };
    expect(result(one)[1]).toEqual([1, 2, 1, 2]);
  });
  it("of each element (spatial = 0, before opset 9) is an affine op", () => {
    const others = parameters([2, 1], values);
    const one: One = {
      op: "BatchNormalization",
      opset: 7,
      attributes: { spatial: 0, epsilon: { float: 0 } },
      shape: [1, 2, 1],
      x: [3, 5],
      others,
    };
    expect(kinds(one)).toEqual(["ann.input", "ann.affine"]);
    expect(result(one)[1]).toEqual([3, 3]);
  });
  it("is refused in training mode", () => {
    const others = parameters([2], values);
    const attributes = { training_mode: 1 };
    const bytes = build({ op: "BatchNormalization", attributes, shape: [1, 2, 2], others });
    expect(importBytes(bytes).diagnostics[0]).toMatchObject({
      code: "unsupported-form",
      help: "export in inference mode: model.eval() before torch.onnx.export",
    });
  });
});

describe("operators that changed with the opset", () => {
  it("Softmax takes all axes from its own on as one before 13, and one axis since", () => {
    const x = [0, 0, 0, 0];
    const before: One = { op: "Softmax", opset: 11, shape: [1, 2, 2], x };
    expect(result(before)[1]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(result({ ...before, opset: 13 })[1]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });
  it("Add aligns its right operand at an axis before 7", () => {
    const others = [floats("b", [2], [10, 20])];
    const attributes = { broadcast: 1, axis: 1 };
    const one: One = { op: "Add", opset: 6, attributes, shape: [1, 2, 2], others };
    expect(result(one)[1]).toEqual([11, 12, 23, 24]);
  });
  it("Clip has its bounds as attributes before 11, as inputs since", () => {
    const attributes = { min: { float: 2 }, max: { float: 3 } };
    expect(result({ op: "Clip", opset: 6, attributes, shape: [4] })[1]).toEqual([2, 2, 3, 3]);
    const others = [floats("hi", [], [3])];
    const one: One = { op: "Clip", shape: [4], others, inputs: ["x", "", "hi"] };
    expect(result(one)[1]).toEqual([1, 2, 3, 3]);
  });
  it("PRelu has a slope per channel before 7", () => {
    const others = [floats("s", [2], [10, 100])];
    const one: One = { op: "PRelu", opset: 6, shape: [1, 2, 2], x: [-1, 1, -1, 1], others };
    expect(result(one)[1]).toEqual([-10, 1, -100, 1]);
  });
  it("Upsample and the first Resize round down; later ones are centred", () => {
    const twice = [floats("scales", [3], [1, 1, 2])];
    const doubled: One = { op: "Upsample", opset: 9, shape: [1, 1, 3], others: twice };
    expect(result(doubled)[1]).toEqual([1, 1, 2, 2, 3, 3]);
    const scales = [floats("scales", [3], [1, 1, 0.75])];
    const old: One = { op: "Resize", opset: 10, shape: [1, 1, 4], others: scales };
    expect(result(old)[1]).toEqual([1, 2, 3]);
    const now: One = { ...old, opset: 13, inputs: ["x", "", "scales"] };
    expect(result(now)[1]).toEqual([1, 2, 4]);
  });
  it("GroupNormalization has a scale per group at 18, per channel since 21", () => {
    const x = [0, 2, 0, 2];
    const attributes = { num_groups: 1, epsilon: { float: 0 } };
    const group = [floats("s", [1], [1]), floats("b", [1], [5])];
    const one: One = { op: "GroupNormalization", opset: 18, attributes, shape: [1, 2, 2], x };
    expect(result({ ...one, others: group })[1]).toEqual([4, 6, 4, 6]);
    const two = { ...attributes, num_groups: 2 };
    const groups = [floats("s", [2], [1, 2]), floats("b", [2], [5, 0])];
    expect(
      result({ ...one, attributes: two, shape: [1, 4, 2], x: [...x, ...x], others: groups })[1],
    ).toEqual([4, 6, 4, 6, -2, 2, -2, 2]);
    const channel = [floats("s", [2], [1, 2]), floats("b", [2], [5, 0])];
    expect(result({ ...one, opset: 21, others: channel })[1]).toEqual([4, 6, -2, 2]);
  });
});

describe("shapes", () => {
  it.each<[string, number[], Readonly<Record<string, Attribute>>, number[]]>([
    ["-1 is what is left", [2, -1], {}, [2, 6]],
    ["0 keeps an extent", [0, 6], {}, [2, 6]],
    ["0 and -1 together", [0, 0, -1], {}, [2, 3, 2]],
  ])("Reshape: %s", (_name, target, attributes, shape) => {
    const others = [ints("t", target)];
    expect(result({ op: "Reshape", attributes, shape: [2, 3, 2], others })[0]).toEqual(shape);
  });

  const sentinel = 2 ** 62;
  it.each<[string, number[], number[], number[], number[]]>([
    ["from the end", [-3], [-1], [1], [3, 4]],
    ["to the end by a sentinel", [2], [sentinel], [1], [3, 4, 5]],
    ["clamped", [-100], [100], [2], [1, 3, 5]],
    ["backwards", [-1], [-100], [-2], [5, 3, 1]],
    ["backwards from a sentinel", [sentinel], [0], [-1], [5, 4, 3, 2]],
    ["empty", [3], [3], [1], []],
  ])("Slice: %s", (_name, starts, ends, steps, y) => {
    const others = [ints("s", starts), ints("e", ends), ints("a", [0]), ints("t", steps)];
    expect(result({ op: "Slice", shape: [5], others })[1]).toEqual(y);
  });

  it("Split gives what is left to its last part since 18", () => {
    const one: One = { op: "Split", opset: 18, attributes: { num_outputs: 2 }, shape: [5] };
    expect(run({ ...one, outputs: 2 }).map(({ data }) => [...data])).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it("Pad crops by negative pads, on the axes named", () => {
    const others = [ints("p", [-1, 2]), floats("v", [], [9]), ints("a", [-1])];
    expect(result({ op: "Pad", opset: 18, shape: [1, 3], others })).toEqual([
      [1, 4],
      [2, 3, 9, 9],
    ]);
  });

  it("Shape takes part of the axes since 15", () => {
    const [y] = run({ op: "Shape", attributes: { start: 1, end: -1 }, shape: [2, 3, 4] });
    expect(y).toMatchObject({ dtype: "i64", shape: [1] });
    expect([...(y?.data ?? [])]).toEqual([3]);
  });

  it("DepthToSpace in both orders", () => {
    const at = (mode: string): number[] =>
      result({ op: "DepthToSpace", attributes: { blocksize: 2, mode }, shape: [1, 4, 1, 1] })[1];
    expect(at("DCR")).toEqual([1, 2, 3, 4]);
    const wide = (mode: string): number[] =>
      result({ op: "DepthToSpace", attributes: { blocksize: 2, mode }, shape: [1, 8, 1, 1] })[1];
    expect(wide("DCR")).toEqual([1, 3, 5, 7, 2, 4, 6, 8]);
    expect(wide("CRD")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("Resize", () => {
  it("keeps the aspect ratio by the smaller or larger scale", () => {
    const others = [ints("sizes", [4, 8])];
    const at = (policy: string): readonly number[] =>
      result({
        op: "Resize",
        opset: 18,
        attributes: { axes: [2, 3], keep_aspect_ratio_policy: policy },
        shape: [1, 1, 2, 2],
        others,
        inputs: ["x", "", "", "sizes"],
      })[0];
    expect(at("stretch")).toEqual([1, 1, 4, 8]);
    expect(at("not_larger")).toEqual([1, 1, 4, 4]);
    expect(at("not_smaller")).toEqual([1, 1, 8, 8]);
  });
});

describe("reductions", () => {
  const one: One = { op: "ReduceSum", shape: [2, 2] };
  it("take axes as an input or an attribute, all by default", () => {
    expect(result({ ...one, others: [ints("a", [-1])] })[1]).toEqual([3, 7]);
    expect(result({ ...one, opset: 11, attributes: { axes: [0], keepdims: 0 } })).toEqual([
      [2],
      [4, 6],
    ]);
    expect(result(one)).toEqual([[1, 1], [10]]);
    expect(result({ ...one, attributes: { noop_with_empty_axes: 1 } })[1]).toEqual([1, 2, 3, 4]);
  });
});

describe("QuantizeLinear", () => {
  it("to 4 bits saturates there", () => {
    const zero = { name: "z", dims: [], dataType: 22, int32Data: [1] };
    const others = [floats("s", [], [1]), zero];
    const [y] = run({ op: "QuantizeLinear", opset: 21, shape: [3], x: [100, 2.5, -100], others });
    expect(y?.dtype).toBe("i8");
    expect([...(y?.data ?? [])]).toEqual([7, 3, -8]);
  });
});

describe("Dropout", () => {
  it("does nothing, and its mask is true everywhere", () => {
    const [y, mask] = run({ op: "Dropout", shape: [1, 2], outputs: 2 });
    expect([...(y?.data ?? [])]).toEqual([1, 2]);
    expect(mask).toMatchObject({ dtype: "bool", shape: [1, 2] });
    expect([...(mask?.data ?? [])]).toEqual([1, 1]);
  });
});

describe("recurrence", () => {
  it("is unrolled over a static number of steps", () => {
    // h[t] = relu(x[t] + 2 h[t−1] + 1), from 0: of 1, 2, 3 it makes 2, 7, 18.
    const others = [floats("w", [1, 1, 1], [1]), floats("r", [1, 1, 1], [2])];
    const withBias = [...others, floats("b", [1, 2], [0.25, 0.75])];
    const one: One = { op: "RNN", shape: [3, 1, 1], others: withBias, outputs: 2 };
    const activations = { strings: ["Relu"] };
    const [y, last] = run({ ...one, attributes: { activations } });
    expect(y?.shape).toEqual([3, 1, 1, 1]);
    expect([...(y?.data ?? [])]).toEqual([2, 7, 18]);
    expect([...(last?.data ?? [])]).toEqual([18]);
  });

  it("backwards keeps the order of time in its output", () => {
    const others = [floats("w", [1, 1, 1], [1]), floats("r", [1, 1, 1], [2])];
    const attributes = { direction: "reverse", activations: { strings: ["Relu"] } };
    const [y] = run({ op: "RNN", shape: [3, 1, 1], others, attributes });
    expect([...(y?.data ?? [])]).toEqual([17, 8, 3]);
  });

  it("of two Loop rounds is two bodies", () => {
    const body = {
      graph: {
        name: "body",
        input: [value("i", [], "int64"), value("c", [], "bool"), value("a", [2])],
        output: [value("c2", []), value("b", [2]), value("s", [2])],
        node: [
          node("Identity", ["c"], ["c2"]),
          node("Add", ["a", "a"], ["b"]),
          node("Identity", ["b"], ["s"]),
        ],
      },
    };
    const one: One = {
      op: "Loop",
      shape: [2],
      attributes: { body },
      others: [ints("m", [2], [])],
      inputs: ["m", "", "x"],
      outputs: 2,
    };
    const [last, all] = run(one);
    expect([...(last?.data ?? [])]).toEqual([4, 8]);
    expect(all?.shape).toEqual([2, 2]);
    expect([...(all?.data ?? [])]).toEqual([2, 4, 4, 8]);
  });

  it("that would not end is refused", () => {
    const body = {
      graph: {
        name: "body",
        input: [value("i", [], "int64"), value("c", [], "bool")],
        output: [value("c2", [])],
        node: [node("Identity", ["c"], ["c2"])],
      },
    };
    const one: One = { op: "Loop", shape: [2], attributes: { body }, inputs: ["", ""] };
    expect(importBytes(build({ ...one, outputs: 1 })).module).toBeNull();
  });
});

describe("sequences", () => {
  it("of known length exist at import only", () => {
    const bytes = model({
      inputs: [value("x", [2, 4])],
      outputs: [value("y", null), value("n", null)],
      nodes: [
        node("SplitToSequence", ["x", "size"], ["s"], { axis: 1 }),
        node("SequenceErase", ["s", "first"], ["t"]),
        node("SequenceInsert", ["t", "x", "first"], ["u1"]),
        node("SequenceInsert", ["u1", "z", "last"], ["u"]),
        node("ConcatFromSequence", ["u"], ["y"], { axis: 1 }),
        node("SequenceLength", ["u"], ["n"]),
      ],
      initializers: [
        ints("size", [2], []),
        ints("first", [0], []),
        ints("last", [-1], []),
        floats("z", [2, 1], [0, 0]),
      ],
    });
    const module = moduleOf(bytes, { batch: null });
    const [y, n] = outputsOf(module, [tensorOf("f32", [2, 4], counting([2, 4]))]);
    expect([...(y?.data ?? [])]).toEqual([1, 2, 3, 4, 0, 3, 4, 5, 6, 7, 8, 0, 7, 8]);
    expect([...(n?.data ?? [])]).toEqual([3]);
  });
});

describe("SoftLif of domain snnc", () => {
  const withDomain = (op: string, domains: Readonly<Record<string, number>>): Uint8Array =>
    model({
      domains,
      inputs: [value("x", [1, 2])],
      outputs: [value("y", [1, 2])],
      nodes: [node(op, ["x"], ["y"], { tau_ref: { float: 0.004 } }, { name: "n", domain: "snnc" })],
    });

  it("has the constants of its attributes, or the usual ones", () => {
    const op = moduleOf(withDomain("SoftLif", { snnc: 1 })).ops[1];
    expect(op?.kind).toBe("ann.soft-lif");
    expect(op?.attrs).toEqual({
      tauRc: Math.fround(0.02),
      sigma: Math.fround(0.02),
      amplitude: Math.fround(0.01),
      tauRef: Math.fround(0.004),
    });
  });

  it("needs its domain, and has no neighbours", () => {
    expect(importBytes(withDomain("SoftLif", {})).diagnostics[0]?.message).toBe(
      "the model imports no opset of domain snnc, so the meaning of its operators is unknown",
    );
    expect(importBytes(withDomain("Relu", { snnc: 1 })).unsupported[0]?.help).toBe(
      "the operators of domain snnc are SoftLif",
    );
  });
});
