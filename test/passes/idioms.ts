/**
 * Random networks in the idioms of exporters: arithmetic with constants, channels-last layouts,
 * rectifiers by other names, normalisation between reshapes. What the clean and fuse passes are for,
 * and too rare in the networks of test/random.
 */
import { inputTensors } from "../random/inputs.ts";
import { Sketch, type Step } from "../random/sketch.ts";
import fc from "fast-check";
import { printModule } from "../../ir/text/print.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { RandomNetwork } from "../random/module.ts";

type Choices = Omit<Step, "kind">;
type Idiom = (sketch: Sketch, choices: Choices) => void;

/** A constant of a shape that broadcasts to the last value, or enlarges it. */
function constant(sketch: Sketch, choice: number, sign: "any" | "positive" = "any"): ValueId {
  const { shape } = sketch;
  const shapes: readonly Shape[] = [
    [],
    shape,
    shape.slice(-1),
    shape.map((extent, axis) => (axis === 1 ? extent : 1)),
    [1],
    shape.length < 5 ? [1, ...shape] : [],
  ];
  return held(sketch, shapes[choice % shapes.length] ?? [], sign);
}

/** A constant of random elements; the last value of the sketch stays what it was. */
function held(sketch: Sketch, shape: Shape, sign: "any" | "positive" = "any"): ValueId {
  return sketch.builder.constant("c", sketch.builder.tensorAt(sketch.tensor("c", shape, sign)), {
    kind: "text",
    file: "idioms",
    line: 1,
    column: 1,
  });
}

function filled(sketch: Sketch, value: number): ValueId {
  const loc = sketch.builder.opOf(sketch.last).loc;
  return sketch.builder.constant("zero", tensorOf("f32", [], [value]), loc);
}

const arithmetic = ["ann.add", "ann.sub", "ann.mul", "ann.div"] as const;
const comparisons = [
  "ann.greater",
  "ann.greater-or-equal",
  "ann.less",
  "ann.less-or-equal",
] as const;

const idioms = {
  arithmetic: (sketch, { a, b, c }) => {
    const x = sketch.last;
    const kind = arithmetic[a % arithmetic.length] ?? "ann.add";
    const divides = kind === "ann.div";
    const other = constant(sketch, b, divides ? "positive" : "any");
    sketch.add(kind, {}, c % 2 === 0 || divides ? [x, other] : [other, x]);
  },
  matmul: (sketch, { a, b }) => {
    const { shape, last } = sketch;
    const into = shape.at(-1) ?? 1;
    const rows = shape.at(-2) ?? into;
    const lead = b % 2 === 0 ? [] : [1];
    if (a % 3 === 0) sketch.add("ann.matmul", {}, [held(sketch, [...lead, 1 + b, rows]), last]);
    else if (a === 1) sketch.add("ann.matmul", {}, [last, held(sketch, [into])]);
    else sketch.add("ann.matmul", {}, [last, held(sketch, [...lead, into, 1 + b])]);
  },
  "channels-last": (sketch, { a, b, c, seed }) => {
    if (sketch.shape.length !== 4) return;
    sketch.add("ann.transpose", { perm: [0, 3, 1, 2] });
    sketch.take({ kind: a % 3 === 0 ? "average-pool" : "conv", a, b, c, seed });
    sketch.add("ann.transpose", { perm: [0, 2, 3, 1] });
  },
  rectify: (sketch, { a, b }) => {
    const x = sketch.last;
    const slope = a % 2 === 0 ? [] : sketch.shape.slice(-1);
    const zeros = tensorOf("f32", slope, new Float32Array(elementCount(slope)));
    const spellings: readonly (() => void)[] = [
      () => sketch.add("ann.max", {}, [filled(sketch, 0), x]),
      () => sketch.add("ann.min", {}, [x, filled(sketch, b / 4)]),
      () => sketch.add("ann.clip", { min: 0, max: Infinity }),
      () => sketch.add("ann.clip", { min: b / 4 - 1, max: b / 2 }),
      () => sketch.add("ann.leaky-relu", { alpha: 0 }),
      () => sketch.add("ann.prelu", { slope: sketch.builder.tensor("slope", zeros) }),
      () => sketch.add("ann.prelu", { slope: sketch.tensor("slope", slope) }),
      () => sketch.add("ann.hard-sigmoid", { alpha: 0.25, beta: 0.5 }),
      () => sketch.add("ann.relu", {}),
    ];
    spellings[(a + b) % spellings.length]?.();
  },
  gate: (sketch, { a, b }) => {
    const x = sketch.last;
    const zero = filled(sketch, 0);
    const kind = comparisons[a % comparisons.length] ?? "ann.greater";
    sketch.add(kind, {}, b % 2 === 0 ? [x, zero] : [zero, x]);
    const condition = sketch.last;
    sketch.add("ann.where", {}, a > 3 ? [condition, x, zero] : [condition, zero, x]);
  },
  "normalise-1d": (sketch, { a, b, c, seed }) => {
    const { shape } = sketch;
    if (shape.length !== 2) return;
    sketch.add("ann.reshape", { shape: [...shape, 1] });
    sketch.take({ kind: "batchnorm", a, b, c, seed });
    sketch.add("ann.reshape", { shape });
  },
  turn: (sketch, { a, b }) => {
    const axes = sketch.shape.map((_, axis) => axis);
    const at = a % axes.length;
    const perm = [...axes.slice(at), ...axes.slice(0, at)];
    sketch.add("ann.transpose", { perm: b % 2 === 0 ? perm : perm.reverse() });
  },
  "one-more-axis": (sketch, { a }) => {
    const { shape } = sketch;
    const at = a % (shape.length + 1);
    if (shape.length < 5) {
      sketch.add("ann.reshape", { shape: [...shape.slice(0, at), 1, ...shape.slice(at)] });
    }
  },
  "one-axis-less": (sketch) =>
    sketch.add("ann.reshape", { shape: sketch.shape.filter((extent) => extent !== 1) }),
  reduce: (sketch, { a, b }) => {
    const axes = sketch.shape.flatMap((_, axis) => ((a >> axis) % 2 === 1 ? [axis] : []));
    const kind = b % 4 < 2 ? "ann.reduce-mean" : "ann.reduce-max";
    sketch.add(kind, { axes, keepDims: b % 2 === 0 });
  },
  branch: (sketch, { a, b }) => {
    const x = sketch.last;
    sketch.add("ann.relu", {});
    sketch.add("ann.concat", { axis: a % Math.max(1, sketch.shape.length) }, [x, sketch.last]);
    if (b > 3) sketch.add("ann.relu", {});
  },
  classify: (sketch, choices) => {
    sketch.take({ kind: "flatten", ...choices });
    if (choices.a > 3) sketch.add("ann.relu", {});
    sketch.take({ kind: "linear", ...choices });
  },
} as const satisfies Readonly<Record<string, Idiom>>;

const shared = [
  "conv",
  "conv-transpose",
  "linear",
  "batchnorm",
  "affine",
  "max-pool",
  "residual",
  "pad",
  "slice",
  "image",
] as const;

const choice = fc.nat({ max: 7 });
const choices = { a: choice, b: choice, c: choice, seed: fc.nat({ max: 999 }) };
const step = fc.oneof(
  fc.record({ idiom: fc.constantFrom(...Object.keys(idioms)), ...choices }),
  fc.record({ kind: fc.constantFrom(...shared), ...choices }),
);
const extent = fc.integer({ min: 1, max: 4 });
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc.tuple(fc.constant(1), extent, extent, extent),
  fc.tuple(fc.constant(1), extent),
  fc.tuple(fc.constant(1), extent, extent),
);

/** Networks before conversion, of about one to four ops per step. */
export const idiomaticNetworks: fc.Arbitrary<RandomNetwork> = fc
  .tuple(shape, fc.nat({ max: 999 }), fc.array(step, { maxLength: 8 }))
  .map(([extents, seed, steps]) => {
    const sketch = new Sketch();
    sketch.input(extents, seed);
    const byName: ReadonlyMap<string, Idiom> = new Map(Object.entries(idioms));
    for (const taken of steps) {
      if (!sketch.isSmall) break;
      if ("kind" in taken) sketch.take(taken);
      else byName.get(taken.idiom)?.(sketch, taken);
    }
    const network = { module: sketch.finish("idioms", {}), inputs: inputTensors(sketch) };
    const value = (): string => printModule(network.module);
    return Object.defineProperty(network, fc.toStringMethod, { value });
  });
