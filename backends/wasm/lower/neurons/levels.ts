/**
 * The levels that neurons with spikes of ±1 compare with, so that no kernel divides. They are found by
 * bisection on the interpreter's own function, which is monotone in what it is asked about: a
 * comparison with them decides for every float32 what dividing, adding ½ and rounding down decide.
 */
import { invariant } from "../../../../ir/diagnostic.ts";
import { floats } from "../../../../ir/semantics/neurons/arithmetic.ts";
import { gradedRule } from "../../../../ir/semantics/neurons/graded.ts";

/** What neurons compare with; NaN where nothing reaches it. See `Levels` in kernels/firing.ts. */
export interface SpikeLevels {
  readonly up: number;
  readonly down: number;
  readonly room: number;
  readonly excess: number;
}

/** Of float neurons; without a ceiling it is Infinity. */
export function floatLevels(step: number, ceiling: number): SpikeLevels {
  const { fire } = gradedRule({ bits: 1, alphabet: "word", sign: "free" }, floats);
  const alone = (u: number): number => fire(u, 0, step, Infinity);
  const driven = (sent: number): number => fire(step, sent, step, ceiling);
  return {
    up: leastFloat((u) => alone(u) >= 1),
    down: -leastFloat((u) => alone(-u) <= -1),
    room: -leastFloat((sent) => driven(-sent) >= 1),
    excess: leastFloat((sent) => driven(sent) <= -1),
  };
}

/** Of integer neurons; null where a level is no 32-bit integer. */
export function integerLevels(step: number, ceiling: number): SpikeLevels | null {
  // ⌊(2u + step) / 2step⌋ is 1 or more, or −1 or less.
  const up = Math.ceil(step / 2);
  const down = -Math.floor(step / 2) - 1;
  if (ceiling === Infinity) return { up, down, room: 2 ** 31 - 1, excess: 2 ** 31 - 1 };
  const [room, excess] = [ceiling - up, ceiling - down];
  return [room, excess].every((level) => (level | 0) === level) ? { up, down, room, excess } : null;
}

/** The least float32 that `holds` of, as it does of all that are greater; NaN where there is none. */
export function leastFloat(holds: (x: number) => boolean): number {
  if (!holds(Infinity)) return NaN;
  // The order of floats is that of their numbers here, −Infinity to Infinity.
  let [below, from] = [-infinity - 1, infinity];
  while (from - below > 1) {
    const middle = Math.floor((below + from) / 2);
    if (holds(floatAt(middle))) from = middle;
    else below = middle;
  }
  return floatAt(from);
}

/** The number of Infinity; floats are numbered from 0 in both directions. */
const infinity = 0x7f80_0000;

const bits = new DataView(new ArrayBuffer(4));

function floatAt(index: number): number {
  invariant(Math.abs(index) <= infinity, `float number ${index}`);
  bits.setUint32(0, Math.abs(index));
  return Math.sign(index) * bits.getFloat32(0) || 0;
}
