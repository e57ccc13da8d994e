/** What ops cost, worked out by hand: one or more of each family. */
import { isNeuron } from "../../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { costOf, costRuleOf, neuronCost } from "../../../ir/account/costs.ts";
import type { Operations } from "../../../ir/account/operations.ts";
import { Builder } from "../../../ir/build.ts";
import { type NeuronKind, type OpAttrs, type OpKind } from "../../../ir/op/op.ts";
import { arithmeticOf } from "../../../ir/semantics/neurons/arithmetic.ts";
import { gradedRule } from "../../../ir/semantics/neurons/graded.ts";
import { isOpKind, specs } from "../../../ir/op/table.ts";
import type { DType, Shape, Type } from "../../../ir/type.ts";
import { type Tensors, f, loc } from "../one-op.ts";
import { i } from "../semantics/cells.ts";

/** Only those that are not 0. */
function found(all: Operations): Partial<Operations> {
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
}

function cost<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  operands: readonly (Shape | Type)[],
  tensors: Tensors = {},
): Partial<Operations> {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const types = operands.map((each): Type =>
    "domain" in each ? each : { domain: "real", dtype: "f32", shape: each },
  );
  const inputs = types.map((type, n) => builder.input(`x${n}`, type, loc));
  const op = builder.opOf(builder.add(kind, inputs, attrs, loc));
  if (isNeuron(op)) expect.fail(`${kind} is a neuron`);
  return found(costOf(op, types, (ref) => builder.tensorAt(ref)));
}

function neuron<K extends NeuronKind>(
  kind: K,
  attrs: OpAttrs[K],
  tensors: Tensors = { one: f([], [1]), two: f([], [2]) },
  dtype: DType = "f32",
): Partial<Record<"perRun" | "perStep" | "perSpike", Partial<Operations>>> {
  const builder = new Builder({ tensors: new Map(Object.entries(tensors)) });
  const x = builder.input("x", { domain: "current", dtype, shape: [5] }, loc);
  const op = builder.opOf(builder.add(kind, [x], attrs, loc));
  if (!isNeuron(op)) expect.fail(`${kind} is no neuron`);
  const { perRun, perStep, perSpike } = neuronCost(op, (ref) => builder.tensorAt(ref), 8);
  return { perRun: found(perRun), perStep: found(perStep), perSpike: found(perSpike) };
}

const ones = (shape: Shape): Tensors[string] =>
  f(shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(1));
const window = { strides: [1], padsBegin: [1], padsEnd: [1], dilations: [1] };

describe("the cost of weights", () => {
  it("is a multiply-accumulate a connection within bounds and an addition for each bias", () => {
    // Three taps over four elements with a padding of one: 2 + 3 + 3 + 2 meet an element.
    const attrs = { ...window, weight: "w", bias: "b", groups: 1 };
    const tensors = { w: ones([5, 2, 3]), b: ones([5]) };
    expect(cost("ann.conv", attrs, [[1, 2, 4]], tensors)).toEqual({
      multiplyAccumulates: 10 * 2 * 5,
      additions: 5 * 4,
    });
    expect(cost("ann.linear", { weight: "w", bias: null }, [[3, 7]], { w: ones([5, 7]) })).toEqual({
      multiplyAccumulates: 3 * 7 * 5,
    });
  });

  it("has what an average divides by as a weight", () => {
    const pool = { ...window, kernel: [3], ceilMode: false, countIncludePad: false };
    expect(cost("ann.average-pool", pool, [[1, 2, 4]])).toEqual({ multiplyAccumulates: 10 * 2 });
    expect(cost("ann.reduce-mean", { axes: [2], keepDims: false }, [[1, 2, 4]])).toEqual({
      multiplyAccumulates: 8,
    });
  });

  it("leaves out scales of 1 and shifts of 0", () => {
    const tensors = { one: f([], [1]), zero: f([], [0]), two: f([2], [1, 2]) };
    const affine = (scale: string, shift: string): Partial<Operations> =>
      cost("ann.affine", { scale, shift }, [[3, 2]], tensors);
    expect(affine("two", "zero")).toEqual({ multiplications: 6 });
    expect(affine("one", "two")).toEqual({ additions: 6 });
    expect(affine("one", "zero")).toEqual({});
  });

  it("is that of each product in a contraction", () => {
    expect(
      cost("ann.matmul", {}, [
        [2, 3, 4],
        [2, 4, 5],
      ]),
    ).toEqual({
      multiplyAccumulates: 2 * 3 * 4 * 5,
    });
    const einsum = (equation: string, ...operands: Shape[]): Partial<Operations> =>
      cost("ann.einsum", { equation }, operands);
    expect(einsum("ij,jk->ik", [2, 3], [3, 4])).toEqual({ multiplyAccumulates: 24 });
    expect(einsum("i,j->ij", [2], [3])).toEqual({ multiplications: 6 });
    expect(einsum("i,i,i->", [4], [4], [4])).toEqual({
      multiplications: 4,
      multiplyAccumulates: 4,
    });
    expect(einsum("ij->i", [2, 3])).toEqual({ additions: 6 });
    expect(einsum("ij->ji", [2, 3])).toEqual({});
  });
});

describe("the cost of what is computed of each element", () => {
  it("is that of its formula", () => {
    const of10 = (each: Partial<Operations>): Partial<Operations> =>
      Object.fromEntries(Object.entries(each).map(([kind, count]) => [kind, 10 * count]));
    expect(cost("ann.sigmoid", {}, [[10]])).toEqual(
      of10({ functions: 1, additions: 1, divisions: 1 }),
    );
    expect(cost("ann.gelu", { approximate: "none" }, [[10]])).toEqual(
      of10({ functions: 1, multiplications: 3 }),
    );
    // x + 0.044715 x³: three products and a sum; √(2/π) · that, 1 + tanh, ½ · x · that: three and one.
    expect(cost("ann.gelu", { approximate: "tanh" }, [[10]])).toEqual(
      of10({ functions: 1, multiplications: 6, additions: 2 }),
    );
    expect(cost("ann.hard-swish", {}, [[10]])).toEqual(
      of10({ multiplications: 2, additions: 1, comparisons: 2 }),
    );
    expect(
      cost("ann.fake-quantize", { step: 0.1, low: 0, high: Infinity, rounding: "nearest" }, [[10]]),
    ).toEqual(of10({ divisions: 1, comparisons: 2, multiplications: 1 }));
    expect(cost("ann.relu", {}, [[10]])).toEqual(of10({ comparisons: 1 }));
    expect(cost("ann.clip", { min: 0, max: 6 }, [[10]])).toEqual(of10({ comparisons: 2 }));
  });

  it("counts elements of the result where operands are broadcast", () => {
    expect(cost("ann.mul", {}, [[4, 1], [3]])).toEqual({ multiplications: 12 });
    expect(cost("ann.sub", {}, [[4, 1], [3]])).toEqual({ additions: 12 });
    expect(cost("ann.div", {}, [[4, 1], [3]])).toEqual({ divisions: 12 });
  });

  it("is nothing for moves", () => {
    expect(cost("ann.transpose", { perm: [1, 0] }, [[4, 2]])).toEqual({});
    expect(cost("ann.cast", { to: "i32", saturate: true }, [[4]])).toEqual({});
    expect(cost("ann.identity", {}, [[4]])).toEqual({});
  });
});

describe("the cost of folds and windows", () => {
  it("goes by the elements that are folded, and by the results", () => {
    const attrs = { axes: [1], keepDims: false };
    expect(cost("ann.reduce-sum", attrs, [[2, 5]])).toEqual({ additions: 10 });
    expect(cost("ann.reduce-l2", attrs, [[2, 5]])).toEqual({
      multiplyAccumulates: 10,
      functions: 2,
    });
    expect(cost("ann.argmax", { axis: 1, keepDims: false, selectLast: false }, [[2, 5]])).toEqual({
      comparisons: 10,
    });
  });

  it("of normalisations has what each run takes", () => {
    expect(
      cost("ann.layernorm", { axis: 1, epsilon: 1e-5, scale: "s", bias: null }, [[3, 4]], {
        s: ones([4]),
      }),
    ).toEqual({
      additions: 2 * 12 + 3,
      multiplyAccumulates: 12,
      divisions: 12 + 2 * 3,
      functions: 3,
      multiplications: 12,
    });
    expect(cost("ann.softmax", { axis: 1 }, [[3, 4]])).toEqual({
      comparisons: 12,
      additions: 24,
      functions: 12,
      divisions: 12,
    });
    expect(cost("ann.log-softmax", { axis: 1 }, [[3, 4]])).toEqual({
      comparisons: 12,
      additions: 36,
      functions: 12 + 3,
    });
    // Of three channels the first and last see two, that between sees three; two elements each.
    expect(cost("ann.lrn", { size: 3, alpha: 1, beta: 1, bias: 1 }, [[1, 3, 2]])).toEqual({
      multiplyAccumulates: 2 * 7,
      multiplications: 6,
      additions: 6,
      functions: 6,
      divisions: 6,
    });
  });

  it("is a comparison a tap of a pool, and of running sums what they take besides", () => {
    const pool = { ...window, kernel: [3], ceilMode: false };
    expect(cost("ann.max-pool", pool, [[1, 2, 4]])).toEqual({ comparisons: 20 });
    const operand: Type = { domain: "current", dtype: "f32", shape: [1, 2, 4] };
    expect(cost("snn.max-pool", pool, [operand])).toEqual({ comparisons: 20, additions: 8 + 8 });
  });

  it("is a multiply-accumulate a tap of interpolation, axis after axis", () => {
    const resize = {
      sizes: [4, 6],
      scales: [2, 2],
      coordinates: "asymmetric",
      nearest: "floor",
      cubicCoefficient: -0.75,
      excludeOutside: false,
      extrapolation: 0,
      antialias: false,
      roi: [],
    } as const;
    // Coordinates 0, ½, 1, 1½: on an element one tap, between two elements two. 1 + 2 + 1 + 2 rows of
    // three columns, then 1 + 2 + 1 + 2 + 1 + 2 columns of four rows.
    expect(cost("ann.resize", { ...resize, mode: "linear" }, [[2, 3]])).toEqual({
      multiplyAccumulates: 6 * 3 + 9 * 4,
    });
    expect(cost("ann.resize", { ...resize, mode: "nearest" }, [[2, 3]])).toEqual({});
  });

  it("is what a scatter's reduction does with each update", () => {
    const int: Type = { domain: "real", dtype: "i64", shape: [3] };
    const scatter = (reduction: "none" | "add" | "mul"): Partial<Operations> =>
      cost("ann.scatter-elements", { axis: 0, reduction }, [[10], int, [3]]);
    expect(scatter("none")).toEqual({});
    expect(scatter("add")).toEqual({ additions: 3 });
    expect(scatter("mul")).toEqual({ multiplications: 3 });
  });

  it("of decoders comes at each evaluation", () => {
    const operand: Type = { domain: "current", dtype: "f32", shape: [7] };
    expect(cost("snn.accumulate", {}, [operand])).toEqual({ additions: 7 });
    expect(cost("snn.low-pass", { decay: 0.5 }, [operand])).toEqual({
      multiplications: 14,
      additions: 7,
    });
    expect(cost("snn.readout", { start: 0 }, [operand])).toEqual({ additions: 7, divisions: 7 });
    expect(cost("snn.readout", { start: 4 }, [operand])).toEqual({ additions: 14, divisions: 7 });
  });
});

describe("the cost of neurons", () => {
  const common = { threshold: "one", vInit: "one", amplitude: "one" };

  it("that integrate and fire is a sum and a comparison", () => {
    expect(neuron("snn.if", { ...common, reset: "subtract" })).toEqual({
      perRun: {},
      perStep: { additions: 1, comparisons: 1 },
      perSpike: { additions: 1 },
    });
    expect(neuron("snn.if", { ...common, reset: "zero" }).perSpike).toEqual({});
    expect(neuron("snn.rehearsed-if", { ...common, rehearsal: 4, rule: "silence" })).toEqual({
      perRun: { comparisons: 1 },
      perStep: { additions: 3, comparisons: 2 },
      perSpike: {},
    });
  });

  const graded = {
    ...common,
    ceiling: null,
    bits: 4,
    alphabet: "word",
    sign: "retract",
    schedule: "constant",
    shares: null,
  } as const;

  it("that send words is a division, and a product for each word", () => {
    expect(neuron("snn.graded", graded)).toEqual({
      perRun: {},
      perStep: { additions: 2, divisions: 1, comparisons: 4 },
      perSpike: { additions: 2, multiplications: 1 },
    });
    // Nothing needs to know what was sent.
    expect(neuron("snn.graded", { ...graded, sign: "free" })).toEqual({
      perRun: {},
      perStep: { additions: 2, divisions: 1, comparisons: 3 },
      perSpike: { additions: 1, multiplications: 1 },
    });
    expect(
      neuron("snn.graded", { ...graded, sign: "positive", ceiling: "one", amplitude: "two" }),
    ).toEqual({
      perRun: {},
      perStep: { additions: 4, divisions: 2, comparisons: 5 },
      perSpike: { additions: 2, multiplications: 2 },
    });
  });

  it("that send words of integers is a comparison and an addition for each digit", () => {
    const whole = {
      one: i([], [1]),
      two: i([], [2]),
      powers: i([3], [4, 2, 1]),
      any: i([2], [3, 1]),
    };
    const words = (attrs: Partial<OpAttrs["snn.graded"]>) =>
      neuron("snn.graded", { ...graded, ...attrs }, whole, "i32");
    // Five digits tell −15 … 15 apart.
    expect(words({})).toEqual({
      perRun: {},
      perStep: { additions: 2 + 5, comparisons: 1 + 5 + 1 },
      perSpike: { additions: 3 },
    });
    expect(words({ sign: "positive", ceiling: "one" })).toEqual({
      perRun: {},
      perStep: { additions: 2 + 4 + 1, comparisons: 4 + 1 },
      perSpike: { additions: 3 },
    });
    expect(words({ schedule: "table", shares: "powers" }).perSpike).toEqual({ additions: 3 });
    const multiplied = { additions: 3, multiplications: 1 };
    expect(words({ schedule: "table", shares: "any" }).perSpike).toEqual(multiplied);
    expect(words({ amplitude: "two" }).perSpike).toEqual(multiplied);
  });

  it("that send words of integers is that of long division, which finds the same", () => {
    const firing = { bits: 3, alphabet: "word" } as const;
    for (const sign of ["positive", "free", "retract"] as const) {
      const { fire } = gradedRule({ ...firing, sign }, arithmeticOf(true));
      const isSigned = sign !== "positive";
      for (let step = 1; step <= 5; step++) {
        for (let u = -40; u <= 40; u++) {
          for (const [sent, ceiling] of [
            [0, Infinity],
            [7, Infinity],
            [7, 20],
            [20, 4],
          ] as const) {
            const w = Math.min(sign === "retract" ? Math.max(u, -sent) : u, ceiling - sent);
            // In halves, so that ½ step is whole.
            let rest = 2 * w + step + (isSigned ? 2 * 7 * step : 0);
            let word = 0;
            for (let digit = isSigned ? 3 : 2; digit >= 0; digit--) {
              if (rest < 2 * step * 2 ** digit) continue;
              rest -= 2 * step * 2 ** digit;
              word += 2 ** digit;
            }
            const found = isSigned ? Math.min(14, word) - 7 : word;
            expect(found, `${sign} ${u} in ${step}`).toBe(fire(u, sent, step, ceiling));
          }
        }
      }
    }
  });

  it("that send one bit has no division and no product", () => {
    expect(neuron("snn.graded", { ...graded, bits: 1 })).toEqual({
      perRun: {},
      perStep: { additions: 1, comparisons: 3 },
      perSpike: { additions: 2 },
    });
    expect(neuron("snn.graded", { ...graded, bits: 1, sign: "positive" }).perStep).toEqual({
      additions: 1,
      comparisons: 1,
    });
    expect(neuron("snn.graded", { ...graded, bits: 1, sign: "positive", ceiling: "one" })).toEqual({
      perRun: {},
      perStep: { additions: 2, comparisons: 2 },
      perSpike: { additions: 2 },
    });
  });

  it("that send powers is a comparison for each, and no product", () => {
    const powers = { ...graded, alphabet: "power", sign: "free" } as const;
    expect(neuron("snn.graded", powers)).toEqual({
      perRun: {},
      perStep: { additions: 1, comparisons: 5 },
      perSpike: { additions: 1 },
    });
    // Two more sums: of ½, and none of a ceiling; what may be taken back bounds each power.
    expect(neuron("snn.graded", { ...powers, sign: "retract" }).perStep).toEqual({
      additions: 2,
      divisions: 1,
      comparisons: 1 + 1 + 2 * 4 + 3,
    });
  });

  it("that leak is a product, and with a period of silence what follows the time of a spike", () => {
    const leaky = {
      ...common,
      leak: 0.9,
      refractory: 0,
      spikeTime: "step",
      reset: "zero",
    } as const;
    expect(neuron("snn.lif", leaky)).toEqual({
      perRun: {},
      perStep: { additions: 2, multiplications: 1, comparisons: 2 },
      perSpike: {},
    });
    expect(neuron("snn.lif", { ...leaky, refractory: 2, spikeTime: "exact" })).toEqual({
      perRun: {},
      perStep: { additions: 3, multiplications: 1, comparisons: 4 },
      perSpike: { functions: 2, multiplications: 1, divisions: 2, additions: 3, comparisons: 4 },
    });
    expect(neuron("snn.lif", { ...leaky, refractory: 2.5, reset: "subtract" }).perSpike).toEqual({
      functions: 1,
      multiplications: 1,
      additions: 1,
    });
    const whole = { one: i([], [1]) };
    expect(neuron("snn.lif", { ...leaky, leak: 0.5, refractory: 1 }, whole, "i32")).toEqual({
      perRun: {},
      perStep: { additions: 3, multiplications: 1, comparisons: 4 },
      perSpike: {},
    });
  });

  it("of framed codes comes once in a frame, but for the sum", () => {
    const rows = { one: f([3], [4, 2, 1]), start: f([], [0]) };
    expect(
      neuron(
        "snn.few-spikes",
        { threshold: "one", reset: "one", amplitude: "one", vInit: "start" },
        rows,
      ),
    ).toEqual({
      perRun: { comparisons: 3 },
      perStep: { additions: 1 },
      perSpike: { additions: 1 },
    });
    expect(neuron("snn.ttfs", { ...common, amplitude: "two", resolution: "tick" })).toEqual({
      perRun: { divisions: 1, comparisons: 3, additions: 1 },
      perStep: { additions: 1 },
      perSpike: { additions: 1, multiplications: 1 },
    });
    expect(neuron("snn.ttfs", { ...common, resolution: "continuous" })).toEqual({
      perRun: { divisions: 1, comparisons: 2 },
      perStep: { additions: 1 },
      perSpike: { additions: 1 },
    });
  });
});

describe("rules of cost in words", () => {
  it("are one line for each kind of op", () => {
    const kinds = Object.keys(specs).filter(isOpKind);
    for (const kind of kinds) expect(costRuleOf(kind)).toMatch(/^\S.*\S$/);
  });
});
