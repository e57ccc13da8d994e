/** Tensors as .npy and .npz, for whoever reads a run's outputs. Same tensors, same bytes. */
import { zipSync } from "fflate";
import { type TypedArray, dump } from "npyjs";
import { type Tensor, encodeFloat16 } from "../../ir/tensor.ts";

/** NumPy's code of each element type that its typed array does not tell. */
type Code = "f2" | "b1" | null;

function contentOf(t: Tensor): { array: TypedArray; code: Code } {
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

/** An .npz archive, uncompressed as `numpy.savez` makes it. */
export function encodeNpz(tensors: ReadonlyMap<string, Tensor>): Uint8Array {
  const entries: Record<string, Uint8Array> = {};
  for (const [name, t] of tensors) entries[`${name}.npy`] = encodeNpy(t);
  return zipSync(entries, { level: 0, mtime: noTime });
}
