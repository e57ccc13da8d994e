/**
 * TensorProto to tensor: every element type of ONNX, from raw bytes, typed fields or external
 * files. Declared sizes are checked against what is there before anything is allocated.
 * Strings and complex numbers are refused: no operator here takes them.
 */
import { type Diagnostic, fail, known } from "../../../ir/diagnostic.ts";
import type { Loc } from "../../../ir/loc.ts";
import {
  type Tensor,
  type TensorData,
  allocate,
  decodeBFloat16,
  decodeFloat16,
  roundTo,
} from "../../../ir/tensor.ts";
import { type DType, type Shape, elementCount, isFloat } from "../../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { type TensorSource, externalBytes } from "./external.ts";
import { smallFloatTable } from "./float8.ts";
import {
  type DataType,
  type Integer,
  type SparseTensorProto,
  type TensorProto,
  dataTypeOf,
  integer,
} from "./proto.ts";

/** What an ONNX element type is held as, or null for strings and complex numbers. */
export function dtypeOf(type: DataType): DType | null {
  switch (type) {
    case "float":
    case "float8e4m3fn":
    case "float8e4m3fnuz":
    case "float8e5m2":
    case "float8e5m2fnuz":
    case "float4e2m1":
      return "f32";
    case "double":
      return "f64";
    case "float16":
      return "f16";
    case "bfloat16":
      return "bf16";
    case "int64":
      return "i64";
    case "int32":
      return "i32";
    case "int16":
      return "i16";
    case "int8":
    case "int4":
      return "i8";
    case "uint64":
      return "u64";
    case "uint32":
      return "u32";
    case "uint16":
      return "u16";
    case "uint8":
    case "uint4":
      return "u8";
    case "bool":
      return "bool";
    case "undefined":
    case "string":
    case "complex64":
    case "complex128":
      return null;
  }
}

/** The type that a code means, where the IR holds it as a wider one; else null. */
export function narrowFormat(code: number | null | undefined): DataType | null {
  const type = dataTypeOf(code);
  return type !== null && /^float[48]|^u?int4$/.test(type) ? type : null;
}

/** True for formats that are packed two elements to a byte. */
function isPacked(type: DataType): boolean {
  return type === "int4" || type === "uint4" || type === "float4e2m1";
}

/** Bytes that `count` elements take in raw data. */
function rawSize(type: DataType, count: number): number {
  if (isPacked(type)) return Math.ceil(count / 2);
  switch (type) {
    case "double":
    case "int64":
    case "uint64":
      return 8 * count;
    case "float":
    case "int32":
    case "uint32":
      return 4 * count;
    case "float16":
    case "bfloat16":
    case "int16":
    case "uint16":
      return 2 * count;
    default:
      return count;
  }
}

/** The declared dimensions; refuses negative ones and sizes above the limit. */
function dimensionsOf(
  name: string,
  dims: readonly Integer[] | null | undefined,
  source: TensorSource,
): Shape {
  const shape = (dims ?? []).map(integer);
  if (shape.some((extent) => extent < 0)) {
    const what = `tensor "${name}" has the dimensions [${shape.join(", ")}]`;
    fail(diagnose("invalid-model", source.loc, { what }));
  }
  const bytes = 8 * elementCount(shape);
  if (shape.length > source.rank) {
    const why = `it has ${shape.length} axes`;
    const help = `at most ${source.rank} axes are supported`;
    fail(diagnose("unsupported-tensor", source.loc, { name, why, help }));
  }
  // In memory an element takes 8 bytes at most; the check is for sizes that no file can mean.
  if (bytes > 8 * source.valueBytes || Number.isNaN(bytes)) {
    const what = `tensor "${name}" [${shape.join(", ")}]`;
    fail(diagnose("value-too-large", source.loc, { what, bytes, limit: source.valueBytes }));
  }
  return shape;
}

/** Decodes one tensor, or fails with the reason. */
export function decodeTensor(proto: TensorProto, name: string, source: TensorSource): Tensor {
  const type = dataTypeOf(proto.dataType);
  const dtype = type === null ? null : dtypeOf(type);
  if (type === null || dtype === null) {
    const why = `its element type is ${type ?? `number ${proto.dataType ?? 0}`}`;
    const help = "cut off the part of the model that works on it, before exporting";
    fail(diagnose("unsupported-tensor", source.loc, { name, why, help }));
  }
  if (proto.segment !== null && proto.segment !== undefined) {
    const why = "it is split into segments";
    const help = "save it again with a current version of onnx";
    fail(diagnose("unsupported-tensor", source.loc, { name, why, help }));
  }
  const shape = dimensionsOf(name, proto.dims, source);
  const count = elementCount(shape);
  // TensorProto.DataLocation: 0 is in the message, 1 is in a file.
  const isExternal = Number(proto.dataLocation ?? 0) === 1;
  const raw = isExternal ? externalBytes(proto, name, rawSize(type, count), source) : proto.rawData;
  const data =
    raw !== null && raw !== undefined && (raw.length > 0 || isExternal)
      ? fromRaw(raw, type, dtype, count, name, source)
      : fromFields(proto, type, dtype, count, name, source);
  if (dtype === "i64" || dtype === "u64") reportLargeIntegers(data, name, source);
  return { dtype, shape, data };
}

function fromRaw(
  raw: Uint8Array,
  type: DataType,
  dtype: DType,
  count: number,
  name: string,
  source: TensorSource,
): TensorData {
  const expected = rawSize(type, count);
  if (raw.length !== expected) {
    sizeMismatch(name, `${count} elements (${expected} bytes)`, `${raw.length} bytes`, source);
  }
  // Raw data lies unaligned within the file, so it cannot be viewed; it is read by DataView.
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = allocate(dtype, count);
  const read = reader(view, type);
  for (let i = 0; i < count; i++) data[i] = read(i);
  return data;
}

/** Reads element i of little-endian raw data. */
function reader(view: DataView, type: DataType): (i: number) => number {
  switch (type) {
    case "float":
      return (i) => view.getFloat32(4 * i, true);
    case "double":
      return (i) => view.getFloat64(8 * i, true);
    case "float16":
      return (i) => decodeFloat16(view.getUint16(2 * i, true));
    case "bfloat16":
      return (i) => decodeBFloat16(view.getUint16(2 * i, true));
    case "int64":
      return (i) => Number(view.getBigInt64(8 * i, true));
    case "uint64":
      return (i) => Number(view.getBigUint64(8 * i, true));
    case "int32":
      return (i) => view.getInt32(4 * i, true);
    case "uint32":
      return (i) => view.getUint32(4 * i, true);
    case "int16":
      return (i) => view.getInt16(2 * i, true);
    case "uint16":
      return (i) => view.getUint16(2 * i, true);
    case "int8":
      return (i) => view.getInt8(i);
    case "bool":
      return (i) => (view.getUint8(i) === 0 ? 0 : 1);
    case "uint4":
      return (i) => nibble(view.getUint8(i >> 1), i);
    case "int4":
      return (i) => signed4(nibble(view.getUint8(i >> 1), i));
    case "float4e2m1": {
      const table = smallFloatTable(type);
      return (i) => known(table[nibble(view.getUint8(i >> 1), i)], "a 4-bit code");
    }
    case "float8e4m3fn":
    case "float8e4m3fnuz":
    case "float8e5m2":
    case "float8e5m2fnuz": {
      const table = smallFloatTable(type);
      return (i) => known(table[view.getUint8(i)], "an 8-bit code");
    }
    default:
      return (i) => view.getUint8(i);
  }
}

/** The low four bits hold the even element, the high four the odd one. */
function nibble(byte: number, i: number): number {
  return i % 2 === 0 ? byte & 15 : (byte >> 4) & 15;
}

function signed4(code: number): number {
  return code > 7 ? code - 16 : code;
}

/** Elements from the typed field that ONNX names for each element type. */
function fromFields(
  proto: TensorProto,
  type: DataType,
  dtype: DType,
  count: number,
  name: string,
  source: TensorSource,
): TensorData {
  const [field, decode] = fieldOf(proto, type);
  const expected = isPacked(type) ? Math.ceil(count / 2) : count;
  if (field.length !== expected) {
    sizeMismatch(name, `${count} elements`, `${field.length}`, source);
  }
  const data = allocate(dtype, count);
  for (let i = 0; i < count; i++) {
    const item = integer(field[isPacked(type) ? i >> 1 : i]);
    data[i] = roundTo(dtype, decode(item, i));
  }
  return data;
}

type Decode = (item: number, i: number) => number;

function fieldOf(proto: TensorProto, type: DataType): readonly [readonly Integer[], Decode] {
  const plain: Decode = (item) => item;
  const int32 = proto.int32Data ?? [];
  switch (type) {
    case "float":
      return [proto.floatData ?? [], plain];
    case "double":
      return [proto.doubleData ?? [], plain];
    case "int64":
      return [proto.int64Data ?? [], plain];
    case "uint32":
    case "uint64":
      return [proto.uint64Data ?? [], plain];
    case "float16":
      return [int32, (item) => decodeFloat16(item & 0xffff)];
    case "bfloat16":
      return [int32, (item) => decodeBFloat16(item & 0xffff)];
    case "int4":
      return [int32, (item, i) => signed4(nibble(item, i))];
    case "uint4":
      return [int32, nibble];
    case "float4e2m1":
      return [int32, (item, i) => known(smallFloatTable(type)[nibble(item, i)], "a 4-bit code")];
    case "float8e4m3fn":
    case "float8e4m3fnuz":
    case "float8e5m2":
    case "float8e5m2fnuz":
      return [int32, (item) => known(smallFloatTable(type)[item & 255], "an 8-bit code")];
    default:
      return [int32, plain];
  }
}

function sizeMismatch(name: string, expected: string, found: string, source: TensorSource): never {
  fail(diagnose("tensor-size", source.loc, { name, expected, found }));
}

/** The extreme integers, as doubles: they mean "as far as it goes" in Slice and are no loss. */
const sentinels: readonly number[] = [2 ** 63, 2 ** 64];

function reportLargeIntegers(data: TensorData, name: string, source: TensorSource): void {
  for (const value of data) {
    const size = Math.abs(value);
    if (size > Number.MAX_SAFE_INTEGER && !sentinels.includes(size)) {
      source.report(diagnose("large-integer", source.loc, { name, value: String(value) }));
      return;
    }
  }
}

/** Decodes a sparse tensor (COO; linear or per-axis indices) into a dense one. */
export function decodeSparse(proto: SparseTensorProto, name: string, source: TensorSource): Tensor {
  const shape = dimensionsOf(name, proto.dims, source);
  const count = elementCount(shape);
  const bytes = 8 * count;
  if (bytes > source.valueBytes) {
    const what = `sparse tensor "${name}" [${shape.join(", ")}]`;
    fail(diagnose("value-too-large", source.loc, { what, bytes, limit: source.valueBytes }));
  }
  const values = decodeTensor(proto.values ?? {}, name, source);
  const indices = decodeTensor(proto.indices ?? {}, `${name} (indices)`, source);
  const entries = values.data.length;
  const perAxis = indices.shape.length === 2;
  const expected = perAxis ? entries * shape.length : entries;
  if (indices.data.length !== expected) {
    sizeMismatch(`${name} (indices)`, `${expected} elements`, `${indices.data.length}`, source);
  }
  const data = allocate(values.dtype, count);
  for (let i = 0; i < entries; i++) {
    const at = perAxis
      ? shape.reduce((sum, extent, axis) => {
          return sum * extent + (indices.data[i * shape.length + axis] ?? 0);
        }, 0)
      : (indices.data[i] ?? 0);
    if (!(at >= 0 && at < count)) {
      const what = `sparse tensor "${name}" has an entry at ${at} of ${count}`;
      fail(diagnose("invalid-model", source.loc, { what }));
    }
    data[at] = values.data[i] ?? 0;
  }
  return { dtype: values.dtype, shape, data };
}

/**
 * Reports non-finite values in a float tensor. Outside of weights, masks are exempt, which hold
 * nothing but zero and minus infinity, and so are single infinite values (a padding, a bound).
 */
export function findNonFinite(
  tensor: Tensor,
  name: string,
  loc: Loc,
  use: "any" | "weight" = "any",
): Diagnostic | null {
  if (!isFloat(tensor.dtype)) return null;
  let nan = 0;
  let infinite = 0;
  let maskLike = use === "any";
  for (const value of tensor.data) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    if (value !== 0 && value !== -Infinity) maskLike = false;
  }
  const total = tensor.data.length;
  const exempt = maskLike || (total === 1 && use === "any");
  if (nan === 0 && (infinite === 0 || exempt)) return null;
  return diagnose("nan-weight", loc, { name, nan, infinite, total });
}
