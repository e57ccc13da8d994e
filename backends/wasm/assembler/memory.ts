/** Addresses in generated code: a pointer in a local, and the rest as an immediate offset. */
import { type View, type Buffer, elementBytes } from "../memory/view.ts";
import type { Expr } from "./types.ts";
import type { FunctionWriter, Local } from "./code.ts";

/** The start of the space that a buffer's address counts from: 0, or the thread's arena. */
export function spaceOf(code: FunctionWriter, buffer: Buffer): Expr {
  if (buffer.kind === "constant") return code.int(0);
  return code.wasm.global.get("arena", code.assembler.typeOf("i32"));
}

/** A new pointer to the first element of a view; `placeOf` has the offset that belongs to it. */
export function pointerTo(code: FunctionWriter, buffer: Buffer): Local {
  return code.define("i32", spaceOf(code, buffer));
}

/** The immediate offset of a view's element number `index`. */
export function placeOf(view: View, index = 0): number {
  return view.buffer.address + (view.offset + index) * elementBytes(view.element);
}

/** The part of `count` units that thread `part` of `parts` takes: [from, to). */
export function shareOf(
  code: FunctionWriter,
  count: number,
): { readonly from: Local; readonly to: Local } {
  const { i32 } = code.wasm;
  const [part, parts] = [code.parameter(0), code.parameter(1)];
  const from = code.define("i32", i32.div_u(i32.mul(code.int(count), part.get()), parts.get()));
  const to = code.define(
    "i32",
    i32.div_u(i32.mul(code.int(count), i32.add(part.get(), code.int(1))), parts.get()),
  );
  return { from, to };
}

/** Runs `body` on the first thread only. */
export function onFirstThread(code: FunctionWriter, body: () => void): void {
  code.when(code.wasm.i32.eqz(code.parameter(0).get()), body);
}

/** Stores the first `lanes` 32-bit lanes of a vector. */
export function storeLanes(
  code: FunctionWriter,
  offset: number,
  pointer: () => Expr,
  value: () => Expr,
  lanes: number,
): void {
  const { v128 } = code.wasm;
  if (lanes >= 4) code.push(v128.store(offset, 4, pointer(), value()));
  if (lanes >= 4 || lanes <= 0) return;
  if (lanes >= 2) code.push(v128.store64_lane(offset, 4, 0, pointer(), value()));
  if (lanes % 2 === 1) {
    code.push(v128.store32_lane(offset + 4 * (lanes - 1), 4, lanes - 1, pointer(), value()));
  }
}
