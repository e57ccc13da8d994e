/**
 * Zip archives, as far as .npz needs them: the central directory, which says what there is and how
 * large it is, and entries that are stored or deflated, each held to its size and checksum. No
 * library at hand compares the checksums. Opens nothing, and inflates only what is asked for.
 */
import { crc32 } from "node:zlib";
import { fail } from "../../../ir/diagnostic.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { inflate, inflateStart, largestRatio } from "./inflate.ts";

/** What the directory says of an entry. */
export interface ZipEntry {
  readonly name: string;
  /** 0 is stored, 8 is deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packedSize: number;
  readonly size: number;
  readonly headerAt: number;
}

/** True where the bytes begin as a zip archive does (with or without entries). */
export function isZip(bytes: Uint8Array): boolean {
  const [p, k, a, b] = bytes;
  return p === 0x50 && k === 0x4b && ((a === 3 && b === 4) || (a === 5 && b === 6));
}

const endSignature = 0x06054b50;
const endLength = 22;
const locatorSignature = 0x07064b50;
const locatorLength = 20;
const end64Signature = 0x06064b50;
const entrySignature = 0x02014b50;
const entryLength = 46;
const localSignature = 0x04034b50;
const localLength = 30;
/** A value that is too large for its field, and is in the 64-bit ones. */
const elsewhere = 0xffffffff;

/** The entries of an archive, in the directory's order; reads nothing else (APPNOTE 4.3.12). */
export function listZip(bytes: Uint8Array, file: string): readonly ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { count, start } = findDirectory(view, file);
  const entries: ZipEntry[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + entryLength > bytes.length || view.getUint32(at, true) !== entrySignature) {
      refuse(file, "its list of entries is damaged");
    }
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + entryLength + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) refuse(file, "its list of entries is damaged");
    const nameAt = at + entryLength;
    const flags = view.getUint16(at + 8, true);
    const encoding = (flags & 0x800) === 0 ? "latin1" : "utf-8";
    const sizes = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
    const [size = 0, packedSize = 0, headerAt = 0] = sizes64(
      view,
      nameAt + nameLength,
      extraLength,
      sizes,
    );
    entries.push({
      name: new TextDecoder(encoding).decode(bytes.subarray(nameAt, nameAt + nameLength)),
      method: view.getUint16(at + 10, true),
      encrypted: (flags & 1) !== 0,
      crc: view.getUint32(at + 16, true),
      packedSize,
      size,
      headerAt,
    });
    at = next;
  }
  return entries;
}

function findDirectory(view: DataView, file: string): { count: number; start: number } {
  const last = view.byteLength - endLength;
  // A comment of up to 65,535 bytes may follow.
  for (let at = last; at >= Math.max(0, last - 0xffff); at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    const count = view.getUint16(at + 10, true);
    const start = view.getUint32(at + 16, true);
    const locator = at - locatorLength;
    if (locator < 0 || view.getUint32(locator, true) !== locatorSignature) return { count, start };
    const end64 = Number(view.getBigUint64(locator + 8, true));
    if (end64 + 56 > view.byteLength || view.getUint32(end64, true) !== end64Signature) break;
    return {
      count: Number(view.getBigUint64(end64 + 32, true)),
      start: Number(view.getBigUint64(end64 + 48, true)),
    };
  }
  return refuse(file, "it is cut short, or damaged at its end");
}

/** Sizes and offset with those taken from the 64-bit field that do not fit into 32 (APPNOTE 4.5.3). */
function sizes64(
  view: DataView,
  start: number,
  length: number,
  sizes: readonly number[],
): number[] {
  if (!sizes.includes(elsewhere)) return [...sizes];
  for (let at = start; at + 4 <= start + length;) {
    const fieldLength = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      let from = at + 4;
      return sizes.map((size) => {
        if (size !== elsewhere || from + 8 > start + length) return size;
        from += 8;
        return Number(view.getBigUint64(from - 8, true));
      });
    }
    at += 4 + fieldLength;
  }
  return [...sizes];
}

/** The content of an entry; what is inflated counts in the budget, a stored entry is a view. */
export function readEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  file: string,
  budget: Budget,
): Uint8Array {
  const where = `${file}[${entry.name}]`;
  const packed = packedBytes(bytes, entry, where);
  let content = packed;
  if (entry.method === 8) {
    budget.take(entry.size, where);
    content = inflate(packed, entry.size, where, budget);
  }
  if (crc32(content) !== entry.crc) refuse(where, "its checksum does not hold");
  return content;
}

/** The first bytes of an entry, at least `count` where it has as many; not compared with anything. */
export function startOfEntry(
  bytes: Uint8Array,
  entry: ZipEntry,
  count: number,
  file: string,
  budget: Budget,
): Uint8Array {
  const where = `${file}[${entry.name}]`;
  const packed = packedBytes(bytes, entry, where);
  return entry.method === 8 ? inflateStart(packed, count, where, budget) : packed;
}

function packedBytes(bytes: Uint8Array, entry: ZipEntry, where: string): Uint8Array {
  const { headerAt, packedSize, size, method } = entry;
  if (entry.encrypted) refuse(where, "it is encrypted");
  if (method !== 0 && method !== 8) refuse(where, `its method ${method} is not known here`);
  if (method === 0 ? size !== packedSize : size > (packedSize + 1) * largestRatio) {
    refuse(where, "it cannot have the size it claims");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (headerAt + localLength > bytes.length || view.getUint32(headerAt, true) !== localSignature) {
    refuse(where, "it is not where the list of entries says");
  }
  const names = view.getUint16(headerAt + 26, true) + view.getUint16(headerAt + 28, true);
  const start = headerAt + localLength + names;
  if (start + packedSize > bytes.length) refuse(where, "it is cut short");
  return bytes.subarray(start, start + packedSize);
}

function refuse(file: string, reason: string): never {
  return fail(diagnose("data-compression", null, { file, reason }));
}
