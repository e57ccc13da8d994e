/**
 * Quantised tensors and integer products. Integer products are computed in double precision,
 * where they are exact, from the same synapses as the others.
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf, zeros } from "../../../../ir/tensor.ts";
import { type DType, elementCount, isFloat, sameShape } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { dataTypeOf } from "../../file/proto.ts";
import { dtypeOf } from "../../file/tensors.ts";
import { castTo } from "../tensor-math.ts";
import { readWindow, spatialOf } from "../layers/windows.ts";

const range4 = { int4: [-8, 7], uint4: [0, 15] } as const;

/** The element type that QuantizeLinear makes. */
function quantizedType(node: NodeContext): { dtype: DType; clip: readonly number[] | null } {
  const code = node.attributes.int("output_dtype", 0);
  const type = node.has(2) ? node.format(2) : dataTypeOf(code);
  if (type === "int4" || type === "uint4") {
    return { dtype: type === "int4" ? "i8" : "u8", clip: range4[type] };
  }
  if (type !== null && /^float[48]/.test(type)) {
    node.refuse(`it quantises to ${type}`, "quantise to 8-bit integers");
  }
  if (node.has(2)) return { dtype: node.inputType(2).dtype, clip: null };
  if (code === 0) return { dtype: "u8", clip: null };
  const dtype = type === null ? null : dtypeOf(type);
  return { dtype: dtype ?? node.invalid(`its output_dtype is ${code}`), clip: null };
}

/** `value` along the blocks of `axis`: every element repeated `size` times, up to `extent`. */
function spread(
  node: NodeContext,
  value: ValueId,
  axis: number,
  size: number,
  extent: number,
): ValueId {
  node.spend(extent);
  const indices = Array.from({ length: extent }, (_, i) => Math.floor(i / size));
  const index = node.literal(tensorOf("i64", [extent], indices));
  return node.add("ann.gather", [value, index], { axis });
}

/** Scale and zero point as values that broadcast to x, for what the IR's own ops do not take. */
function blockwise(
  node: NodeContext,
  x: ValueId,
  zeroPoint: ValueId,
): { scale: ValueId; zero: ValueId } {
  const { shape } = node.type(x);
  const scale = node.value(1);
  const to = node.type(scale).dtype;
  const zero = node.add("ann.cast", [zeroPoint], { to, saturate: true });
  const size = node.attributes.int("block_size", 0);
  const axis = node.axis(node.attributes.int("axis", 1), Math.max(1, shape.length));
  if (size > 0) {
    const extent = shape[axis] ?? 0;
    return {
      scale: spread(node, scale, axis, size, extent),
      zero: spread(node, zero, axis, size, extent),
    };
  }
  const count = elementCount(node.shape(scale));
  if (count === 1) {
    const one = { shape: [] };
    return {
      scale: node.add("ann.reshape", [scale], one),
      zero: node.add("ann.reshape", [zero], one),
    };
  }
  const aligned = { shape: shape.map((_, a) => (a === axis ? count : 1)) };
  return {
    scale: node.add("ann.reshape", [scale], aligned),
    zero: node.add("ann.reshape", [zero], aligned),
  };
}

/** The zero point, input `index`, in the shape of the scale; 0 where it is left out. */
export function zeroPointLike(node: NodeContext, scale: ValueId, dtype: DType, index = 2): ValueId {
  const shape = node.shape(scale);
  if (!node.has(index)) return node.literal(zeros(dtype, shape));
  const given = node.value(index);
  // One scale may be a scalar and its zero point a vector of one element.
  if (sameShape(node.shape(given), shape) || elementCount(shape) !== 1) return given;
  return node.add("ann.reshape", [given], { shape });
}

/** The axis of per-axis scales; where there is one scale it means nothing. */
function quantizationAxis(node: NodeContext, x: ValueId): number {
  const rank = node.shape(x).length;
  const axis = node.attributes.int("axis", 1);
  return elementCount(node.inputType(1).shape) === 1 ? 0 : node.axis(axis, rank);
}

/** QuantizeLinear (10; 13 per axis; 19 float8; 21 blocks and 4 bits; 23). */
export function QuantizeLinear(node: NodeContext): ValueId {
  node.attributes.ignore("saturate", "precision");
  const x = node.value(0);
  const { dtype, clip } = quantizedType(node);
  const scale = node.value(1);
  const zeroPoint = zeroPointLike(node, scale, dtype);
  const y =
    node.attributes.int("block_size", 0) > 0
      ? quantizeComposed(node, x, zeroPoint, dtype)
      : node.add("ann.quantize-linear", [x, scale, zeroPoint], {
          axis: quantizationAxis(node, x),
          to: dtype,
        });
  if (clip === null) return y;
  // Saturating to 8 bits first changes nothing: the narrower range lies inside.
  return node.add("ann.clip", [y], { min: clip[0] ?? 0, max: clip[1] ?? 0 });
}

/** round(x / scale) + zero point, saturated. */
function quantizeComposed(
  node: NodeContext,
  x: ValueId,
  zeroPoint: ValueId,
  dtype: DType,
): ValueId {
  const { scale, zero } = blockwise(node, x, zeroPoint);
  const steps = node.add("ann.round", [node.add("ann.div", [x, scale], {})], {});
  const shifted = node.add("ann.add", [steps, zero], {});
  return saturated(node, shifted, dtype);
}

const integerRanges: Partial<Record<DType, readonly [number, number]>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32768, 32767],
  u16: [0, 65535],
};

function saturated(node: NodeContext, x: ValueId, to: DType): ValueId {
  const [min, max] = integerRanges[to] ?? node.invalid(`it quantises to ${to}`);
  const clipped = node.add("ann.clip", [x], { min, max });
  return node.add("ann.cast", [clipped], { to, saturate: true });
}

/** DequantizeLinear (10; 13 per axis; 19 float8; 21 blocks and 4 bits; 23). */
export function DequantizeLinear(node: NodeContext): ValueId {
  const x = node.value(0);
  const { dtype } = node.type(x);
  const scale = node.value(1);
  const zeroPoint = zeroPointLike(node, scale, dtype);
  const composed = node.attributes.int("block_size", 0) > 0 || isFloat(dtype);
  const axis = quantizationAxis(node, x);
  if (!composed) return node.add("ann.dequantize-linear", [x, scale, zeroPoint], { axis });
  const parts = blockwise(node, x, zeroPoint);
  const to = node.type(scale).dtype;
  const value = node.add("ann.cast", [x], { to, saturate: true });
  const centred = node.add("ann.sub", [value, parts.zero], {});
  return node.add("ann.mul", [centred, parts.scale], {});
}

/** DynamicQuantizeLinear (11): to u8 over the range that x takes, with 0 inside. */
export function DynamicQuantizeLinear(
  node: NodeContext,
): readonly [y: ValueId, scale: ValueId, zeroPoint: ValueId] {
  const x = node.value(0);
  const { shape, dtype } = node.type(x);
  const all = { axes: shape.map((_, axis) => axis), keepDims: false };
  const zero = node.number(dtype, 0);
  const high = node.add("ann.max", [node.add("ann.reduce-max", [x], all), zero], {});
  const low = node.add("ann.min", [node.add("ann.reduce-min", [x], all), zero], {});
  const width = node.add("ann.sub", [high, low], {});
  const scale = node.add("ann.div", [width, node.number(dtype, 255)], {});
  const offset = node.add("ann.neg", [node.add("ann.div", [low, scale], {})], {});
  const bounded = node.add("ann.clip", [offset], { min: 0, max: 255 });
  const rounded = node.add("ann.round", [bounded], {});
  const zeroPoint = node.add("ann.cast", [rounded], { to: "u8", saturate: true });
  const y = node.add("ann.quantize-linear", [x, scale, zeroPoint], { axis: 0, to: "u8" });
  return [y, scale, zeroPoint];
}

/** x − zero point as numbers of `to`; `axis` is where a zero point per row or column lies. */
function centred(
  node: NodeContext,
  x: ValueId,
  zeroIndex: number,
  to: DType,
  perRow: boolean,
): ValueId {
  const wide = node.add("ann.cast", [x], { to, saturate: true });
  if (!node.has(zeroIndex)) return wide;
  const zero = node.add("ann.cast", [node.value(zeroIndex)], { to, saturate: true });
  return node.add("ann.sub", [wide, perRow ? asColumn(node, zero) : zero], {});
}

/** A vector along the second to last axis; scalars and higher ranks stay. */
function asColumn(node: NodeContext, value: ValueId): ValueId {
  const shape = node.shape(value);
  if (shape.length !== 1 || shape[0] === 1) return value;
  return node.add("ann.reshape", [value], { shape: [...shape, 1] });
}

/** MatMulInteger (10). */
function MatMulInteger(node: NodeContext): ValueId {
  const a = centred(node, node.value(0), 2, "i32", true);
  const b = centred(node, node.value(1), 3, "i32", false);
  return node.add("ann.matmul", [a, b], {});
}

/** The weights less their zero point (one, or one per output channel), in double precision. */
function centredWeight(node: NodeContext, index: number, zeroIndex: number): Tensor {
  const weight = castTo(node.constant(index, "w"), "f64");
  const zero = node.has(zeroIndex) ? node.constant(zeroIndex, "w_zero_point") : scalar("f64", 0);
  const perChannel = weight.data.length / (weight.shape[0] || 1);
  const data = Float64Array.from(weight.data, (value, i) => {
    const at = zero.data.length === 1 ? 0 : Math.floor(i / perChannel);
    return value - (zero.data[at] ?? 0);
  });
  return { dtype: "f64", shape: weight.shape, data };
}

/** The convolution of centred integers, exact in double precision. */
function integerConv(
  node: NodeContext,
  at: { x: number; xZero: number; w: number; wZero: number },
  bias: Tensor | null,
): ValueId {
  const x = centred(node, node.value(at.x), at.xZero, "f64", false);
  const weight = centredWeight(node, at.w, at.wZero);
  const window = readWindow(node, spatialOf(node, node.shape(x)), weight.shape.slice(2));
  return node.add("ann.conv", [x], {
    strides: window.strides,
    padsBegin: window.padsBegin,
    padsEnd: window.padsEnd,
    dilations: window.dilations,
    weight: node.tensor(at.w, weight),
    bias: bias === null ? null : node.namedTensor("bias", bias),
    groups: node.attributes.int("group", 1),
  });
}

/** ConvInteger (10). */
function ConvInteger(node: NodeContext): ValueId {
  const sum = integerConv(node, { x: 0, xZero: 2, w: 1, wZero: 3 }, null);
  return node.add("ann.cast", [sum], { to: "i32", saturate: true });
}

export const quantisationOperators: readonly OnnxOperator[] = [
  operator("ConvInteger", [10], [2, 4], ConvInteger),
  operator("DequantizeLinear", [10, 13, 19, 21], [2, 3], DequantizeLinear),
  operator("DynamicQuantizeLinear", [11], 1, DynamicQuantizeLinear),
  operator("MatMulInteger", [10], [2, 4], MatMulInteger),
  operator("QuantizeLinear", [10, 13, 19, 21], [2, 3], QuantizeLinear),
];
