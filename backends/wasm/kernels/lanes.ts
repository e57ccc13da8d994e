/** The widths of the sums that spikes add to. */
import type { FunctionWriter, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";

/**
 * `f32`: four to a vector. `i32`: the same for integers. `i16`: eight to a vector within one
 * timestep, where a bound proves that no partial sum overflows; potentials are int32.
 */
export type LaneMode = "f32" | "i32" | "i16";

export function lanesPerVector(mode: LaneMode): number {
  return mode === "i16" ? 8 : 4;
}

/** Bytes of a weight that is added to such sums. */
export function weightBytes(mode: LaneMode): number {
  return mode === "i16" ? 2 : 4;
}

/** The registers that events add to. */
export interface LaneSums {
  readonly mode: LaneMode;
  readonly locals: readonly Local[];
}

/** Sum, or difference where the sign is −1, of two vectors of such lanes. */
export function adderOf(
  code: FunctionWriter,
  mode: LaneMode,
  sign: 1 | -1,
): (a: Expr, b: Expr) => Expr {
  const { f32x4, i32x4, i16x8 } = code.wasm;
  const unit = mode === "f32" ? f32x4 : mode === "i32" ? i32x4 : i16x8;
  return (a, b) => (sign === 1 ? unit.add(a, b) : unit.sub(a, b));
}
