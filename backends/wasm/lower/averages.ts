/** Means of values over the timesteps, for calibration: summed as they are made, not kept. */
import type { ValueId } from "../../../ir/op/op.ts";
import { elementCount } from "../../../ir/type.ts";
import { accumulate, accumulatedTogether } from "../kernels/time/accumulate.ts";
import type { View } from "../memory/view.ts";
import type { Lowering } from "./lowering.ts";

export interface Averaged {
  readonly view: View;
  /** Whether the view holds sums; else it is the value, the same at every timestep. */
  readonly summed: boolean;
}

/** Emits the step that sums a value. */
export function lowerAverage(lowering: Lowering, value: ValueId, timesteps: number): Averaged {
  const view = lowering.dense(value);
  if (!lowering.isVarying(value) || elementCount(view.shape) === 0) return { view, summed: false };
  const span =
    1 + view.shape.reduce((sum, n, axis) => sum + (n - 1) * (view.strides[axis] ?? 0), 0);
  const whole = Math.ceil(span / accumulatedTogether) * accumulatedTogether;
  const { steps, chunked } = lowering.options;
  const buffer = lowering.buffer(chunked ? "state" : "scratch", `%${value} sums`, 8 * whole);
  const sums: View = { ...view, buffer, element: "f64", offset: 0, lead: 0 };
  lowering.emit({
    name: `%${value} sum over time`,
    phase: "each",
    reads: [view.buffer],
    writes: [buffer],
    emit(code) {
      accumulate(code, view, sums, span, steps, timesteps);
    },
  });
  return { view: sums, summed: true };
}
