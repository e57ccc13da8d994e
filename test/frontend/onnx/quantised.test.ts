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
    expect(helpOf("DynamicQuantizeMatMul")).toMatch("QuantFormat.QDQ");
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
