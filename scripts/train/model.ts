/** A trained network as an ONNX model. */
import op, { type onnx } from "onnx-proto";
import type { Network } from "./network.ts";

/** How an activation is written. */
export interface Spelling {
  /** The nodes that make `output` of `input`, with names of their own for layer `l`. */
  readonly nodes: (input: string, output: string, l: number) => readonly onnx.INodeProto[];
  readonly initializers?: readonly onnx.ITensorProto[];
}

/** Images of `size` × `size` pixels, average-pooled by 2, then the layers of the network. */
export function onnxModel(network: Network, size: number, activation: Spelling): Uint8Array {
  const last = network.layers.length - 1;
  const outputs = network.layers[last]?.outputs ?? 0;
  const pool = [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])];
  const node = [
    { opType: "AveragePool", input: ["image"], output: ["pooled"], name: "pool", attribute: pool },
    { opType: "Flatten", input: ["pooled"], output: ["x0"], name: "flatten" },
    ...network.layers.flatMap((_, l): onnx.INodeProto[] => [
      {
        opType: "Gemm",
        input: [`x${l}`, `fc${l}.weight`, `fc${l}.bias`],
        output: [l === last ? "logits" : `j${l}`],
        name: `fc${l}`,
      },
      ...(l === last ? [] : activation.nodes(`j${l}`, `x${l + 1}`, l)),
    ]),
  ];
  const initializer = network.layers.flatMap(({ inputs, outputs: out, weight, bias }, l) => [
    floats(`fc${l}.weight`, [inputs, out], weight.values),
    floats(`fc${l}.bias`, [out], bias.values),
  ]);
  return encodedModel({
    name: "perceptron",
    node,
    initializer: [...initializer, ...(activation.initializers ?? [])],
    input: [valueInfo("image", ["batch", 1, size, size])],
    output: [valueInfo("logits", ["batch", outputs])],
  });
}

/** The bytes of a model of one graph. */
export function encodedModel(graph: onnx.IGraphProto): Uint8Array {
  return op.onnx.ModelProto.encode({
    irVersion: 8,
    producerName: "snnc train",
    opsetImport: [
      { domain: "", version: 20 },
      { domain: "snnc", version: 1 },
    ],
    graph,
  }).finish();
}

/** A node with attributes that are numbers. */
export function nodeOf(
  opType: string,
  names: { readonly input: readonly string[]; readonly output: string; readonly name: string },
  attributes: Readonly<Record<string, number>> = {},
  domain = "",
): onnx.INodeProto {
  return {
    opType,
    domain,
    input: [...names.input],
    output: [names.output],
    name: names.name,
    attribute: Object.entries(attributes).map(([name, f]) => ({ name, type: 1, f })),
  };
}

/** An attribute that is a list of whole numbers. */
export function ints(name: string, values: readonly number[]): onnx.IAttributeProto {
  return { name, type: 7, ints: [...values] };
}

/** An initializer. */
export function floats(
  name: string,
  dims: readonly number[],
  values: Float32Array,
): onnx.ITensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: [...dims], dataType: 1, rawData };
}

/** An input or output of float32. */
export function valueInfo(name: string, dims: readonly (number | string)[]): onnx.IValueInfoProto {
  const dim = dims.map((extent) =>
    typeof extent === "number" ? { dimValue: extent } : { dimParam: extent },
  );
  return { name, type: { tensorType: { elemType: 1, shape: { dim } } } };
}
