/**
 * Sequences as streams: a model of one timestep, in which the states of RNN, GRU and LSTM come back. What
 * else combines timesteps (a mean over the sequence, a convolution along it) would be computed on one
 * timestep alone, so the stream is compared with the model unrolled over a few timesteps.
 */
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { interpret } from "../../ir/interpret.ts";
import { sourceLoc } from "../../ir/loc.ts";
import { type Module, inputsOf, producerOf } from "../../ir/module.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, allocate, tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount, isFloat, sameShape } from "../../ir/type.ts";
import { diagnose } from "./diagnostics.ts";
import type { OnnxModel } from "./file/model.ts";
import type { ValueInfoProto } from "./file/proto.ts";
import { declaredShape } from "./graph/inputs.ts";

/** Timesteps of an input, by the extent that the model declares; null where it leaves it open. */
export type StepsOf = (declared: number | null) => number;

/** The model with another number of timesteps in its inputs, and whatever follows in its outputs. */
export function streamed(
  model: OnnxModel,
  axes: ReadonlyMap<string, number>,
  steps: StepsOf,
): OnnxModel {
  const { graph, file } = model;
  const names = graph.inputs.map((info) => info.name ?? "");
  const inputs = names.map((name) => `"${name}"`).join(", ") || "none";
  const unknown = [...axes.keys()].filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    fail(...unknown.map((input) => diagnose("unknown-input", null, { input, inputs })));
  }
  const changed = graph.inputs.map((info) => {
    const axis = axes.get(info.name ?? "");
    return axis === undefined ? info : withSteps(info, axis, steps, file);
  });
  const outputs = graph.outputs.map((info): ValueInfoProto => {
    const tensorType = info.type?.tensorType;
    if (tensorType === null || tensorType === undefined) return info;
    return { ...info, type: { ...info.type, tensorType: { ...tensorType, shape: null } } };
  });
  return { ...model, graph: { ...graph, inputs: changed, outputs } };
}

function withSteps(
  info: ValueInfoProto,
  axis: number,
  steps: StepsOf,
  file: string,
): ValueInfoProto {
  const tensorType = info.type?.tensorType;
  const declared = declaredShape(info);
  const dims = tensorType?.shape?.dim ?? [];
  if (tensorType === null || tensorType === undefined || declared === null) return info;
  if (axis >= dims.length) {
    const input = info.name ?? "";
    const loc = sourceLoc(file, input, "Input");
    fail(diagnose("stream-axis", loc, { input, axis, rank: dims.length }));
  }
  const extent = declared[axis];
  const dimValue = steps(typeof extent === "number" ? extent : null);
  const dim = dims.map((each, i) => (i === axis ? { dimValue } : each));
  return { ...info, type: { ...info.type, tensorType: { ...tensorType, shape: { dim } } } };
}

/** Timesteps that a stream is compared over where the model leaves their number open, and at most. */
const fewSteps = 3;
const mostSteps = 64;

/** Relative to the largest element: the two differ by the order of sums alone. */
const tolerance = 1e-4;

/** What is wrong with `stream`, a module of one timestep, beside the model that `unrolled` gives. */
export function faultsOfStream(
  model: OnnxModel,
  axes: ReadonlyMap<string, number>,
  stream: Module | null,
  unrolled: (steps: StepsOf) => Module | null,
): readonly Diagnostic[] {
  if (stream === null) return [];
  const declared = model.graph.inputs.flatMap((info) => {
    const axis = axes.get(info.name ?? "");
    const extent = axis === undefined ? undefined : declaredShape(info)?.[axis];
    return typeof extent === "number" ? [extent] : [];
  });
  const steps = Math.min(mostSteps, declared[0] ?? fewSteps);
  const whole = unrolled(() => steps);
  if (whole === null) return [diagnose("stream-unchecked", null, { steps })];
  const inputs = inputsOf(whole).map((op, i) => drawn(op.type.dtype, op.type.shape, i));
  const byName = new Map(
    inputsOf(whole).map((op, i) => [op.attrs.name, known(inputs[i], "input")]),
  );
  const framed = inputsOf(stream).map(({ attrs: { name } }) => {
    const all = known(byName.get(name), `input "${name}"`);
    const axis = axes.get(name);
    return axis === undefined ? all : framesAlong(all, axis);
  });
  const wanted = interpret(whole, inputs, { timesteps: 1 }).outputs;
  const found = interpret(stream, framed, { timesteps: steps }).outputs;
  return stream.outputs.flatMap(({ name, value }, i): Diagnostic[] => {
    const at = known(whole.outputs[i], "an output").value;
    const shapes = [
      producerOf(whole, at).type.shape,
      producerOf(stream, value).type.shape,
    ] as const;
    const values = [known(wanted[i], "an output"), known(found[i], "an output")] as const;
    if (agree(shapes, values, steps)) return [];
    return [diagnose("stream-differs", sourceLoc(model.file, name, "Output"), { output: name })];
  });
}

/** Numbers from −1 to 1; integers of 0, which any may be. */
function drawn(dtype: Tensor["dtype"], shape: Shape, input: number): Tensor {
  const data = allocate(dtype, elementCount(shape));
  if (isFloat(dtype))
    for (let k = 0; k < data.length; k++) data[k] = 2 * uniform(0, 0, input, k) - 1;
  return tensor(dtype, shape, data);
}

/** A tensor as frames along one of its axes, which has an extent of 1 in each. */
function framesAlong({ dtype, shape, data }: Tensor, axis: number): Tensor {
  const steps = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const size = elementCount(shape) / Math.max(1, steps);
  const frames = allocate(dtype, data.length);
  for (let t = 0; t < steps; t++) {
    for (let k = 0; k < size; k++) {
      frames[t * size + k] = data[(Math.floor(k / inner) * steps + t) * inner + (k % inner)] ?? 0;
    }
  }
  const frame = shape.map((extent, i) => (i === axis ? 1 : extent));
  return tensor(dtype, [steps, ...frame], frames);
}

/**
 * Whether the outputs of a stream at each timestep are those of the model along an axis, or at the last
 * timestep that of the model.
 */
function agree(
  [whole, step]: readonly [whole: Shape, step: Shape],
  [wanted, found]: readonly [wanted: Float32Array, found: Float32Array],
  steps: number,
): boolean {
  const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
  const close = (a: number | undefined, b: number | undefined): boolean =>
    Math.abs((a ?? NaN) - (b ?? NaN)) <= tolerance * largest;
  if (sameShape(whole, step)) {
    const last = found.subarray(found.length - wanted.length);
    if (wanted.every((x, k) => close(x, last[k]))) return true;
  }
  return whole.some((extent, axis) => {
    const one = whole.map((n, i) => (i === axis ? 1 : n));
    if (extent !== steps || !sameShape(one, step)) return false;
    const frames = framesAlong(tensor("f32", whole, wanted), axis).data;
    return found.every((x, k) => close(frames[k], x));
  });
}
