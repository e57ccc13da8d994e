/**
 * When neurons with masks of spikes fire, and what that leaves of their potentials, four neurons at a
 * time. All that neurons decide is a comparison with a level that is known before, so that
 * `snn.if` and `snn.graded` of one bit are the same code; lower/levels.ts has where levels lie.
 */
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Buffer } from "../../memory/view.ts";
import { adderOf } from "../lanes.ts";

/** Parameters by channel or by neuron, channels padded to whole blocks; 32-bit elements. */
export interface Parameters {
  readonly buffer: Buffer;
  /** Bytes from one pixel to the next in row-major order; 0 where they are per channel. */
  readonly pixelStride: number;
}

/**
 * Where the levels of neurons lie in the buffer of `FiringForm`, in bytes. A spike of +1 goes out where the
 * potential is at least `up`, one of −1 where it is at most `down`.
 */
export interface Levels {
  /** What a spike takes from the potential, and what it adds to what was sent. */
  readonly step: number;
  readonly up: number;
  /** Null where no spike is −1. */
  readonly down: number | null;
  /** The least that must have been sent for a spike of −1; null where it need not be anything. */
  readonly returnable: number | null;
  /** The most that may have been sent for a spike of +1; null where there is no ceiling. */
  readonly room: number | null;
  /** From this on too much was sent: it is −1 at any potential. */
  readonly excess: number | null;
}

export interface FiringForm {
  readonly parameters: Parameters;
  readonly levels: Levels;
  /** Reset to zero; else by subtraction. */
  readonly resetToZero: boolean;
  /** Keeps what was sent, where that is asked for: [pixel, padded channel]. */
  readonly sent: Buffer | null;
}

/** Registers of one vector of neurons. */
export interface Fired {
  readonly plus: Local;
  readonly minus: Local;
  readonly change: Local;
}

/**
 * Sets `plus` and `minus` to all ones where neurons fire, `v` to what is left of the potential `u`, and
 * `sent` to what has been sent then.
 */
export function fire(
  code: FunctionWriter,
  { levels, resetToZero }: FiringForm,
  mode: "f32" | "i32",
  level: (offset: number) => Expr,
  { plus, minus, change }: Fired,
  { u, v, sent }: { readonly u: Local; readonly v: Local; readonly sent: Local | null },
): void {
  const { v128, f32x4, i32x4 } = code.wasm;
  const isFloat = mode === "f32";
  const isLeast = (a: Expr, b: Expr): Expr => (isFloat ? f32x4.ge(a, b) : i32x4.ge_s(a, b));
  const isMost = (a: Expr, b: Expr): Expr => (isFloat ? f32x4.le(a, b) : i32x4.le_s(a, b));
  const negated = (a: Expr): Expr => (isFloat ? f32x4.neg(a) : i32x4.neg(a));
  const { step, up, down, returnable, room, excess } = levels;
  plus.set(isLeast(u.get(), level(up)));
  if (sent !== null && room !== null) {
    plus.set(v128.and(plus.get(), isMost(sent.get(), level(room))));
  }
  if (resetToZero) {
    v.set(v128.andnot(u.get(), plus.get()));
    return;
  }
  const taken = v128.and(plus.get(), level(step));
  if (down === null) change.set(taken);
  else {
    minus.set(isMost(u.get(), level(down)));
    if (sent !== null && returnable !== null) {
      minus.set(v128.and(minus.get(), isLeast(sent.get(), level(returnable))));
    }
    // What is beyond the ceiling is taken back even where nothing was sent: with a ceiling below 0.
    if (sent !== null && excess !== null) {
      minus.set(v128.or(minus.get(), isLeast(sent.get(), level(excess))));
    }
    change.set(v128.or(taken, v128.and(minus.get(), negated(level(step)))));
  }
  v.set(adderOf(code, mode, -1)(u.get(), change.get()));
  sent?.set(adderOf(code, mode, 1)(sent.get(), change.get()));
}
