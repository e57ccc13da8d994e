/** Elementwise functions of one value or more: arithmetic, comparisons, logic, selection. */
import { type OnnxOperator, operator } from "../operator.ts";
import type { BinaryName, UnaryName, ValueId } from "../../../ir/op/op.ts";
import { isFloat } from "../../../ir/type.ts";
import type { NodeContext } from "../context.ts";

/** An operator that is one unary function. */
export function unary(name: UnaryName): (node: NodeContext) => ValueId {
  return (node) => {
    if (node.opset < 6) node.attributes.ignore("consumed_inputs");
    return node.add(`ann.${name}`, [node.value(0)], {});
  };
}

/**
 * The right operand under the rules before opset 7, where `broadcast` and `axis` aligned it with
 * the left one from `axis` on: it gets trailing axes of extent 1, and NumPy's rule does the rest.
 */
function rightOperand(node: NodeContext, a: ValueId, b: ValueId): ValueId {
  if (node.opset >= 7) return b;
  node.attributes.ignore("consumed_inputs");
  const broadcast = node.attributes.bool("broadcast", false);
  const shape = node.shape(b);
  const rank = node.shape(a).length;
  const axis = node.axis(node.attributes.int("axis", rank - shape.length), rank, true);
  const trailing = rank - axis - shape.length;
  if (!broadcast || trailing <= 0) return b;
  return node.add("ann.reshape", [b], {
    shape: [...shape, ...new Array<number>(trailing).fill(1)],
  });
}

/** An operator that is one binary function with broadcasting. */
function binary(name: BinaryName): (node: NodeContext) => ValueId {
  return (node) => {
    const a = node.value(0);
    return node.add(`ann.${name}`, [a, rightOperand(node, a, node.value(1))], {});
  };
}

/** A binary function over any number of values, from the left. */
function folded(node: NodeContext, name: BinaryName): ValueId {
  if (node.opset < 6) node.attributes.ignore("consumed_inputs");
  const [first, ...rest] = node.values();
  if (first === undefined) return node.invalid("it has no inputs");
  if (rest.length === 0) return node.add("ann.identity", [first], {});
  return rest.reduce((a, b) => node.add(`ann.${name}`, [a, b], {}), first);
}

/** Mean (1, 6, 8, 13) of values, elementwise with broadcasting. */
function Mean(node: NodeContext): ValueId {
  const sum = folded(node, "add");
  if (node.inputCount === 1) return sum;
  return node.add("ann.div", [sum, node.number(node.type(sum).dtype, node.inputCount)], {});
}

/**
 * Clip (1, 6; bounds are inputs from 11; 12 integers; 13). A bound left out does not bind. Bounds
 * that depend on the data become a maximum and a minimum.
 */
function Clip(node: NodeContext): ValueId {
  const x = node.value(0);
  if (node.opset < 11) {
    node.attributes.ignore("consumed_inputs");
    const min = node.attributes.has("min") ? node.attributes.float("min", 0) : -Infinity;
    const max = node.attributes.has("max") ? node.attributes.float("max", 0) : Infinity;
    return node.add("ann.clip", [x], { min, max });
  }
  const isStatic = (index: number): boolean => !node.has(index) || node.isConstant(index);
  if (isStatic(1) && isStatic(2)) {
    const min = node.has(1) ? node.scalar(1, "min") : -Infinity;
    const max = node.has(2) ? node.scalar(2, "max") : Infinity;
    return node.add("ann.clip", [x], { min, max });
  }
  const [min, max] = [node.optional(1), node.optional(2)];
  const raised = min === null ? x : node.add("ann.max", [x, min], {});
  return max === null ? raised : node.add("ann.min", [raised, max], {});
}

/** Mod (10, 13): of floored division, or C's fmod. */
function Mod(node: NodeContext): ValueId {
  const truncate = node.attributes.bool("fmod", false);
  const a = node.value(0);
  if (!truncate && isFloat(node.type(a).dtype)) node.invalid("fmod is 0 on floats");
  return node.add("ann.mod", [a, node.value(1)], { truncate });
}

/** Pow (1, 7, 12, 13, 15): the exponent's element type may differ from the base's. */
const Pow = binary("pow");

/** Where (9, 16). */
function Where(node: NodeContext): ValueId {
  return node.add("ann.where", [node.value(0), node.value(1), node.value(2)], {});
}

/** IsInf (10, 20). */
function IsInf(node: NodeContext): ValueId {
  return node.add("ann.is-inf", [node.value(0)], {
    negative: node.attributes.bool("detect_negative", true),
    positive: node.attributes.bool("detect_positive", true),
  });
}

export const arithmeticOperators: readonly OnnxOperator[] = [
  operator("Abs", [1, 6, 13], 1, unary("abs")),
  operator("Acos", [7, 22], 1, unary("acos")),
  operator("Acosh", [9, 22], 1, unary("acosh")),
  operator("Add", [1, 6, 7, 13, 14], 2, binary("add")),
  operator("And", [1, 7], 2, binary("and")),
  operator("Asin", [7, 22], 1, unary("asin")),
  operator("Asinh", [9, 22], 1, unary("asinh")),
  operator("Atan", [7, 22], 1, unary("atan")),
  operator("Atanh", [9, 22], 1, unary("atanh")),
  operator("Ceil", [1, 6, 13], 1, unary("ceil")),
  operator("Clip", [1, 6, 11, 12, 13], [1, 3], Clip),
  operator("Cos", [7, 22], 1, unary("cos")),
  operator("Cosh", [9, 22], 1, unary("cosh")),
  operator("Div", [1, 6, 7, 13, 14], 2, binary("div")),
  operator("Equal", [1, 7, 11, 13, 19], 2, binary("equal")),
  operator("Erf", [9, 13], 1, unary("erf")),
  operator("Exp", [1, 6, 13], 1, unary("exp")),
  operator("Floor", [1, 6, 13], 1, unary("floor")),
  operator("Greater", [1, 7, 9, 13], 2, binary("greater")),
  operator("GreaterOrEqual", [12, 16], 2, binary("greater-or-equal")),
  operator("IsInf", [10, 20], 1, IsInf),
  operator("IsNaN", [9, 13, 20], 1, unary("is-nan")),
  operator("Less", [1, 7, 9, 13], 2, binary("less")),
  operator("LessOrEqual", [12, 16], 2, binary("less-or-equal")),
  operator("Log", [1, 6, 13], 1, unary("log")),
  operator("Max", [1, 6, 8, 12, 13], [1, Infinity], (node) => folded(node, "max")),
  operator("Mean", [1, 6, 8, 13], [1, Infinity], Mean),
  operator("Min", [1, 6, 8, 12, 13], [1, Infinity], (node) => folded(node, "min")),
  operator("Mod", [10, 13], 2, Mod),
  operator("Mul", [1, 6, 7, 13, 14], 2, binary("mul")),
  operator("Neg", [1, 6, 13], 1, unary("neg")),
  operator("Not", [1], 1, unary("not")),
  operator("Or", [1, 7], 2, binary("or")),
  operator("Pow", [1, 7, 12, 13, 15], 2, Pow),
  operator("Reciprocal", [1, 6, 13], 1, unary("reciprocal")),
  operator("Round", [11, 22], 1, unary("round")),
  operator("Sign", [9, 13], 1, unary("sign")),
  operator("Sin", [7, 22], 1, unary("sin")),
  operator("Sinh", [9, 22], 1, unary("sinh")),
  operator("Sqrt", [1, 6, 13], 1, unary("sqrt")),
  operator("Sub", [1, 6, 7, 13, 14], 2, binary("sub")),
  operator("Sum", [1, 6, 8, 13], [1, Infinity], (node) => folded(node, "add")),
  operator("Tan", [7, 22], 1, unary("tan")),
  operator("Where", [9, 16], 3, Where),
  operator("Xor", [1, 7], 2, binary("xor")),
];
