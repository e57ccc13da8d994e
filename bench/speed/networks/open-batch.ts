/**
 * Models whose batch was frozen when they were exported, made to take any: peers could not be asked
 * for one image at a time otherwise. Ours do not need it, as they import a model for one sample.
 */
import onnxProto, { type onnx } from "onnx-proto";
import { known } from "../../../ir/diagnostic.ts";

/** The images that a model takes at a time, null where it takes any number. */
export function fixedBatchOf(bytes: Uint8Array): number | null {
  const graph = known(onnxProto.onnx.ModelProto.decode(bytes).graph, "a graph");
  const extent = firstAxisOf(realInputOf(graph));
  return extent === null ? null : Number(extent.dimValue);
}

/**
 * The same model with a symbolic first axis of its input. Reshapes to the frozen batch keep their
 * operand's first axis instead (a 0, which ONNX defines as that). Whether the result means the same
 * is for the caller to check: some node may have the batch elsewhere.
 */
export function openBatch(bytes: Uint8Array): Uint8Array {
  const model = onnxProto.onnx.ModelProto.decode(bytes);
  const graph = known(model.graph, "a graph");
  const input = realInputOf(graph);
  const batch = Number(firstAxisOf(input)?.dimValue ?? 0);
  const dim = input.type?.tensorType?.shape?.dim ?? [];
  if (batch === 0 || dim.length === 0) return bytes;
  dim[0] = { dimParam: "batch" };
  for (const output of graph.output ?? []) {
    const extents = output.type?.tensorType?.shape?.dim ?? [];
    if (Number(extents[0]?.dimValue ?? 0) === batch) extents[0] = { dimParam: "batch" };
  }
  // Shapes of intermediate values are advice only, and would now be wrong.
  graph.valueInfo = [];
  for (const shape of reshapeTargets(graph)) replaceFirst(shape, batch);
  return onnxProto.onnx.ModelProto.encode(model).finish();
}

/** The first input that is no initializer: old models list both. */
function realInputOf(graph: onnx.IGraphProto): onnx.IValueInfoProto {
  const initialized = new Set((graph.initializer ?? []).map((tensor) => tensor.name));
  return known(
    (graph.input ?? []).find((input) => !initialized.has(input.name)),
    "an input",
  );
}

function firstAxisOf(input: onnx.IValueInfoProto): onnx.TensorShapeProto.IDimension | null {
  const extent = input.type?.tensorType?.shape?.dim?.[0] ?? null;
  if (extent === null || (extent.dimParam ?? "") !== "") return null;
  return Number(extent.dimValue ?? 0) > 0 ? extent : null;
}

/** The constant shapes that values other than weights are reshaped to. */
function reshapeTargets(graph: onnx.IGraphProto): onnx.ITensorProto[] {
  const constants = new Map<string, onnx.ITensorProto>();
  for (const tensor of graph.initializer ?? []) constants.set(tensor.name ?? "", tensor);
  const weights = new Set(constants.keys());
  for (const node of graph.node ?? []) {
    const value = (node.attribute ?? []).find((each) => each.name === "value")?.t;
    if (node.opType !== "Constant" || value === null || value === undefined) continue;
    constants.set(node.output?.[0] ?? "", value);
  }
  return (graph.node ?? []).flatMap((node) => {
    if (node.opType !== "Reshape" || weights.has(node.input?.[0] ?? "")) return [];
    const target = constants.get(node.input?.[1] ?? "");
    return target === undefined ? [] : [target];
  });
}

/** Sets the first of a tensor's int64 values to 0 if it is `batch`. */
function replaceFirst(target: onnx.ITensorProto, batch: number): void {
  const { rawData, int64Data } = target;
  if (rawData !== null && rawData !== undefined && rawData.length >= 8) {
    // A copy: the tensor's bytes are a view of the whole file's.
    const bytes = new Uint8Array(rawData);
    const view = new DataView(bytes.buffer);
    if (view.getBigInt64(0, true) !== BigInt(batch)) return;
    view.setBigInt64(0, 0n, true);
    target.rawData = bytes;
  } else if (int64Data !== null && int64Data !== undefined && Number(int64Data[0]) === batch) {
    int64Data[0] = 0;
  }
}
