/** The pools. Global ones are windows over everything, or reductions where there is no window. */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { PoolAttrs, ValueId } from "../../../../ir/op/op.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { readWindow, spatialOf } from "./windows.ts";

/** Attributes of a pool node over input `x`. */
export function readPool(node: NodeContext, x: ValueId): PoolAttrs {
  const window = readWindow(node, spatialOf(node, node.shape(x)), null);
  return {
    kernel: window.kernel,
    strides: window.strides,
    padsBegin: window.padsBegin,
    padsEnd: window.padsEnd,
    dilations: window.dilations,
    ceilMode: node.attributes.bool("ceil_mode", false),
  };
}

/** MaxPool (1; 8 adds Indices; 10 ceil_mode, dilations; 11, 12 int8; 22). */
export function MaxPool(node: NodeContext): ValueId {
  if (node.wants(1)) {
    node.refuse("its second output, Indices, is used", "pool without return_indices");
  }
  node.attributes.ignore("storage_order");
  const x = node.value(0);
  return node.add("ann.max-pool", [x], readPool(node, x));
}

/** AveragePool (1; 7 adds count_include_pad; 10 ceil_mode; 11; 19 dilations; 22). */
function AveragePool(node: NodeContext): ValueId {
  const x = node.value(0);
  return node.add("ann.average-pool", [x], {
    ...readPool(node, x),
    countIncludePad: node.attributes.bool("count_include_pad", false),
  });
}

/** LpPool (1, 2, 11, 18, 22): (Σ |x|^p)^(1/p), from the mean over the window with its padding. */
function LpPool(node: NodeContext): ValueId {
  const x = node.value(0);
  const p = node.opset >= 2 ? node.attributes.int("p", 2) : node.attributes.float("p", 2);
  const pool = readPool(node, x);
  if (pool.ceilMode) node.refuse("ceil_mode is 1", "pool without ceil_mode");
  const { dtype } = node.type(x);
  const powers = node.add("ann.pow", [node.add("ann.abs", [x], {}), node.number(dtype, p)], {});
  const mean = node.add("ann.average-pool", [powers], { ...pool, countIncludePad: true });
  const sum = node.add("ann.mul", [mean, node.number(dtype, elementCount(pool.kernel))], {});
  return node.add("ann.pow", [sum, node.number(dtype, 1 / p)], {});
}

/** Axes from 2 on. */
export function spatialAxes(node: NodeContext, x: ValueId): readonly number[] {
  const rank = node.shape(x).length;
  if (rank < 3) node.invalid(`its input has ${rank} axes, and no spatial one`);
  return Array.from({ length: rank - 2 }, (_, i) => i + 2);
}

/** GlobalAveragePool (1, 22). */
function GlobalAveragePool(node: NodeContext): ValueId {
  const x = node.value(0);
  return node.add("ann.reduce-mean", [x], { axes: spatialAxes(node, x), keepDims: true });
}

/** GlobalMaxPool (1, 22): a window over everything, so that spiking max-pooling applies to it. */
function GlobalMaxPool(node: NodeContext): ValueId {
  const x = node.value(0);
  const axes = spatialAxes(node, x);
  if (axes.length > 3) return node.add("ann.reduce-max", [x], { axes, keepDims: true });
  const zeros = axes.map(() => 0);
  const ones = axes.map(() => 1);
  return node.add("ann.max-pool", [x], {
    kernel: node.shape(x).slice(2),
    strides: ones,
    padsBegin: zeros,
    padsEnd: zeros,
    dilations: ones,
    ceilMode: false,
  });
}

/** GlobalLpPool (1, 2, 22). */
function GlobalLpPool(node: NodeContext): ValueId {
  const x = node.value(0);
  const axes = spatialAxes(node, x);
  const p = node.opset >= 2 ? node.attributes.int("p", 2) : node.attributes.float("p", 2);
  if (p === 1) return node.add("ann.reduce-l1", [x], { axes, keepDims: true });
  if (p === 2) return node.add("ann.reduce-l2", [x], { axes, keepDims: true });
  return node.refuse(`p is ${p}`, "p of 1 or 2 is supported");
}

export const poolingOperators: readonly OnnxOperator[] = [
  operator("AveragePool", [1, 7, 10, 11, 19, 22], 1, AveragePool),
  operator("GlobalAveragePool", [1, 22], 1, GlobalAveragePool),
  operator("GlobalLpPool", [1, 2, 22], 1, GlobalLpPool),
  operator("GlobalMaxPool", [1, 22], 1, GlobalMaxPool),
  operator("LpPool", [1, 2, 11, 18, 22], 1, LpPool),
  operator("MaxPool", [1, 8, 10, 11, 12, 22], 1, MaxPool),
];
