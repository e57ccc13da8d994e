/** What is read from a graph that onnxruntime optimised. */
import onnxProto from "onnx-proto";
import { expect, it } from "vitest";
import { kernelsOf, kernelsText } from "../../../../bench/speed/quantised/kernels.ts";

it("counts kernels, and names those in floats", () => {
  const node = ["QLinearConv", "Gemm", "QLinearConv", "Reshape"].map((opType) => ({ opType }));
  const bytes = onnxProto.onnx.ModelProto.encode({ graph: { node } }).finish();
  const kernels = kernelsOf(bytes);
  expect(kernelsText(kernels)).toBe("2 QLinearConv, 1 Gemm, 1 Reshape");
  expect(kernels.inFloats).toEqual(["Gemm"]);
});
