/** Which kernels onnxruntime made of a model: read from the graph that it wrote after optimising it. */
import onnxProto from "onnx-proto";

/** Operators that compute with float weights or activations where an integer form exists. */
const inFloats = new Set([
  "Conv",
  "FusedConv",
  "Gemm",
  "FusedGemm",
  "MatMul",
  "FusedMatMul",
  "Add",
  "Relu",
  "Clip",
  "AveragePool",
  "GlobalAveragePool",
  "Concat",
]);

export interface Kernels {
  /** How many there are of each. */
  readonly counts: ReadonlyMap<string, number>;
  /** Those of them that compute in floats. */
  readonly inFloats: readonly string[];
}

export function kernelsOf(optimised: Uint8Array): Kernels {
  const { graph } = onnxProto.onnx.ModelProto.decode(optimised);
  const counts = new Map<string, number>();
  for (const { opType } of graph?.node ?? []) {
    const name = opType ?? "";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return { counts, inFloats: [...counts.keys()].filter((name) => inFloats.has(name)) };
}

/** "19 QLinearConv, 9 QLinearAdd", the most frequent first. */
export function kernelsText({ counts }: Kernels): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}
