/**
 * The quantisers of QONNX, which Brevitas writes too: functions from floats to floats, with whole
 * numbers in between. (Pappalardo et al., AccML 2022, "QONNX: representing arbitrary-precision
 * quantized neural networks".)
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { Rounding, ValueId } from "../../../../ir/op/op.ts";
import type { NodeContext } from "../../context.ts";

/** ROUND: to the nearest, a tie to the even one. */
const roundings: ReadonlyMap<string, Rounding> = new Map([
  ["ROUND", "nearest"],
  ["FLOOR", "floor"],
  ["CEIL", "ceil"],
]);

/** Modes that are the same on both sides of zero, by what they do to magnitudes. */
const mirrored: ReadonlyMap<string, { shift: number; kind: "ann.floor" | "ann.ceil" }> = new Map([
  ["UP", { shift: 0, kind: "ann.ceil" }],
  ["DOWN", { shift: 0, kind: "ann.floor" }],
  ["ROUND_TO_ZERO", { shift: 0, kind: "ann.floor" }],
  ["HALF_UP", { shift: 0.5, kind: "ann.floor" }],
  ["HALF_DOWN", { shift: -0.5, kind: "ann.ceil" }],
]);

/** `x` as whole numbers from low to high. */
function rounded(
  node: NodeContext,
  x: ValueId,
  low: number,
  high: number,
  step: number,
  absent: string,
): ValueId {
  const mode = node.attributes.string("rounding_mode", absent).toUpperCase();
  const rounding = roundings.get(mode);
  if (rounding !== undefined)
    return node.add("ann.fake-quantize", [x], { step, low, high, rounding });
  const by = mirrored.get(mode);
  if (by === undefined) {
    const known = [...roundings.keys(), ...mirrored.keys()].join(", ");
    return node.refuse(`its rounding_mode is "${mode}"`, `these are known: ${known}`);
  }
  const { dtype } = node.type(x);
  const steps = step === 1 ? x : node.add("ann.div", [x, node.number(dtype, step)], {});
  const size = node.add("ann.abs", [steps], {});
  const shifted =
    by.shift === 0 ? size : node.add("ann.add", [size, node.number(dtype, by.shift)], {});
  const whole = node.add(by.kind, [shifted], {});
  const signed = node.add("ann.mul", [node.add("ann.sign", [steps], {}), whole], {});
  const clipped = node.add("ann.clip", [signed], { min: low, max: high });
  return step === 1 ? clipped : node.add("ann.mul", [clipped, node.number(dtype, step)], {});
}

/** The whole numbers that so many bits hold. */
function rangeOfBits(node: NodeContext, index: number): readonly [low: number, high: number] {
  const bits = node.scalar(index, "bit_width");
  if (!(Number.isInteger(bits) && bits >= 1 && bits <= 32)) {
    node.refuse(`its bit width is ${bits}`, "quantise to a whole number of 1 to 32 bits");
  }
  const narrow = node.attributes.bool("narrow", false) ? 1 : 0;
  if (!node.attributes.bool("signed", true)) return [0, 2 ** bits - 1 - narrow];
  return [-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1];
}

function isZero(node: NodeContext, index: number): boolean {
  return node.constant(index, "zeropt").data.every((value) => value === 0);
}

/** The one number that a constant input repeats; null where there is none. */
function oneNumber(node: NodeContext, index: number): number | null {
  const held = node.tryConstant(index);
  const first = held?.data[0];
  return first !== undefined && held?.data.every((value) => value === first) === true
    ? first
    : null;
}

/** scale where x ≥ 0, −scale elsewhere. */
function bipolar(node: NodeContext, x: ValueId, scale: ValueId): ValueId {
  const zero = node.number(node.type(x).dtype, 0);
  const isPositive = node.add("ann.greater-or-equal", [x, zero], {});
  return node.add("ann.where", [isPositive, scale, node.add("ann.neg", [scale], {})], {});
}

/** Quant, IntQuant (1, 2): (clip(round(x / scale + zeropt)) − zeropt) · scale, clipped to so many bits. */
function Quant(node: NodeContext): ValueId {
  const x = node.value(0);
  const isOneBit = node.scalar(3, "bitwidth") === 1 && node.attributes.bool("signed", true);
  const step = oneNumber(node, 1);
  const centred = isZero(node, 2);
  if (isOneBit && centred) {
    node.attributes.ignore("narrow", "rounding_mode");
    return bipolar(node, x, node.value(1));
  }
  const [low, high] = rangeOfBits(node, 3);
  if (centred && step !== null && step > 0 && step < Infinity) {
    return rounded(node, x, low, high, step, "ROUND");
  }
  const scale = node.value(1);
  let steps = node.add("ann.div", [x, scale], {});
  if (!centred) steps = node.add("ann.add", [steps, node.value(2)], {});
  let whole = isOneBit
    ? bipolar(node, steps, node.number(node.type(x).dtype, 1))
    : rounded(node, steps, low, high, 1, "ROUND");
  if (!centred) whole = node.add("ann.sub", [whole, node.value(2)], {});
  return node.add("ann.mul", [whole, scale], {});
}

/** BipolarQuant (1): scale where x ≥ 0, −scale elsewhere. */
function BipolarQuant(node: NodeContext): ValueId {
  return bipolar(node, node.value(0), node.value(1));
}

/**
 * Trunc: whole numbers of steps less their last bits. Version 1 (x, scale, zeropt, bits before, bits
 * behind) leaves the scale as it was; version 2 (…, bits before, scale, zero point and bits behind)
 * clips, and has a power of two between the scales.
 */
function Trunc(node: NodeContext): ValueId {
  const x = node.value(0);
  const { dtype } = node.type(x);
  const scale = node.value(1);
  let steps = node.add("ann.div", [x, scale], {});
  const centred = isZero(node, 2);
  if (!centred) steps = node.add("ann.add", [steps, node.value(2)], {});
  const all = { step: 1, low: -Infinity, high: Infinity, rounding: "nearest" as const };
  const whole = node.add("ann.fake-quantize", [steps], all);
  const isFirst = node.inputCount <= 5;
  if (isFirst) node.attributes.ignore("signed", "narrow");
  const gone = isFirst
    ? node.scalar(3, "input_bit_width") - node.scalar(4, "output_bit_width")
    : Math.round(Math.log2(node.scalar(4, "output_scale") / node.scalar(1, "scale")));
  if (!Number.isInteger(gone)) node.invalid(`it takes ${gone} bits away`);
  const size = 2 ** gone;
  const [low, high] = isFirst ? [-Infinity, Infinity] : rangeOfBits(node, 6);
  const kept = rounded(node, whole, low, high, size, "FLOOR");
  const shorter = node.add("ann.mul", [kept, node.number(dtype, 1 / size)], {});
  const offset = isFirst
    ? node.value(2)
    : node.add("ann.mul", [node.value(2), node.number(dtype, 1 / size)], {});
  const centre = centred ? shorter : node.add("ann.sub", [shorter, offset], {});
  return node.add("ann.mul", [centre, isFirst ? scale : node.value(4)], {});
}

/** Of domains qonnx.custom_op.general, onnx.brevitas and finn.custom_op.general. */
export const qonnxOperators: readonly OnnxOperator[] = [
  operator("BipolarQuant", [1], 2, BipolarQuant),
  operator("IntQuant", [1], 4, Quant),
  operator("Quant", [1], 4, Quant),
  operator("Trunc", [1], [5, 7], Trunc),
];
