/**
 * IDX, the format of MNIST: a magic number (0, 0, element type, rank), the extents, then the
 * elements, all big-endian. Knows nothing of file names.
 */
import { fail, known } from "../../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { type DType, bytesOf, elementCount } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { elementsOf } from "./elements.ts";

const dtypeByCode: ReadonlyMap<number, DType> = new Map([
  [0x08, "u8"],
  [0x09, "i8"],
  [0x0b, "i16"],
  [0x0c, "i32"],
  [0x0d, "f32"],
  [0x0e, "f64"],
]);

function extentsOf(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  return Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
}

/** True where the bytes begin as IDX does and, if `exact`, have the length that it announces. */
export function isIdx(bytes: Uint8Array, exact: boolean): boolean {
  const [first, second, code = 0, rank = 0] = bytes;
  const dtype = dtypeByCode.get(code);
  if (first !== 0 || second !== 0 || dtype === undefined || rank < 1 || rank > 8) return false;
  const header = 4 + 4 * rank;
  if (bytes.length < header) return !exact;
  return !exact || bytes.length === header + elementCount(extentsOf(bytes)) * bytesOf(dtype);
}

/** Parses IDX bytes; fails unless they have exactly the announced length. */
export function parseIdx(bytes: Uint8Array, file: string, budget: Budget): Tensor {
  const header = 4 + 4 * (bytes[3] ?? 0);
  if (!isIdx(bytes, false) || bytes.length < header) {
    const reason = "it ends within its header, or begins with another magic number";
    fail(diagnose("data-header", null, { file, format: "IDX", reason }));
  }
  const dtype = known(dtypeByCode.get(bytes[2] ?? 0), "the element type of an IDX file");
  const shape = extentsOf(bytes);
  const length = elementCount(shape);
  const expected = length * bytesOf(dtype);
  const found = bytes.length - header;
  if (found !== expected) {
    fail(diagnose("data-size", null, { file, format: "IDX", expected, found }));
  }
  return tensor(dtype, shape, elementsOf(dtype, bytes.subarray(header), false, file, budget));
}
