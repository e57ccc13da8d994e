/**
 * Reads, straight off the protobuf wire, the one field that onnx-proto is too old to know and
 * that changes a model's meaning: default values of attributes in model functions (IR 9).
 */
import protobuf from "protobufjs/minimal.js";
import { type AttributeProto, decodeAttributeProto } from "./proto.ts";

/** Field numbers of onnx.proto. */
const modelFunctions = 25;
const functionAttributeProtos = 11;

/** The default attributes of each function of a model, in order. `bytes` has decoded before. */
export function functionDefaults(bytes: Uint8Array): readonly (readonly AttributeProto[])[] {
  const functions: AttributeProto[][] = [];
  for (const body of submessages(bytes, modelFunctions)) {
    const defaults = [...submessages(body, functionAttributeProtos)].map(decodeAttributeProto);
    functions.push(defaults);
  }
  return functions;
}

/** Wire type of strings, bytes and messages. */
const lengthDelimited = 2;

/** The messages that field `wanted` of one message holds; what follows a malformed field is left. */
function* submessages(bytes: Uint8Array, wanted: number): Iterable<Uint8Array> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const field = nextField(reader);
    if (field === null) return;
    if (field.number === wanted && field.content !== null) yield field.content;
  }
}

/** Reads one field, or returns null where the bytes are not one. */
function nextField(
  reader: protobuf.Reader,
): { readonly number: number; readonly content: Uint8Array | null } | null {
  try {
    const tag = reader.uint32();
    if ((tag & 7) === lengthDelimited) return { number: tag >>> 3, content: reader.bytes() };
    reader.skipType(tag & 7);
    return { number: tag >>> 3, content: null };
  } catch {
    return null;
  }
}
