/**
 * NumPy's .npy files. Whatever a header says is checked before memory is taken: its own length, the
 * length of the data, element types that have no number. It is read once, from left to right, so that
 * no header costs more than it is long.
 */
import { fail } from "../../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { type DType, type Shape, bytesOf, elementCount, stridesOf } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { dtypeByCode, elementsOf, faultOf, isHeldOtherwise, memoryBytes } from "./elements.ts";

/** True where the bytes begin as .npy does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && new TextDecoder("latin1").decode(bytes.subarray(1, 6)) === "NUMPY";
}

/** What stands before the data. */
export interface NpyHeader {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly fortranOrder: boolean;
  readonly dataOffset: number;
}

/** No header of plain numbers is as long; NumPy itself stops at 10,000 bytes. */
const longestHeader = 2 ** 16;

/** Where the text of a header begins, and its length; null where the bytes end before they say so. */
function headerText(
  bytes: Uint8Array,
): { readonly offset: number; readonly length: number } | null {
  if (bytes.length < 12) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offset = view.getUint8(6) > 1 ? 12 : 10;
  return { offset, length: offset === 12 ? view.getUint32(8, true) : view.getUint16(8, true) };
}

/** True where the bytes begin with a whole header, whatever it says. */
export function beginsWithHeader(bytes: Uint8Array): boolean {
  const text = headerText(bytes);
  return isNpy(bytes) && text !== null && text.offset + text.length <= bytes.length;
}

/** Reads the header of a .npy file that begins with `bytes`. */
export function readNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const bad = (reason: string): never =>
    fail(diagnose("data-header", null, { file, format: ".npy", reason }));
  if (!isNpy(bytes)) return bad("it does not begin as .npy does");
  const there = headerText(bytes);
  if (there === null) return bad("it ends within its header");
  if (there.length > longestHeader) return bad(`its header is to have ${there.length} bytes`);
  const dataOffset = there.offset + there.length;
  if (dataOffset > bytes.length) return bad("it ends within its header");
  const text = new TextDecoder("latin1").decode(bytes.subarray(there.offset, dataOffset));
  const members = readMembers(text);
  const descr = members?.get("descr");
  const shape = shapeOf(members?.get("shape") ?? []);
  const order = members?.get("fortran_order")?.join("");
  if (descr === undefined || shape === null || (order !== "True" && order !== "False")) {
    return bad("its header names no element type, no shape or no order");
  }
  const fault = faultOf(shape);
  if (fault !== null) return bad(`its shape ${fault}`);
  const dtype = dtypeByCode.get(/^'[<|]?(.*)'$/.exec(descr.join(""))?.[1] ?? "");
  if (dtype === undefined) {
    const spelt = descr.map((token) => token.replaceAll("'", "") + (token === "," ? " " : ""));
    const said = spelt.join("");
    return fail(diagnose("data-dtype", null, { file, dtype: said === "|O" ? "object" : said }));
  }
  return { dtype, shape, fortranOrder: order === "True", dataOffset };
}

/** The members of a Python dict as tokens by their names, or null where it is none. */
function readMembers(text: string): ReadonlyMap<string, readonly string[]> | null {
  const tokens = text.match(/'[^']*'|[^\s'()[\]{}:,]+|\S/g) ?? [];
  const members = new Map<string, string[]>();
  let depth = 0;
  let name: string | null = null;
  let value: string[] = [];
  for (const [i, token] of tokens.entries()) {
    if (depth === 0 && (i > 0 || token !== "{")) return null;
    const ends = depth === 1 && (token === "," || token === "}");
    if (ends && name !== null) members.set(name, value);
    if (ends || (depth === 1 && token === ":")) {
      if (!ends) name = /^'(.*)'$/.exec(value.join(""))?.[1] ?? null;
      else name = null;
      value = [];
    } else if (i > 0) value.push(token);
    if ("([{".includes(token)) depth++;
    else if (")]}".includes(token)) depth--;
    if (depth === 0) return i === tokens.length - 1 ? members : null;
  }
  return null;
}

/** The extents of a Python tuple, or null where it is none of whole numbers. */
function shapeOf(tokens: readonly string[]): Shape | null {
  if (tokens[0] !== "(" || tokens.at(-1) !== ")") return null;
  const shape: number[] = [];
  for (const token of tokens.slice(1, -1)) {
    if (token === ",") continue;
    // Python 2 wrote an L behind long ones.
    if (!/^\d+L?$/.test(token)) return null;
    shape.push(parseInt(token, 10));
  }
  return shape;
}

/** Bytes of data behind such a header. */
export function npyDataBytes({ dtype, shape }: NpyHeader): number {
  return elementCount(shape) * bytesOf(dtype);
}

/** Bytes that parsing takes beside the file at least: elements that memory holds otherwise, another order. */
export function npyExtraBytes({ dtype, shape, fortranOrder }: NpyHeader): number {
  const copies = (isHeldOtherwise(dtype) ? 1 : 0) + (fortranOrder ? 1 : 0);
  return copies * memoryBytes(dtype, elementCount(shape));
}

/** Parses a .npy file. f16 comes as float32 values, 64-bit integers as doubles. */
export function parseNpy(bytes: Uint8Array, file: string, budget: Budget): Tensor {
  const header = readNpyHeader(bytes, file);
  const { dtype, shape, dataOffset } = header;
  const expected = npyDataBytes(header);
  const found = bytes.length - dataOffset;
  if (found !== expected) {
    fail(diagnose("data-size", null, { file, format: ".npy", expected, found }));
  }
  const data = elementsOf(dtype, bytes.subarray(dataOffset), true, file, budget);
  const stored = tensor(dtype, shape, data);
  return header.fortranOrder ? fromFortranOrder(stored, file, budget) : stored;
}

/** The same elements with the last axis varying fastest. */
export function fromFortranOrder(stored: Tensor, file: string, budget: Budget): Tensor {
  const { dtype, shape } = stored;
  budget.take(memoryBytes(dtype, stored.data.length), file);
  const strides = stridesOf(shape);
  const data = stored.data.slice();
  const position = new Array<number>(shape.length).fill(0);
  for (const value of stored.data) {
    let at = 0;
    for (let axis = 0; axis < shape.length; axis++) {
      at += (position[axis] ?? 0) * (strides[axis] ?? 0);
    }
    data[at] = value;
    for (let axis = 0; axis < shape.length; axis++) {
      const next = (position[axis] ?? 0) + 1;
      position[axis] = next === shape[axis] ? 0 : next;
      if (next !== shape[axis]) break;
    }
  }
  return tensor(dtype, shape, data);
}
