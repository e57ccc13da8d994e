/**
 * What neurons cost besides their synapses, as `ir/semantics/neurons/` computes them. Thresholds, steps
 * and amplitudes at a timestep are constants of the network, and what follows from constants alone is
 * made before the run: it costs nothing. What only keeps to 32 bits, and tests for NaN, are nothing.
 */
import { known } from "../../diagnostic.ts";
import type { NeuronKind, OpOf } from "../../op/op.ts";
import { isInteger } from "../../semantics/neurons/cell.ts";
import type { TensorLookup } from "../../op/table.ts";
import { type Operations, noOperations, operations } from "../operations.ts";
import { sum } from "./rule.ts";

/** Of one neuron. */
export interface NeuronCost {
  /** Once in a run: in a framed code once in the neuron's frame. */
  readonly perRun: Operations;
  /** At each timestep; in a framed code at each of those of the frame that it receives. */
  readonly perStep: Operations;
  /** For each word that it sends, whatever its size. */
  readonly perSpike: Operations;
}

export interface NeuronCostRule<K extends NeuronKind> {
  /** One line for the docs. */
  readonly rule: string;
  /** `timesteps`: of a run, which in a framed code are those of a frame. */
  count(op: OpOf<K>, tensors: TensorLookup, timesteps: number): NeuronCost;
}

export const neuronCosts: { readonly [P in NeuronKind]: NeuronCostRule<P> } = {
  "snn.if": {
    rule: "at each timestep one addition (integrate) and one comparison; for each spike one addition (reset by subtraction)",
    count: ({ attrs }) => ({
      perRun: noOperations,
      perStep: operations({ additions: 1, comparisons: 1 }),
      perSpike: operations({ additions: Number(attrs.reset === "subtract") }),
    }),
  },
  "snn.rehearsed-if": {
    rule: "at each timestep three additions (integrate, distance to the threshold, margin) and two comparisons (fire, least distance); the distance is the reset. Once, to start anew: rule offset three comparisons and one addition, rule silence one comparison",
    count: ({ attrs }) => ({
      perRun: operations(
        attrs.rule === "offset" ? { comparisons: 3, additions: 1 } : { comparisons: 1 },
      ),
      perStep: operations({ additions: 3, comparisons: 2 }),
      perSpike: noOperations,
    }),
  },
  "snn.graded": {
    rule: "at each timestep one addition (integrate); sign retract: one comparison (what there is to send). Words of one bit: one comparison, or two where they have a sign; of several: one division, one addition (½), three comparisons (rounding, two bounds). Powers: one comparison for the sign, unless positive, and one for each power; one more for each where r or a ceiling bounds it; with retract one division, one addition, three comparisons more (what may be taken back). A ceiling: one addition, one division, one addition, two comparisons; for words of one bit one addition, one comparison. For each spike: one addition (v), one more where r is needed (retract, or a ceiling); words of several bits: one multiplication (k·q), and one more where the amplitude is another tensor than the threshold (unless it is 1 and the schedule constant). Words of several bits on i32 are found digit by digit instead: one addition (½, and what makes all of them positive), one comparison and one addition for each digit, of which there is one more where words have a sign, and then one comparison (largest word); a ceiling: one addition, one comparison; for each spike one addition in place of the multiplication (k·q, less what is left over), and one multiplication where what it is worth is no power of two of the unit",
    count: (op, tensors) =>
      dividesByDigits(op)
        ? ofWholeWords(op, tensors)
        : {
            perRun: noOperations,
            perStep: sum(
              operations({ additions: 1, comparisons: Number(op.attrs.sign === "retract") }),
              firing(op.attrs),
              op.attrs.ceiling === null ? noOperations : ceiling(op.attrs),
            ),
            perSpike: operations({
              additions: op.attrs.sign === "retract" || op.attrs.ceiling !== null ? 2 : 1,
              multiplications: products(op, tensors),
            }),
          },
  },
  "snn.lif": {
    rule: "at each timestep two additions, one multiplication (leak, integrate), two comparisons (fire, not below 0); on i32 one comparison more (rounding); with a refractory period one addition and two comparisons more, on i32 one addition and one comparison. For each spike: one addition (reset by subtraction); with a refractory period that is not a whole number of timesteps, or with one and exact spike times, one function and one multiplication (λ^δ, which is λ or 1 at all other timesteps); with a refractory period and exact spike times also two additions with reset by subtraction, otherwise three, one function (log1p), two divisions, four comparisons. Without such a period nothing depends on when within a timestep a spike comes",
    count: leaky,
  },
  "snn.few-spikes": {
    rule: "at each timestep of the frame one addition (integrate); once one comparison for each row of thresholds, of T at most; for each spike one addition (reset)",
    count: ({ attrs }, tensors, timesteps) => ({
      perRun: operations({
        comparisons: Math.min(timesteps, known(tensors(attrs.threshold).shape[0], "rows")),
      }),
      perStep: operations({ additions: 1 }),
      perSpike: operations({ additions: 1 }),
    }),
  },
  "snn.ttfs": {
    rule: "at each timestep of the frame one addition (integrate); once one division and two comparisons (above 0, at most T), at resolution tick one addition (½) and one comparison (rounding) more; for each spike one addition (T + 1 − lead) and, unless the amplitude is 1, one multiplication",
    count: ({ attrs }, tensors) => {
      const rounding = Number(attrs.resolution === "tick");
      return {
        perRun: operations({ divisions: 1, comparisons: 2 + rounding, additions: rounding }),
        perStep: operations({ additions: 1 }),
        perSpike: operations({
          additions: 1,
          multiplications: Number(!isOne(attrs.amplitude, tensors)),
        }),
      };
    },
  },
};

type Graded = OpOf<"snn.graded">["attrs"];

/** To find what to send. */
function firing({ alphabet, bits, sign, ceiling: limit }: Graded): Operations {
  const signed = Number(sign !== "positive");
  if (alphabet === "power") {
    const isBounded = sign === "retract" || limit !== null;
    return sum(
      operations({ comparisons: signed + bits * (isBounded ? 2 : 1) }),
      sign === "retract"
        ? operations({ divisions: 1, additions: 1, comparisons: 3 })
        : noOperations,
    );
  }
  return bits === 1
    ? operations({ comparisons: 1 + signed })
    : operations({ divisions: 1, additions: 1, comparisons: 3 });
}

/** To find how much room there is under the ceiling. */
function ceiling({ alphabet, bits }: Graded): Operations {
  return alphabet === "word" && bits === 1
    ? operations({ additions: 1, comparisons: 1 })
    : operations({ additions: 2, divisions: 1, comparisons: 2 });
}

/** Whether words have few digits, which are found one by one. */
function dividesByDigits(op: OpOf<"snn.graded">): boolean {
  return isInteger(op) && op.attrs.alphabet === "word" && op.attrs.bits > 1;
}

/**
 * The nearest multiple of q, with what there is to send, w, limited to what a ceiling leaves, which is the same as to
 * limit k, as rounding keeps the order. In w + q/2, plus K·q where words have a sign, the steps 2^b·q are looked for from
 * the largest on, as in long division, none of them below 0; what is left over at the end is k·q less that sum. Shifts cost nothing.
 */
function ofWholeWords(op: OpOf<"snn.graded">, tensors: TensorLookup): NeuronCost {
  const { bits, sign, ceiling: limit, amplitude, shares } = op.attrs;
  const isSigned = sign !== "positive";
  const digits = bits + Number(isSigned);
  const limited = Number(limit !== null);
  const isShift =
    isOne(amplitude, tensors) &&
    (shares === null || tensors(shares).data.every((x) => Number.isInteger(Math.log2(x))));
  return {
    perRun: noOperations,
    perStep: operations({
      additions: 2 + digits + limited,
      comparisons: Number(sign === "retract") + digits + Number(isSigned) + limited,
    }),
    perSpike: operations({
      additions: sign === "retract" || limit !== null ? 3 : 2,
      multiplications: Number(!isShift),
    }),
  };
}

/** Multiplications by a word of several bits: powers shift, and ±1 is a sign. */
function products({ attrs }: OpOf<"snn.graded">, tensors: TensorLookup): number {
  if (attrs.alphabet === "power" || attrs.bits === 1) return 0;
  const isSame = attrs.amplitude === attrs.threshold;
  const isPlain = attrs.schedule === "constant" && isOne(attrs.amplitude, tensors);
  return isSame || isPlain ? 1 : 2;
}

function leaky(op: OpOf<"snn.lif">): NeuronCost {
  const { refractory, spikeTime, reset } = op.attrs;
  const rests = refractory > 0;
  const subtracts = Number(reset === "subtract");
  if (isInteger(op)) {
    return {
      perRun: noOperations,
      perStep: operations({
        additions: 2 + Number(rests),
        multiplications: 1,
        comparisons: 3 + Number(rests),
      }),
      perSpike: operations({ additions: subtracts }),
    };
  }
  // Without a period of silence, nothing depends on when within a timestep a spike came.
  const isExact = rests && spikeTime === "exact";
  const wakesWithin = rests && (isExact || !Number.isInteger(refractory));
  return {
    perRun: noOperations,
    perStep: operations({
      additions: 2 + Number(rests),
      multiplications: 1,
      comparisons: 2 + 2 * Number(rests),
    }),
    perSpike: sum(
      operations({ additions: subtracts }),
      wakesWithin ? operations({ functions: 1, multiplications: 1 }) : noOperations,
      isExact
        ? operations({ additions: 3 - subtracts, functions: 1, divisions: 2, comparisons: 4 })
        : noOperations,
    ),
  };
}

function isOne(ref: string, tensors: TensorLookup): boolean {
  return tensors(ref).data.every((x) => x === 1);
}
