/**
 * Breaks models: bits and bytes without regard to what they mean, and single fields of the decoded
 * message, which get deeper into the importer.
 */
import op, { type onnx } from "onnx-proto";
import { onnxOperators } from "../../frontend/onnx/operators.ts";
import type { Draws } from "./random.ts";

/** Numbers that break things. */
const integers: readonly number[] = [
  0,
  1,
  -1,
  2,
  3,
  7,
  -2,
  10,
  64,
  127,
  128,
  255,
  256,
  1000,
  65536,
  1e6,
  2 ** 24,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 32,
  2 ** 40,
  2 ** 53,
  -(2 ** 53),
  9.2e18,
  -9.2e18,
];
const reals: readonly number[] = [0, -0, 1, -1, 0.5, 1e-30, 1e30, NaN, Infinity, -Infinity];

/** A broken relative of `bytes`; `others` lend parts. */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], draws: Draws): Uint8Array {
  let mutant = bytes;
  const fieldwise = draws.chance(0.7);
  const times = 1 + draws.below(fieldwise ? 3 : 6);
  if (fieldwise) return mutateFields(mutant, draws, times);
  for (let i = 0; i < times; i++) mutant = mutateBytes(mutant, others, draws);
  return mutant;
}

/** One change to bytes without regard to what they mean; `others` lend parts. */
export function mutateBytes(
  bytes: Uint8Array,
  others: readonly Uint8Array[],
  draws: Draws,
): Uint8Array {
  const at = draws.below(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + draws.below(32));
  switch (draws.below(6)) {
    case 0: {
      // Not slice: on a Buffer it shares the memory.
      const copy = Uint8Array.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << draws.below(8));
      return copy;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return joined(bytes.subarray(0, at), bytes.subarray(at + length));
    case 3:
      return joined(bytes.subarray(0, at + length), bytes.subarray(at));
    case 4: {
      const other = draws.pick(others) ?? bytes;
      const from = draws.below(other.length + 1);
      const part = other.subarray(from, from + draws.below(200));
      return joined(bytes.subarray(0, at), part, bytes.subarray(at + length));
    }
    default: {
      const random = Uint8Array.from({ length }, () => draws.below(256));
      return joined(bytes.subarray(0, at), random, bytes.subarray(at + length));
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Changes `times` fields; the bytes themselves where they are no model. */
function mutateFields(bytes: Uint8Array, draws: Draws, times: number): Uint8Array {
  const model = op.onnx.ModelProto.decode(bytes);
  for (let i = 0; i < times; i++) mutateModel(model, draws);
  return op.onnx.ModelProto.encode(model).finish();
}

function mutateModel(model: onnx.ModelProto, draws: Draws): void {
  const graph = model.graph ?? {};
  const nodes = [...(graph.node ?? []), ...model.functions.flatMap((fn) => fn.node ?? [])];
  switch (draws.below(12)) {
    case 0:
      for (const entry of model.opsetImport) entry.version = 1 + draws.below(25);
      break;
    case 1:
      mutateTensor(draws.pick(graph.initializer ?? []), draws);
      break;
    case 2:
    case 3:
    case 4:
      mutateAttributes(draws.pick(nodes), draws);
      break;
    case 5: {
      const node = draws.pick(nodes);
      if (node !== undefined) node.opType = draws.pick(onnxOperators)?.name ?? "Relu";
      break;
    }
    case 6:
    case 7:
      mutateNames(draws.pick(nodes), namesIn(graph), draws);
      break;
    case 8: {
      const list = graph.node ?? [];
      const node = draws.pick(list);
      if (node !== undefined) list.splice(draws.below(list.length), draws.below(2), node);
      break;
    }
    case 9:
      mutateType(draws.pick(draws.chance(0.7) ? (graph.input ?? []) : (graph.output ?? [])), draws);
      break;
    case 10: {
      const list = graph.initializer ?? [];
      const tensor = draws.pick(list);
      if (tensor !== undefined && draws.chance(0.5)) list.splice(list.indexOf(tensor), 1);
      else if (tensor !== undefined) graph.input?.push({ name: tensor.name ?? "" });
      break;
    }
    default:
      mutateTensor(draws.pick(graph.initializer ?? []), draws);
  }
}

function namesIn(graph: onnx.IGraphProto): readonly string[] {
  return [
    "",
    ...(graph.input ?? []).map(({ name }) => name ?? ""),
    ...(graph.initializer ?? []).map(({ name }) => name ?? ""),
    ...(graph.node ?? []).flatMap(({ output }) => output ?? []),
  ];
}

function mutateNames(
  node: onnx.INodeProto | undefined,
  names: readonly string[],
  draws: Draws,
): void {
  const list = draws.chance(0.8) ? node?.input : node?.output;
  if (list === null || list === undefined) return;
  const at = draws.below(list.length + 1);
  const name = draws.pick(names) ?? "";
  if (draws.chance(0.6)) list[Math.min(at, Math.max(0, list.length - 1))] = name;
  else if (draws.chance(0.5)) list.splice(at, 0, name);
  else list.splice(at, 1);
}

function mutateAttributes(node: onnx.INodeProto | undefined, draws: Draws): void {
  if (node === undefined) return;
  const list = node.attribute ?? [];
  const attribute = draws.pick(list);
  if (attribute === undefined || draws.chance(0.1)) {
    const name = draws.pick(["axis", "axes", "pads", "group", "keepdims", "to", "mode"]) ?? "axis";
    list.push({ name, type: 2, i: draws.pick(integers) ?? 0 });
    return;
  }
  if (draws.chance(0.05)) attribute.type = draws.below(15);
  const number = draws.pick(integers) ?? 0;
  if (attribute.ints !== null && attribute.ints !== undefined && attribute.ints.length > 0) {
    const at = draws.below(attribute.ints.length);
    if (draws.chance(0.7)) attribute.ints[at] = number;
    else if (draws.chance(0.5)) attribute.ints.splice(at, 1);
    else attribute.ints.push(number);
  } else if (Object.hasOwn(attribute, "i")) attribute.i = number;
  else if (Object.hasOwn(attribute, "f")) attribute.f = draws.pick(reals) ?? 0;
  else if (Object.hasOwn(attribute, "s")) {
    attribute.s = new TextEncoder().encode(draws.pick(["", "linear", "SAME_LOWER", "ij,jk->ki"]));
  } else mutateTensor(attribute.t ?? undefined, draws);
}

function mutateTensor(tensor: onnx.ITensorProto | undefined, draws: Draws): void {
  if (tensor === undefined) return;
  const number = draws.pick(integers) ?? 0;
  const { dims, int64Data, floatData, rawData } = tensor;
  switch (draws.below(6)) {
    case 0:
      if (dims !== null && dims !== undefined && dims.length > 0) {
        dims[draws.below(dims.length)] = number;
      }
      break;
    case 1:
      tensor.dims = draws.chance(0.5) ? [] : [number, ...(dims ?? [])];
      break;
    case 2:
      tensor.dataType = draws.below(25);
      break;
    case 3:
      if (rawData !== null && rawData !== undefined) {
        tensor.rawData = rawData.subarray(0, draws.below(rawData.length + 1));
      }
      break;
    case 4:
      if (rawData !== null && rawData !== undefined && rawData.length > 0) {
        const copy = Uint8Array.from(rawData);
        for (let i = 0; i < 4; i++) copy[draws.below(copy.length)] = draws.below(256);
        tensor.rawData = copy;
      }
      break;
    default:
      if (int64Data !== null && int64Data !== undefined && int64Data.length > 0) {
        int64Data[draws.below(int64Data.length)] = number;
      } else if (floatData !== null && floatData !== undefined && floatData.length > 0) {
        floatData[draws.below(floatData.length)] = draws.pick(reals) ?? 0;
      }
  }
}

function mutateType(info: onnx.IValueInfoProto | undefined, draws: Draws): void {
  const type = info?.type?.tensorType;
  if (type === null || type === undefined) return;
  const dims = type.shape?.dim;
  if (draws.chance(0.2)) type.elemType = draws.below(25);
  else if (dims !== null && dims !== undefined && dims.length > 0) {
    const at = draws.below(dims.length);
    if (draws.chance(0.8)) dims[at] = { dimValue: draws.pick(integers) ?? 0 };
    else dims.splice(at, draws.below(2), {});
  }
}
