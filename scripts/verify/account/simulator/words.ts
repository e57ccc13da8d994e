/**
 * Words on their way: of each element of a value, how many words are in it at a timestep. A sum of
 * words holds each of them, so a word is followed from the neuron to every weight that it meets.
 */
import { broadcastIndex } from "./numbers.ts";
import { carry } from "./ops/moves.ts";
import type { Part } from "./drives.ts";
import type { Sent } from "./neurons.ts";

export interface Words {
  readonly count: Float64Array;
  /** Bits of the words, added up. */
  readonly bits: Float64Array;
  /** How many of the words make plain events. */
  readonly plain: Float64Array;
}

export function wordsOf({ bits }: Sent, plain: boolean): Words {
  const count = bits.map((n) => (n > 0 ? 1 : 0));
  return { count, bits, plain: plain ? count : new Float64Array(count.length) };
}

/** A pool of units, or an encoder, sends words of its own, of one digit each. */
export function wordsOfPool(values: Float64Array): Words {
  const count = values.map((value) => (value === 0 ? 0 : 1));
  return { count, bits: count, plain: count };
}

/** Spikes from outside: the digits are those of a whole number, or one; ±1 is plain. */
export function wordsFromOutside(values: Float64Array): Words {
  const digits = (x: number): number =>
    Number.isInteger(x) && Math.abs(x) < 2 ** 32
      ? Math.abs(x).toString(2).replaceAll("0", "").length
      : 1;
  return {
    count: values.map((x) => (x === 0 ? 0 : 1)),
    bits: values.map((x) => (x === 0 ? 0 : digits(x))),
    plain: values.map((x) => (Math.abs(x) === 1 ? 1 : 0)),
  };
}

/** The words of an op that carries; of an operand without words there are none. */
export function carryWords(
  { op, meaning }: Part,
  shapes: readonly (readonly number[])[],
  operands: readonly (Words | undefined)[],
): Words {
  const of = (pick: (words: Words) => Float64Array): Float64Array => {
    const counts = operands.map((words) => (words === undefined ? undefined : pick(words)));
    if (meaning.is === "move") return carry(meaning.move, counts, 0);
    const sum = new Float64Array(op.type.shape.reduce((product, n) => product * n, 1));
    counts.forEach((values, i) => {
      if (values === undefined) return;
      const index = broadcastIndex(shapes[i] ?? [], op.type.shape);
      for (let k = 0; k < sum.length; k += 1) {
        sum[k] = (sum[k] ?? 0) + (values[index[k] ?? 0] ?? 0);
      }
    });
    return sum;
  };
  return { count: of((w) => w.count), bits: of((w) => w.bits), plain: of((w) => w.plain) };
}
