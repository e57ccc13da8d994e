/**
 * Safetensors: a header of JSON that names tensors, then their bytes, little-endian. Read strictly
 * (every byte of data belongs to exactly one tensor), written so that equal content gives equal
 * bytes and every tensor is aligned to its element. Knows nothing of networks.
 */
import { fail } from "../diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { type Json, canonicalJson, countsOf, membersOf, tryParseJson } from "./json.ts";
import { rangeOf } from "../analysis/range.ts";
import {
  type Tensor,
  type TensorData,
  allocate,
  decodeBFloat16,
  decodeFloat16,
  encodeBFloat16,
  encodeFloat16,
  tensor,
} from "../tensor.ts";
import { type DType, bytesOf, dtypes, elementCount } from "../type.ts";

/** A safetensors file: tensors and strings, by name. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The format's own limit on its header, which keeps a hostile file from filling the memory. */
const headerLimit = 100_000_000;

/** The element types by the format's names for them. */
const dtypeNames: ReadonlyMap<string, DType> = new Map(
  dtypes.map((dtype) => [dtype.toUpperCase(), dtype]),
);

/**
 * The bytes of a file: tensors by size of element, largest first, then by name. A tensor may not
 * be called `__metadata__`, and 64-bit integers must be exact.
 */
export function writeSafetensors(content: Safetensors): Uint8Array {
  const parts = safetensorsParts(content);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/**
 * The same bytes in parts, in order, for whoever writes them one after the other: most are views of
 * the tensors themselves, so that a large network need not be held twice.
 */
export function safetensorsParts({ tensors, metadata }: Safetensors): Uint8Array[] {
  const order = [...tensors].sort(
    ([a, x], [b, y]) => bytesOf(y.dtype) - bytesOf(x.dtype) || (a < b ? -1 : 1),
  );
  const members = [`"__metadata__":${canonicalJson(Object.fromEntries(metadata))}`];
  let end = 0;
  for (const [name, { dtype, shape }] of order) {
    const begin = end;
    end += bytesOf(dtype) * elementCount(shape);
    const entry: Json = { dtype: dtype.toUpperCase(), shape, data_offsets: [begin, end] };
    members.push(`${JSON.stringify(name)}:${canonicalJson(entry)}`);
  }
  const json = new TextEncoder().encode(`{${members.join(",")}}`);
  const headerLength = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + headerLength);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerLength), true);
  header.set(json, 8);
  header.fill(0x20, 8 + json.length);
  return [header, ...order.map(([, value]) => elementBytes(value))];
}

/** Reads a file. Fails with a diagnostic that names `file` where anything is out of order. */
export function readSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const { entries, metadata, read } = openSafetensors(bytes, file);
  return { tensors: new Map(entries.map((entry) => [entry.name, read(entry)])), metadata };
}

/** A file whose header has been read and found in order, and none of its tensors yet. */
export interface OpenSafetensors {
  /** What the header says of each tensor, by name in order. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Reads one of these entries; fails where it holds what its type does not. */
  readonly read: (entry: TensorEntry) => Tensor;
}

/** Opens a file: the header is checked whole, tensors are read when they are asked for. */
export function openSafetensors(bytes: Uint8Array, file: string): OpenSafetensors {
  const malformed: Malformed = (why) =>
    fail(diagnose("safetensors-malformed", null, { file, why }));
  if (bytes.length < 8) malformed(`it has ${bytes.length} bytes, fewer than the 8 that begin one`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  if (headerLength > Math.min(headerLimit, bytes.length - 8)) {
    malformed(`its header is to have ${headerLength} bytes, but the file has ${bytes.length}`);
  }
  const header = readHeader(bytes.subarray(8, 8 + headerLength), malformed);
  const data = bytes.subarray(8 + headerLength);
  const metadata = new Map<string, string>();
  const entries: TensorEntry[] = [];
  for (const [name, value] of header) {
    if (name !== "__metadata__") {
      entries.push(readEntry(name, value, file));
      continue;
    }
    const members = membersOf(value) ?? malformed("its __metadata__ is not an object");
    for (const [key, text] of members) {
      metadata.set(
        key,
        typeof text === "string" ? text : malformed(`__metadata__ ${key} is not a string`),
      );
    }
  }
  checkLayout(entries, data.length, malformed);
  return {
    entries: entries.sort((a, b) => (a.name < b.name ? -1 : 1)),
    metadata,
    read: (entry) => readElements(entry, data.subarray(entry.begin, entry.end), file),
  };
}

type Malformed = (why: string) => never;

/** What the header says of a tensor. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array, malformed: Malformed): ReadonlyMap<string, Json> {
  if (bytes[0] !== 0x7b) malformed("its header does not begin with {");
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    malformed("its header is not UTF-8");
  }
  const parsed = tryParseJson(text);
  if (!parsed.ok) malformed(parsed.reason);
  else return membersOf(parsed.value) ?? malformed("its header is not an object");
}

function readEntry(name: string, value: Json, file: string): TensorEntry {
  const wrong: Malformed = (why) => fail(diagnose("safetensors-tensor", null, { file, name, why }));
  const members = membersOf(value) ?? wrong("its entry in the header is not an object");
  const dtypeName = members.get("dtype");
  if (typeof dtypeName !== "string") wrong("it has no dtype");
  const dtype =
    dtypeNames.get(dtypeName) ?? wrong(`its element type ${dtypeName} is not known here`);
  const shape = countsOf(members.get("shape")) ?? wrong("its shape is not a list of whole numbers");
  const offsets = countsOf(members.get("data_offsets")) ?? [];
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2 || begin > end) {
    wrong("its data_offsets are not where it begins and where it ends");
  }
  const size = bytesOf(dtype) * elementCount(shape);
  if (size !== end - begin) {
    wrong(`${dtypeName} of shape [${shape.join(", ")}] takes ${size} bytes, not ${end - begin}`);
  }
  for (const key of members.keys()) {
    if (!entryKeys.includes(key))
      wrong(`its entry has ${JSON.stringify(key)}, which is not known here`);
  }
  return { name, dtype, shape, begin, end };
}

const entryKeys = ["dtype", "shape", "data_offsets"];

/** Holds the tensors to cover the data from end to end, each byte once. */
function checkLayout(entries: readonly TensorEntry[], length: number, malformed: Malformed): void {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== end) {
      const how = entry.begin < end ? "overlaps the tensor before it" : "leaves a gap before it";
      malformed(`tensor "${entry.name}" begins at byte ${entry.begin} of the data and ${how}`);
    }
    end = entry.end;
  }
  if (end !== length) malformed(`its tensors take ${end} bytes of data, but it has ${length}`);
}

/** The elements as the file has them; a view where memory holds them just so. */
function elementBytes({ dtype, data }: Tensor): Uint8Array {
  const size = bytesOf(dtype);
  const filled = (write: (view: DataView, offset: number, value: number) => void): Uint8Array => {
    const bytes = new Uint8Array(data.length * size);
    const view = new DataView(bytes.buffer);
    data.forEach((value, i) => write(view, i * size, value));
    return bytes;
  };
  switch (dtype) {
    case "f16":
      return filled((view, at, value) => view.setUint16(at, encodeFloat16(value), true));
    case "bf16":
      return filled((view, at, value) => view.setUint16(at, encodeBFloat16(value), true));
    case "i64":
      return filled((view, at, value) => view.setBigInt64(at, BigInt(value), true));
    case "u64":
      return filled((view, at, value) => view.setBigUint64(at, BigInt(value), true));
    default:
      return bytesInMemory(data);
  }
}

function readElements(
  { name, dtype, shape }: TensorEntry,
  bytes: Uint8Array,
  file: string,
): Tensor {
  const wrong: Malformed = (why) => fail(diagnose("safetensors-tensor", null, { file, name, why }));
  const data = allocate(dtype, elementCount(shape));
  const size = bytesOf(dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const fill = (read: (offset: number) => number): void => {
    for (let i = 0; i < data.length; i++) data[i] = read(i * size);
  };
  switch (dtype) {
    case "f16":
      fill((offset) => decodeFloat16(view.getUint16(offset, true)));
      break;
    case "bf16":
      fill((offset) => decodeBFloat16(view.getUint16(offset, true)));
      break;
    case "i64":
      fill((offset) => exactly(view.getBigInt64(offset, true), wrong));
      break;
    case "u64":
      fill((offset) => exactly(view.getBigUint64(offset, true), wrong));
      break;
    default:
      bytesInMemory(data).set(bytes);
  }
  const value = tensor(dtype, shape, data);
  const { unfit } = rangeOf(value);
  if (unfit !== null) wrong(`it holds ${unfit}, which is no ${dtype}`);
  return value;
}

/** Memory is little-endian, as the file is, on every machine that engines for this run on. */
function bytesInMemory(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function exactly(value: bigint, wrong: Malformed): number {
  const double = Number(value);
  return BigInt(double) === value ? double : wrong(`${value} is not exact as a double`);
}
