/**
 * ONNX models built in code, for tests: nodes and tensors as short literals, and small networks of
 * each form that the compiler must get right. Nothing is trained; weights come from a formula.
 */
import op, { type onnx } from "onnx-proto";
import { dataTypes } from "../../frontend/onnx/file/proto.ts";

export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly strings: readonly string[] }
  | { readonly tensor: onnx.ITensorProto }
  | { readonly graph: onnx.IGraphProto }
  /** The value of the calling function's attribute of this name, of this type (1 float, 2 int). */
  | { readonly reference: string; readonly type: number };

export interface GraphParts {
  readonly nodes: readonly onnx.INodeProto[];
  readonly inputs?: readonly onnx.IValueInfoProto[];
  readonly outputs: readonly onnx.IValueInfoProto[];
  readonly initializers?: readonly onnx.ITensorProto[];
  readonly sparse?: readonly onnx.ISparseTensorProto[];
  readonly name?: string;
}

export interface ModelParts extends GraphParts {
  readonly opset?: number;
  /** Opsets of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly irVersion?: number;
  readonly functions?: readonly onnx.IFunctionProto[];
}

/** A serialised model. */
export function model(parts: ModelParts): Uint8Array {
  const imports = Object.entries({ "": parts.opset ?? 17, ...parts.domains });
  return op.onnx.ModelProto.encode({
    irVersion: parts.irVersion ?? 8,
    producerName: "test",
    opsetImport: imports.map(([domain, version]) => ({ domain, version })),
    graph: graph(parts),
    functions: [...(parts.functions ?? [])],
  }).finish();
}

export function graph(parts: GraphParts): onnx.IGraphProto {
  return {
    name: parts.name ?? "graph",
    node: [...parts.nodes],
    input: [...(parts.inputs ?? [])],
    output: [...parts.outputs],
    initializer: [...(parts.initializers ?? [])],
    sparseInitializer: [...(parts.sparse ?? [])],
  };
}

/** A node; its name is `name`, or left out. */
export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  options: { name?: string; domain?: string } = {},
): onnx.INodeProto {
  return {
    opType,
    input: [...input],
    output: [...output],
    name: options.name ?? "",
    domain: options.domain ?? "",
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function attribute(name: string, value: Attribute): onnx.IAttributeProto {
  if (typeof value === "number") return { name, type: 2, i: value };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("floats" in value) return { name, type: 6, floats: [...value.floats] };
  if ("strings" in value) {
    return { name, type: 8, strings: value.strings.map((text) => new TextEncoder().encode(text)) };
  }
  if ("tensor" in value) return { name, type: 4, t: value.tensor };
  if ("graph" in value) return { name, type: 5, g: value.graph };
  if ("reference" in value) return { name, type: value.type, refAttrName: value.reference };
  return { name, type: 7, ints: [...value] };
}

type ElementType = (typeof dataTypes)[number];

/** An input or output; a dimension may be a number, a name, or null for unknown. */
export function value(
  name: string,
  dims: readonly (number | string | null)[] | null,
  type: ElementType = "float",
): onnx.IValueInfoProto {
  const dim = dims?.map((extent) => {
    if (extent === null) return {};
    return typeof extent === "number" ? { dimValue: extent } : { dimParam: extent };
  });
  const shape = dim === undefined ? {} : { shape: { dim } };
  return { name, type: { tensorType: { elemType: dataTypes.indexOf(type), ...shape } } };
}

/** A float tensor in raw bytes. Without values, numbers in −½ … ½ from a formula. */
export function floats(
  name: string,
  dims: readonly number[],
  values?: readonly number[],
): onnx.ITensorProto {
  const count = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from(values ?? pseudoRandom(count, name));
  return { name, dims: [...dims], dataType: 1, rawData: new Uint8Array(data.buffer) };
}

/** An int64 tensor in its typed field. */
export function ints(
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): onnx.ITensorProto {
  return { name, dims: [...dims], dataType: 7, int64Data: [...values] };
}

/** Numbers in −½ … ½ that depend on the name alone. */
export function pseudoRandom(count: number, name: string): number[] {
  let state = 1;
  for (const letter of name) state = (state * 31 + letter.charCodeAt(0)) >>> 0;
  return Array.from({ length: count }, () => {
    // Lehmer's generator (Park & Miller 1988).
    state = (state * 48271) % 2147483647 || 1;
    return state / 2147483647 - 0.5;
  });
}

/** A positive vector, for variances. */
function positive(name: string, count: number): onnx.ITensorProto {
  return floats(
    name,
    [count],
    pseudoRandom(count, name).map((x) => x + 1),
  );
}

function batchnorm(x: string, y: string, name: string): onnx.INodeProto {
  const parts = ["scale", "bias", "mean", "var"].map((part) => `${name}.${part}`);
  return node("BatchNormalization", [x, ...parts], [y], {}, { name });
}

function batchnormTensors(name: string, channels: number): onnx.ITensorProto[] {
  return [
    positive(`${name}.scale`, channels),
    floats(`${name}.bias`, [channels]),
    floats(`${name}.mean`, [channels]),
    positive(`${name}.var`, channels),
  ];
}

const image = value("image", ["batch", 2, 8, 8]);

/**
 * Small networks, by name, each of input "image" (or "signal", "volume") and one output: the forms
 * that a converter is likely to get wrong.
 */
export const networks: Readonly<Record<string, () => Uint8Array>> = {
  "conv-bn-relu-pool-gemm": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 5])],
      nodes: [
        node(
          "Conv",
          ["image", "conv.w", "conv.b"],
          ["a"],
          { pads: [1, 1, 1, 1] },
          { name: "conv" },
        ),
        batchnorm("a", "b", "bn"),
        node("Relu", ["b"], ["c"], {}, { name: "relu" }),
        node("MaxPool", ["c"], ["d"], { kernel_shape: [2, 2], strides: [2, 2] }, { name: "pool" }),
        node("Flatten", ["d"], ["e"], {}, { name: "flatten" }),
        node("Gemm", ["e", "fc.w", "fc.b"], ["y"], { transB: 1 }, { name: "fc" }),
      ],
      initializers: [
        floats("conv.w", [3, 2, 3, 3]),
        floats("conv.b", [3]),
        ...batchnormTensors("bn", 3),
        floats("fc.w", [5, 48]),
        floats("fc.b", [5]),
      ],
    }),
  "bn-after-relu": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 3, 8, 8])],
      nodes: [
        node("Conv", ["image", "w"], ["a"], { auto_pad: "SAME_UPPER" }, { name: "conv1" }),
        node("Relu", ["a"], ["b"], {}, { name: "relu1" }),
        batchnorm("b", "c", "bn"),
        node("Conv", ["c", "v"], ["d"], { auto_pad: "SAME_UPPER" }, { name: "conv2" }),
        node("Relu", ["d"], ["y"], {}, { name: "relu2" }),
      ],
      initializers: [
        floats("w", [4, 2, 3, 3]),
        floats("v", [3, 4, 3, 3]),
        ...batchnormTensors("bn", 4),
      ],
    }),
  "residual-add": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 2, 8, 8])],
      nodes: [
        node("Conv", ["image", "w"], ["a"], { pads: [1, 1, 1, 1] }, { name: "conv1" }),
        node("Relu", ["a"], ["b"], {}, { name: "relu1" }),
        node("Conv", ["b", "v"], ["c"], { pads: [1, 1, 1, 1] }, { name: "conv2" }),
        node("Add", ["c", "image"], ["d"], {}, { name: "add" }),
        node("Relu", ["d"], ["y"], {}, { name: "relu2" }),
      ],
      initializers: [floats("w", [4, 2, 3, 3]), floats("v", [2, 4, 3, 3])],
    }),
  "conv-1d": () =>
    model({
      inputs: [value("signal", ["batch", 2, 16])],
      outputs: [value("y", ["batch", 3, 6])],
      nodes: [
        node("Conv", ["signal", "w", "b"], ["a"], { dilations: [2], strides: [2] }),
        node("Relu", ["a"], ["y"]),
      ],
      initializers: [floats("w", [3, 2, 3]), floats("b", [3])],
    }),
  "conv-3d": () =>
    model({
      inputs: [value("volume", ["batch", 1, 4, 4, 4])],
      outputs: [value("y", ["batch", 2, 3, 3, 3])],
      nodes: [node("Conv", ["volume", "w"], ["a"]), node("Relu", ["a"], ["y"])],
      initializers: [floats("w", [2, 1, 2, 2, 2])],
    }),
  "asymmetric-pads": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 3, 4, 4])],
      nodes: [
        node("Conv", ["image", "w"], ["a"], { pads: [0, 0, 1, 1], strides: [2, 2] }),
        node("Relu", ["a"], ["y"]),
      ],
      initializers: [floats("w", [3, 2, 3, 3])],
    }),
  depthwise: () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 5, 8, 8])],
      nodes: [
        node("Conv", ["image", "w"], ["a"], { group: 2, pads: [1, 1, 1, 1] }, { name: "depth" }),
        node("Clip", ["a", "zero", "six"], ["b"], {}, { name: "relu6" }),
        node("Conv", ["b", "v"], ["c"], {}, { name: "point" }),
        node("Relu", ["c"], ["y"], {}, { name: "relu" }),
      ],
      initializers: [
        floats("w", [4, 1, 3, 3]),
        floats("v", [5, 4, 1, 1]),
        floats("zero", [], [0]),
        floats("six", [], [6]),
      ],
    }),
  "conv-transpose": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 3, 16, 16])],
      nodes: [
        node("ConvTranspose", ["image", "w", "b"], ["a"], {
          strides: [2, 2],
          pads: [1, 1, 1, 1],
          output_padding: [1, 1],
        }),
        node("Relu", ["a"], ["y"]),
      ],
      initializers: [floats("w", [2, 3, 3, 3]), floats("b", [3])],
    }),
  "split-concat": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 2, 8, 8])],
      nodes: [
        node("Split", ["image", "sizes"], ["left", "right"], { axis: 1 }),
        node("Relu", ["left"], ["a"]),
        node("Conv", ["right", "w"], ["b"], { pads: [1, 1, 1, 1] }),
        node("Relu", ["b"], ["c"]),
        node("Concat", ["a", "c"], ["y"], { axis: 1 }),
      ],
      initializers: [ints("sizes", [1, 1]), floats("w", [1, 1, 3, 3])],
    }),
  resize: () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 3, 16, 16])],
      nodes: [
        node("Resize", ["image", "", "scales"], ["a"], { mode: "linear" }),
        node("Conv", ["a", "w"], ["b"], { pads: [1, 1, 1, 1] }),
        node("Relu", ["b"], ["y"]),
      ],
      initializers: [floats("scales", [4], [1, 1, 2, 2]), floats("w", [3, 2, 3, 3])],
    }),
  "dynamic-reshape": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 4])],
      nodes: [
        node("Relu", ["image"], ["a"]),
        node("Shape", ["a"], ["shape"]),
        node("Gather", ["shape", "first"], ["n"], { axis: 0 }),
        node("Unsqueeze", ["n", "axes"], ["n1"]),
        node("Concat", ["n1", "rest"], ["target"], { axis: 0 }),
        node("Reshape", ["a", "target"], ["flat"]),
        node("MatMul", ["flat", "w"], ["b"]),
        node("Add", ["b", "bias"], ["y"]),
      ],
      initializers: [
        ints("first", [0], []),
        ints("axes", [0]),
        ints("rest", [-1]),
        floats("w", [128, 4]),
        floats("bias", [4]),
      ],
    }),
  "global-pool": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 2])],
      nodes: [
        node("Relu", ["image"], ["a"]),
        node("GlobalAveragePool", ["a"], ["b"]),
        node("Flatten", ["b"], ["c"]),
        node("Gemm", ["c", "w"], ["y"]),
      ],
      initializers: [floats("w", [2, 2])],
    }),
  "quantised-weights": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 3, 6, 6])],
      nodes: [
        node("DequantizeLinear", ["wq", "scale", "zero"], ["w"], { axis: 0 }),
        node("Conv", ["image", "w"], ["a"]),
        node("Relu", ["a"], ["y"]),
      ],
      initializers: [
        {
          name: "wq",
          dims: [3, 2, 3, 3],
          dataType: 3,
          int32Data: Array.from({ length: 54 }, (_, i) => ((i * 37) % 255) - 127),
        },
        floats("scale", [3], [0.01, 0.02, 0.005]),
        { name: "zero", dims: [3], dataType: 3, int32Data: [0, 0, 0] },
      ],
    }),
};
