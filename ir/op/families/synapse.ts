/**
 * Synapses: functions that are linear in their one operand, with weights as attributes. They take
 * real values, currents and spikes alike; what is weighted from spikes or currents is a current.
 * All but the average-pool, which divides, work on integers too: exactly, with i8 or i16 weights, in i32.
 */
import { type Result, no, ok } from "../../diagnostic.ts";
import type { OpAttrs } from "../op.ts";
import type { SpecTable, TensorLookup } from "../spec.ts";
import { mixed, placed } from "../traits.ts";
import type { Tensor, TensorRef } from "../../tensor.ts";
import { type DType, type Shape, type Type, broadcastsTo, sameShape } from "../../type.ts";
import { axisWindows, convExtents, convTransposeExtents } from "../../analysis/window.ts";
import {
  format,
  linearDomain,
  operandType,
  requireFloat,
  requireRank,
  synapticDType,
} from "./check.ts";
import { inferPool } from "./pool.ts";

export type SynapseKind =
  "ann.conv" | "ann.conv-transpose" | "ann.linear" | "ann.affine" | "ann.average-pool";

const weighted = {
  ...mixed,
  linear: "all",
  weights: "attribute",
  channels: "second",
} as const;

export const synapseSpecs: SpecTable<SynapseKind> = {
  "ann.conv": {
    summary: "convolution over 1 to 3 spatial axes",
    arity: 1,
    exactness: "rounding",
    traits: weighted,
    attributes: {
      strides: "ints",
      padsBegin: "ints",
      padsEnd: "ints",
      dilations: "ints",
      weight: "tensor",
      bias: "tensor?",
      groups: "int",
    },
    infer: (attrs, inputs, tensors) => inferConv(attrs, operandType(inputs, 0), tensors),
  },
  "ann.conv-transpose": {
    summary: "transposed convolution over 1 to 3 spatial axes",
    arity: 1,
    exactness: "rounding",
    traits: weighted,
    attributes: {
      strides: "ints",
      padsBegin: "ints",
      padsEnd: "ints",
      dilations: "ints",
      weight: "tensor",
      bias: "tensor?",
      groups: "int",
      outputPadding: "ints",
    },
    infer: (attrs, inputs, tensors) => inferConvTranspose(attrs, operandType(inputs, 0), tensors),
  },
  "ann.linear": {
    summary: "product with a weight matrix over the last axis, plus bias",
    arity: 1,
    exactness: "rounding",
    traits: { ...weighted, channels: "last" },
    attributes: { weight: "tensor", bias: "tensor?" },
    infer: (attrs, inputs, tensors) => inferLinear(attrs, operandType(inputs, 0), tensors),
  },
  "ann.affine": {
    summary: "elementwise scale and shift by tensors of the module",
    arity: 1,
    exactness: "rounding",
    traits: { ...placed, linear: "all", sign: (_attrs, [x], tensors) => x === true && tensors() },
    attributes: { scale: "tensor", shift: "tensor" },
    infer: (attrs, inputs, tensors) => inferAffine(attrs, operandType(inputs, 0), tensors),
  },
  "ann.average-pool": {
    summary: "mean over sliding windows",
    arity: 1,
    exactness: "rounding",
    traits: { ...mixed, linear: "all", sign: "kept", channels: "second" },
    attributes: {
      strides: "ints",
      padsBegin: "ints",
      padsEnd: "ints",
      dilations: "ints",
      kernel: "ints",
      ceilMode: "bool",
      countIncludePad: "bool",
    },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      const wrong = requireFloat("ann.average-pool", inputs);
      if (wrong !== null) return wrong;
      // With counted padding a window of padding only has a mean, which is 0.
      const pooled = inferPool(attrs, x, attrs.countIncludePad);
      return pooled.ok ? ok({ ...pooled.value, domain: linearDomain(x.domain) }) : pooled;
    },
  },
};

function inferConv(attrs: OpAttrs["ann.conv"], x: Type, tensors: TensorLookup): Result<Type> {
  const weight = tensors(attrs.weight);
  const dtype = weightedDType("ann.conv", x, weight, attrs.bias, tensors);
  if (!dtype.ok) return dtype;
  const axes = axisWindows(attrs, weight.shape.slice(2), x.shape.length);
  if (!axes.ok) return axes;
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const [out = 0, perGroup = 0] = weight.shape;
  const { groups } = attrs;
  if (!isGrouping(groups) || perGroup * groups !== channels || out % groups !== 0) {
    return no(
      `a weight of shape ${format(weight.shape)} in ${groups} groups does not fit ` +
        `${channels} input channels`,
    );
  }
  const biased = checkBias(attrs.bias, out, tensors);
  if (!biased.ok) return biased;
  const extents = convExtents(spatial, axes.value);
  if (!extents.ok) return extents;
  return ok(weightedType(x, dtype.value, [batch, out, ...extents.value]));
}

function inferConvTranspose(
  attrs: OpAttrs["ann.conv-transpose"],
  x: Type,
  tensors: TensorLookup,
): Result<Type> {
  const weight = tensors(attrs.weight);
  const dtype = weightedDType("ann.conv-transpose", x, weight, attrs.bias, tensors);
  if (!dtype.ok) return dtype;
  const axes = axisWindows(attrs, weight.shape.slice(2), x.shape.length);
  if (!axes.ok) return axes;
  const [batch = 0, channels = 0, ...spatial] = x.shape;
  const [into = 0, perGroup = 0] = weight.shape;
  const { groups, outputPadding } = attrs;
  if (!isGrouping(groups) || into !== channels || channels % groups !== 0) {
    return no(
      `a weight of shape ${format(weight.shape)} in ${groups} groups does not fit ` +
        `${channels} input channels`,
    );
  }
  if (outputPadding.length !== spatial.length) {
    return no(`outputPadding has ${outputPadding.length} entries for ${spatial.length} axes`);
  }
  if (outputPadding.some((n) => !Number.isInteger(n) || n < 0)) {
    return no(`outputPadding ${format(outputPadding)} is not made of integers ≥ 0`);
  }
  const biased = checkBias(attrs.bias, perGroup * groups, tensors);
  if (!biased.ok) return biased;
  const extents = convTransposeExtents(spatial, axes.value, outputPadding);
  if (!extents.ok) return extents;
  return ok(weightedType(x, dtype.value, [batch, perGroup * groups, ...extents.value]));
}

function inferLinear(attrs: OpAttrs["ann.linear"], x: Type, tensors: TensorLookup): Result<Type> {
  const weight = tensors(attrs.weight);
  const dtype = weightedDType("ann.linear", x, weight, attrs.bias, tensors);
  if (!dtype.ok) return dtype;
  const flat = requireRank("ann.linear", x.shape, 1);
  if (flat !== null) return flat;
  const [out = 0, into = 0] = weight.shape;
  if (weight.shape.length !== 2 || into !== x.shape.at(-1)) {
    return no(
      `a weight of shape ${format(weight.shape)} does not fit the last axis of ${format(x.shape)}`,
    );
  }
  const biased = checkBias(attrs.bias, out, tensors);
  if (!biased.ok) return biased;
  return ok(weightedType(x, dtype.value, [...x.shape.slice(0, -1), out]));
}

function inferAffine(attrs: OpAttrs["ann.affine"], x: Type, tensors: TensorLookup): Result<Type> {
  const scale = tensors(attrs.scale);
  const shift = tensors(attrs.shift);
  const dtype = synapticDType(
    "ann.affine",
    x,
    { name: "scale", dtype: scale.dtype },
    { name: "shift", dtype: shift.dtype },
  );
  if (!dtype.ok) return dtype;
  for (const [name, { shape }] of Object.entries({ scale, shift })) {
    if (!broadcastsTo(shape, x.shape)) {
      return no(`a ${name} of shape ${format(shape)} does not broadcast to ${format(x.shape)}`);
    }
  }
  return ok(weightedType(x, dtype.value, x.shape));
}

function weightedType(x: Type, dtype: DType, shape: Shape): Type {
  return { domain: linearDomain(x.domain), dtype, shape };
}

function weightedDType(
  kind: string,
  x: Type,
  weight: Tensor,
  bias: TensorRef | null,
  tensors: TensorLookup,
): Result<DType> {
  const offset = bias === null ? null : { name: "bias", dtype: tensors(bias).dtype };
  return synapticDType(kind, x, { name: "weight", dtype: weight.dtype }, offset);
}

function isGrouping(groups: number): boolean {
  return Number.isInteger(groups) && groups >= 1;
}

function checkBias(ref: TensorRef | null, channels: number, tensors: TensorLookup): Result<null> {
  if (ref === null) return ok(null);
  const bias = tensors(ref);
  if (!sameShape(bias.shape, [channels])) {
    return no(`a bias of shape ${format(bias.shape)} for ${channels} output channels`);
  }
  return ok(null);
}
