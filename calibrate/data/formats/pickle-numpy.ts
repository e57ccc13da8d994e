/** The part of numpy that a pickled array needs: element types by code, and arrays from bytes. */
import { type Result, no, ok } from "../../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { bytesOf, elementCount } from "../../../ir/type.ts";
import type { Budget } from "../budget.ts";
import { dtypeByCode, elementsOf, faultOf } from "./elements.ts";
import { fromFortranOrder } from "./npy.ts";

/** A numpy element type; its byte order arrives after it was made, as numpy pickles it. */
export interface Dtype {
  readonly kind: "dtype";
  readonly code: string;
  bigEndian: boolean;
}

export function makeDtype(code: string): Dtype {
  return { kind: "dtype", code, bigEndian: false };
}

export function isDtype(value: unknown): value is Dtype {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dtype";
}

/** An array as a pickle describes it. */
export interface Described {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly fortranOrder: boolean;
  readonly bytes: Uint8Array;
}

/** An array from its bytes; says why there is none. `file` is for messages. */
export function makeArray(
  { shape, dtype, fortranOrder, bytes }: Described,
  file: string,
  budget: Budget,
): Result<Tensor> {
  const type = dtypeByCode.get(dtype.code);
  if (type === undefined) return no(`holds an array of type ${dtype.code}`);
  const fault = faultOf(shape);
  if (fault !== null) return no(`holds an array whose shape ${fault}`);
  const size = elementCount(shape) * bytesOf(type);
  if (size !== bytes.length) return no(`holds ${bytes.length} bytes for an array of ${size}`);
  const data = elementsOf(type, bytes, !dtype.bigEndian, file, budget);
  const stored = tensor(type, shape, data);
  return ok(fortranOrder ? fromFortranOrder(stored, file, budget) : stored);
}
