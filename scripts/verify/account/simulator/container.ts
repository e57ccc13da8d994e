/**
 * The bytes of a `.snn`, by "The .snn file" of docs/ir.md: a safetensors file whose metadata hold
 * the network as text.
 */
import { createHash } from "node:crypto";

import { rounderOf } from "./numbers.ts";
import { refuse } from "./refusal.ts";
import { type Dtype, dtypes, type Shape, sizeOf, type Tensor } from "./types.ts";

export interface Stored extends Tensor {
  /** SHA-256 of type and elements, in hexadecimal. */
  readonly hash: string;
}

export interface Container {
  readonly text: string;
  readonly tensors: ReadonlyMap<string, Stored>;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function counts(value: unknown): readonly number[] {
  if (!Array.isArray(value)) return refuse("The header has something else than a list.");
  return value.map((n) =>
    typeof n === "number" && n >= 0 ? n : refuse("No count in the header."),
  );
}

export function readContainer(bytes: Uint8Array): Container {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const begin = 8 + Number(view.getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, begin)));
  if (!isRecord(header)) return refuse("The header is not an object.");
  const metadata = header["__metadata__"];
  if (!isRecord(metadata)) return refuse("There are no metadata.");
  const version = metadata["snnc.format"];
  if (version !== "1" && version !== "2" && version !== "3")
    return refuse("The layout has another version.");
  const text = metadata["snnc.ir"];
  if (typeof text !== "string") return refuse("There is no network in the metadata.");
  const tensors = new Map<string, Stored>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (!isRecord(entry)) return refuse(`The entry of ${name} is not an object.`);
    const dtype = dtypes.find((known) => known.toUpperCase() === entry["dtype"]);
    if (dtype === undefined) return refuse(`${name} has an unknown type.`);
    const shape = counts(entry["shape"]);
    const [from = 0, to = 0] = counts(entry["data_offsets"]);
    const part = new DataView(bytes.buffer, bytes.byteOffset + begin + from, to - from);
    tensors.set(nameInText(name), decode(part, dtype, shape));
  }
  return { text, tensors };
}

/** The format keeps `__metadata__`, so the file has one underscore more. */
const nameInText = (name: string): string =>
  /^__metadata___+$/.test(name) ? name.slice(0, -1) : name;

const widths: Readonly<Record<Dtype, number>> = {
  ...({ f64: 8, f32: 4, f16: 2, bf16: 2, i64: 8, i32: 4, i16: 2 } as const),
  ...({ i8: 1, u64: 8, u32: 4, u16: 2, u8: 1, bool: 1 } as const),
};

function decode(view: DataView, dtype: Dtype, shape: Shape): Stored {
  const width = widths[dtype];
  const size = sizeOf(shape);
  if (view.byteLength !== size * width) return refuse("A tensor has another number of bytes.");
  const values = new Float64Array(size);
  for (let i = 0; i < size; i += 1) values[i] = element(view, i * width, dtype);
  return { dtype, shape, values, hash: hashOf(view, dtype, shape, values) };
}

function element(view: DataView, place: number, dtype: Dtype): number {
  switch (dtype) {
    case "f64":
      return view.getFloat64(place, true);
    case "f32":
      return view.getFloat32(place, true);
    case "f16":
      return half(view.getUint16(place, true));
    case "bf16": {
      const bits = new DataView(new ArrayBuffer(4));
      bits.setUint16(0, view.getUint16(place, true));
      return bits.getFloat32(0);
    }
    case "i64":
      return Number(view.getBigInt64(place, true));
    case "i32":
      return view.getInt32(place, true);
    case "i16":
      return view.getInt16(place, true);
    case "i8":
      return view.getInt8(place);
    case "u64":
      return Number(view.getBigUint64(place, true));
    case "u32":
      return view.getUint32(place, true);
    case "u16":
      return view.getUint16(place, true);
    case "u8":
    case "bool":
      return view.getUint8(place);
  }
}

function half(bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function hashOf(view: DataView, dtype: Dtype, shape: Shape, values: Float64Array): string {
  const hash = createHash("sha256").update(`${dtype}[${shape.join(",")}]`);
  const wide = dtype === "i64" || dtype === "u64";
  if (!wide && dtype !== "f16" && dtype !== "bf16") {
    return hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)).digest("hex");
  }
  const width = wide ? 8 : 4;
  const bytes = new DataView(new ArrayBuffer(values.length * width));
  const round = rounderOf(wide ? "f64" : "f32");
  values.forEach((value, i) => {
    if (wide) bytes.setFloat64(i * width, round(value), true);
    else bytes.setFloat32(i * width, round(value), true);
  });
  return hash.update(new Uint8Array(bytes.buffer)).digest("hex");
}
