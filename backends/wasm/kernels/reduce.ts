/**
 * Reductions along any axes, in vectors wherever elements are neighbours: across four results at a
 * time where those are, else along the elements of one. Sums and products are kept in double
 * precision and rounded once.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Expr } from "../assembler/types.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";
import { placeOf, storeLanes } from "../assembler/memory.ts";
import type { View } from "../memory/view.ts";
import type { VectorFunction } from "./functions.ts";
import { type LoopAxis, axesOf, mergedAxes, nest } from "./nest.ts";

/** How elements fold into one; sums of integers wrap. */
export type FoldKind = "sum" | "product" | "max" | "min";

export interface Reduction {
  /** Of the inputs' shape with extent 1 along `axes`. */
  readonly output: View;
  /** Of one shape; the first is the one whose layout matters. */
  readonly inputs: readonly View[];
  readonly axes: readonly number[];
  readonly steps: number;
  readonly kind: FoldKind;
  /** What is folded, from four elements of each input; the first input itself where null. */
  readonly term: ((code: FunctionWriter, operands: readonly Local[]) => Expr) | null;
  /** Whether terms are squared: in a sum of floats, where double precision has room for it. */
  readonly squared: boolean;
  /** What a sum of floats is divided by. */
  readonly divisor: number;
  /** Applied to the results, where they are floats. */
  readonly finish: VectorFunction | null;
  /** Applied to sums of floats before they are rounded: to two doubles. */
  readonly finishWide: VectorFunction | null;
}

/** Where the four lanes of a load come from. */
type Mode = "across" | "along" | "single";

export function reduce(code: FunctionWriter, job: Reduction): void {
  const views = [job.output, ...job.inputs];
  const [first] = job.inputs;
  const folded = mergedAxes(
    job.axes.map((axis) => ({
      extent: first?.shape[axis] ?? 1,
      strides: job.inputs.map((view) => view.strides[axis] ?? 0),
    })),
  );
  const kept = axesOf(views, job.steps, job.axes);
  nest(code, views, kept, true, (lanes, [output, ...pointers], inner) => {
    const last = folded.at(-1);
    const alongRuns =
      job.kind !== "product" &&
      last !== undefined &&
      last.extent >= 4 &&
      last.strides.every((stride, i) => stride === 1 || (i > 0 && stride === 0));
    const mode: Mode = lanes === "vector" ? "across" : alongRuns ? "along" : "single";
    emitFold(code, job, folded, mode, known(output, "an output"), pointers, inner);
  });
}

function emitFold(
  code: FunctionWriter,
  job: Reduction,
  folded: readonly LoopAxis[],
  mode: Mode,
  output: Local,
  start: readonly Local[],
  inner: LoopAxis,
): void {
  const { v128 } = code.wasm;
  const { inputs } = job;
  const total = totalOf(code, job, mode);
  total.open();

  /** Folds four elements, or one where `single`. */
  const element = (pointers: readonly Local[], strides: readonly number[], single: boolean): void =>
    code.borrow("v128", inputs.length, (operands) => {
      inputs.forEach((view, i) => {
        const pointer = known(pointers[i], "a pointer");
        const place = placeOf(view);
        const splat = single || strides[i] === 0;
        known(operands[i], "an operand").set(
          splat ? v128.load32_splat(place, 4, pointer.get()) : v128.load(place, 4, pointer.get()),
        );
      });
      const [plain] = operands;
      total.add(job.term?.(code, operands) ?? known(plain, "an operand").get(), single);
    });

  const visit = (at: number, pointers: readonly Local[]): void => {
    const axis = folded[at];
    if (axis === undefined) {
      element(pointers, inner.strides.slice(1), mode === "single");
      return;
    }
    const moving = pointers.map((pointer) => code.define("i32", pointer.get()));
    const step = (count: number): void => {
      moving.forEach((pointer, i) => {
        pointer.step(4 * count * (axis.strides[i] ?? 0));
      });
    };
    if (mode === "along" && at === folded.length - 1) {
      code.times(Math.floor(axis.extent / 4), () => {
        element(moving, axis.strides, false);
        step(4);
      });
      code.times(axis.extent % 4, () => {
        element(moving, axis.strides, true);
        step(1);
      });
      return;
    }
    code.times(axis.extent, () => {
      visit(at + 1, moving);
      step(1);
    });
  };
  visit(0, start);

  const result = code.define("v128", total.close());
  if (job.finish !== null) result.set(job.finish(code, result));
  storeLanes(
    code,
    placeOf(job.output),
    () => output.get(),
    () => result.get(),
    mode === "across" ? 4 : 1,
  );
}

/** The registers that elements are folded into. */
interface Total {
  open(): void;
  /** Four terms, or one, in the first lane. */
  add(term: Expr, single: boolean): void;
  /** Four results, or one, in the first lane. */
  close(): Expr;
}

function totalOf(code: FunctionWriter, job: Reduction, mode: Mode): Total {
  const float = job.output.element === "f32";
  return float && (job.kind === "sum" || job.kind === "product")
    ? doubleTotal(code, job, mode)
    : plainTotal(code, job.kind, float, mode);
}

/** Lanes of a vector in another order; of two vectors where `b` is given. */
function lanes(code: FunctionWriter, a: Expr, b: Expr, order: readonly number[]): Expr {
  const bytes = order.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));
  return code.wasm.i8x16.shuffle(a, b, bytes);
}

/** In doubles: two vectors of two. */
function doubleTotal(code: FunctionWriter, job: Reduction, mode: Mode): Total {
  const { f64x2, f32x4, f64, v128 } = code.wasm;
  const low = code.local("v128");
  const high = code.local("v128");
  const isSum = job.kind === "sum";
  const combine = (a: Local, b: Expr): void => {
    a.set(isSum ? f64x2.add(a.get(), b) : f64x2.mul(a.get(), b));
  };
  const addTerm = (a: Local, b: Expr): void => {
    if (!job.squared) return combine(a, b);
    code.borrow("v128", 1, ([local]) => {
      const wide = known(local, "a term");
      wide.set(b);
      combine(a, f64x2.mul(wide.get(), wide.get()));
    });
  };
  return {
    open() {
      for (const half of [low, high]) half.set(f64x2.splat(f64.const(isSum ? 0 : 1)));
    },
    add(term, single) {
      code.borrow("v128", 1, ([local]) => {
        const value = known(local, "a term");
        value.set(term);
        const first = f64x2.promote_low_f32x4(value.get());
        if (single && mode === "along") {
          const one = v128.const([
            ...new Array<number>(8).fill(255),
            ...new Array<number>(8).fill(0),
          ]);
          addTerm(low, v128.and(first, one));
        } else addTerm(low, first);
        if (single) return;
        addTerm(high, f64x2.promote_low_f32x4(lanes(code, value.get(), value.get(), [2, 3, 0, 1])));
      });
    },
    close() {
      if (mode === "along") {
        combine(low, high.get());
        combine(low, lanes(code, low.get(), low.get(), [2, 3, 0, 1]));
      }
      if (job.divisor !== 1) {
        for (const half of [low, high]) {
          half.set(f64x2.div(half.get(), f64x2.splat(f64.const(job.divisor))));
        }
      }
      if (job.finishWide !== null) {
        for (const half of [low, high]) half.set(job.finishWide(code, half));
      }
      const first = f32x4.demote_f64x2_zero(low.get());
      if (mode !== "across") return first;
      return lanes(code, first, f32x4.demote_f64x2_zero(high.get()), [0, 1, 4, 5]);
    },
  };
}

/** In the elements themselves. */
function plainTotal(code: FunctionWriter, kind: FoldKind, float: boolean, mode: Mode): Total {
  const { f32x4, i32x4, f32, v128, i32 } = code.wasm;
  const total = code.local("v128");
  const lowest = kind === "max";
  const identity = (): Expr => {
    if (float) return f32x4.splat(f32.const(lowest ? -Infinity : Infinity));
    if (kind === "sum") return i32x4.splat(i32.const(0));
    if (kind === "product") return i32x4.splat(i32.const(1));
    return i32x4.splat(i32.const(lowest ? -(2 ** 31) : 2 ** 31 - 1));
  };
  const combined = (a: Expr, b: Expr): Expr => {
    if (float) return kind === "max" ? f32x4.max(a, b) : f32x4.min(a, b);
    if (kind === "sum") return i32x4.add(a, b);
    if (kind === "product") return i32x4.mul(a, b);
    return kind === "max" ? i32x4.max_s(a, b) : i32x4.min_s(a, b);
  };
  return {
    open() {
      total.set(identity());
    },
    add(term, single) {
      // Folding an extreme four times changes nothing; a sum is to grow in one lane only.
      const isOne = single && mode === "along" && kind === "sum";
      const one = v128.const([255, 255, 255, 255, ...new Array<number>(12).fill(0)]);
      total.set(combined(total.get(), isOne ? v128.and(term, one) : term));
    },
    close() {
      if (mode === "along") {
        for (const order of [
          [2, 3, 0, 1],
          [1, 0, 3, 2],
        ]) {
          total.set(combined(total.get(), lanes(code, total.get(), total.get(), order)));
        }
      }
      return total.get();
    },
  };
}
