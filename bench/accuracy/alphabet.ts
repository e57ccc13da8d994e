/** What a neuron of a network can send at a timestep: only methods with the same are compared. */
import { neuronsOf } from "../../ir/op/known.ts";
import { type Module, isFramed } from "../../ir/module.ts";
import { type NeuronKind, type OpOf, isOp } from "../../ir/op/op.ts";

export interface Alphabet {
  /** The words, 0 (silence) among them. */
  readonly words: string;
  /** How many these are. */
  readonly size: number;
  /** Binary digits of the largest of them. */
  readonly bits: number;
  /** Whether a word is worth the same at every timestep. */
  readonly steps: "constant" | "shrinking";
}

/** The largest alphabet among a module's neurons; null where it has none. */
export function alphabetOf(module: Module): Alphabet | null {
  const all = neuronsOf(module).map((op) => alphabetOfNeuron(op, module));
  return all.reduce<Alphabet | null>(
    (most, each) => (most === null || each.size > most.size ? each : most),
    null,
  );
}

function alphabetOfNeuron(op: OpOf<NeuronKind>, { code }: Module): Alphabet {
  if (!isOp(op, "snn.graded")) {
    return { words: "0, 1", size: 2, bits: 1, steps: isFramed(code) ? "shrinking" : "constant" };
  }
  const { bits, alphabet, sign, schedule } = op.attrs;
  const steps = schedule === "constant" ? "constant" : "shrinking";
  const isSigned = sign !== "positive";
  if (alphabet === "power" && bits > 1) {
    const words = `0, ${isSigned ? "±" : ""}2^e, e < ${bits}`;
    return { words, size: isSigned ? 2 * bits + 1 : bits + 1, bits, steps };
  }
  const largest = 2 ** bits - 1;
  if (largest === 1) {
    return { words: isSigned ? "−1, 0, 1" : "0, 1", size: isSigned ? 3 : 2, bits, steps };
  }
  return {
    words: `${isSigned ? `−${largest}` : "0"} … ${largest}`,
    size: isSigned ? 2 * largest + 1 : largest + 1,
    bits,
    steps,
  };
}
