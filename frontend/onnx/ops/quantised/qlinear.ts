/**
 * Operators that work on quantised tensors: the QLinear ones of ONNX, and those that ONNX Runtime's
 * quantiser writes in domain com.microsoft. Each is what it stands for: its operands dequantised, the
 * operation on floats, the result quantised. Products are of whole numbers and exact, in float32 where
 * sums stay below 2^24 and in double precision elsewhere, and are scaled once, as ONNX has it; so their
 * weights are a model's own integers.
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf, zeros } from "../../../../ir/tensor.ts";
import type { DType } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { readPool, spatialAxes } from "../layers/pooling.ts";
import {
  DequantizeLinear,
  DynamicQuantizeLinear,
  QuantizeLinear,
  zeroPointLike,
} from "./quantisation.ts";
import { castTo, transposed } from "../tensor-math.ts";
import { readWindow, spatialOf } from "../layers/windows.ts";

/** Where the inputs of one quantised tensor are. */
interface QuantisedInputs {
  readonly value: number;
  readonly scale: number;
  readonly zero: number;
}

/** Three inputs in a row, as most operators have them. */
function at(value: number): QuantisedInputs {
  return { value, scale: value + 1, zero: value + 2 };
}

/** A quantised operand as the floats that it stands for. */
function dequantised(node: NodeContext, { value, scale, zero }: QuantisedInputs): ValueId {
  const x = node.value(value);
  const factor = node.value(scale);
  const zeroPoint = zeroPointLike(node, factor, node.type(x).dtype, zero);
  return node.add("ann.dequantize-linear", [x, factor, zeroPoint], { axis: 0 });
}

/** A result in the scale and zero point of two inputs; the latter is 0 of type `absent` if left out. */
function requantised(
  node: NodeContext,
  value: ValueId,
  [scaleIndex, zeroIndex]: readonly [number, number],
  absent: DType,
): ValueId {
  const scale = node.value(scaleIndex);
  const zeroPoint = zeroPointLike(node, scale, absent, zeroIndex);
  const to = node.type(zeroPoint).dtype;
  return node.add("ann.quantize-linear", [value, scale, zeroPoint], { axis: 0, to });
}

/** Whole numbers up to this are exact in float32. */
const exactUpTo = 2 ** 24;

/** The largest magnitude of a difference of two integers of 8 bits. */
const largestOf8 = 255;

/** A type of float in which sums of 8-bit numbers times these weights, [out, …], and a bias are exact. */
function exactType(
  { shape, data }: Pick<Tensor, "shape" | "data">,
  bias: Tensor | null,
): "f32" | "f64" {
  const rows = shape[0] ?? 1;
  const perRow = data.length / Math.max(1, rows);
  for (let row = 0; row < rows; row++) {
    let sum = Math.abs(bias?.data[row] ?? 0);
    for (let i = row * perRow; i < (row + 1) * perRow; i++) {
      sum += Math.abs(data[i] ?? 0) * largestOf8;
    }
    if (sum > exactUpTo) return "f64";
  }
  return "f32";
}

type FloatType = "f32" | "f64";

/** A quantised operand less its zero point, as whole numbers of a type of float. */
function wholeNumbers(
  node: NodeContext,
  { value, zero }: Pick<QuantisedInputs, "value" | "zero">,
  to: FloatType,
): ValueId {
  const x = node.value(value);
  const { dtype } = node.type(x);
  const zeroPoint = node.has(zero) ? node.value(zero) : node.literal(zeros(dtype, []));
  const shape = node.shape(zeroPoint);
  const count = shape.reduce((a, b) => a * b, 1);
  if (count === 1) {
    const one = node.literal(tensorOf(to, shape, [1]));
    return node.add("ann.dequantize-linear", [x, one, zeroPoint], { axis: 0 });
  }
  const wide = node.add("ann.cast", [x], { to, saturate: true });
  const zeroes = node.add("ann.cast", [zeroPoint], { to, saturate: true });
  return node.add("ann.sub", [wide, zeroes], {});
}

/** A constant operand less its zero point: one, or one for each index along `axis`. */
function wholeTensor(
  node: NodeContext,
  { value, zero }: Pick<QuantisedInputs, "value" | "zero">,
  name: string,
  axis: number,
): Tensor {
  const held = castTo(node.constant(value, name), "f64");
  const zeroPoint = node.has(zero) ? node.constant(zero, `${name}_zero_point`) : scalar("u8", 0);
  const count = zeroPoint.data.length;
  const extent = held.shape[axis] ?? 1;
  if (count !== 1 && count !== extent) {
    node.invalid(`its ${name}_zero_point has ${count} elements for ${extent} channels`);
  }
  const inner = held.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const data = Float64Array.from(held.data, (each, i) => {
    const channel = count === 1 ? 0 : Math.floor(i / inner) % extent;
    return each - (zeroPoint.data[channel] ?? 0);
  });
  return { dtype: "f64", shape: held.shape, data };
}

/** A whole sum times the scales of its factors. */
function scaledSum(node: NodeContext, sum: ValueId, scaleA: ValueId, scaleB: ValueId): ValueId {
  const { dtype } = node.type(scaleA);
  const real = node.add("ann.cast", [sum], { to: dtype, saturate: true });
  const scale = node.add("ann.mul", [scaleA, scaleB], {});
  return node.add("ann.mul", [real, scale], {});
}

/** A vector along the second to last axis; scalars and higher ranks stay. */
function asColumn(node: NodeContext, value: ValueId): ValueId {
  const shape = node.shape(value);
  if (shape.length !== 1 || shape[0] === 1) return value;
  return node.add("ann.reshape", [value], { shape: [...shape, 1] });
}

/** The whole product of operands `a`, made by `left`, and `b`, whose last axis numbers the outputs. */
function product(
  node: NodeContext,
  left: (to: FloatType) => ValueId,
  b: QuantisedInputs,
  transposeB: boolean,
): ValueId {
  const { shape } = node.inputType(b.value);
  if (node.isConstant(b.value) && shape.length === 2) {
    const held = wholeTensor(node, b, "B", transposeB ? 0 : 1);
    const whole = transposeB ? held : transposed(held);
    const to = exactType(whole, null);
    const weight = node.tensor(b.value, castTo(whole, to));
    return node.add("ann.linear", [left(to)], { weight, bias: null });
  }
  const depth = shape.at(transposeB ? -1 : -2) ?? 1;
  const to = depth * largestOf8 ** 2 <= exactUpTo ? "f32" : "f64";
  const factor = wholeNumbers(node, b, to);
  const right = transposeB ? node.add("ann.transpose", [factor], { perm: [1, 0] }) : factor;
  return node.add("ann.matmul", [left(to), right], {});
}

/** QLinearMatMul (10, 21): the product of whole numbers, scaled and quantised. */
function QLinearMatMul(node: NodeContext): ValueId {
  const zeroShape = node.has(2) ? node.inputType(2).shape : [];
  const perRow = zeroShape.length === 1 && zeroShape[0] !== 1;
  const left = (to: FloatType): ValueId =>
    perRow ? rowsLessZero(node, to) : wholeNumbers(node, at(0), to);
  const sum = product(node, left, at(3), false);
  const scaled = scaledSum(node, sum, asColumn(node, node.value(1)), node.value(4));
  return requantised(node, scaled, [6, 7], node.inputType(0).dtype);
}

/** Operand 0 less a zero point for each row. */
function rowsLessZero(node: NodeContext, to: FloatType): ValueId {
  const wide = node.add("ann.cast", [node.value(0)], { to, saturate: true });
  const zero = node.add("ann.cast", [node.value(2)], { to, saturate: true });
  return node.add("ann.sub", [wide, asColumn(node, zero)], {});
}

/** QGemm (com.microsoft 1): alpha · (A' · B' + C), C in the scale of the sum; floats without y_scale. */
function QGemm(node: NodeContext): ValueId {
  const { attributes } = node;
  const alpha = attributes.float("alpha", 1);
  const transA = attributes.bool("transA", false);
  const transB = attributes.bool("transB", false);
  const left = (to: FloatType): ValueId => {
    const whole = wholeNumbers(node, at(0), to);
    return transA ? node.add("ann.transpose", [whole], { perm: [1, 0] }) : whole;
  };
  let sum = product(node, left, at(3), transB);
  if (node.has(6)) {
    const to = node.type(sum).dtype;
    const c = node.add("ann.cast", [node.value(6)], { to, saturate: true });
    sum = node.add("ann.add", [sum, c], {});
  }
  let scaled = scaledSum(node, sum, node.value(1), node.value(4));
  if (alpha !== 1) {
    scaled = node.add("ann.mul", [scaled, node.number(node.type(scaled).dtype, alpha)], {});
  }
  return node.has(7) ? requantised(node, scaled, [7, 8], node.inputType(0).dtype) : scaled;
}

/** A real result plus a bias of floats, input `index`, where there is one. */
function withBias(node: NodeContext, value: ValueId, index: number): ValueId {
  return node.has(index) ? node.add("ann.add", [value, node.value(index)], {}) : value;
}

/** MatMulIntegerToFloat (com.microsoft 1): the product of whole numbers, scaled; B's by column or once. */
function MatMulIntegerToFloat(node: NodeContext): ValueId {
  const left = (to: FloatType): ValueId => wholeNumbers(node, { value: 0, zero: 4 }, to);
  const sum = product(node, left, { value: 1, scale: 3, zero: 5 }, false);
  return withBias(node, scaledSum(node, sum, node.value(2), node.value(3)), 6);
}

/** DynamicQuantizeMatMul (com.microsoft 1): the same with A quantised over the range that it takes. */
function DynamicQuantizeMatMul(node: NodeContext): ValueId {
  const [a, scale, zero] = DynamicQuantizeLinear(node);
  const left = (to: FloatType): ValueId => {
    const one = node.number(to, 1);
    return node.add("ann.dequantize-linear", [a, one, zero], { axis: 0 });
  };
  const sum = product(node, left, { value: 1, scale: 2, zero: 3 }, false);
  return withBias(node, scaledSum(node, sum, scale, node.value(2)), 4);
}

/** QLinearConv (10). The bias has the scale of the sum: x_scale · w_scale. */
function QLinearConv(node: NodeContext): ValueId {
  const whole = wholeTensor(node, at(3), "w", 0);
  const given = node.has(8) ? castTo(node.constant(8, "B"), "f64") : null;
  const to = exactType(whole, given);
  const x = wholeNumbers(node, at(0), to);
  const weight = castTo(whole, to);
  const bias = given === null ? null : castTo(given, to);
  const window = readWindow(node, spatialOf(node, node.shape(x)), weight.shape.slice(2));
  const sum = node.add("ann.conv", [x], {
    strides: window.strides,
    padsBegin: window.padsBegin,
    padsEnd: window.padsEnd,
    dilations: window.dilations,
    weight: node.tensor(3, weight),
    bias: bias === null ? null : node.tensor(8, bias),
    groups: node.attributes.int("group", 1),
  });
  const scale = node.value(4);
  const [channels = 1] = node.shape(scale);
  const trailing = new Array<number>(node.shape(sum).length - 2).fill(1);
  const aligned =
    channels === 1 ? scale : node.add("ann.reshape", [scale], { shape: [channels, ...trailing] });
  const scaled = scaledSum(node, sum, node.value(1), aligned);
  return requantised(node, scaled, [6, 7], node.inputType(0).dtype);
}

/** QLinearAdd, QLinearMul (com.microsoft 1). */
function binary(kind: "ann.add" | "ann.mul"): (node: NodeContext) => ValueId {
  return (node) => {
    const y = node.add(kind, [dequantised(node, at(0)), dequantised(node, at(3))], {});
    return requantised(node, y, [6, 7], node.inputType(0).dtype);
  };
}

/** A function of one quantised value, whose result has a scale of its own. */
function unary(apply: (node: NodeContext, x: ValueId) => ValueId): (node: NodeContext) => ValueId {
  return (node) => {
    const y = apply(node, dequantised(node, at(0)));
    return requantised(node, y, [3, 4], node.inputType(0).dtype);
  };
}

function requireChannelsFirst(node: NodeContext): void {
  if (!node.attributes.bool("channels_last", false)) return;
  node.refuse("channels_last is 1", "quantise the model with QuantFormat.QDQ instead");
}

/** QLinearAveragePool (com.microsoft 1). */
const averagePool = unary((node, x) => {
  requireChannelsFirst(node);
  const countIncludePad = node.attributes.bool("count_include_pad", false);
  return node.add("ann.average-pool", [x], { ...readPool(node, x), countIncludePad });
});

/** QLinearGlobalAveragePool (com.microsoft 1). */
const globalAveragePool = unary((node, x) => {
  requireChannelsFirst(node);
  return node.add("ann.reduce-mean", [x], { axes: spatialAxes(node, x), keepDims: true });
});

/** QLinearLeakyRelu (com.microsoft 1). */
const leakyRelu = unary((node, x) =>
  node.add("ann.leaky-relu", [x], { alpha: node.attributes.float("alpha", 0.01) }),
);

/** QLinearSoftmax (com.microsoft 1): along one axis, as from opset 13 on. */
const softmax = unary((node, x) => {
  const rank = node.shape(x).length;
  const axis = node.axis(node.attributes.int("axis", -1), rank);
  if (node.attributes.int("opset", 13) < 13 && axis !== rank - 1) {
    node.refuse("its opset is below 13", "quantise the model with QuantFormat.QDQ instead");
  }
  return node.add("ann.softmax", [x], { axis });
});

/** QLinearConcat (com.microsoft 1): scale and zero point of the result, then three for each operand. */
function QLinearConcat(node: NodeContext): ValueId {
  if (node.inputCount < 5 || node.inputCount % 3 !== 2) {
    node.invalid(`it has ${node.inputCount} inputs: two, and three for each operand, are due`);
  }
  const parts: ValueId[] = [];
  for (let index = 2; index < node.inputCount; index += 3) parts.push(dequantised(node, at(index)));
  const [first] = parts;
  const rank = first === undefined ? 0 : node.shape(first).length;
  const axis = node.axis(node.attributes.int("axis", 1), rank);
  const y = node.add("ann.concat", parts, { axis });
  return requantised(node, y, [0, 1], node.inputType(2).dtype);
}

/** Of ONNX's own domain. */
export const qlinearOperators: readonly OnnxOperator[] = [
  operator("QLinearConv", [10], [8, 9], QLinearConv),
  operator("QLinearMatMul", [10, 21], 8, QLinearMatMul),
];

/** Of domain com.microsoft. */
export const microsoftOperators: readonly OnnxOperator[] = [
  operator("DequantizeLinear", [1], [2, 3], DequantizeLinear),
  operator("DynamicQuantizeMatMul", [1], [3, 5], DynamicQuantizeMatMul),
  operator("MatMulIntegerToFloat", [1], [4, 7], MatMulIntegerToFloat),
  operator("QGemm", [1], [6, 9], QGemm),
  operator("QLinearAdd", [1], [7, 8], binary("ann.add")),
  operator("QLinearAveragePool", [1], [4, 5], averagePool),
  operator("QLinearConcat", [1], [5, Infinity], QLinearConcat),
  operator("QLinearGlobalAveragePool", [1], 5, globalAveragePool),
  operator("QLinearLeakyRelu", [1], [4, 5], leakyRelu),
  operator("QLinearMul", [1], [7, 8], binary("ann.mul")),
  operator(
    "QLinearSigmoid",
    [1],
    [4, 5],
    unary((node, x) => node.add("ann.sigmoid", [x], {})),
  ),
  operator("QLinearSoftmax", [1], 5, softmax),
  operator("QuantizeLinear", [1], [2, 3], QuantizeLinear),
];
