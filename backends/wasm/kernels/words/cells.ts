/**
 * One timestep of graded neurons of a tile, whose currents are in registers as i32: fires, resets, and leaves
 * the words in the registers. As `snn.graded` in ir/op/attrs/neurons.ts has it, exactly.
 *
 * Words of a step q are found without a division: with x = w/q, |x| ≤ K + 1, the nearest whole number is
 * that nearest to x + ¼/q, ties up, since x + ½ is a multiple of ½/q. In float32 1/q, its product with w
 * and the sum are rounded once each, so that all are within (K + 2) · 1.5 · 2^−23 of what they should be, less than ¼/q where
 * 6 · (K + 2) · q < 2^23 (`dividesByInverse`). Beyond ±(K + 1) the product is monotone, and words end
 * at K. With larger steps words found so are wrong by 1 at most, and what they leave, an exact integer,
 * says which are. Powers are found in doubles.
 *
 * Neurons that fire once and receive less than 2^22 have ¼ in what they begin at, so that (w + ¼) · 1/q is what is
 * rounded, w + ¼ being exact; words end at 0 and K when they have 16 bits.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import type { Expr } from "../../assembler/types.ts";
import { splat } from "../functions.ts";
import { integerWords } from "../neurons/graded.ts";
import type { WordCells } from "./form.ts";
import type { CellPlaces, Place } from "./places.ts";

const zeros: readonly number[] = new Array<number>(16).fill(0);

/** Whether words of up to `most` steps of `step` are found by the step's inverse in float32 alone. */
export function dividesByInverse(most: number, step: number): boolean {
  return 6 * (most + 2) * step < 2 ** 23;
}

/** The same of what is divided by it where that is at most `reach`: x is at most reach/q then. */
export function dividesWithin(reach: number, step: number): boolean {
  return 6 * (reach + step) < 2 ** 23;
}

/** Added to a number of up to 22 bits, it leaves the nearest whole number in the lowest bits. */
const unitPlace = 1.5 * 2 ** 23;

/**
 * Vectors that all neurons of a layer need, to be loaded: V8 makes a vector that is written in the code anew
 * wherever it stands, of three instructions.
 */
export function constantsOf({ bits, sign }: Pick<WordCells, "bits" | "sign">): Float32Array {
  const most = 2 ** bits - 1;
  const least = sign === "positive" ? 0 : -most;
  const floats = Float32Array.from([unitPlace, most, least, 0].flatMap((x) => [x, x, x, x]));
  // The last vector is the largest word in 16 bits.
  new Int16Array(floats.buffer).fill(most, mostOffset / 2);
  return floats;
}

/** Bytes to the largest word in 16 bits. */
const mostOffset = 48;

/** What puts eight words in 16 bits of neurons that fire once within bounds. */
export function withinWords(
  code: FunctionWriter,
  { constants, words }: Pick<WordCells, "constants" | "words">,
): (eight: Expr) => Expr {
  const { v128, i16x8 } = code.wasm;
  const most = code.define("v128", v128.load(constants.address + mostOffset, 16, code.int(0)));
  return (eight) => {
    const within = i16x8.min_s(eight, most.get());
    // Where they become bytes, what is below 0 becomes 0 anyway.
    return words.bytes === 1 ? within : i16x8.max_s(within, v128.const(zeros));
  };
}

interface Constants {
  readonly unit: Local;
  /** Null where words are not clipped here. */
  readonly most: Local | null;
  readonly least: Local | null;
}

/** Rows of steps and of what divides by them, at a timestep and block. */
export interface StepRows {
  readonly steps: Local;
  readonly inverses: Local | null;
  readonly slacks: Local | null;
}

/** Of one vector of a block at one timestep, what all positions share. */
interface Steps extends Constants {
  /** Null where neither words nor what is left depend on it any more. */
  readonly step: Local | null;
  readonly inverse: Local | null;
  readonly slack: Local | null;
}

/** Which timestep of a run it is, as far as that is known when code is written. */
export interface Moment {
  /** Potentials are those that neurons begin at, and nothing was sent. */
  readonly isFirst: boolean;
  /** Nobody asks for what is left. */
  readonly isLast: boolean;
}

/** Of one vector of one position; locals are to be used up. */
interface Cell {
  readonly p: number;
  readonly v: number;
  readonly u: Local;
  /** What was sent, negated. */
  readonly back: Local;
  readonly change: Local;
}

/** Fires the positions `from` to `to` of the tile, vector by vector. */
export function fireTile(
  code: FunctionWriter,
  cells: WordCells,
  places: CellPlaces,
  rows: StepRows,
  sums: readonly Local[],
  vectors: number,
  positions: readonly number[],
  moment: Moment,
): void {
  const { v128 } = code.wasm;
  const constant = (offset: number): Local =>
    code.define("v128", v128.load(cells.constants.address + offset, 16, code.int(0)));
  const constants: Constants = {
    unit: constant(0),
    most: cells.once === null ? constant(16) : null,
    least: cells.once === null ? constant(32) : null,
  };
  for (let v = 0; v < vectors; v++) {
    code.borrow("v128", 6, ([step, inverse, slack, u, back, change]) => {
      const steps: Omit<Steps, keyof Constants> = {
        step: cells.once === null ? known(step, "a step") : null,
        inverse: cells.inverses === null ? null : known(inverse, "an inverse"),
        slack: cells.slacks === null ? null : known(slack, "a slack"),
      };
      const load = (local: Local | null, at: Local | null, address: number): void => {
        local?.set(v128.load(address + 16 * v, 16, known(at, "a row").get()));
      };
      load(steps.step, rows.steps, cells.steps.buffer.address);
      load(steps.inverse, rows.inverses, cells.inverses?.buffer.address ?? 0);
      load(steps.slack, rows.slacks, cells.slacks?.buffer.address ?? 0);
      for (const p of positions) {
        const sum = known(sums[p * vectors + v], "a sum");
        fire(
          code,
          cells,
          places,
          { ...steps, ...constants },
          sum,
          {
            ...{
              p,
              v,
              u: known(u, "u"),
              back: known(back, "−r"),
              change: known(change, "a change"),
            },
          },
          moment,
        );
      }
    });
  }
}

function fire(
  code: FunctionWriter,
  cells: WordCells,
  { potentials, vInit, once, sent, ceiling: top, floor }: CellPlaces,
  steps: Steps,
  sum: Local,
  { p, v, u, back, change }: Cell,
  moment: Moment,
): void {
  const { v128, f32x4, i32x4 } = code.wasm;
  const none = (): Expr => v128.const(zeros);
  const load = ({ at, offset, stride }: Place): Expr =>
    v128.load(offset + p * stride + 16 * v, 16, at.get());
  const store = ({ at, offset, stride }: Place, value: Expr): void => {
    code.push(v128.store(offset + p * stride + 16 * v, 16, at.get(), value));
  };
  if (once !== null) {
    const wanted = f32x4.add(f32x4.convert_i32x4_s(sum.get()), load(once));
    sum.set(wholeOf(code, steps, f32x4.mul(wanted, known(steps.inverse, "an inverse").get())));
    return;
  }
  const step = known(steps.step, "a step");
  u.set(i32x4.add(sum.get(), load(moment.isFirst ? vInit : potentials)));
  // At first nothing was sent that could be taken back; a ceiling below 0 asks for that all the same.
  const isWhole = moment.isFirst && cells.sign === "retract" && top === null;
  const sign = isWhole ? "positive" : cells.sign;
  if (sent !== null) {
    if (!moment.isFirst) back.set(load(sent));
    else if (!isWhole || cells.inverses === null) back.set(none());
  }
  const ceiling = top === null ? undefined : code.define("v128", load(top));
  if (cells.inverses === null) {
    const sentSoFar = sent === null ? undefined : code.define("v128", i32x4.neg(back.get()));
    sum.set(integerWords(code, cells, { u, sent: sentSoFar, step, ceiling }));
  } else {
    // A word that is not positive is 0 here, whatever it was wanted to be.
    const wanted = sign === "retract" ? i32x4.max_s(u.get(), back.get()) : u.get();
    // Rounding to words is monotone: the smaller of two quotients rounded is the smaller rounded.
    const allowed = (): Expr => {
      if (ceiling === undefined) return wanted;
      if (moment.isFirst) return i32x4.min_s(wanted, ceiling.get());
      const bounded = floor === null ? back.get() : i32x4.min_s(back.get(), load(floor));
      return i32x4.min_s(wanted, i32x4.add(ceiling.get(), bounded));
    };
    const rule = { bits: cells.bits, sign, slacks: cells.slacks };
    sum.set(nearestWords(code, rule, steps, allowed()));
  }
  if (moment.isLast) return;
  change.set(
    // Words and steps of 15 bits are their own lower halves, and the upper half of a step is 0.
    cells.mostStep < 2 ** 15
      ? i32x4.dot_i16x8_s(sum.get(), step.get())
      : i32x4.mul(sum.get(), step.get()),
  );
  store(potentials, i32x4.sub(u.get(), change.get()));
  if (sent === null) return;
  const before = moment.isFirst ? none() : back.get();
  store(sent, i32x4.sub(before, change.get()));
}

/** clip(⌊w/q + ½⌋, low, K). */
function nearestWords(
  code: FunctionWriter,
  { bits, sign, slacks }: Pick<WordCells, "bits" | "sign" | "slacks">,
  steps: Steps,
  wanted: Expr,
): Expr {
  const { f32x4, i32x4, v128 } = code.wasm;
  const most = 2 ** bits - 1;
  if (slacks === null) {
    const least = sign === "positive" ? 0 : -most;
    const words = correctedWords(code, steps, code.define("v128", wanted), most);
    const whole = (value: number): Expr => i32x4.splat(code.int(value));
    return i32x4.max_s(i32x4.min_s(words, whole(most)), whole(least));
  }
  // What is clipped to whole numbers before it is rounded is what rounding and clipping gives.
  const [largest, least] = [known(steps.most, "a largest"), known(steps.least, "a least")];
  const low = sign === "positive" ? v128.const(zeros) : least.get();
  const clipped = f32x4.pmax(f32x4.pmin(quotientOf(code, steps, wanted), largest.get()), low);
  return wholeOf(code, steps, f32x4.add(clipped, known(steps.slack, "a slack").get()));
}

/** ⌊w/q + ½⌋ where that is within ±`most`, else some word beyond: a quotient nearby, and what it leaves. */
function correctedWords(code: FunctionWriter, steps: Steps, w: Local, most: number): Expr {
  const { i32x4 } = code.wasm;
  const step = known(steps.step, "a step");
  const near = clippedTo(code, quotientOf(code, steps, w.get()), -most - 1, most + 1);
  const k = code.define("v128", wholeOf(code, steps, near));
  const rest = code.define("v128", i32x4.sub(w.get(), i32x4.mul(k.get(), step.get())));
  const half = code.define("v128", i32x4.shr_u(step.get(), code.int(1)));
  // Comparisons give −1 where they hold. 2 · rest ≥ q, and 2 · rest < −q.
  const above = i32x4.ge_s(rest.get(), i32x4.sub(step.get(), half.get()));
  const below = i32x4.lt_s(rest.get(), i32x4.neg(half.get()));
  return i32x4.add(i32x4.sub(k.get(), above), below);
}

/** w/q in float32. */
function quotientOf(code: FunctionWriter, { inverse }: Steps, w: Expr): Expr {
  const { f32x4 } = code.wasm;
  return f32x4.mul(f32x4.convert_i32x4_s(w), known(inverse, "an inverse").get());
}

function clippedTo(code: FunctionWriter, x: Expr, low: number, high: number): Expr {
  const { f32x4 } = code.wasm;
  return f32x4.pmax(f32x4.pmin(x, splat(code, high)), splat(code, low));
}

/** The nearest integers of floats of up to 22 bits. */
function wholeOf(code: FunctionWriter, { unit }: Steps, x: Expr): Expr {
  const { f32x4, i32x4 } = code.wasm;
  // What the sum has beyond the unit's own bits is the integer.
  return i32x4.sub(f32x4.add(x, unit.get()), unit.get());
}
