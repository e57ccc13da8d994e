/**
 * What drives each value, by "What drives a value" of docs/ir.md, and which events are plain. It
 * depends on the network alone.
 */
import { isEncoder } from "./encoders.ts";
import { rowsOf } from "./neurons.ts";
import type { Synapse } from "./operation.ts";
import type { Meaning } from "./formulas.ts";
import { at, type Op, type Shape, sizeOf, type Tensor } from "./types.ts";

export type Drive = "still" | "units" | "words" | "current";

/** An op with all that is known of it before a run. */
export interface Part {
  readonly op: Op;
  readonly meaning: Meaning;
  /** Positions in the list of parts. */
  readonly operands: readonly number[];
  readonly drive: Drive;
  /** Whether the op carries the words of its operands on. */
  readonly carries: boolean;
  /** The op as one with weights, if it is one of the operand that `synapse.operand` says. */
  readonly synapse?: Synapse;
}

const always = new Set(["snn.if", "snn.rehearsed-if", "snn.lif"]);
const fires = new Set([...always, "snn.graded", "snn.few-spikes", "snn.ttfs"]);

export const isNeuron = (op: Op): boolean => fires.has(op.kind);

/** One number, or one for each index of axis 1. */
function perChannel(shape: Shape, value: Shape): boolean {
  const missing = value.length - shape.length;
  return shape.every((extent, axis) => extent === 1 || axis + missing === 1);
}

const oneBitAlways = (op: Op): boolean =>
  op.kind === "snn.graded" &&
  op.attributes.number("bits") === 1 &&
  op.attributes.text("schedule") === "constant";

function driveOfSender(op: Op): Drive {
  const units = isEncoder(op.kind) ? op.kind !== "snn.phase-encode" : always.has(op.kind);
  if (!units && !oneBitAlways(op)) return "words";
  return perChannel(op.attributes.tensor("amplitude").shape, op.type.shape) ? "units" : "words";
}

const zero = (tensor: Tensor): boolean => tensor.values.every((value) => value === 0);

/** A constant of nothing but 0, or the difference of one. */
function isNothing({ op, drive }: Part): boolean {
  if (op.kind === "snn.difference") return drive === "still";
  return op.kind === "ann.constant" && zero(op.attributes.tensor("value"));
}

/** Of an op that carries words: which operands must be words. Of others: nothing. */
function carriedOperands(op: Op, operands: readonly Part[]): readonly Part[] | undefined {
  switch (op.kind) {
    case "ann.affine":
      return zero(op.attributes.tensor("shift")) ? operands : undefined;
    case "ann.pad": {
      const fills =
        op.attributes.text("mode") === "constant" && op.attributes.number("value") !== 0;
      return fills ? undefined : operands;
    }
    case "ann.gather":
      return operands.slice(0, 1);
    case "ann.neg":
    case "ann.add":
    case "ann.sub":
    case "ann.identity":
    case "ann.reshape":
    case "ann.transpose":
    case "ann.concat":
    case "ann.slice":
    case "ann.expand":
    case "ann.tile":
    case "ann.trilu":
      return operands.filter((part) => !isNothing(part));
    default:
      return undefined;
  }
}

export const isWords = (drive: Drive): boolean => drive === "words" || drive === "units";

export function driveOf(op: Op, meaning: Meaning, operands: readonly Part[]): Drive {
  if (!op.kind.startsWith("snn.")) {
    if (operands.every(({ drive }) => drive === "still")) return "still";
    const carried = carriedOperands(op, operands);
    if (carried === undefined || !carried.every(({ drive }) => isWords(drive))) return "current";
    const units = meaning.is === "move" && carried.every(({ drive }) => drive === "units");
    return units ? "units" : "words";
  }
  if (op.kind === "snn.input") return op.type.domain === "spike" ? "words" : "current";
  if (isNeuron(op) || isEncoder(op.kind)) return driveOfSender(op);
  if (op.kind === "snn.difference" && isNothing(at(operands, 0))) return "still";
  const pools = op.kind === "snn.max-pool" || op.kind === "snn.rehearsed-max-pool";
  return pools && at(operands, 0).drive === "units" ? "units" : "current";
}

/** Whether an op that is no neuron hands the words of its operands on. */
export const carriesOn = (op: Op, drive: Drive): boolean =>
  isWords(drive) && !op.kind.startsWith("snn.");

/** The op as a synapse, by the table in the docs: products with weights on one of its operands. */
export function synapseOf(meaning: Meaning, operands: readonly Part[]): Synapse | undefined {
  if (meaning.is === "synapse") return meaning.synapse;
  if (meaning.is !== "matmul") return undefined;
  const changing = operands.filter(({ drive }) => drive !== "still");
  if (changing.length === 2) return undefined;
  const constants = operands.filter(({ op: { kind } }) => kind === "ann.constant");
  if (changing.length === 0 && constants.length !== 1) return undefined;
  const weighed = changing[0] ?? operands.find(({ op: { kind } }) => kind !== "ann.constant");
  if (weighed === undefined) return undefined;
  const { formula, products } = meaning;
  const elements = sizeOf(weighed.op.type.shape);
  return {
    ...{ ...formula, products, rest: {}, operand: operands.indexOf(weighed) },
    fanOut: new Float64Array(elements).fill(products / elements),
  };
}

const isPowerOfTwo = (x: number): boolean => Number.isInteger(Math.log2(Math.abs(x)));

/** Whether each row is the first one times powers of two of either sign, element by element. */
function doubling(rows: readonly Float64Array[], zeros: boolean): boolean {
  const first = rows[0];
  return rows.every((row) =>
    row.every((x, i) => {
      const ratio = x / (first?.[i] ?? 0);
      return x === first?.[i] || (zeros && x === 0) || isPowerOfTwo(ratio);
    }),
  );
}

/** Whether an event of a word of this op is an addition. */
export function isPlain(op: Op): boolean {
  if (always.has(op.kind)) return true;
  if (op.kind === "snn.max-pool" || op.kind === "snn.rehearsed-max-pool") return true;
  if (op.kind === "snn.few-spikes")
    return doubling(rowsOf(op, op.attributes.tensor("amplitude")), true);
  if (op.kind !== "snn.graded") return false;
  if (op.attributes.number("bits") > 1 && op.attributes.text("alphabet") !== "power") return false;
  const shares = op.attributes.tensorOrNone("shares");
  if (op.attributes.text("schedule") === "table") {
    return shares !== undefined && doubling(rowsOf(op, shares), false);
  }
  return op.attributes.text("schedule") !== "reciprocal";
}
