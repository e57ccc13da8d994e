/** Normalisations: by statistics of the training set, of the value itself, or to a distribution. */
import { type Failure, type Result, no, ok } from "../../diagnostic.ts";
import type { OpAttrs, OpKind } from "../op.ts";
import type { OpSpec, SpecTable, TensorLookup } from "../spec.ts";
import { type Traits, mixed, placed } from "../traits.ts";
import type { TensorRef } from "../../tensor.ts";
import { type Shape, type Type, broadcastsTo, sameShape } from "../../type.ts";
import {
  format,
  operandType,
  requireAxis,
  requireFloat,
  requireRank,
  requireReal,
  requireSameDType,
} from "./check.ts";

export type NormKind =
  | "ann.batchnorm"
  | "ann.layernorm"
  | "ann.groupnorm"
  | "ann.lrn"
  | "ann.softmax"
  | "ann.log-softmax"
  | "ann.hardmax";

const notOfSpikes = "normalising spikes is not normalising rates";

export const normSpecs: SpecTable<NormKind> = {
  "ann.batchnorm": {
    summary: "batch normalisation by stored mean and variance per channel",
    arity: 1,
    exactness: "rounding",
    traits: { ...placed, linear: "all", channels: "second" },
    attributes: {
      scale: "tensor",
      bias: "tensor",
      mean: "tensor",
      variance: "tensor",
      epsilon: "float",
    },
    infer: (attrs, inputs, tensors) =>
      requireReal("ann.batchnorm", inputs, "fold it into the synapses before conversion") ??
      inferPerChannel(
        "ann.batchnorm",
        inputs,
        [attrs.scale, attrs.bias, attrs.mean, attrs.variance],
        tensors,
      ),
  },
  "ann.layernorm": {
    summary: "normalisation over the trailing axes",
    arity: 1,
    exactness: "rounding",
    traits: { ...mixed, channels: "last" },
    attributes: { axis: "int", epsilon: "float", scale: "tensor?", bias: "tensor?" },
    infer: (attrs, inputs, tensors) =>
      requireReal("ann.layernorm", inputs, notOfSpikes) ?? inferLayernorm(attrs, inputs, tensors),
  },
  "ann.groupnorm": {
    summary: "normalisation of each group of channels",
    arity: 1,
    exactness: "rounding",
    traits: { ...mixed, channels: "second" },
    attributes: { groups: "int", epsilon: "float", scale: "tensor", bias: "tensor" },
    infer: (attrs, inputs, tensors) => {
      const wrong = requireReal("ann.groupnorm", inputs, notOfSpikes);
      if (wrong !== null) return wrong;
      const channels = operandType(inputs, 0).shape[1] ?? 0;
      if (!Number.isInteger(attrs.groups) || attrs.groups < 1 || channels % attrs.groups !== 0) {
        return no(`${channels} channels do not form ${attrs.groups} groups`);
      }
      return inferPerChannel("ann.groupnorm", inputs, [attrs.scale, attrs.bias], tensors);
    },
  },
  "ann.lrn": {
    summary: "local response normalisation across neighbouring channels",
    arity: 1,
    exactness: "rounding",
    traits: { ...mixed, channels: "second" },
    attributes: { size: "int", alpha: "float", beta: "float", bias: "float" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      const wrong =
        requireReal("ann.lrn", inputs, notOfSpikes) ??
        requireFloat("ann.lrn", inputs) ??
        requireRank("ann.lrn", x.shape, 2);
      if (wrong !== null) return wrong;
      if (!Number.isInteger(attrs.size) || attrs.size < 1) {
        return no(`ann.lrn over ${attrs.size} channels`);
      }
      return ok(x);
    },
  },
  "ann.softmax": alongAxis(
    "ann.softmax",
    "exponentials divided by their sum, along an axis",
    "rounding",
    { ...mixed, sign: "not-negative" },
  ),
  "ann.log-softmax": alongAxis(
    "ann.log-softmax",
    "logarithm of the softmax along an axis",
    "rounding",
    mixed,
  ),
  "ann.hardmax": alongAxis(
    "ann.hardmax",
    "1 at the first maximum along an axis, 0 elsewhere",
    "exact",
    { ...mixed, sign: "not-negative" },
  ),
};

type AxisKind = "ann.softmax" | "ann.log-softmax" | "ann.hardmax";

function alongAxis(
  kind: AxisKind & OpKind,
  summary: string,
  exactness: "exact" | "rounding",
  traits: Traits<AxisKind>,
): OpSpec<AxisKind> {
  return {
    summary,
    arity: 1,
    exactness,
    traits,
    attributes: { axis: "int" },
    infer: (attrs, inputs) => {
      const x = operandType(inputs, 0);
      const wrong =
        requireReal(kind, inputs, "its result at one timestep says nothing of the rates") ??
        requireFloat(kind, inputs) ??
        requireAxis(kind, x.shape, attrs.axis);
      return wrong ?? ok(x);
    },
  };
}

/** The operand's own type, where each tensor has one element per channel of axis 1. */
function inferPerChannel(
  kind: string,
  inputs: readonly Type[],
  refs: readonly TensorRef[],
  tensors: TensorLookup,
): Result<Type> {
  const x = operandType(inputs, 0);
  const wrong = requireFloat(kind, inputs) ?? requireRank(kind, x.shape, 2);
  if (wrong !== null) return wrong;
  const channels = x.shape[1] ?? 0;
  for (const ref of refs) {
    const { dtype, shape } = tensors(ref);
    const mixed = requireSameDType(kind, [x.dtype, dtype]);
    if (mixed !== null) return mixed;
    if (!sameShape(shape, [channels])) {
      return no(`${kind} of ${channels} channels by a tensor of shape ${format(shape)}`);
    }
  }
  return ok(x);
}

function inferLayernorm(
  attrs: OpAttrs["ann.layernorm"],
  inputs: readonly Type[],
  tensors: TensorLookup,
): Result<Type> {
  const x = operandType(inputs, 0);
  const wrong =
    requireFloat("ann.layernorm", inputs) ?? requireAxis("ann.layernorm", x.shape, attrs.axis);
  if (wrong !== null) return wrong;
  const normalised = x.shape.slice(attrs.axis);
  return (
    checkFactor(attrs.scale, x, normalised, tensors) ??
    checkFactor(attrs.bias, x, normalised, tensors) ??
    ok(x)
  );
}

function checkFactor(
  ref: TensorRef | null,
  x: Type,
  normalised: Shape,
  tensors: TensorLookup,
): Failure | null {
  if (ref === null) return null;
  const { dtype, shape } = tensors(ref);
  if (!broadcastsTo(shape, normalised)) {
    return no(`a tensor of shape ${format(shape)} does not broadcast to ${format(normalised)}`);
  }
  return requireSameDType("ann.layernorm", [x.dtype, dtype]);
}
