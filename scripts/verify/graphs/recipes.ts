/**
 * How an op of each analogue kind is drawn: which operands and attributes it gets. The table is held to
 * the op set by its type, so that a new op is drawn too.
 */
import {
  type ArgAttrs,
  type BinaryName,
  type OpAttrs,
  type OpKind,
  type PoolAttrs,
  type ReduceAttrs,
  type ReduceName,
  type UnaryName,
  type ValueId,
  type WindowAttrs,
  binaryNames,
  reduceNames,
  unaryNames,
} from "../../../ir/op/op.ts";
import { scalar, tensorOf } from "../../../ir/tensor.ts";
import { type DType, type Shape, dtypes, elementCount, isFloat } from "../../../ir/type.ts";
import {
  type PlainActivation,
  activationKinds,
  activations,
} from "../../../test/ir/op/activations.ts";
import type { Growth } from "./growth.ts";

export type AnnKind = Extract<OpKind, `ann.${string}`>;
/** Kinds of ops that are drawn; inputs come with the network. */
export type DrawnKind = Exclude<AnnKind, "ann.input">;

interface Drawn<A> {
  readonly inputs: readonly ValueId[];
  readonly attrs: A;
}

type Draw<A> = (growth: Growth, x: ValueId) => Drawn<A>;
type Recipe<K extends OpKind> = Draw<OpAttrs[K]>;
type Recipes<K extends DrawnKind> = { readonly [P in K]: Recipe<P> };

const one = <A>(attrs: A): ((growth: Growth, x: ValueId) => { inputs: ValueId[]; attrs: A }) => {
  return (_growth, x) => ({ inputs: [x], attrs });
};

/** The type of weights for operands of `dtype`: what synapses on integers take is i8. */
const weightsFor = (dtype: DType): DType => (isFloat(dtype) ? dtype : "i8");
const biasesFor = (dtype: DType): DType => (isFloat(dtype) ? dtype : "i32");

function windowOf(growth: Growth, space: Shape, kernel: Shape): WindowAttrs {
  const pads = kernel.map((size) => growth.whole(0, size - 1));
  return {
    strides: space.map(() => growth.whole(1, 2)),
    padsBegin: pads,
    padsEnd: kernel.map((size, i) => (growth.flag() ? (pads[i] ?? 0) : growth.whole(0, size - 1))),
    dilations: space.map(() => (growth.flag(0.2) ? 2 : 1)),
  };
}

function kernelFor(growth: Growth, space: Shape): number[] {
  return space.map((extent) => growth.whole(1, Math.min(3, extent)));
}

function poolOf(growth: Growth, x: ValueId): PoolAttrs {
  const space = growth.shapeOf(x).slice(2);
  const kernel = kernelFor(growth, space);
  return { ...windowOf(growth, space, kernel), kernel, ceilMode: growth.flag(0.3) };
}

function axisOf(growth: Growth, x: ValueId): number {
  return growth.whole(0, Math.max(0, growth.shapeOf(x).length - 1));
}

function perChannel(growth: Growth, x: ValueId): Shape {
  return [growth.shapeOf(x)[1] ?? 1];
}

const pairs: Draw<Record<never, never>> = (growth, given) => {
  const { dtype } = growth.typeOf(given);
  const other = growth.partner(given, dtype);
  return { inputs: growth.flag() ? [given, other] : [other, given], attrs: {} };
};

const logical: Draw<Record<never, never>> = (growth, given) =>
  pairs(growth, growth.cast(given, "bool"));

const reduced: Draw<ReduceAttrs> = (growth, x) => ({
  inputs: [x],
  attrs: {
    axes: growth.shapeOf(x).flatMap((_, axis) => (growth.flag() ? [axis] : [])),
    keepDims: growth.flag(),
  },
});

const chosen: Draw<ArgAttrs> = (growth, x) => ({
  inputs: [growth.ofRank(x, 1)],
  attrs: {
    axis: axisOf(growth, growth.ofRank(x, 1)),
    keepDims: growth.flag(),
    selectLast: growth.flag(),
  },
});

const alongAxis: Draw<{ readonly axis: number }> = (growth, given) => {
  const x = growth.ofRank(given, 1);
  return { inputs: [x], attrs: { axis: axisOf(growth, x) } };
};

/** An entry for each name of a family. */
function family<N extends string, P extends string, R>(
  names: readonly N[],
  prefix: P,
  recipe: R,
): Readonly<Record<`${P}${N}`, R>> {
  const made: Partial<Record<`${P}${N}`, R>> = {};
  for (const name of names) made[`${prefix}${name}`] = recipe;
  // Every name has been given its entry.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  return made as Record<`${P}${N}`, R>;
}

/** An entry for each activation of the table, which says with what attributes. */
function chosenOf(kinds: readonly PlainActivation[]): Recipes<PlainActivation> {
  const made: Partial<Record<PlainActivation, Draw<unknown>>> = {};
  for (const kind of kinds) {
    const choices: readonly [unknown, ...unknown[]] = activations[kind];
    made[kind] = (growth, x) => ({ inputs: [x], attrs: growth.pick(choices) });
  }
  // Every kind has been given its entry, of its own attributes.
  // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- see above
  return made as Recipes<PlainActivation>;
}

const unary: Recipes<`ann.${UnaryName}`> = family(unaryNames, "ann.", one({}));
const binary: Recipes<`ann.${BinaryName}`> = family(binaryNames, "ann.", pairs);
const plain = chosenOf(activationKinds);
const reductions: Recipes<`ann.reduce-${ReduceName}`> = family(reduceNames, "ann.reduce-", reduced);

export const recipes: Recipes<DrawnKind> = {
  ...unary,
  ...binary,
  ...reductions,
  "ann.and": logical,
  "ann.or": logical,
  "ann.xor": logical,
  "ann.not": (growth, x) => ({ inputs: [growth.cast(x, "bool")], attrs: {} }),
  "ann.constant": (growth, x) => {
    const { dtype, shape } = growth.typeOf(x);
    return { inputs: [], attrs: { value: growth.tensor(dtype, growth.alike(shape)) } };
  },
  "ann.conv": (growth, given) => {
    const x = growth.image(given);
    const { dtype, shape } = growth.typeOf(x);
    const [, channels = 1, ...space] = shape;
    const groups = channels % 2 === 0 && growth.flag(0.3) ? 2 : 1;
    const out = groups * growth.whole(1, 3);
    const kernel = kernelFor(growth, space);
    return {
      inputs: [x],
      attrs: {
        ...windowOf(growth, space, kernel),
        weight: growth.tensor(weightsFor(dtype), [out, channels / groups, ...kernel]),
        bias: growth.flag() ? growth.tensor(biasesFor(dtype), [out]) : null,
        groups,
      },
    };
  },
  "ann.conv-transpose": (growth, given) => {
    const x = growth.image(given);
    const { dtype, shape } = growth.typeOf(x);
    const [, channels = 1, ...space] = shape;
    const groups = channels % 2 === 0 && growth.flag(0.3) ? 2 : 1;
    const out = growth.whole(1, 2);
    const kernel = kernelFor(growth, space);
    return {
      inputs: [x],
      attrs: {
        ...windowOf(growth, space, kernel),
        weight: growth.tensor(weightsFor(dtype), [channels, out, ...kernel]),
        bias: growth.flag() ? growth.tensor(biasesFor(dtype), [out * groups]) : null,
        groups,
        outputPadding: space.map(() => 0),
      },
    };
  },
  "ann.linear": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const { dtype, shape } = growth.typeOf(x);
    const out = growth.whole(1, 5);
    return {
      inputs: [x],
      attrs: {
        weight: growth.tensor(weightsFor(dtype), [out, shape.at(-1) ?? 1]),
        bias: growth.flag() ? growth.tensor(biasesFor(dtype), [out]) : null,
      },
    };
  },
  "ann.affine": (growth, x) => {
    const { dtype, shape } = growth.typeOf(x);
    const smaller = (): Shape => shape.map((extent) => (growth.flag() ? extent : 1));
    return {
      inputs: [x],
      attrs: {
        scale: growth.tensor(weightsFor(dtype), smaller()),
        shift: growth.tensor(biasesFor(dtype), smaller()),
      },
    };
  },
  "ann.average-pool": (growth, given) => {
    const x = growth.image(given);
    return { inputs: [x], attrs: { ...poolOf(growth, x), countIncludePad: growth.flag() } };
  },
  "ann.max-pool": (growth, given) => {
    const x = growth.image(given);
    return { inputs: [x], attrs: poolOf(growth, x) };
  },
  "ann.matmul": (growth, given) => {
    const x = growth.ofRank(given, growth.whole(1, 2));
    const { dtype, shape } = growth.typeOf(x);
    const inner = shape.at(-1) ?? 1;
    if (growth.flag(0.3) && shape.length > 1) {
      const perm = shape.map((_, axis) => axis);
      perm.push(...perm.splice(-2, 1));
      const turned = growth.builder.add("ann.transpose", [x], { perm }, growth.loc("Transpose"));
      return { inputs: [x, turned], attrs: {} };
    }
    const stack = shape.length > 2 && growth.flag() ? growth.alike(shape.slice(0, -2)) : [];
    const other = [
      ...stack,
      inner,
      ...(stack.length > 0 || growth.flag() ? [growth.whole(1, 3)] : []),
    ];
    return { inputs: [x, growth.constant(dtype, other)], attrs: {} };
  },
  "ann.einsum": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const { dtype, shape } = growth.typeOf(x);
    const labels = "abcdef".slice(0, shape.length);
    const last = labels.at(-1) ?? "a";
    const other = growth.constant(dtype, [shape.at(-1) ?? 1, growth.whole(1, 3)]);
    return {
      inputs: [x, other],
      attrs: { equation: `${labels},${last}z->${labels.slice(0, -1)}z` },
    };
  },
  "ann.batchnorm": (growth, given) => {
    const x = growth.ofRank(given, 2);
    const { dtype } = growth.typeOf(x);
    const shape = perChannel(growth, x);
    return {
      inputs: [x],
      attrs: {
        scale: growth.tensor(dtype, shape),
        bias: growth.tensor(dtype, shape),
        mean: growth.tensor(dtype, shape),
        variance: growth.tensor(dtype, shape, "positive"),
        epsilon: 1e-5,
      },
    };
  },
  "ann.layernorm": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const { dtype, shape } = growth.typeOf(x);
    const axis = axisOf(growth, x);
    const factor = (): string | null =>
      growth.flag() ? growth.tensor(dtype, shape.slice(axis)) : null;
    return { inputs: [x], attrs: { axis, epsilon: 1e-5, scale: factor(), bias: factor() } };
  },
  "ann.groupnorm": (growth, given) => {
    const x = growth.ofRank(given, 2);
    const { dtype } = growth.typeOf(x);
    const shape = perChannel(growth, x);
    const groups = (shape[0] ?? 1) % 2 === 0 ? 2 : 1;
    return {
      inputs: [x],
      attrs: {
        groups,
        epsilon: 1e-5,
        scale: growth.tensor(dtype, shape),
        bias: growth.tensor(dtype, shape),
      },
    };
  },
  "ann.lrn": (growth, x) => ({
    inputs: [growth.ofRank(x, 2)],
    attrs: { size: growth.whole(1, 3), alpha: 0.1, beta: 0.75, bias: 1 },
  }),
  "ann.softmax": alongAxis,
  "ann.log-softmax": alongAxis,
  "ann.hardmax": alongAxis,
  ...plain,
  "ann.clip": (growth, x) => ({
    inputs: [x],
    attrs: { min: growth.whole(-2, 0), max: growth.flag(0.3) ? Infinity : growth.whole(1, 6) },
  }),
  "ann.prelu": (growth, x) => {
    const { dtype, shape } = growth.typeOf(x);
    const slope = shape.map((extent) => (growth.flag() ? extent : 1));
    return { inputs: [x], attrs: { slope: growth.tensor(dtype, slope) } };
  },
  "ann.fake-quantize": (growth, x) => ({
    inputs: [x],
    attrs: {
      step: 1 / growth.pick([4, 16, 32]),
      low: growth.pick([0, 0, -128]),
      high: growth.pick([15, 127, 255]),
      rounding: growth.pick(["nearest", "nearest", "floor", "ceil"]),
    },
  }),
  "ann.mod": (growth, x) => {
    const { dtype } = growth.typeOf(x);
    const { inputs } = pairs(growth, x);
    return { inputs, attrs: { truncate: isFloat(dtype) || growth.flag() } };
  },
  "ann.reshape": (growth, x) => {
    const count = elementCount(growth.shapeOf(x));
    const width = [4, 3, 2].find((w) => count % w === 0) ?? 1;
    return {
      inputs: [x],
      attrs: { shape: growth.flag() ? [1, count] : [1, count / width, width] },
    };
  },
  "ann.transpose": (growth, x) => {
    const perm = growth.shapeOf(x).map((_, axis) => axis);
    for (let i = perm.length - 1; i > 0; i--) perm.push(...perm.splice(growth.whole(0, i), 1));
    return { inputs: [x], attrs: { perm } };
  },
  "ann.concat": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const axis = axisOf(growth, x);
    const { dtype, shape } = growth.typeOf(x);
    if (!growth.isSmall(x)) return { inputs: [x], attrs: { axis } };
    const other = shape.map((extent, i) => (i === axis ? growth.whole(1, 2) : extent));
    return { inputs: [x, growth.flag() ? x : growth.constant(dtype, other)], attrs: { axis } };
  },
  "ann.slice": (growth, x) => {
    const shape = growth.shapeOf(x);
    const sizes = shape.map((extent) => (extent > 1 ? growth.whole(1, extent) : extent));
    const back = growth.flag(0.3);
    return {
      inputs: [x],
      attrs: {
        sizes,
        starts: sizes.map((size, i) => (back ? size - 1 : (shape[i] ?? 1) - size)),
        steps: sizes.map(() => (back ? -1 : 1)),
      },
    };
  },
  "ann.pad": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const last = growth.shapeOf(x).length - 1;
    const atEnd = (count: number): number[] =>
      growth.shapeOf(x).map((_, axis) => (axis === last ? count : 0));
    return {
      inputs: [x],
      attrs: {
        begin: atEnd(growth.whole(0, 2)),
        end: atEnd(growth.whole(-1, 1)),
        mode: growth.pick(["constant", "reflect", "edge", "wrap"]),
        value: growth.flag() ? 0 : 1,
      },
    };
  },
  "ann.expand": (growth, x) => {
    const shape = growth.shapeOf(x).map((e) => (e === 1 && growth.isSmall(x) ? 2 : e));
    return { inputs: [x], attrs: { shape: shape.length < 4 ? [1, ...shape] : shape } };
  },
  "ann.tile": (growth, x) => ({
    inputs: [x],
    attrs: { repeats: growth.shapeOf(x).map((_, i) => (i === 0 && growth.isSmall(x) ? 2 : 1)) },
  }),
  "ann.gather": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const axis = axisOf(growth, x);
    const extent = growth.shapeOf(x)[axis] ?? 1;
    const shape = growth.pick<Shape>([[], [2], [1, 2]]);
    if (growth.flag(0.2)) {
      // An index that depends on the sample.
      const attrs = { axis, keepDims: true, selectLast: false };
      const most = growth.builder.tryAdd("ann.argmax", [x], attrs, growth.loc("ArgMax"));
      if (most.ok) return { inputs: [x, most.value], attrs: { axis } };
    }
    return { inputs: [x, growth.indices(shape, -extent, extent - 1)], attrs: { axis } };
  },
  "ann.gather-elements": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const axis = axisOf(growth, x);
    const shape = growth.shapeOf(x);
    const picked = shape.map((extent, i) => (i === axis ? 2 : extent));
    return { inputs: [x, growth.indices(picked, 0, (shape[axis] ?? 1) - 1)], attrs: { axis } };
  },
  "ann.gather-nd": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const extent = growth.shapeOf(x)[0] ?? 1;
    return { inputs: [x, growth.indices([2, 1], 0, extent - 1)], attrs: { batchDims: 0 } };
  },
  "ann.scatter-elements": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const axis = axisOf(growth, x);
    const { dtype, shape } = growth.typeOf(x);
    const written = shape.map((extent, i) => (i === axis ? 1 : extent));
    const indices = growth.indices(written, 0, (shape[axis] ?? 1) - 1);
    const reduction = growth.pick(["none", "add", "mul", "max", "min"]);
    return { inputs: [x, indices, growth.constant(dtype, written)], attrs: { axis, reduction } };
  },
  "ann.scatter-nd": (growth, given) => {
    const x = growth.ofRank(given, 1);
    const { dtype, shape } = growth.typeOf(x);
    const indices = growth.indices([1, 1], 0, (shape[0] ?? 1) - 1);
    const updates = growth.constant(dtype, [1, ...shape.slice(1)]);
    const reduction = growth.pick(["none", "add", "mul", "max", "min"]);
    return { inputs: [x, indices, updates], attrs: { reduction } };
  },
  "ann.resize": (growth, given) => {
    const x = growth.image(given);
    const shape = growth.shapeOf(x);
    const grows = growth.isSmall(x) && elementCount(shape) <= 64;
    const sizes = shape.map((e, i) => (i < 2 ? e : grows ? e * 2 : Math.max(1, e >> 1)));
    return {
      inputs: [x],
      attrs: {
        sizes,
        scales: sizes.map((size, i) => size / (shape[i] ?? 1)),
        mode: growth.pick(["nearest", "linear", "cubic"]),
        coordinates: growth.pick([
          "half_pixel",
          "pytorch_half_pixel",
          "align_corners",
          "asymmetric",
        ]),
        nearest: growth.pick(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]),
        cubicCoefficient: -0.75,
        excludeOutside: false,
        extrapolation: 0,
        antialias: false,
        roi: [],
      },
    };
  },
  "ann.trilu": (growth, x) => ({
    inputs: [growth.ofRank(x, 2)],
    attrs: { upper: growth.flag(), diagonal: growth.whole(-1, 1) },
  }),
  "ann.where": (growth, x) => {
    const { dtype, shape } = growth.typeOf(x);
    const condition = growth.flag()
      ? growth.constant("bool", growth.alike(shape))
      : growth.cast(growth.partner(x, dtype), "bool");
    const other = growth.partner(x, dtype);
    return { inputs: growth.flag() ? [condition, x, other] : [condition, other, x], attrs: {} };
  },
  "ann.cast": (growth, x) => ({
    inputs: [x],
    attrs: { to: dtypes[growth.whole(0, dtypes.length - 1)] ?? "f32", saturate: true },
  }),
  "ann.argmax": chosen,
  "ann.argmin": chosen,
  "ann.cumsum": (growth, given) => {
    const x = growth.ofRank(given, 1);
    return {
      inputs: [x],
      attrs: { axis: axisOf(growth, x), exclusive: growth.flag(), reverse: growth.flag() },
    };
  },
  "ann.one-hot": (growth, x) => {
    const indices = growth.flag()
      ? growth.indices([2], 0, 2)
      : growth.cast(growth.reshape(x, [elementCount(growth.shapeOf(x))]), "i64");
    return { inputs: [indices, growth.constant("f32", [2])], attrs: { axis: 0, depth: 3 } };
  },
  "ann.quantize-linear": (growth, given) => {
    const { dtype } = growth.typeOf(given);
    const x = isFloat(dtype) || dtype === "i32" ? given : growth.cast(given, "f32");
    const to = growth.pick<DType>(["i8", "u8", "i16", "u16"]);
    const scale = scalar(isFloat(dtype) ? dtype : "f32", 1 / growth.pick([16, 32, 64]));
    const zero = scalar(to, to.startsWith("u") ? growth.pick([0, 128]) : 0);
    return {
      inputs: [
        x,
        growth.builder.constant("scale", scale, growth.loc("Scale")),
        growth.builder.constant("zero", zero, growth.loc("Zero")),
      ],
      attrs: { axis: 0, to },
    };
  },
  "ann.dequantize-linear": (growth, given) => {
    const { dtype } = growth.typeOf(given);
    const x = isFloat(dtype) || dtype === "bool" ? growth.cast(given, "i8") : given;
    const scale = tensorOf(growth.pick<DType>(["f32", "f16", "f64"]), [], [1 / 16]);
    const zero = scalar(growth.typeOf(x).dtype, growth.whole(0, 3));
    return {
      inputs: [
        x,
        growth.builder.constant("scale", scale, growth.loc("Scale")),
        growth.builder.constant("zero", zero, growth.loc("Zero")),
      ],
      attrs: { axis: 0 },
    };
  },
};
