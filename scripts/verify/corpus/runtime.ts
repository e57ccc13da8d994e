/**
 * What onnxruntime makes of a model, beside what the reference makes of its import. Where a batch
 * was taken out, onnxruntime gets the same sample in every place of it, and its first answer counts.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { preparePeer } from "../../../bench/speed/peers.ts";
import { peersFolder } from "../../../bench/speed/project.ts";
import { declaredShape } from "../../../frontend/onnx/graph/inputs.ts";
import { defaultLimits } from "../../../frontend/limits.ts";
import { readModel } from "../../../frontend/onnx/file/model.ts";
import { dataTypeOf } from "../../../frontend/onnx/file/proto.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { evaluate } from "../../../ir/run/evaluate.ts";
import { type Module, inputsOf, tensorAt } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { type CorpusRow, drawn } from "./rows.ts";

/** What is used of the package. */
export interface Runtime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => unknown;
}

interface RuntimeTensor {
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}

interface Session {
  readonly inputNames: readonly string[];
  run(
    feeds: Readonly<Record<string, unknown>>,
    outputs: readonly string[],
  ): Promise<Readonly<Record<string, RuntimeTensor>>>;
}

/** The native package of bench/peers, installed if need be, or why there is none. */
export async function openRuntime(): Promise<{ runtime: Runtime | null; why: string }> {
  const why = await preparePeer("onnxruntime-node");
  if (why !== null) return { runtime: null, why };
  // Resolved from the manifest of the peers: it is no dependency of the project's own.
  const load = createRequire(path.join(peersFolder, "package.json"));
  const found: unknown = load("onnxruntime-node");
  if (!isRuntime(found)) return { runtime: null, why: "the package is not what its name says" };
  return { runtime: found, why: "" };
}

function isRuntime(module: unknown): module is Runtime {
  const isObject = typeof module === "object" && module !== null;
  return isObject && "InferenceSession" in module && "Tensor" in module;
}

/**
 * The largest difference of any output, relative to the largest number in it; or why the runtime does not
 * load the model.
 */
export async function compareWithRuntime(
  runtime: Runtime,
  bytes: Uint8Array,
  module: Module,
  row: CorpusRow,
): Promise<number | string> {
  const loading = { graphOptimizationLevel: "disabled", logSeverityLevel: 4 };
  let session: Session;
  try {
    session = await runtime.InferenceSession.create(bytes, loading);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const inputs = drawn(module, 0);
  const names = inputsOf(module).map((op) => op.attrs.name);
  const byName = new Map(names.map((name, i) => [name, known(inputs[i], "an input")]));
  const ours = run(module, inputs);
  const feeds = feedsOf(runtime, bytes, session, byName, row);
  const outputs = module.outputs.map(({ name }) => name);
  const theirs = await session.run(feeds, outputs);
  let worst = 0;
  for (const [i, name] of outputs.entries()) {
    const output = known(theirs[name], `output ${name} of onnxruntime`);
    worst = Math.max(worst, differenceOf(known(ours[i], name), output, name));
  }
  return worst;
}

function feedsOf(
  runtime: Runtime,
  bytes: Uint8Array,
  session: Session,
  given: ReadonlyMap<string, Tensor>,
  row: CorpusRow,
): Record<string, unknown> {
  const options = { file: row.path, limits: defaultLimits, report: () => undefined };
  const { graph } = readModel(bytes, options);
  const feeds: Record<string, unknown> = {};
  for (const info of graph.inputs) {
    const name = info.name ?? "";
    if (!session.inputNames.includes(name)) continue;
    const type = known(dataTypeOf(info.type?.tensorType?.elemType), "a type");
    const tensor = given.get(name);
    const declared = declaredShape(info) ?? [];
    const shape = row.inputShapes?.[name] ?? declared.map((e) => dimensionOf(e, row));
    const dims = tensor === undefined ? shape : declaredOr(declared, tensor.shape, row, name);
    const constant = row.inputConstants?.[name];
    const count = elementCount(dims);
    const numbers = Array.from({ length: count }, (_, i) => {
      if (tensor === undefined) return constant?.[constant.length === 1 ? 0 : i] ?? 0;
      return tensor.data[indexIn(i, dims, tensor.shape)] ?? 0;
    });
    feeds[name] = new runtime.Tensor(nameOf(type), arrayOf(type, numbers), dims);
  }
  return feeds;
}

function dimensionOf(extent: number | string | null, row: CorpusRow): number {
  if (typeof extent === "number") return extent;
  return (extent === null ? undefined : row.dimensions?.[extent]) ?? 1;
}

/** The shape that onnxruntime wants: as declared, where a batch was taken out of it. */
function declaredOr(
  declared: readonly (number | string | null)[],
  shape: readonly number[],
  row: CorpusRow,
  name: string,
): readonly number[] {
  if (row.inputShapes?.[name] !== undefined || declared.length !== shape.length) return shape;
  return shape.map((extent, axis) => {
    const wanted = declared[axis];
    return extent === 1 && typeof wanted === "number" ? wanted : extent;
  });
}

/** Where element `index` of `outer` lies in `inner`, which has 1 where it repeats. */
function indexIn(index: number, outer: readonly number[], inner: readonly number[]): number {
  let rest = index;
  let at = 0;
  let stride = 1;
  for (let axis = outer.length - 1; axis >= 0; axis--) {
    const extent = outer[axis] ?? 1;
    const own = inner[axis] ?? 1;
    at += (own === 1 ? 0 : rest % extent) * stride;
    stride *= own;
    rest = Math.floor(rest / extent);
  }
  return at;
}

function nameOf(type: string): string {
  return type === "float" ? "float32" : type === "double" ? "float64" : type;
}

function arrayOf(type: string, numbers: readonly number[]): unknown {
  switch (type) {
    case "float":
      return Float32Array.from(numbers);
    case "double":
      return Float64Array.from(numbers);
    case "int64":
      return BigInt64Array.from(numbers.map((x) => BigInt(Math.trunc(x))));
    case "int32":
      return Int32Array.from(numbers);
    case "uint8":
    case "bool":
      return Uint8Array.from(numbers);
    case "int8":
      return Int8Array.from(numbers);
    default:
      return Float32Array.from(numbers);
  }
}

/** Values of all outputs by the reference. */
function run(module: Module, inputs: readonly Tensor[]): readonly Tensor[] {
  const values = new Map<ValueId, Tensor>();
  const at = (value: ValueId): Tensor => known(values.get(value), `%${value}`);
  let next = 0;
  for (const op of module.ops) {
    const tensor =
      op.kind === "ann.input"
        ? known(inputs[next++], `input ${op.attrs.name}`)
        : evaluate(op, op.inputs.map(at), (ref) => tensorAt(module, ref));
    values.set(op.result, tensor);
  }
  return module.outputs.map(({ value }) => at(value));
}

function differenceOf(ours: Tensor, theirs: RuntimeTensor, name: string): number {
  const { shape } = ours;
  const fits =
    theirs.dims.length === shape.length &&
    theirs.dims.every((extent, axis) => extent === shape[axis] || shape[axis] === 1);
  invariant(fits, `output ${name} is [${shape.join()}] here, [${theirs.dims.join()}] there`);
  let scale = 1e-6;
  let worst = 0;
  for (let i = 0; i < theirs.data.length; i++) {
    const wanted = Number(theirs.data[i]);
    const found = ours.data[indexIn(i, theirs.dims, shape)] ?? NaN;
    if (Number.isFinite(wanted)) scale = Math.max(scale, Math.abs(wanted));
    const same = Object.is(found, wanted) || found === wanted;
    if (!same) worst = Math.max(worst, Math.abs(found - wanted) || Infinity);
  }
  return worst / scale;
}
