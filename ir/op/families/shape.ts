/**
 * Specs of the ops that rearrange, repeat, cut and stretch. All but resize move elements unchanged,
 * so a spike stays a spike; resize mixes its neighbours with fixed weights, so it is a synapse.
 */
import { type Failure, no, ok } from "../../diagnostic.ts";
import type { SpecTable } from "../spec.ts";
import { mixed, move } from "../traits.ts";
import { type Shape, type Type, elementCount } from "../../type.ts";
import { format, operandType, requireAxis, requireSameDType } from "./check.ts";
import {
  isShape,
  sumDomain,
  movedDomain,
  requireBroadcastTo,
  requireDType,
  requirePerAxis,
} from "./rules.ts";

export type ShapeKind =
  | "ann.reshape"
  | "ann.transpose"
  | "ann.concat"
  | "ann.slice"
  | "ann.pad"
  | "ann.expand"
  | "ann.tile"
  | "ann.resize"
  | "ann.trilu";

function concatShape(inputs: readonly Type[], axis: number): Failure | Shape {
  const { shape } = operandType(inputs, 0);
  const problem = requireAxis("ann.concat", shape, axis);
  if (problem !== null) return problem;
  let extent = 0;
  for (const { shape: other } of inputs) {
    const fits =
      other.length === shape.length && other.every((n, a) => a === axis || n === shape[a]);
    if (!fits) {
      return no(
        `ann.concat along axis ${axis}: shapes ${format(shape)} and ${format(other)} ` +
          "differ elsewhere",
      );
    }
    extent += other[axis] ?? 0;
  }
  return shape.map((n, a) => (a === axis ? extent : n));
}

function needsSliceInside(
  shape: Shape,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
): Failure | null {
  const rank = shape.length;
  const problem =
    requirePerAxis("ann.slice", "starts", starts, rank) ??
    requirePerAxis("ann.slice", "sizes", sizes, rank) ??
    requirePerAxis("ann.slice", "steps", steps, rank);
  if (problem !== null) return problem;
  if (!isShape(sizes)) return no(`ann.slice cannot take sizes ${format(sizes)}`);
  for (const [axis, extent] of shape.entries()) {
    const start = starts[axis] ?? 0;
    const step = steps[axis] ?? 1;
    const size = sizes[axis] ?? 0;
    if (!Number.isInteger(step) || step === 0) {
      return no(`ann.slice cannot step by ${step} along axis ${axis}`);
    }
    const last = start + (size - 1) * step;
    if (size > 0 && !(Number.isInteger(start) && inside(start, extent) && inside(last, extent))) {
      return no(
        `ann.slice takes elements ${start} to ${last} of axis ${axis}, which has ${extent}`,
      );
    }
  }
  return null;
}

const inside = (index: number, extent: number): boolean => index >= 0 && index < extent;

export const shapeSpecs: SpecTable<ShapeKind> = {
  "ann.reshape": {
    summary: "The same elements in another shape",
    arity: 1,
    exactness: "exact",
    traits: move,
    attributes: { shape: "ints" },
    infer: ({ shape }, inputs) => {
      const x = operandType(inputs, 0);
      if (isShape(shape) && elementCount(shape) === elementCount(x.shape)) {
        return ok({ ...x, shape });
      }
      return no(
        `ann.reshape cannot make ${format(shape)} of ${format(x.shape)}, ` +
          `which has ${elementCount(x.shape)} elements`,
      );
    },
  },
  "ann.transpose": {
    summary: "Axes in another order: axis i of the result is axis perm[i] of x",
    arity: 1,
    exactness: "exact",
    traits: { ...move, channels: "first" },
    attributes: { perm: "ints" },
    infer: ({ perm }, inputs) => {
      const x = operandType(inputs, 0);
      const sorted = perm.toSorted((a, b) => a - b);
      if (perm.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
        return no(
          `ann.transpose: ${format(perm)} is no order of the ${x.shape.length} axes ` +
            `of ${format(x.shape)}`,
        );
      }
      return ok({ ...x, shape: perm.map((axis) => x.shape[axis] ?? 0) });
    },
  },
  "ann.concat": {
    summary: "Operands one after the other along an axis",
    arity: { atLeast: 1 },
    exactness: "exact",
    traits: { ...move, channels: "first" },
    attributes: { axis: "int" },
    infer: ({ axis }, inputs) => {
      const problem = requireSameDType(
        "ann.concat",
        inputs.map((type) => type.dtype),
      );
      if (problem !== null) return problem;
      const shape = concatShape(inputs, axis);
      if ("ok" in shape) return shape;
      return ok({ domain: movedDomain(inputs), dtype: operandType(inputs, 0).dtype, shape });
    },
  },
  "ann.slice": {
    summary: "Every step-th element of each axis, from a start",
    arity: 1,
    exactness: "exact",
    traits: { ...move, channels: "first" },
    attributes: { starts: "ints", sizes: "ints", steps: "ints" },
    infer: ({ starts, sizes, steps }, inputs) => {
      const x = operandType(inputs, 0);
      return needsSliceInside(x.shape, starts, sizes, steps) ?? ok({ ...x, shape: sizes });
    },
  },
  "ann.pad": {
    summary: "More (or, by negative pads, fewer) elements at the ends of each axis",
    arity: 1,
    exactness: "exact",
    traits: {
      ...move,
      channels: "first",
      sign: ({ mode, value }, [x]) => x === true && (mode !== "constant" || value >= 0),
    },
    attributes: {
      begin: "ints",
      end: "ints",
      mode: { oneOf: ["constant", "reflect", "edge", "wrap"] },
      value: "float",
    },
    infer: ({ begin, end, mode, value }, inputs) => {
      const x = operandType(inputs, 0);
      const rank = x.shape.length;
      const problem =
        requirePerAxis("ann.pad", "begin pads", begin, rank) ??
        requirePerAxis("ann.pad", "end pads", end, rank);
      if (problem !== null) return problem;
      if (mode === "constant" && value !== 0 && x.domain !== "real") {
        return no(
          `ann.pad with ${value} would add a constant to a ${x.domain} at every timestep; ` +
            "only 0 pads what varies over time",
        );
      }
      const shape = x.shape.map((extent, axis) => extent + (begin[axis] ?? 0) + (end[axis] ?? 0));
      if (!isShape(shape)) {
        return no(`ann.pad would make ${format(shape)} of ${format(x.shape)}`);
      }
      const empty = x.shape.findIndex((extent, axis) => extent === 0 && shape[axis] !== 0);
      if (mode !== "constant" && empty >= 0) {
        return no(`ann.pad by ${mode} has nothing to repeat along axis ${empty}, which is empty`);
      }
      return ok({ ...x, shape });
    },
  },
  "ann.expand": {
    summary: "Repeats along axes of extent 1 (and new leading axes) up to a shape",
    arity: 1,
    exactness: "exact",
    traits: move,
    attributes: { shape: "ints" },
    infer: ({ shape }, inputs) => {
      const x = operandType(inputs, 0);
      return requireBroadcastTo("ann.expand", "a value", x.shape, shape) ?? ok({ ...x, shape });
    },
  },
  "ann.tile": {
    summary: "The whole repeated along each axis",
    arity: 1,
    exactness: "exact",
    traits: { ...move, channels: "first" },
    attributes: { repeats: "ints" },
    infer: ({ repeats }, inputs) => {
      const x = operandType(inputs, 0);
      const problem = requirePerAxis("ann.tile", "repeats", repeats, x.shape.length);
      if (problem !== null) return problem;
      if (!isShape(repeats)) return no(`ann.tile cannot repeat ${format(repeats)} times`);
      return ok({ ...x, shape: x.shape.map((extent, axis) => extent * (repeats[axis] ?? 1)) });
    },
  },
  "ann.resize": {
    summary: "Another resolution, by nearest, linear or cubic interpolation",
    arity: 1,
    exactness: "rounding",
    traits: {
      ...mixed,
      linear: "all",
      sign: ({ mode, extrapolation }, [x]) => x === true && mode !== "cubic" && extrapolation >= 0,
    },
    attributes: {
      sizes: "ints",
      scales: "floats",
      mode: { oneOf: ["nearest", "linear", "cubic"] },
      coordinates: {
        oneOf: [
          "half_pixel",
          "half_pixel_symmetric",
          "pytorch_half_pixel",
          "align_corners",
          "asymmetric",
          "tf_crop_and_resize",
          "tf_half_pixel_for_nn",
        ],
      },
      nearest: { oneOf: ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] },
      cubicCoefficient: "float",
      excludeOutside: "bool",
      extrapolation: "float",
      antialias: "bool",
      roi: "floats",
    },
    infer: ({ sizes, scales, coordinates, extrapolation, roi }, inputs) => {
      const x = operandType(inputs, 0);
      const rank = x.shape.length;
      const problem =
        requirePerAxis("ann.resize", "sizes", sizes, rank) ??
        requirePerAxis("ann.resize", "scales", scales, rank) ??
        requireDType("ann.resize", "its operand", x.dtype, "number");
      if (problem !== null) return problem;
      if (!isShape(sizes)) return no(`ann.resize cannot make ${format(sizes)}`);
      const empty = x.shape.findIndex((extent, axis) => extent === 0 && sizes[axis] !== 0);
      if (empty >= 0) return no(`ann.resize has nothing to stretch along axis ${empty}`);
      if (scales.some((scale) => !(scale > 0))) {
        return no(`ann.resize needs scales above 0, not ${format(scales)}`);
      }
      if (coordinates === "tf_crop_and_resize") {
        if (roi.length !== 2 * rank) {
          return no(`ann.resize needs ${2 * rank} numbers for its region, not ${roi.length}`);
        }
        if (extrapolation !== 0 && x.domain !== "real") {
          return no(
            `ann.resize would add the constant ${extrapolation} to a ${x.domain} outside its ` +
              "region at every timestep",
          );
        }
      }
      return ok({ domain: sumDomain(inputs), dtype: x.dtype, shape: sizes });
    },
  },
  "ann.trilu": {
    summary: "The upper or lower triangle of the last two axes, 0 elsewhere",
    arity: 1,
    exactness: "exact",
    traits: move,
    attributes: { upper: "bool", diagonal: "int" },
    infer: (_attrs, inputs) => {
      const x = operandType(inputs, 0);
      if (x.shape.length < 2) {
        return no(`ann.trilu needs two axes or more, not ${format(x.shape)}`);
      }
      return ok(x);
    },
  },
};
