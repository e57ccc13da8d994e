/** Max-pooling of values that do not change over time, and what all pools infer alike. */
import { type Result, no, ok } from "../../diagnostic.ts";
import type { PoolAttrs } from "../op.ts";
import type { SpecTable } from "../spec.ts";
import { mixed } from "../traits.ts";
import type { Type } from "../../type.ts";
import { axisWindows, emptyWindow, poolExtents } from "../../analysis/window.ts";
import { operandType, requireReal } from "./check.ts";

export type PoolKind = "ann.max-pool";

/** How the attributes of a max-pool read in text. */
export const maxPoolAttributes = {
  strides: "ints",
  padsBegin: "ints",
  padsEnd: "ints",
  dilations: "ints",
  kernel: "ints",
  ceilMode: "bool",
} as const;

export const poolSpecs: SpecTable<PoolKind> = {
  "ann.max-pool": {
    summary: "maximum over sliding windows; padding never wins",
    arity: 1,
    exactness: "exact",
    traits: { ...mixed, sign: "kept", channels: "second" },
    attributes: maxPoolAttributes,
    infer: (attrs, inputs) => {
      const wrong = requireReal("ann.max-pool", inputs, "pooling spikes is not pooling rates");
      return wrong ?? inferPool(attrs, operandType(inputs, 0), false);
    },
  },
};

/**
 * The operand's type with the extents of the pool. `emptyAllowed`: a window may lie wholly in the
 * padding.
 */
export function inferPool(attrs: PoolAttrs, x: Type, emptyAllowed: boolean): Result<Type> {
  if (x.dtype === "bool") return no("a pool works on numbers, not on bool");
  const axes = axisWindows(attrs, attrs.kernel, x.shape.length);
  if (!axes.ok) return axes;
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const extents = poolExtents(spatial, axes.value, attrs);
  if (!extents.ok) return extents;
  const empty = emptyAllowed ? null : emptyWindow(spatial, extents.value, axes.value);
  return empty ?? ok({ ...x, shape: [batch, channels, ...extents.value] });
}
