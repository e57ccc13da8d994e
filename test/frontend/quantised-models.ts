/**
 * One small residual network as three kinds of tools write it once it is quantised: pairs of
 * QuantizeLinear and DequantizeLinear, ONNX Runtime's quantised operators, and QONNX. The first two
 * hold the same integers. Nothing is trained; scales cover what samples of ±1 bring about.
 */
import { type onnx } from "onnx-proto";
import { floats, model, node, pseudoRandom, value } from "./build-model.ts";

interface Layer {
  readonly name: string;
  readonly shape: readonly number[];
  /** Weights as the integers of a model of 8 bits. */
  readonly integers: readonly number[];
  /** One for each output channel. */
  readonly scales: readonly number[];
  /** In units of the scale of the sum. */
  readonly bias: readonly number[];
}

/** Scale and zero point of what is quantised, as u8. */
const values = {
  x: { scale: 1 / 120, zero: 120 },
  a: { scale: 0.012, zero: 0 },
  b: { scale: 0.04, zero: 130 },
  c: { scale: 0.024, zero: 0 },
  p: { scale: 0.01, zero: 0 },
  y: { scale: 0.02, zero: 128 },
} as const;
type ValueName = keyof typeof values;

const bits8 = 127;

function layer(name: string, shape: readonly number[], input: ValueName, levels = bits8): Layer {
  const count = shape.reduce((a, b) => a * b, 1);
  const perChannel = count / (shape[0] ?? 1);
  const reals = pseudoRandom(count, name);
  const scales = Array.from({ length: shape[0] ?? 0 }, (_, channel) => {
    const row = reals.slice(channel * perChannel, (channel + 1) * perChannel);
    return Math.fround(Math.max(...row.map(Math.abs)) / levels);
  });
  const scaleOf = (i: number): number => scales[Math.floor(i / perChannel)] ?? 1;
  const integers = reals.map((real, i) => Math.round(real / scaleOf(i)));
  const bias = pseudoRandom(shape[0] ?? 0, `${name}.b`).map((real, channel) =>
    Math.round((real * 0.4) / ((scales[channel] ?? 1) * values[input].scale)),
  );
  return { name, shape, integers, scales, bias };
}

const conv1 = layer("conv1", [4, 2, 3, 3], "x");
const conv2 = layer("conv2", [4, 4, 3, 3], "a");
const fc = layer("fc", [3, 4], "p");

/** The integers that the weights of the 8-bit models are, by layer. */
export const integersOf: Readonly<Record<string, readonly number[]>> = {
  conv1: conv1.integers,
  conv2: conv2.integers,
  fc: fc.integers,
};

function bytes(
  name: string,
  dims: readonly number[],
  data: readonly number[],
  dataType: 2 | 3,
): onnx.ITensorProto {
  const rawData = Uint8Array.from(data, (each) => each & 0xff);
  return { name, dims: [...dims], dataType, rawData };
}

function words(name: string, data: readonly number[]): onnx.ITensorProto {
  return { name, dims: [data.length], dataType: 6, int32Data: [...data] };
}

function parameters(): onnx.ITensorProto[] {
  return Object.entries(values).flatMap(([name, { scale, zero }]) => [
    floats(`${name}.s`, [], [scale]),
    bytes(`${name}.z`, [], [zero], 2),
  ]);
}

function weightTensors(each: Layer, input: ValueName): onnx.ITensorProto[] {
  const { name, shape, integers, scales, bias } = each;
  const sums = scales.map((scale) => Math.fround(scale * Math.fround(values[input].scale)));
  return [
    bytes(`${name}.w`, shape, integers, 3),
    floats(`${name}.ws`, [scales.length], scales),
    bytes(
      `${name}.wz`,
      [scales.length],
      scales.map(() => 0),
      3,
    ),
    words(`${name}.b`, bias),
    floats(`${name}.bs`, [sums.length], sums),
  ];
}

const image = value("image", ["batch", 2, 6, 6]);
const output = value("y", ["batch", 3]);
const pads = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };
const pool = { kernel_shape: [2, 2], strides: [2, 2] };

const tensors = [
  ...parameters(),
  ...weightTensors(conv1, "x"),
  ...weightTensors(conv2, "a"),
  ...weightTensors(fc, "p"),
];

/** QuantizeLinear and DequantizeLinear of a value. */
function pair(from: string, to: string, name: ValueName): onnx.INodeProto[] {
  const own = [`${name}.s`, `${name}.z`];
  return [
    node("QuantizeLinear", [from, ...own], [`${to}.q`], {}, { name: `${to}.quantize` }),
    node("DequantizeLinear", [`${to}.q`, ...own], [to], {}, { name: `${to}.dequantize` }),
  ];
}

function dequantised({ name }: Layer): onnx.INodeProto[] {
  const along = { axis: 0 };
  return [
    node("DequantizeLinear", [`${name}.w`, `${name}.ws`, `${name}.wz`], [`${name}.W`], along),
    node("DequantizeLinear", [`${name}.b`, `${name}.bs`], [`${name}.B`], along),
  ];
}

/** As quantize_static writes it with QuantFormat.QDQ. */
export function qdqModel(): Uint8Array {
  return model({
    inputs: [image],
    outputs: [output],
    initializers: tensors,
    nodes: [
      ...[conv1, conv2, fc].flatMap(dequantised),
      ...pair("image", "x1", "x"),
      node("Conv", ["x1", "conv1.W", "conv1.B"], ["a0"], pads, { name: "conv1" }),
      node("Relu", ["a0"], ["a1"], {}, { name: "relu1" }),
      ...pair("a1", "a2", "a"),
      node("MaxPool", ["a2"], ["a3"], pool, { name: "pool" }),
      ...pair("a3", "a4", "a"),
      node("Conv", ["a4", "conv2.W", "conv2.B"], ["b0"], pads, { name: "conv2" }),
      ...pair("b0", "b1", "b"),
      node("Add", ["b1", "a4"], ["c0"], {}, { name: "add" }),
      // No rectifier: quantised to u8 with a zero point of 0 the sum is rectified.
      ...pair("c0", "c1", "c"),
      node("GlobalAveragePool", ["c1"], ["p0"], {}, { name: "mean" }),
      ...pair("p0", "p1", "p"),
      node("Flatten", ["p1"], ["p2"], {}, { name: "flatten" }),
      node("Gemm", ["p2", "fc.W", "fc.B"], ["y0"], { transB: 1 }, { name: "fc" }),
      ...pair("y0", "y", "y"),
    ],
  });
}

/** As quantize_static writes it with QuantFormat.QOperator. */
export function qoperatorModel(): Uint8Array {
  const domain = "com.microsoft";
  const of = (name: ValueName): string[] => [`${name}.s`, `${name}.z`];
  const weight = (name: string): string[] => [`${name}.w`, `${name}.ws`, `${name}.wz`];
  return model({
    domains: { [domain]: 1 },
    inputs: [image],
    outputs: [output],
    initializers: tensors,
    nodes: [
      node("QuantizeLinear", ["image", ...of("x")], ["x1"], {}, { name: "quantize" }),
      node(
        "QLinearConv",
        ["x1", ...of("x"), ...weight("conv1"), ...of("a"), "conv1.b"],
        ["a2"],
        pads,
        { name: "conv1" },
      ),
      node("MaxPool", ["a2"], ["a4"], pool, { name: "pool" }),
      node(
        "QLinearConv",
        ["a4", ...of("a"), ...weight("conv2"), ...of("b"), "conv2.b"],
        ["b1"],
        pads,
        { name: "conv2" },
      ),
      node(
        "QLinearAdd",
        ["b1", ...of("b"), "a4", ...of("a"), ...of("c")],
        ["c1"],
        {},
        {
          name: "add",
          domain,
        },
      ),
      node(
        "QLinearGlobalAveragePool",
        ["c1", ...of("c"), ...of("p")],
        ["p1"],
        {},
        {
          name: "mean",
          domain,
        },
      ),
      node("Flatten", ["p1"], ["p2"], {}, { name: "flatten" }),
      node(
        "QGemm",
        ["p2", ...of("p"), ...weight("fc"), "fc.b", ...of("y")],
        ["y1"],
        { transB: 1 },
        { name: "fc", domain },
      ),
      node("DequantizeLinear", ["y1", ...of("y")], ["y"], {}, { name: "dequantize" }),
    ],
  });
}

/** The same network with weights and activations of `bits` bits, as Brevitas exports to QONNX. */
export function qonnxModel(bits: number, domain = "qonnx.custom_op.general"): Uint8Array {
  const most = 2 ** (bits - 1) - 1;
  const steps = 2 ** bits - 1;
  const real = ({ name, shape, scales }: Layer): onnx.ITensorProto[] => [
    floats(
      `${name}.w`,
      shape,
      pseudoRandom(
        shape.reduce((a, b) => a * b, 1),
        name,
      ),
    ),
    floats(
      `${name}.ws`,
      [scales.length, ...shape.slice(1).map(() => 1)],
      scales.map((scale) => (scale * bits8) / most),
    ),
    floats(
      `${name}.b`,
      [scales.length],
      pseudoRandom(scales.length, `${name}.b`).map((b) => b * 0.4),
    ),
  ];
  const quant = (from: string, to: string, scale: string, signed: number): onnx.INodeProto =>
    node(
      "Quant",
      [from, scale, "zero", "bits"],
      [to],
      { signed, narrow: signed, rounding_mode: "ROUND" },
      { name: `${to}.quant`, domain },
    );
  return model({
    domains: { [domain]: 1 },
    inputs: [image],
    outputs: [output],
    initializers: [
      ...[conv1, conv2, fc].flatMap(real),
      floats("zero", [], [0]),
      floats("bits", [], [bits]),
      floats("x.s", [], [1 / 127]),
      floats("x.bits", [], [8]),
      floats("a.s", [], [(values.a.scale * 255) / steps]),
      floats("c.s", [], [(values.c.scale * 255) / steps]),
    ],
    nodes: [
      ...[conv1, conv2, fc].map(({ name }) => quant(`${name}.w`, `${name}.W`, `${name}.ws`, 1)),
      node(
        "Quant",
        ["image", "x.s", "zero", "x.bits"],
        ["x1"],
        { signed: 1, narrow: 1 },
        {
          name: "x1.quant",
          domain,
        },
      ),
      node("Conv", ["x1", "conv1.W", "conv1.b"], ["a0"], pads, { name: "conv1" }),
      node("Relu", ["a0"], ["a1"], {}, { name: "relu1" }),
      quant("a1", "a2", "a.s", 0),
      node("MaxPool", ["a2"], ["a4"], pool, { name: "pool" }),
      node("Conv", ["a4", "conv2.W", "conv2.b"], ["b0"], pads, { name: "conv2" }),
      node("Relu", ["b0"], ["c0"], {}, { name: "relu2" }),
      quant("c0", "c1", "c.s", 0),
      node("GlobalAveragePool", ["c1"], ["p0"], {}, { name: "mean" }),
      node("Flatten", ["p0"], ["p2"], {}, { name: "flatten" }),
      node("Gemm", ["p2", "fc.W", "fc.b"], ["y"], { transB: 1 }, { name: "fc" }),
    ],
  });
}
