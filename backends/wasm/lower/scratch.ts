/** Places for what an op needs on its way, laid out as the values that it meets. */
import type { Op, ValueId } from "../../../ir/op/op.ts";
import { elementCount, type Shape } from "../../../ir/type.ts";
import { onFirstThread, spaceOf } from "../assembler/memory.ts";
import {
  type Buffer,
  type BufferKind,
  type Element,
  type View,
  elementBytes,
} from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";

/**
 * A buffer for `shape`, which has as many axes as `like`: its axes lie in the order of those of
 * `like`, without gaps.
 */
export function scratchLike(
  lowering: Lowering,
  name: string,
  element: Element,
  shape: Shape,
  like: View,
  steps: number,
  kind: BufferKind = "scratch",
): View {
  const order = [...shape.keys()].sort(
    (a, b) => Math.abs(like.strides[b] ?? 0) - Math.abs(like.strides[a] ?? 0) || a - b,
  );
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  const count = elementCount(shape);
  const buffer = lowering.buffer(kind, name, elementBytes(element) * count * steps);
  return { buffer, element, offset: 0, shape, strides, lead: steps > 1 ? count : 0 };
}

/** Room for a state that is carried from chunk to chunk, zero at the start of a sample. */
export function zeroState(lowering: Lowering, op: Op, name: string, bytes: number): Buffer {
  const buffer = lowering.buffer("state", `%${op.result} ${name}`, bytes);
  lowering.emit({
    name: `%${op.result} ${name} start`,
    phase: "begin",
    reads: [],
    writes: [buffer],
    emit(code) {
      const { i32, memory } = code.wasm;
      onFirstThread(code, () => {
        const at = i32.add(spaceOf(code, buffer), code.int(buffer.address));
        code.push(memory.fill(at, code.int(0), code.int(bytes)));
      });
    },
  });
  return buffer;
}

/** Copies v[0], `bytes` to a pixel, to where potentials are kept between chunks. */
export function startPotentials(
  lowering: Lowering,
  result: ValueId,
  potentials: Buffer,
  vInit: { readonly buffer: Buffer; readonly pixelStride: number },
  pixels: number,
  bytes: number,
): void {
  lowering.emit({
    name: `%${result} start`,
    phase: "begin",
    reads: [vInit.buffer],
    writes: [potentials],
    emit(code) {
      const { wasm } = code;
      onFirstThread(code, () => {
        const arena = wasm.global.get("arena", code.assembler.typeOf("i32"));
        const to = code.define("i32", wasm.i32.add(arena, code.int(potentials.address)));
        const from = code.define("i32", code.int(vInit.buffer.address));
        code.times(pixels, () => {
          code.push(wasm.memory.copy(to.get(), from.get(), code.int(bytes)));
          to.step(bytes);
          from.step(vInit.pixelStride);
        });
      });
    },
  });
}
