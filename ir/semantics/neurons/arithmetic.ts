/** What neurons on float32 and on i32 compute alike, but for how they round. */
import { invariant } from "../../diagnostic.ts";

/** Of numbers that are f32, or i32. */
export interface Arithmetic {
  add(a: number, b: number): number;
  multiply(a: number, b: number): number;
  /** A potential that is so many steps: `factor` is a small number of quarters. */
  share(factor: number, step: number): number;
  /** ⌊a/step + ½⌋: the nearest multiple, a tie up. Needs a step above 0. */
  nearest(a: number, step: number): number;
}

/** Each operation rounded once to float32. */
export const floats: Arithmetic = {
  add: (a, b) => Math.fround(a + b),
  multiply: (a, b) => Math.fround(a * b),
  share: (factor, step) => Math.fround(factor * step),
  nearest: (a, step) => Math.floor(Math.fround(Math.fround(Math.fround(a) / step) + 0.5)),
};

/**
 * Sums and products wrap at 32 bits, all else is exact: doubles hold quotients of 32-bit integers well
 * enough to tell their floors apart.
 */
const integers: Arithmetic = {
  add: (a, b) => (a + b) | 0,
  multiply: Math.imul,
  share: (factor, step) => factor * step,
  nearest(a, step) {
    invariant(step > 0, `a step of ${step}`);
    return Math.floor((2 * a + step) / (2 * step));
  },
};

export function arithmeticOf(isInteger: boolean): Arithmetic {
  return isInteger ? integers : floats;
}
