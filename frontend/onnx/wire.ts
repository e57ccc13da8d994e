/**
 * Reads, straight off the protobuf wire, the one field that onnx-proto is too old to know and
 * that changes a model's meaning: default values of attributes in model functions (IR 9).
 */
import { type AttributeProto, decodeAttributeProto } from "./proto.ts";

/** Field numbers of onnx.proto. */
const modelFunctions = 25;
const functionAttributeProtos = 11;

interface Field {
  readonly number: number;
  /** Content of a length-delimited field; null for the others. */
  readonly bytes: Uint8Array | null;
}

/** The default attributes of each function of a model, in order. `bytes` has decoded before. */
export function functionDefaults(bytes: Uint8Array): readonly (readonly AttributeProto[])[] {
  const functions: AttributeProto[][] = [];
  for (const field of fields(bytes)) {
    if (field.number !== modelFunctions || field.bytes === null) continue;
    const defaults: AttributeProto[] = [];
    for (const inner of fields(field.bytes)) {
      if (inner.number === functionAttributeProtos && inner.bytes !== null) {
        defaults.push(decodeAttributeProto(inner.bytes));
      }
    }
    functions.push(defaults);
  }
  return functions;
}

/** The fields of one message; stops at anything malformed. */
function* fields(bytes: Uint8Array): Iterable<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70 && at < bytes.length; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        varint();
        yield { number, bytes: null };
        break;
      case 1:
        at += 8;
        yield { number, bytes: null };
        break;
      case 2: {
        const length = varint();
        if (at + length > bytes.length) return;
        yield { number, bytes: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        at += 4;
        yield { number, bytes: null };
        break;
      default:
        return;
    }
  }
}
