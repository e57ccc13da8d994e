/**
 * Loops over views of one shape: what elementwise ops, copies, fills and reductions are made of.
 * Axes that lie alike in every view are merged, the innermost is done in vectors where every view is
 * contiguous or constant along it. What is done per element is handed in.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Expr } from "../assembler/types.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";
import { placeOf, pointerTo, shareOf } from "../assembler/memory.ts";
import { type View, elementBytes } from "../memory/view.ts";

/** Whether four elements are computed at once, as one v128, or one, as an f32 or i32. */
export type Lanes = "vector" | "scalar";

/** An element of the output from those of the operands, each held in a local. */
export type Compute = (lanes: Lanes, operands: readonly Local[]) => Expr;

/**
 * What is done at each place; pointers are the nest's to move, one for each view. `vectors` of four
 * places each are asked for together.
 */
export type Body = (
  lanes: Lanes,
  pointers: readonly Local[],
  inner: LoopAxis,
  vectors: number,
) => void;

export interface LoopAxis {
  readonly extent: number;
  /** Elements per view, the output's first. */
  readonly strides: readonly number[];
}

/**
 * For each element of `output` at each of `steps` timesteps: computes it from `inputs`, which are
 * broadcast to its shape. `canBeVector` is false where `compute` knows scalars only.
 */
export function elementwise(
  code: FunctionWriter,
  output: View,
  inputs: readonly View[],
  steps: number,
  compute: Compute,
  canBeVector = true,
): void {
  const views = [output, ...inputs];
  const vectors = canBeVector && views.every((view) => view.element !== "f64");
  nest(code, views, axesOf(views, steps), vectors, (lanes, pointers, inner) => {
    emitElement(code, views, pointers, inner, lanes, compute);
  });
}

/**
 * Runs `body` at each place of `axes`, the first of which threads share. Vectors are four places
 * along the last axis; bodies that can do several at a time are asked for `together` of them.
 */
export function nest(
  code: FunctionWriter,
  views: readonly View[],
  axes: readonly LoopAxis[],
  canBeVector: boolean,
  body: Body,
  together = 1,
): void {
  const outer = [...axes];
  const inner = outer.pop() ?? { extent: 1, strides: views.map(() => 0) };
  const dense = (stride: number, i: number): boolean => stride === 1 || (i > 0 && stride === 0);
  const vectors = canBeVector && inner.extent >= 4 && inner.strides.every(dense);

  const [outermost, ...middle] = outer;
  const pointers = views.map((view) => pointerTo(code, view.buffer));
  if (outermost === undefined) {
    // One run: threads take whole vectors of it.
    const unit = vectors ? 4 * together : 1;
    const share = shareOf(code, Math.ceil(inner.extent / unit));
    const { i32 } = code.wasm;
    pointers.forEach((pointer, i) => {
      const bytes = unit * (inner.strides[i] ?? 0) * bytesOf(views, i);
      if (bytes !== 0) pointer.advance(i32.mul(share.from.get(), code.int(bytes)));
    });
    const whole = Math.floor(inner.extent / unit);
    const index = code.define("i32", share.from.get());
    code.while(
      () => i32.and(i32.lt_s(index.get(), share.to.get()), i32.lt_s(index.get(), code.int(whole))),
      () => {
        body(vectors ? "vector" : "scalar", pointers, inner, vectors ? together : 1);
        movePointers(views, pointers, inner.strides, unit);
        index.step(1);
      },
    );
    if (whole * unit < inner.extent) {
      code.when(i32.lt_s(index.get(), share.to.get()), () => {
        emitRun(code, views, pointers, inner, inner.extent - whole * unit, vectors, 1, body);
      });
    }
    return;
  }
  const share = shareOf(code, outermost.extent);
  pointers.forEach((pointer, i) => {
    const bytes = (outermost.strides[i] ?? 0) * bytesOf(views, i);
    if (bytes !== 0) pointer.advance(code.wasm.i32.mul(share.from.get(), code.int(bytes)));
  });
  const index = code.define("i32", share.from.get());
  code.upTo(
    index,
    () => share.to.get(),
    1,
    () => {
      emitAxes(code, views, pointers, middle, inner, vectors, together, body);
      movePointers(views, pointers, outermost.strides, 1);
    },
  );
}

/** The same on one thread, which calls it alone, from `pointers` on; these are left as they were. */
export function nestAlone(
  code: FunctionWriter,
  views: readonly View[],
  axes: readonly LoopAxis[],
  pointers: readonly Local[],
  body: Body,
): void {
  const outer = [...axes];
  const inner = outer.pop() ?? { extent: 1, strides: views.map(() => 0) };
  const dense = (stride: number, i: number): boolean => stride === 1 || (i > 0 && stride === 0);
  const vectors = inner.extent >= 4 && inner.strides.every(dense);
  emitAxes(code, views, pointers, outer, inner, vectors, 1, body);
}

function bytesOf(views: readonly View[], index: number): number {
  return elementBytes(known(views[index], "a view").element);
}

/**
 * The axes of extent above 1, outermost (time) first, neighbours merged where all views allow. Those
 * in `without` are left to the body.
 */
export function axesOf(
  views: readonly View[],
  steps: number,
  without: readonly number[] = [],
): LoopAxis[] {
  const all: LoopAxis[] = known(views[0], "an output").shape.map((extent, axis) => ({
    extent,
    strides: views.map((view) => view.strides[axis] ?? 0),
  }));
  const kept = all.filter((_, axis) => !without.includes(axis));
  const time = { extent: steps, strides: views.map((view) => view.lead) };
  return mergedAxes(kept, steps > 1 ? [time] : []);
}

/** Sorts axes by falling stride of the first view, so that it is written in order, and merges. */
export function mergedAxes(
  axes: readonly LoopAxis[],
  outermost: readonly LoopAxis[] = [],
): LoopAxis[] {
  const sorted = axes
    .filter(({ extent }) => extent !== 1)
    .sort((a, b) => Math.abs(b.strides[0] ?? 0) - Math.abs(a.strides[0] ?? 0));
  const merged: LoopAxis[] = [];
  for (const axis of [...outermost, ...sorted]) {
    const outer = merged.at(-1);
    const joins = outer?.strides.every((s, i) => s === (axis.strides[i] ?? 0) * axis.extent);
    if (outer !== undefined && joins === true) {
      merged[merged.length - 1] = { extent: outer.extent * axis.extent, strides: axis.strides };
    } else merged.push(axis);
  }
  return merged;
}

function emitAxes(
  code: FunctionWriter,
  views: readonly View[],
  start: readonly Local[],
  axes: readonly LoopAxis[],
  inner: LoopAxis,
  vectors: boolean,
  together: number,
  body: Body,
): void {
  const pointers = start.map((pointer) => code.define("i32", pointer.get()));
  const [axis, ...rest] = axes;
  if (axis !== undefined) {
    code.times(axis.extent, () => {
      emitAxes(code, views, pointers, rest, inner, vectors, together, body);
      movePointers(views, pointers, axis.strides, 1);
    });
    return;
  }
  emitRun(code, views, pointers, inner, inner.extent, vectors, together, body);
}

/** So many places along the innermost axis: several vectors at a time, then one, then elements. */
function emitRun(
  code: FunctionWriter,
  views: readonly View[],
  pointers: readonly Local[],
  inner: LoopAxis,
  extent: number,
  vectors: boolean,
  together: number,
  body: Body,
): void {
  const emit = (count: number, lanes: Lanes, places: number): void => {
    code.times(count, () => {
      body(lanes, pointers, inner, lanes === "vector" ? places / 4 : 1);
      movePointers(views, pointers, inner.strides, places);
    });
  };
  let left = extent;
  if (vectors && together > 1) {
    emit(Math.floor(left / (4 * together)), "vector", 4 * together);
    left %= 4 * together;
  }
  if (vectors) {
    emit(Math.floor(left / 4), "vector", 4);
    left %= 4;
  }
  emit(left, "scalar", 1);
}

function movePointers(
  views: readonly View[],
  pointers: readonly Local[],
  strides: readonly number[],
  count: number,
): void {
  pointers.forEach((pointer, i) => {
    pointer.step(count * (strides[i] ?? 0) * bytesOf(views, i));
  });
}

/** One vector, or one element. */
function emitElement(
  code: FunctionWriter,
  views: readonly View[],
  pointers: readonly Local[],
  inner: LoopAxis,
  lanes: Lanes,
  compute: Compute,
): void {
  const { v128 } = code.wasm;
  const [output, ...inputs] = views;
  const target = known(output, "an output");
  const types = inputs.map((view) => (lanes === "vector" ? "v128" : view.element));
  const operands = inputs.map((view, i) => {
    const pointer = known(pointers[i + 1], "a pointer");
    const type = known(types[i], "a type");
    if (type !== "v128") {
      const align = elementBytes(view.element);
      return code.define(type, code.wasm[type].load(placeOf(view), align, pointer.get()));
    }
    const constant = inner.strides[i + 1] === 0;
    return code.define(
      "v128",
      constant
        ? v128.load32_splat(placeOf(view), 4, pointer.get())
        : v128.load(placeOf(view), 4, pointer.get()),
    );
  });
  const pointer = known(pointers[0], "a pointer");
  const value = compute(lanes, operands);
  if (lanes === "vector") code.push(v128.store(placeOf(target), 4, pointer.get(), value));
  else {
    const align = elementBytes(target.element);
    code.push(code.wasm[target.element].store(placeOf(target), align, pointer.get(), value));
  }
}
