/** Operators that make values out of nothing, and casts. */
import { type OnnxOperator, operator } from "../operator.ts";
import { fail } from "../../../ir/diagnostic.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf, zeros } from "../../../ir/tensor.ts";
import type { DType } from "../../../ir/type.ts";
import type { NodeContext } from "../context.ts";
import { type DataType, dataTypeOf, dataTypes } from "../file/proto.ts";
import { dtypeOf, findNonFinite } from "../file/tensors.ts";
import { unbatched } from "./rebatch.ts";

/** Constant (1; 9; 11 sparse_value; 12 value_int and the like; 13, 19, 21, 23). */
function Constant(node: NodeContext): ValueId {
  const { attributes, services } = node;
  const name = node.node.outputs[0] || node.node.name;
  const value = attributes.tensor("value");
  const sparse = attributes.sparseTensor("sparse_value");
  if (value !== null || sparse !== null) {
    const tensor =
      value !== null
        ? services.decode(value, name, node.loc)
        : services.decodeSparse(sparse ?? {}, name, node.loc);
    const bad = findNonFinite(tensor, name, node.loc);
    if (bad !== null) fail(bad);
    return node.literal(tensor);
  }
  const floats = attributes.floats("value_floats");
  if (floats !== null) return node.literal(tensorOf("f32", [floats.length], floats));
  const ints = attributes.ints("value_ints");
  if (ints !== null) return node.literal(tensorOf("i64", [ints.length], ints));
  if (attributes.has("value_float")) return node.number("f32", attributes.float("value_float", 0));
  if (attributes.has("value_int")) return node.number("i64", attributes.int("value_int", 0));
  if (attributes.has("value_string") || attributes.has("value_strings")) {
    node.refuse("it holds text", "cut off the part of the model that works on text");
  }
  return node.invalid("it holds no value");
}

/** ConstantOfShape (9, 20, 21, 23): one value, expanded, so that nothing large is stored. */
function ConstantOfShape(node: NodeContext): ValueId {
  const given = node.ints(0, "input");
  const shape = unbatched(node, "the shape of ConstantOfShape", given, (_, axis) => axis === 0);
  if (shape.some((extent) => !(extent >= 0))) node.invalid(`its shape is [${given.join(", ")}]`);
  node.checkSize(shape);
  const value = node.attributes.tensor("value");
  const tensor: Tensor =
    value === null ? scalar("f32", 0) : node.services.decode(value, node.node.name, node.loc);
  if (tensor.data.length !== 1) node.invalid(`its value has ${tensor.data.length} elements`);
  const one = node.literal({ ...tensor, shape: [] });
  return shape.length === 0 ? one : node.add("ann.expand", [one], { shape });
}

/** Range (11): from start by delta up to limit, which is left out. */
function Range(node: NodeContext): ValueId {
  const { dtype } = node.inputType(0);
  const start = node.scalar(0, "start");
  const limit = node.scalar(1, "limit");
  const delta = node.scalar(2, "delta");
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (delta === 0 || Number.isNaN(count)) node.invalid(`its delta is ${delta}`);
  node.spend(count);
  const values = Array.from({ length: count }, (_, i) => start + i * delta);
  return node.literal(tensorOf(dtype, [count], values));
}

/** EyeLike (9, 22): ones on a diagonal, in the shape of the input. */
function EyeLike(node: NodeContext): ValueId {
  const { shape, dtype } = node.inputType(0);
  const [rows = 0, columns = 0] = shape;
  if (shape.length !== 2) node.invalid(`its input has ${shape.length} axes, not 2`);
  const to = node.attributes.has("dtype")
    ? target(node, dataTypeOf(node.attributes.int("dtype", 0)))
    : dtype;
  const k = node.attributes.int("k", 0);
  node.spend(rows * columns);
  const eye = zeros(to, shape);
  for (let r = 0; r < rows; r++) {
    if (r + k >= 0 && r + k < columns) eye.data[r * columns + r + k] = 1;
  }
  return node.literal(eye);
}

/** NonZero (9, 13) of a constant; of anything else its shape would depend on the data. */
function NonZero(node: NodeContext): ValueId {
  const { data, shape } = node.constant(0, "X");
  const rank = Math.max(1, shape.length);
  const found: number[] = [];
  data.forEach((value, i) => {
    if (value !== 0) found.push(i);
  });
  node.spend(rank * found.length);
  const out = zeros("i64", [rank, found.length]);
  found.forEach((index, column) => {
    let rest = index;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const extent = shape[axis] ?? 1;
      out.data[axis * found.length + column] = rest % extent;
      rest = Math.floor(rest / extent);
    }
  });
  return node.literal(out);
}

/** The dtype of a cast to `type`, or a refusal: some types exist in files only. */
function target(node: NodeContext, type: DataType | null): DType {
  const dtype = type === null ? null : dtypeOf(type);
  if (type === null || dtype === null) {
    node.refuse(`it casts to ${type ?? "an unknown type"}`, "cast to a number type");
  }
  if (/^float[48]|^u?int4$/.test(type)) {
    node.refuse(`it casts to ${type}`, "use DequantizeLinear and QuantizeLinear on 8 bits");
  }
  return dtype;
}

/** Cast (1 by name; 6, 9, 13, 19 saturate, 21, 23). */
function Cast(node: NodeContext): ValueId {
  const to =
    node.opset < 6
      ? dataTypes.find((name) => name === node.attributes.string("to", "").toLowerCase())
      : dataTypeOf(node.attributes.int("to", 0));
  const saturate = node.attributes.bool("saturate", true);
  return node.add("ann.cast", [node.value(0)], { to: target(node, to ?? null), saturate });
}

/** CastLike (15, 19, 21, 23): to the element type of the second input. */
function CastLike(node: NodeContext): ValueId {
  const saturate = node.attributes.bool("saturate", true);
  const format = node.format(1);
  const to = format === null ? node.inputType(1).dtype : target(node, format);
  return node.add("ann.cast", [node.value(0)], { to, saturate });
}

export const constantOperators: readonly OnnxOperator[] = [
  operator("Cast", [1, 6, 9, 13, 19, 21], 1, Cast),
  operator("CastLike", [15, 19, 21], 2, CastLike),
  operator("Constant", [1, 9, 11, 12, 13, 19, 21], 0, Constant),
  operator("ConstantOfShape", [9, 20, 21], 1, ConstantOfShape),
  operator("EyeLike", [9, 22], 1, EyeLike),
  operator("NonZero", [9, 13], 1, NonZero),
  operator("Range", [11], 3, Range),
];
