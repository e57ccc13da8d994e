/**
 * Gemm, MatMul, Einsum. A product with a constant matrix is a synapse (`ann.linear`); a product of
 * two values of the graph stays one.
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { elementCount, isFloat } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { scaled, transposed, vectorOf } from "../tensor-math.ts";

/** The constant C of Gemm as a bias [out], where each row of the result gets the same. */
function biasFrom(node: NodeContext, c: Tensor, out: number): Tensor | null {
  const columns = c.shape.at(-1) ?? 1;
  const isRow = elementCount(c.shape) === columns && (columns === out || columns === 1);
  if (!isRow) return null;
  return scaled(vectorOf(c, out), node.attributes.float("beta", 1));
}

/** Gemm (1; 6; 7 unidirectional C; 9; 11 optional C; 13): alpha · A' · B' + beta · C. */
function Gemm(node: NodeContext): ValueId {
  const { attributes } = node;
  const alpha = attributes.float("alpha", 1);
  const beta = attributes.float("beta", 1);
  const transA = attributes.bool("transA", false);
  const transB = attributes.bool("transB", false);
  const rank = node.inputType(0).shape.length;
  const rankB = node.inputType(1).shape.length;
  if (rank !== 2 || rankB !== 2) {
    node.invalid(`its inputs A and B have ${rank} and ${rankB} axes, not 2`);
  }
  const perm = [1, 0];
  const a = transA ? node.add("ann.transpose", [node.value(0)], { perm }) : node.value(0);
  if (node.opset < 7) attributes.ignore("broadcast");

  let product: ValueId;
  if (node.isConstant(1) && isFloat(node.inputType(1).dtype)) {
    const b = node.weight(1, "B");
    const weight = scaled(transB ? b : transposed(b), alpha);
    const out = weight.shape[0] ?? 0;
    const c = node.has(2) && node.isConstant(2) ? node.weight(2, "C") : null;
    const bias = c === null ? null : biasFrom(node, c, out);
    product = node.add("ann.linear", [a], {
      weight: node.tensor(1, weight),
      bias: bias === null ? null : node.tensor(2, bias),
    });
    if (!node.has(2) || bias !== null) return product;
  } else {
    const b = transB ? node.add("ann.transpose", [node.value(1)], { perm }) : node.value(1);
    product = node.add("ann.matmul", [a, b], {});
    const { dtype } = node.type(product);
    if (alpha !== 1) product = node.add("ann.mul", [product, node.number(dtype, alpha)], {});
    if (!node.has(2)) return product;
  }
  const { dtype } = node.type(product);
  const c = node.value(2);
  const scaledC = beta === 1 ? c : node.add("ann.mul", [c, node.number(dtype, beta)], {});
  return node.add("ann.add", [product, scaledC], {});
}

/** MatMul (1, 9 integers, 13): NumPy's matmul. */
function MatMul(node: NodeContext): ValueId {
  const { shape, dtype } = node.inputType(1);
  if (shape.length === 2 && isFloat(dtype) && node.isConstant(1) && !node.isConstant(0)) {
    const weight = transposed(node.weight(1, "B"));
    return node.add("ann.linear", [node.value(0)], { weight: node.tensor(1, weight), bias: null });
  }
  return node.add("ann.matmul", [node.value(0), node.value(1)], {});
}

/** Einsum (12). */
function Einsum(node: NodeContext): ValueId {
  const equation = node.attributes.string("equation", "").replace(/\s+/g, "");
  return node.add("ann.einsum", node.values(), { equation });
}

export const linearOperators: readonly OnnxOperator[] = [
  operator("Einsum", [12], [1, Infinity], Einsum),
  operator("Gemm", [1, 6, 7, 9, 11, 13], [2, 3], Gemm),
  operator("MatMul", [1, 9, 13], 2, MatMul),
];
