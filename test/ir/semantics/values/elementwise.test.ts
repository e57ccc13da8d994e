/** What elementwise ops compute, by hand-worked cases, and the law of broadcasting. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  binaryNames,
  type BinaryName,
  type OpAttrs,
  type UnaryName,
  unaryNames,
} from "../../../../ir/op/op.ts";
import { type Tensor, sameTensor, tensorOf } from "../../../../ir/tensor.ts";
import { type DType, elementCount, stridesOf } from "../../../../ir/type.ts";
import { evaluateOp, f, numbers } from "../../one-op.ts";
import { type PlainActivation, activationKinds } from "../../op/activations.ts";

function unary(name: UnaryName, values: readonly number[], dtype: DType = "f64"): number[] {
  const x = tensorOf(dtype, [values.length], values);
  return numbers(evaluateOp(`ann.${name}`, {}, [x]));
}

function binary(
  name: BinaryName,
  a: readonly number[],
  b: readonly number[],
  dtype: DType = "f64",
): number[] {
  const operands = [a, b].map((values) => tensorOf(dtype, [values.length], values));
  return numbers(evaluateOp(`ann.${name}`, {}, operands));
}

const inf = Infinity;

/** Each function of one value, worked by hand: what it makes of what. A name that is missing here does not compile. */
const functions: Readonly<
  Record<UnaryName, readonly [x: readonly number[], y: readonly number[]]>
> = {
  abs: [
    [-2, 0, inf],
    [2, 0, inf],
  ],
  acos: [
    [1, 2],
    [0, NaN],
  ],
  acosh: [[1], [0]],
  asin: [
    [0, 1],
    [0, Math.PI / 2],
  ],
  asinh: [[0], [0]],
  atan: [
    [1, inf],
    [Math.PI / 4, Math.PI / 2],
  ],
  atanh: [
    [0, 1],
    [0, inf],
  ],
  ceil: [
    [-1.5, 1.2],
    [-1, 2],
  ],
  cos: [
    [0, Math.PI],
    [1, -1],
  ],
  cosh: [[0], [1]],
  erf: [
    [0, inf],
    [0, 1],
  ],
  exp: [
    [0, 1, -inf],
    [1, Math.E, 0],
  ],
  floor: [
    [-1.5, 1.8],
    [-2, 1],
  ],
  "hard-swish": [
    [-4, -3, 0, 1.5, 3, 7],
    [-0, -0, 0, 1.125, 3, 7],
  ],
  identity: [
    [3, NaN],
    [3, NaN],
  ],
  "is-nan": [
    [1, NaN, inf],
    [0, 1, 0],
  ],
  log: [
    [1, 0, -1],
    [0, -inf, NaN],
  ],
  mish: [
    [0, 1000],
    [0, 1000],
  ],
  neg: [
    [-1, 2],
    [1, -2],
  ],
  reciprocal: [
    [4, 0],
    [0.25, inf],
  ],
  relu: [
    [-1, -0, 2, NaN],
    [0, 0, 2, NaN],
  ],
  round: [
    [0.5, 1.5, 2.5, -0.5, -1.5, 2.4, inf],
    [0, 2, 2, -0, -2, 2, inf],
  ],
  sigmoid: [
    [0, 1000, -1000],
    [0.5, 1, 0],
  ],
  sign: [
    [-3, -0, 0, 9, NaN],
    [-1, 0, 0, 1, NaN],
  ],
  sin: [
    [0, Math.PI / 2],
    [0, 1],
  ],
  sinh: [[0], [0]],
  softplus: [
    [0, 1000, -1000],
    [Math.LN2, 1000, 0],
  ],
  softsign: [
    [1, -3],
    [0.5, -0.75],
  ],
  sqrt: [
    [9, -1],
    [3, NaN],
  ],
  tan: [[0], [0]],
  tanh: [
    [0, 100],
    [0, 1],
  ],
  not: [
    [0, 1],
    [1, 0],
  ],
};

describe("functions of one value", () => {
  it.each(unaryNames)("ann.%s is what was worked out", (name) => {
    const [x, y] = functions[name];
    expect(unary(name, x, name === "not" ? "bool" : "f64")).toEqual(y);
  });

  it("mish is x · tanh(log(1 + exp(x)))", () => {
    const [one = 0, minus = 0] = unary("mish", [1, -2]);
    expect(one).toBeCloseTo(Math.tanh(Math.log(1 + Math.E)), 14);
    expect(minus).toBeCloseTo(-2 * Math.tanh(Math.log(1 + Math.exp(-2))), 14);
  });

  it("softplus keeps its small values", () => {
    expect(unary("softplus", [-50])[0]).toBeCloseTo(Math.exp(-50), 30);
  });

  it("negates bools, and integers in their own width", () => {
    expect(unary("not", [0, 1], "bool")).toEqual([1, 0]);
    expect(unary("neg", [-128, 5], "i8")).toEqual([-128, -5]);
    expect(unary("neg", [0], "i64").map((x) => Object.is(x, 0))).toEqual([true]);
  });

  it("rounds once, into the element type", () => {
    expect(unary("exp", [1], "f32")).toEqual([Math.fround(Math.E)]);
    expect(unary("exp", [1], "f16")).toEqual([2.71875]);
    expect(unary("exp", [1], "bf16")).toEqual([2.71875]);
  });
});

const pairs: readonly [BinaryName, DType, number[], number[], number[]][] = [
  ["add", "f64", [1, inf], [2, -inf], [3, NaN]],
  ["add", "u8", [250], [10], [4]],
  ["sub", "f64", [1], [3], [-2]],
  ["mul", "f64", [3], [-2], [-6]],
  ["mul", "i32", [65537], [65537], [131073]],
  ["mul", "u32", [4294967295], [4294967295], [1]],
  ["div", "f64", [1, 1, 0], [4, 0, 0], [0.25, inf, NaN]],
  ["div", "i32", [7, -7, 7, -7, 3], [2, 2, -2, -2, 0], [3, -3, -3, 3, 0]],
  ["div", "i64", [9007199254740991, -1], [9007199254740992, 2], [0, 0]],
  ["max", "f64", [1, NaN, 3], [2, 5, NaN], [2, NaN, NaN]],
  ["min", "f64", [1, NaN, 3], [2, 5, NaN], [1, NaN, NaN]],
  ["pow", "f64", [2, 4, -8, 1, -1], [10, 0.5, 3, NaN, inf], [1024, 2, -512, 1, 1]],
  ["pow", "i32", [3, -2, 2, 7, 2], [4, 3, -1, 0, 31], [81, -8, 0, 1, -2147483648]],
  ["pow", "i32", [3], [40], [689956897]],
  ["pow", "i64", [3], [33], [5559060566555523]],
  ["equal", "f64", [1, NaN, 0], [1, NaN, -0], [1, 0, 1]],
  ["greater", "f64", [1, 2, NaN], [1, 1, 1], [0, 1, 0]],
  ["greater-or-equal", "f64", [1, 0, NaN], [1, 1, 1], [1, 0, 0]],
  ["less", "i64", [1, 0], [1, 1], [0, 1]],
  ["less-or-equal", "u8", [1, 2], [1, 1], [1, 0]],
  ["and", "bool", [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]],
  ["or", "bool", [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1]],
  ["xor", "bool", [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]],
];

describe("functions of two values", () => {
  it("are all worked out", () => {
    expect([...new Set(pairs.map(([name]) => name))].sort()).toEqual(binaryNames);
  });

  it.each(pairs)("ann.%s on %s: %j and %j give %j", (name, dtype, a, b, y) => {
    expect(binary(name, a, b, dtype)).toEqual(y);
  });

  it("raises integers to fractional powers and truncates", () => {
    const y = evaluateOp("ann.pow", {}, [tensorOf("i32", [2], [10, 2]), f([], [0.5])]);
    expect(y.dtype).toBe("i32");
    expect(numbers(y)).toEqual([3, 1]);
  });

  it("takes remainders as Python's % or as C's fmod", () => {
    const a = tensorOf("i32", [5], [-4, 7, 5, 4, 3]);
    const b = tensorOf("i32", [5], [2, -3, 8, -2, 0]);
    expect(numbers(evaluateOp("ann.mod", { truncate: false }, [a, b]))).toEqual([0, -2, 5, 0, 0]);
    expect(numbers(evaluateOp("ann.mod", { truncate: true }, [a, b]))).toEqual([0, 1, 5, 0, 0]);
    const x = f([2], [-4.5, 5]);
    expect(numbers(evaluateOp("ann.mod", { truncate: true }, [x, f([], [2])]))).toEqual([-0.5, 1]);
    expect(numbers(evaluateOp("ann.mod", { truncate: false }, [x, f([], [2])]))).toEqual([1.5, 1]);
  });
});

describe("broadcasting", () => {
  /** Two shapes that broadcast: each axis of a common shape kept, or flattened to 1, or left out. */
  const shapes = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.boolean()), { maxLength: 4 })
    .chain((axes) =>
      fc.tuple(
        fc.constant(axes.map(([n, left]) => (left ? 1 : n))),
        fc.constant(axes.map(([n, , right]) => (right ? 1 : n))),
        fc.nat({ max: axes.length }),
      ),
    );

  const at = (x: Tensor, place: readonly number[]): number => {
    const strides = stridesOf(x.shape);
    let index = 0;
    for (const [axis, extent] of x.shape.entries()) {
      const coordinate = place[place.length - x.shape.length + axis] ?? 0;
      index += (extent === 1 ? 0 : coordinate) * (strides[axis] ?? 0);
    }
    return x.data[index] ?? NaN;
  };

  it("puts at each place what the operands have there, extent 1 standing for all", () => {
    fc.assert(
      fc.property(shapes, ([left, right, leaveOut]) => {
        const numbered = (shape: readonly number[], step: number): Tensor =>
          f(
            shape,
            Array.from({ length: elementCount(shape) }, (_, i) => 1 + i * step),
          );
        const a = numbered(left, 1);
        const b = numbered(right.slice(leaveOut), 1000);
        const y = evaluateOp("ann.sub", {}, [a, b]);
        const strides = stridesOf(y.shape);
        for (const [i, value] of y.data.entries()) {
          const place = y.shape.map((n, axis) => Math.floor(i / (strides[axis] ?? 1)) % n);
          expect(value).toBe(at(a, place) - at(b, place));
        }
        const swapped = evaluateOp("ann.sub", {}, [b, a]);
        expect(numbers(swapped)).toEqual(numbers(evaluateOp("ann.neg", {}, [y])).map((v) => v + 0));
      }),
    );
  });
});

/** Of x = −2, −1/2, 0, 1/2 and 2, with these attributes. */
type Worked<K extends PlainActivation> = readonly [attrs: OpAttrs[K], y: readonly number[]];

const e = (t: number): number => Math.exp(t) - 1;
const gated = (alpha: number): number[] =>
  [-2, -0.5, 0, 0.5, 2].map((v) => v / (1 + Math.exp(-alpha * v)));

/** Every activation by hand: a kind that is missing here does not compile. */
const worked: { readonly [K in PlainActivation]: readonly [Worked<K>, ...Worked<K>[]] } = {
  "ann.clip": [[{ min: -1, max: 1 }, [-1, -0.5, 0, 0.5, 1]]],
  "ann.leaky-relu": [[{ alpha: 0.1 }, [-0.2, -0.05, 0, 0.5, 2]]],
  "ann.elu": [[{ alpha: 2 }, [2 * e(-2), 2 * e(-0.5), 0, 0.5, 2]]],
  "ann.celu": [[{ alpha: 2 }, [2 * e(-1), 2 * e(-0.25), 0, 0.5, 2]]],
  "ann.selu": [[{ alpha: 2, gamma: 3 }, [6 * e(-2), 6 * e(-0.5), 0, 1.5, 6]]],
  "ann.hard-sigmoid": [[{ alpha: 0.5, beta: 0.5 }, [0, 0.25, 0.5, 0.75, 1]]],
  "ann.thresholded-relu": [[{ alpha: 0.5 }, [0, 0, 0, 0, 2]]],
  "ann.shrink": [[{ bias: 0.25, lambda: 0.5 }, [-1.75, 0, 0, 0, 1.75]]],
  "ann.swish": [
    [{ alpha: 1 }, gated(1)],
    [{ alpha: 1.702 }, gated(1.702)],
    [{ alpha: -0.5 }, gated(-0.5)],
    // Of ONNX's reference evaluator, in float32.
    [{ alpha: 2 }, [-0.0359724, -0.1344707, 0, 0.3655293, 1.9640275]],
  ],
  "ann.gelu": [
    [{ approximate: "none" }, [-0.0455003, -0.1542688, 0, 0.3457312, 1.9544997]],
    [{ approximate: "tanh" }, [-0.0454023, -0.154286, 0, 0.345714, 1.9545977]],
  ],
  // At 2 the current above threshold is 1; at 1/2 and below the sum of exponentials is its one term.
  "ann.soft-lif": [
    [
      { tauRc: 0.5, tauRef: 0.25, sigma: 0.01, amplitude: 1 },
      [...[-2, -0.5, 0, 0.5].map(farBelow), 1 / (0.25 + 0.5 * Math.LN2)],
    ],
  ],
  "ann.fake-quantize": [
    [{ step: 0.5, low: -2, high: 3, rounding: "nearest" }, [-1, -0.5, 0, 0.5, 1.5]],
    [{ step: 0.75, low: -9, high: 9, rounding: "floor" }, [-2.25, -0.75, 0, 0, 1.5]],
  ],
  "ann.is-inf": [[{ negative: true, positive: true }, [0, 0, 0, 0, 0]]],
};

/** ρ = sigma · exp((v − 1)/sigma), whose inverse is large: log(1 + 1/ρ) = (1 − v)/sigma − log(sigma). */
function farBelow(v: number): number {
  return 1 / (0.25 + 0.5 * ((1 - v) / 0.01 - Math.log(0.01)));
}

function expectWorked<K extends PlainActivation>(kind: K): void {
  for (const [attrs, values] of worked[kind]) {
    close(evaluateOp(kind, attrs, [x]), values);
  }
}

const x = f([5], [-2, -0.5, 0, 0.5, 2]);

function close(y: Tensor, values: readonly number[]): void {
  for (const [i, value] of values.entries()) expect(y.data[i]).toBeCloseTo(value, 6);
  expect(y.data).toHaveLength(values.length);
}

describe("activations", () => {
  it.each(activationKinds)("%s is what was worked out", (kind) => {
    expectWorked(kind);
  });

  it("clip to the upper bound where the bounds are crossed, and keep NaN", () => {
    expect(numbers(evaluateOp("ann.clip", { min: 1, max: -1 }, [x]))).toEqual([-1, -1, -1, -1, -1]);
    expect(numbers(evaluateOp("ann.clip", { min: 0, max: Infinity }, [f([1], [NaN])]))).toEqual([
      NaN,
    ]);
  });

  it("leak below zero by a tensor", () => {
    const slope = f([2, 1], [0.5, 0.25]);
    const y = evaluateOp("ann.prelu", { slope: "slope" }, [f([2, 2], [-1, 1, -4, 4])], { slope });
    expect(numbers(y)).toEqual([-0.5, 1, -1, 4]);
  });

  it("swish goes to x and to 0", () => {
    expect(numbers(evaluateOp("ann.swish", { alpha: 1 }, [f([2], [1000, -1000])]))).toEqual([
      1000, -0,
    ]);
  });

  it("gelu is the Gaussian unit, exactly or by tanh", () => {
    const y = evaluateOp("ann.gelu", { approximate: "none" }, [tensorOf("f64", [3], [1, -1, -5])]);
    close(y, [0.8413447, -0.1586553, -0.0000014]);
    // The tail, which 1 + erf would lose to cancellation.
    expect((y.data[2] ?? 0) / -1.4332578593959731e-6).toBeCloseTo(1, 13);
    close(
      evaluateOp("ann.gelu", { approximate: "tanh" }, [f([2], [1, -1])]),
      [0.841192, -0.158808],
    );
  });

  it("finds infinities of the signs asked for", () => {
    const values = f([4], [inf, -inf, NaN, 1]);
    const found = (negative: boolean, positive: boolean): number[] =>
      numbers(evaluateOp("ann.is-inf", { negative, positive }, [values]));
    expect(found(true, true)).toEqual([1, 1, 0, 0]);
    expect(found(true, false)).toEqual([0, 1, 0, 0]);
    expect(found(false, true)).toEqual([1, 0, 0, 0]);
    expect(found(false, false)).toEqual([0, 0, 0, 0]);
  });
});

describe("sameness", () => {
  it("identity gives the operand", () => {
    const x = f([2], [1, NaN]);
    expect(sameTensor(evaluateOp("ann.identity", {}, [x]), x)).toBe(true);
  });
});
