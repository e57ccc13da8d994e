/**
 * Storage below 8 bits: how small integers lie in bytes. What is stored so is read as `i8`, so that
 * no op knows about it: `Tensor.data` (tensor.ts) unpacks. Bits of an element lie together, the
 * first element in the lowest ones; bits behind the last element are zero.
 *
 * `b1` is ±1, as binary networks have it (bit 1 is +1, bit 0 is −1: Courbariaux et al. 2016), not 0
 * and 1: a weight of 0 is a connection that is not there. `i2` and `i4` are in two's complement.
 */
import { invariant } from "./diagnostic.ts";

export type Storage = "i4" | "i2" | "b1";

export const storages = ["i4", "i2", "b1"] as const satisfies readonly Storage[];

export function isStorage(name: string): name is Storage {
  return storages.some((storage) => storage === name);
}

const bits: Readonly<Record<Storage, number>> = { i4: 4, i2: 2, b1: 1 };

/** Bytes that `count` elements take. */
function packedLength(storage: Storage, count: number): number {
  return Math.ceil((count * bits[storage]) / 8);
}

/** True of −8 … 7 for `i4`, of −2 … 1 for `i2`, of −1 and 1 for `b1`; −0 is no integer. */
export function fits(storage: Storage, value: number): boolean {
  if (storage === "b1") return value === 1 || value === -1;
  const half = 2 ** (bits[storage] - 1);
  return Number.isInteger(value) && value >= -half && value < half && !Object.is(value, -0);
}

/** Elements of `storage` in bytes. Every one must fit. */
export function pack(storage: Storage, elements: ArrayLike<number>): Uint8Array {
  const width = bits[storage];
  const perByte = 8 / width;
  const bytes = new Uint8Array(packedLength(storage, elements.length));
  for (let i = 0; i < elements.length; i++) {
    const value = elements[i] ?? 0;
    invariant(fits(storage, value), `${value} is no ${storage}`);
    const code = storage === "b1" ? (value + 1) / 2 : value & (2 ** width - 1);
    const at = Math.floor(i / perByte);
    bytes[at] = (bytes[at] ?? 0) | (code << ((i % perByte) * width));
  }
  return bytes;
}

/** The element at `index`. */
export function elementAt(storage: Storage, bytes: Uint8Array, index: number): number {
  const width = bits[storage];
  const perByte = 8 / width;
  const code =
    ((bytes[Math.floor(index / perByte)] ?? 0) >> ((index % perByte) * width)) & (2 ** width - 1);
  if (storage === "b1") return 2 * code - 1;
  return code - 2 * (code & (2 ** (width - 1)));
}

/** The first `count` elements. */
export function unpack(storage: Storage, bytes: Uint8Array, count: number): Int8Array {
  const elements = new Int8Array(count);
  for (let i = 0; i < count; i++) elements[i] = elementAt(storage, bytes, i);
  return elements;
}

/** True where the bytes are those of `count` elements and of nothing besides. */
export function isPacked(storage: Storage, bytes: Uint8Array, count: number): boolean {
  if (bytes.length !== packedLength(storage, count)) return false;
  const used = (count * bits[storage]) % 8;
  return used === 0 || (bytes[bytes.length - 1] ?? 0) >> used === 0;
}
