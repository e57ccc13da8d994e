/**
 * What neurons compute with. A neuron's rule is stated once, over one of these: float32 as engines have
 * it, int32, or double precision, in which passes try out what neurons would do.
 */
import { invariant } from "../../diagnostic.ts";

export interface Arithmetic {
  readonly add: (a: number, b: number) => number;
  readonly multiply: (a: number, b: number) => number;
  /** A potential that is so many steps: `factor` is a small number of quarters. */
  readonly share: (factor: number, step: number) => number;
  /** ⌊a/step + ½⌋: the nearest multiple, a tie up. Needs a step above 0. */
  readonly nearest: (a: number, step: number) => number;
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

/** Double precision: enough to choose by. */
export const doubles: Arithmetic = {
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  share: (factor, step) => factor * step,
  nearest: (a, step) => Math.floor(a / step + 0.5),
};

export function arithmeticOf(isInteger: boolean): Arithmetic {
  return isInteger ? integers : floats;
}
