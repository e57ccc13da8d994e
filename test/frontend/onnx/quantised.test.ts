/**
 * Quantised operators of other domains: what QONNX's quantisers and those of ONNX Runtime compute, by
 * hand and by their definitions, and one network in two formats.
 */
import { describe, expect, it } from "vitest";
import { interpret } from "../../../ir/interpret.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { type Attribute, floats, model, node, pseudoRandom, value } from "../build-model.ts";
import { qdqModel, qonnxModel, qoperatorModel } from "../quantised-models.ts";
import { importBytes, moduleOf, outputsOf } from "../run.ts";

const qonnx = "qonnx.custom_op.general";

interface Quantiser {
  readonly op?: string;
  readonly domain?: string;
  /** Inputs behind x. */
  readonly others: readonly (readonly number[])[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A quantiser of QONNX on a vector. */
function quantised(
  x: readonly number[],
  { op = "Quant", domain = qonnx, ...rest }: Quantiser,
): number[] {
  const names = rest.others.map((_, i) => `p${i}`);
  const bytes = model({
    domains: { [domain]: 1 },
    inputs: [value("x", [1, x.length])],
    outputs: [value("y", [1, x.length])],
    nodes: [node(op, ["x", ...names], ["y"], rest.attributes ?? {}, { domain })],
    initializers: rest.others.map((held, i) =>
      floats(`p${i}`, held.length === 1 ? [] : [held.length], held),
    ),
  });
  const [y] = outputsOf(moduleOf(bytes, { batch: null }), [tensorOf("f32", [1, x.length], x)]);
  return Array.from(y?.data ?? [], (each) => each + 0);
}

describe("Quant of QONNX", () => {
  it("holds signed, narrow and unsigned numbers of so many bits", () => {
    const x = [100, -100, 0.7];
    const bits4 = [[0.5], [0], [4]];
    expect(quantised(x, { others: bits4 })).toEqual([3.5, -4, 0.5]);
    expect(quantised(x, { others: bits4, attributes: { narrow: 1 } })).toEqual([3.5, -3.5, 0.5]);
    expect(quantised(x, { others: bits4, attributes: { signed: 0 } })).toEqual([7.5, 0, 0.5]);
    const both = { signed: 0, narrow: 1 };
    expect(quantised(x, { others: bits4, attributes: both })).toEqual([7, 0, 0.5]);
  });

  it("has a scale for each channel, and a zero point", () => {
    expect(quantised([9, 9], { others: [[0.5, 2], [0], [3]] })).toEqual([1.5, 6]);
    // (clip(round(x / 0.5 + 2), −4 … 3) − 2) · 0.5
    expect(quantised([9, -9, 0.3], { others: [[0.5], [2], [3]] })).toEqual([0.5, -3, 0.5]);
  });

  // The table of the definition (qonnx, docs/qonnx-custom-ops/intquant_v1.md).
  const numbers = [5.5, 2.5, 1.6, 1.1, 1, -1, -1.1, -1.6, -2.5, -5.5];
  it.each([
    ["ROUND", [6, 2, 2, 1, 1, -1, -1, -2, -2, -6]],
    ["CEIL", [6, 3, 2, 2, 1, -1, -1, -1, -2, -5]],
    ["FLOOR", [5, 2, 1, 1, 1, -1, -2, -2, -3, -6]],
    ["UP", [6, 3, 2, 2, 1, -1, -2, -2, -3, -6]],
    ["DOWN", [5, 2, 1, 1, 1, -1, -1, -1, -2, -5]],
    ["HALF_UP", [6, 3, 2, 1, 1, -1, -1, -2, -3, -6]],
    ["half_down", [5, 2, 2, 1, 1, -1, -1, -2, -2, -5]],
  ])("rounds by %s", (mode, expected) => {
    const attributes = { rounding_mode: mode };
    expect(quantised(numbers, { others: [[1], [0], [8]], attributes })).toEqual(expected);
  });

  it("refuses other modes and broken bits", () => {
    const refusalOf = (bits: number, mode: string): string | undefined =>
      importBytes(
        model({
          domains: { [qonnx]: 1 },
          inputs: [value("x", [1, 2])],
          outputs: [value("y", [1, 2])],
          nodes: [
            node("Quant", ["x", "s", "z", "b"], ["y"], { rounding_mode: mode }, { domain: qonnx }),
          ],
          initializers: [floats("s", [], [1]), floats("z", [], [0]), floats("b", [], [bits])],
        }),
      ).diagnostics[0]?.message;
    expect(refusalOf(4, "STOCHASTIC")).toMatch('its rounding_mode is "STOCHASTIC"');
    expect(refusalOf(2.5, "ROUND")).toMatch("its bit width is 2.5");
  });

  it("of one bit, and BipolarQuant, give the sign", () => {
    const x = [0.1, 0, -3];
    expect(quantised(x, { others: [[0.5], [0], [1]] })).toEqual([0.5, 0.5, -0.5]);
    expect(quantised(x, { op: "BipolarQuant", others: [[2]] })).toEqual([2, 2, -2]);
    expect(quantised(x, { op: "BipolarQuant", domain: "onnx.brevitas", others: [[2]] })).toEqual([
      2, 2, -2,
    ]);
  });
});

describe("operators of QONNX with their channels last", () => {
  const domain = "qonnx.custom_op.channels_last";
  const last = (imports: Readonly<Record<string, number>>) =>
    model({
      domains: imports,
      inputs: [value("x", [1, 3, 3, 2])],
      outputs: [value("y", [1, 1, 1, 3])],
      nodes: [
        node("BatchNormalization", ["x", "s", "b", "m", "v"], ["n"], {}, { domain }),
        node("Conv", ["n", "w", "c"], ["a"], { kernel_shape: [2, 2] }, { domain }),
        node("MaxPool", ["a"], ["y"], { kernel_shape: [2, 2] }, { domain }),
      ],
      initializers: [
        floats("s", [2], [2, 1]),
        floats("b", [2], [0, 1]),
        floats("m", [2], [1, 0]),
        floats("v", [2], [1, 1]),
        floats("w", [3, 2, 2, 2], pseudoRandom(24, "w")),
        floats("c", [3], [1, 0, -1]),
      ],
    });
  const first = model({
    inputs: [value("x", [1, 3, 3, 2])],
    outputs: [value("y", [1, 1, 1, 3])],
    nodes: [
      node("Transpose", ["x"], ["t"], { perm: [0, 3, 1, 2] }),
      node("Transpose", ["w"], ["u"], { perm: [0, 3, 1, 2] }),
      node("BatchNormalization", ["t", "s", "b", "m", "v"], ["n"]),
      node("Conv", ["n", "u", "c"], ["a"], { kernel_shape: [2, 2] }),
      node("MaxPool", ["a"], ["p"], { kernel_shape: [2, 2] }),
      node("Transpose", ["p"], ["y"], { perm: [0, 2, 3, 1] }),
    ],
    initializers: [
      floats("s", [2], [2, 1]),
      floats("b", [2], [0, 1]),
      floats("m", [2], [1, 0]),
      floats("v", [2], [1, 1]),
      floats("w", [3, 2, 2, 2], pseudoRandom(24, "w")),
      floats("c", [3], [1, 0, -1]),
    ],
  });
  const x = tensorOf("f32", [1, 3, 3, 2], pseudoRandom(18, "x"));
  const valuesOf = (bytes: Uint8Array) => [...(outputsOf(moduleOf(bytes), [x])[0]?.data ?? [])];

  it("are those of ONNX between transpositions", () => {
    expect(valuesOf(last({ [domain]: 1 }))).toEqual(valuesOf(first));
  });

  it("are read without an import of their domain, and that is said", () => {
    const { diagnostics } = importBytes(last({}));
    expect(diagnostics.map(({ severity, message }) => [severity, message])).toEqual([
      ["info", `the model imports no opset of domain ${domain}; version 1 is assumed`],
    ]);
    expect(valuesOf(last({}))).toEqual(valuesOf(first));
  });

  it("of FINN's hardware are refused with what to use instead", () => {
    const helpOf = (op: string, name: string) =>
      importBytes(
        model({
          domains: { [name]: 1 },
          inputs: [value("x", [1, 2])],
          outputs: [value("y", [1, 2])],
          nodes: [node(op, ["x"], ["y"], {}, { domain: name })],
        }),
      ).unsupported[0]?.help;
    const help = "use the model as it was before FINN streamlined it or made hardware layers of it";
    expect(helpOf("MVAU_hls", "finn.custom_op.fpgadataflow.hls")).toBe(help);
    expect(helpOf("MultiThreshold", "finn.custom_op.general")).toBe(help);
    expect(helpOf("MultiThreshold", "qonnx.custom_op.general")).toBe(help);
  });
});

describe("Trunc of QONNX", () => {
  it("takes the last bits away, and leaves the scale (version 1)", () => {
    // 13 · 0.5: 13 of 4 bits less two bits is 3; −5 less two bits is −2 rounded down.
    const others = [[0.5], [0], [4], [2]];
    expect(quantised([6.5, -2.5], { op: "Trunc", others })).toEqual([1.5, -1]);
    const attributes = { rounding_mode: "ROUND" };
    expect(quantised([6.5, -2.5], { op: "Trunc", others, attributes })).toEqual([1.5, -0.5]);
  });

  it("has a scale of its own behind it, and clips (version 2)", () => {
    const others = [[0.5], [0], [8], [2], [0], [3]];
    expect(quantised([6.5, -2.5, 90], { op: "Trunc", others })).toEqual([6, -4, 6]);
  });
});

describe("operators of ONNX Runtime's quantiser", () => {
  const domain = "com.microsoft";
  const u8 = (name: string, dims: readonly number[], data: readonly number[]) => ({
    name,
    dims: [...dims],
    dataType: 2,
    int32Data: [...data],
  });
  const i8 = (name: string, dims: readonly number[], data: readonly number[]) => ({
    ...u8(name, dims, data),
    dataType: 3,
  });
  const run = (
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    type: "uint8" | "float" = "uint8",
  ): number[] => {
    const bytes = model({
      domains: { [domain]: 1 },
      inputs: [value("x", [1, 2], "uint8")],
      outputs: [value("y", null, type)],
      nodes: [node(op, inputs, ["y"], attributes, { domain })],
      initializers: [
        floats("s", [], [0.5]),
        floats("t", [], [0.25]),
        u8("z", [], [10]),
        u8("o", [], [0]),
        i8("w", [2, 2], [3, -128, 2, 127]),
        floats("ws", [2], [0.5, 0.25]),
        i8("wz", [2], [0, 1]),
        floats("t2", [2], [2, -4]),
        { name: "c", dims: [2], dataType: 6, int32Data: [8, -100] },
      ],
    });
    const module = moduleOf(bytes, { batch: null });
    const [y] = outputsOf(module, [tensorOf("u8", [1, 2], [14, 6])]);
    return [...(y?.data ?? [])];
  };

  it("QGemm multiplies what is less its zero point, and scales once", () => {
    // x − 10 = [4, −4]; column 0: 4·3 − 4·2 + 8 = 12, · 0.5 · 0.5 = 3, / 0.25 + 10 = 22.
    // column 1: 4·(−129) − 4·126 − 100 = −1120, · 0.5 · 0.25 = −140: saturates.
    const inputs = ["x", "s", "z", "w", "ws", "wz", "c"];
    expect(run("QGemm", [...inputs, "t", "z"])).toEqual([22, 0]);
    expect(run("QGemm", inputs, {}, "float")).toEqual([3, -140]);
    expect(run("QGemm", inputs, { alpha: { float: 2 } }, "float")).toEqual([6, -280]);
    // Rows of w as outputs: 4·3 + 4·129 … of the first, zero points by output: 4·2 − 4·127 − …
    expect(run("QGemm", ["x", "s", "z", "w", "s", "o"], { transB: 1 }, "float")).toEqual([
      131, -125,
    ]);
  });

  it("MatMulIntegerToFloat and DynamicQuantizeMatMul scale once, and add a bias of floats", () => {
    // x − 10 = [4, −4], by w − [0, 1]: 4·3 − 4·2 = 4 and 4·(−129) − 4·126 = −1020; · 0.5 · [0.5, 0.25].
    const inputs = ["x", "w", "s", "ws", "z", "wz"];
    expect(run("MatMulIntegerToFloat", inputs, {}, "float")).toEqual([1, -127.5]);
    expect(run("MatMulIntegerToFloat", [...inputs, "t2"], {}, "float")).toEqual([3, -131.5]);
    // [2, −1] takes a range of 3: steps of 3/255, zero at 85, so the quantised are 255 and 0.
    const bytes = model({
      domains: { [domain]: 1 },
      inputs: [value("x", [1, 2])],
      outputs: [value("y", null)],
      nodes: [node("DynamicQuantizeMatMul", ["x", "w", "ws", "wz", "t2"], ["y"], {}, { domain })],
      initializers: [
        i8("w", [2, 2], [3, -128, 2, 127]),
        floats("ws", [2], [0.5, 0.25]),
        i8("wz", [2], [0, 1]),
        floats("t2", [2], [2, -4]),
      ],
    });
    const [y] = outputsOf(moduleOf(bytes), [tensorOf("f32", [1, 2], [2, -1])]);
    // (170·3 − 85·2) · 0.5 · 3/255 + 2 and (170·(−129) − 85·126) · 0.25 · 3/255 − 4.
    expect(y?.data[0]).toBeCloseTo(4, 5);
    expect(y?.data[1]).toBeCloseTo(-100, 4);
  });

  it("QLinearAdd, QLinearMul, QLinearConcat work on what is dequantised", () => {
    // x is [2, −2] by s and z; less 0 and by t it is [3.5, 1.5].
    expect(run("QLinearAdd", ["x", "s", "z", "x", "t", "o", "s", "z"])).toEqual([21, 9]);
    expect(run("QLinearMul", ["x", "s", "z", "x", "t", "o", "s", "z"])).toEqual([24, 4]);
    expect(run("QLinearConcat", ["t", "z", "x", "s", "z", "x", "t", "o"])).toEqual([18, 2, 24, 16]);
  });

  it("QLinearLeakyRelu, QLinearSigmoid, QLinearSoftmax requantise", () => {
    const attributes = { alpha: { float: 0.25 } };
    expect(run("QLinearLeakyRelu", ["x", "s", "z", "t", "z"], attributes)).toEqual([18, 8]);
    // σ(2) = 0.8808, σ(−2) = 0.1192.
    expect(run("QLinearSigmoid", ["x", "s", "z", "t", "o"])).toEqual([4, 0]);
    expect(run("QLinearSoftmax", ["x", "s", "z", "t", "o"])).toEqual([4, 0]);
  });

  it("are advised to be Q/DQ pairs where they are not read", () => {
    const helpOf = (op: string): string | undefined =>
      importBytes(
        model({
          domains: { [domain]: 1 },
          inputs: [value("x", [1, 2])],
          outputs: [value("y", [1, 2])],
          nodes: [node(op, ["x"], ["y"], {}, { domain })],
        }),
      ).unsupported[0]?.help;
    expect(helpOf("QAttention")).toMatch("QuantFormat.QDQ");
    expect(helpOf("DynamicQuantizeLSTM")).toMatch("QuantFormat.QDQ");
    expect(helpOf("FusedConv")).toBe("use the model as it was before ONNX Runtime optimised it");
  });
});

describe("a network in several formats", () => {
  const x = tensorOf(
    "f32",
    [1, 2, 6, 6],
    pseudoRandom(72, "sample").map((each) => 2 * each),
  );
  const answer = (bytes: Uint8Array): number[] => {
    const { outputs } = interpret(moduleOf(bytes), [x], { timesteps: 1 });
    return [...(outputs[0] ?? [])];
  };

  it("is the same of Q/DQ pairs and of quantised operators", () => {
    expect(answer(qoperatorModel())).toEqual(answer(qdqModel()));
  });

  it("is nearly the same of QONNX with 8 bits and with 7", () => {
    const [a, b] = [answer(qonnxModel(8)), answer(qonnxModel(7, "onnx.brevitas"))];
    a.forEach((each, i) => expect(each).toBeCloseTo(b[i] ?? NaN, 1));
  });
});
