/**
 * The one door to onnx-proto: the decoder, and how its loose values (Long or number, bytes for
 * text, defaults on prototypes) read as ours. It judges nothing; model.ts does.
 */
import op from "onnx-proto";
import type { AttributeProto, ModelProto, TensorProto, WideInteger } from "./messages.ts";

export type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
} from "./messages.ts";

/** Decodes protobuf; throws whatever protobufjs throws on bytes that are not this message. */
export function decodeModelProto(bytes: Uint8Array): ModelProto {
  return op.onnx.ModelProto.decode(bytes);
}

/** Decodes one attribute on its own; throws as above. */
export function decodeAttributeProto(bytes: Uint8Array): AttributeProto {
  return op.onnx.AttributeProto.decode(bytes);
}

/** Decodes a tensor file (`input_0.pb` of the ONNX backend tests); throws as above. */
export function decodeTensorProto(bytes: Uint8Array): TensorProto {
  return op.onnx.TensorProto.decode(bytes);
}

/** What a 64-bit field may come as. */
export type Integer = WideInteger | null | undefined;

/** A 64-bit field as a double: exact up to 2^53, the nearest double beyond. 0 where absent. */
export function integer(value: Integer): number {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" ? value : value.toNumber();
}

const utf8 = new TextDecoder();

/** Bytes of a string attribute as text; "" where absent. */
export function text(bytes: Uint8Array | null | undefined): string {
  return bytes === null || bytes === undefined ? "" : utf8.decode(bytes);
}

/** The domain as nodes are matched: "ai.onnx" is another spelling of "". */
export function domainOf(domain: string | null | undefined): string {
  return domain === null || domain === undefined || domain === "ai.onnx" ? "" : domain;
}

/** AttributeProto.AttributeType, by number. */
export const attributeTypes = [
  "undefined",
  "float",
  "int",
  "string",
  "tensor",
  "graph",
  "floats",
  "ints",
  "strings",
  "tensors",
  "graphs",
  "sparse_tensor",
  "sparse_tensors",
  "type_proto",
  "type_protos",
] as const;

/**
 * TensorProto.DataType by number, the newer ones included: onnx-proto leaves `dataType` a plain
 * number, so types that its enum does not know pass through.
 */
export const dataTypes = [
  "undefined",
  "float",
  "uint8",
  "int8",
  "uint16",
  "int16",
  "int32",
  "int64",
  "string",
  "bool",
  "float16",
  "double",
  "uint32",
  "uint64",
  "complex64",
  "complex128",
  "bfloat16",
  "float8e4m3fn",
  "float8e4m3fnuz",
  "float8e5m2",
  "float8e5m2fnuz",
  "uint4",
  "int4",
  "float4e2m1",
] as const;

export type DataType = (typeof dataTypes)[number];

export function dataTypeOf(code: number | null | undefined): DataType | null {
  return dataTypes[code ?? 0] ?? null;
}
