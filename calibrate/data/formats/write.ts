/** Tensors as .npy and .npz, for whoever reads a run's outputs. Same tensors, same bytes. */
import { zipSync } from "fflate";
import { type TypedArray, dump } from "npyjs";
import { type Tensor, encodeFloat16 } from "../../../ir/tensor.ts";

/** NumPy's code of each element type that its typed array does not tell. */
type ElementCode = "f2" | "b1" | null;

function contentOf(t: Tensor): { array: TypedArray; code: ElementCode } {
  switch (t.dtype) {
    case "i64":
      return { array: BigInt64Array.from(t.data, (value: number) => BigInt(value)), code: null };
    case "u64":
      return { array: BigUint64Array.from(t.data, (value: number) => BigInt(value)), code: null };
    case "f16":
      return { array: Uint16Array.from(t.data, encodeFloat16), code: "f2" };
    case "bool":
      return { array: Uint8Array.from(t.data), code: "b1" };
    default:
      return { array: t.data, code: null };
  }
}

/** A .npy file. NumPy has no bfloat16: such tensors are written as float32, which holds them. */
export function encodeNpy(t: Tensor): Uint8Array {
  const { array, code } = contentOf(t);
  return new Uint8Array(dump(array, [...t.shape], code === null ? {} : { dtype: code }));
}

/** Zip entries carry a time of day. Local time without a zone gives the same bytes in every zone. */
const noTime = "1980-01-01T12:00:00";

/** A zip entry's name has a length of 16 bits; what is longer is cut, with room for an ending. */
const longestName = 60_000;

/**
 * Names for the arrays of an .npz: each its own, but for what an entry of an archive must not be
 * called, since entries are paths for whoever unpacks them. Segments of dots alone (`..`), backslashes
 * and control characters are written as in an address (`%2E%2E`), too long names are cut, and what is
 * taken then gets a number.
 */
export function archiveNames(names: readonly string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  const taken = new Set<string>();
  const place = (name: string, wanted: string): void => {
    let free = wanted;
    for (let n = 2; taken.has(free); n++) free = `${wanted}.${n}`;
    taken.add(free);
    given.set(name, free);
  };
  // Names that stay come first, so that none of them has to give way to another.
  const [plain, others] = [[...new Set(names)].filter(isSafe), names.filter((n) => !isSafe(n))];
  for (const name of plain) place(name, name);
  for (const name of new Set(others)) place(name, safeName(name));
  return given;
}

function isSafe(name: string): boolean {
  return safeName(name) === name;
}

function safeName(name: string): string {
  const safe = name
    .replace(/\p{Cc}|\\|\p{Cs}/gu, (c) => (isHalf(c) ? "%EF%BF%BD" : encodeURIComponent(c)))
    .split("/")
    .map((segment) => (/^\.+$/.test(segment) ? segment.replaceAll(".", "%2E") : segment))
    .join("/");
  const bytes = new TextEncoder().encode(safe);
  if (bytes.length <= longestName) return safe;
  return new TextDecoder().decode(bytes.subarray(0, longestName)).replace(/\ufffd+$/, "");
}

/** Half a surrogate pair, which UTF-8 has no bytes for. */
function isHalf(c: string): boolean {
  return /\p{Cs}/u.test(c);
}

/** An .npz archive, uncompressed as `numpy.savez` makes it. */
export function encodeNpz(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const entries: Record<string, Uint8Array> = {};
  for (const [name, t] of tensors) entries[`${name}.npy`] = encodeNpy(t);
  return zipSync(entries, { level: 0, mtime: noTime });
}
