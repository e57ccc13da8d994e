/** A trained network as an ONNX model, with the operator SoftLif of domain snnc. */
import op, { type onnx } from "onnx-proto";
import type { SoftLif } from "../../ir/semantics/soft-lif.ts";
import type { Network } from "./network.ts";

/** Images of `size` × `size` pixels, average-pooled by 2, then the layers of the network. */
export function onnxModel(network: Network, size: number): Uint8Array {
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
      ...(l === last ? [] : [softLifNode(l, network.activation)]),
    ]),
  ];
  const initializer = network.layers.flatMap(({ inputs, outputs: out, weight, bias }, l) => [
    floats(`fc${l}.weight`, [inputs, out], weight.values),
    floats(`fc${l}.bias`, [out], bias.values),
  ]);
  return op.onnx.ModelProto.encode({
    irVersion: 8,
    producerName: "snnc train-soft-lif",
    opsetImport: [
      { domain: "", version: 17 },
      { domain: "snnc", version: 1 },
    ],
    graph: {
      name: "soft_lif",
      node,
      initializer,
      input: [valueInfo("image", ["batch", 1, size, size])],
      output: [valueInfo("logits", ["batch", outputs])],
    },
  }).finish();
}

function softLifNode(l: number, { tauRc, tauRef, sigma, amplitude }: SoftLif): onnx.INodeProto {
  const attributes = { tau_rc: tauRc, tau_ref: tauRef, sigma, amplitude };
  return {
    opType: "SoftLif",
    domain: "snnc",
    input: [`j${l}`],
    output: [`x${l + 1}`],
    name: `lif${l}`,
    attribute: Object.entries(attributes).map(([name, f]) => ({ name, type: 1, f })),
  };
}

function ints(name: string, values: readonly number[]): onnx.IAttributeProto {
  return { name, type: 7, ints: [...values] };
}

function floats(name: string, dims: readonly number[], values: Float32Array): onnx.ITensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: [...dims], dataType: 1, rawData };
}

function valueInfo(name: string, dims: readonly (number | string)[]): onnx.IValueInfoProto {
  const dim = dims.map((extent) =>
    typeof extent === "number" ? { dimValue: extent } : { dimParam: extent },
  );
  return { name, type: { tensorType: { elemType: 1, shape: { dim } } } };
}
