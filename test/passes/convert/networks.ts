/**
 * Random networks that convert-activations takes as they are, with samples, and their conversion.
 * Made of linear ops, moves, rectifiers and max-pools; at least one rectifier.
 */
import { Sketch, type Step, type StepKind } from "../../random/sketch.ts";
import fc from "fast-check";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { printModule } from "../../../ir/text/print.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import type { Calibration } from "../../../passes/pass.ts";

export interface Convertible {
  readonly module: Module;
  readonly samples: readonly (readonly Tensor[])[];
}

/** A step is named as often as it is to be likely. */
const stepKinds: readonly StepKind[] = [
  "conv",
  "conv",
  "linear",
  "linear",
  "affine",
  "neg",
  "average-pool",
  "mean",
  "residual",
  "second-input",
  "constant",
  "concat",
  "flatten",
  "transpose",
  "pad",
  "slice",
  "max-pool",
  "relu",
  "relu",
  "relu",
  "clip",
];

/** Steps that have a spiking form in some places only, or in none. */
const awkward = {
  product: (sketch, { a, b }) => pair(sketch, a, b % 2 === 0 ? "ann.mul" : "ann.matmul"),
  quotient: (sketch, { a }) => pair(sketch, a, "ann.div"),
  extreme: (sketch, { a, b }) => pair(sketch, a, b % 2 === 0 ? "ann.max" : "ann.min"),
  "reduce-max": (sketch) => {
    sketch.add("ann.reduce-max", { axes: [sketch.shape.length - 1], keepDims: true });
  },
  choice: (sketch) => {
    const { last } = sketch;
    const axis = sketch.shape.length - 1;
    sketch.add("ann.argmax", { axis, keepDims: true, selectLast: false });
    sketch.add("ann.gather", { axis }, [last, sketch.last]);
  },
  half: (sketch) => {
    sketch.add("ann.cast", { to: "f16", saturate: true });
    sketch.add("ann.relu", {});
    sketch.add("ann.cast", { to: "f32", saturate: true });
  },
  bordered: (sketch) => {
    const at = sketch.shape.map((_, axis) => (axis === sketch.shape.length - 1 ? 1 : 0));
    sketch.add("ann.pad", { begin: at, end: at, mode: "constant", value: 1 });
  },
  curve: (sketch, { a }) => {
    const kinds = ["ann.abs", "ann.gelu", "ann.sigmoid", "ann.softmax"] as const;
    const kind = kinds[a % kinds.length] ?? "ann.abs";
    if (kind === "ann.gelu") sketch.add(kind, { approximate: "none" });
    else if (kind === "ann.softmax") sketch.add(kind, { axis: sketch.shape.length - 1 });
    else sketch.add(kind, {});
  },
  leaky: (sketch, { a }) => sketch.add("ann.leaky-relu", { alpha: a / 8 }),
  "any-clip": (sketch, { a, b }) => sketch.add("ann.clip", { min: (a % 3) - 1, max: 1 + b }),
} as const satisfies Record<string, (sketch: Sketch, step: Choices) => void>;

type Awkward = keyof typeof awkward;
type Choices = Pick<Step, "a" | "b">;

/** The last value and an earlier one, or itself. */
function pair(
  sketch: Sketch,
  choice: number,
  kind: "ann.mul" | "ann.matmul" | "ann.div" | "ann.max" | "ann.min",
): void {
  sketch.add(kind, {}, [sketch.last, sketch.earlier(choice) ?? sketch.last]);
}

const isAwkward = (kind: string): kind is Awkward => Object.hasOwn(awkward, kind);

const choice = fc.nat({ max: 7 });
const seed = fc.nat({ max: 999 });
const extent = fc.integer({ min: 1, max: 4 });
const shape = fc.oneof(
  fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 3 }), extent, extent),
  fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 6 })),
);

/** Networks of at most about `longest` ops, with `count` samples of eighths between −1 and 1. */
export function convertibleNetworks(longest = 8, count = 1): fc.Arbitrary<Convertible> {
  return networksOf(stepKinds, longest, count);
}

/** The same with ops among them that may have no spiking form where they stand. */
export function awkwardNetworks(longest = 8, count = 1): fc.Arbitrary<Convertible> {
  return networksOf([...stepKinds, ...Object.keys(awkward).filter(isAwkward)], longest, count);
}

function networksOf(
  kinds: readonly (StepKind | Awkward)[],
  longest: number,
  count: number,
): fc.Arbitrary<Convertible> {
  const kind = fc.constantFrom(...kinds);
  const steps = fc.array(fc.record({ kind, a: choice, b: choice, c: choice, seed }), {
    maxLength: longest,
  });
  return fc.tuple(shape, seed, steps).map(([extents, inputSeed, chosen]) => {
    const sketch = new Sketch();
    sketch.input(extents, inputSeed);
    for (const step of chosen) {
      const { kind } = step;
      if (isAwkward(kind)) awkward[kind](sketch, step);
      // Clips start at 0, where neurons take their place: the others have no spiking form.
      else sketch.take({ ...step, kind, a: kind === "clip" ? 0 : step.a });
    }
    sketch.add("ann.relu", {});
    sketch.take({ kind: "linear", a: 0, b: 2, c: 0, seed: inputSeed });
    const module = sketch.finish("convertible", { properties: new Set(["batchnorm-free"]) });
    const samples = Array.from({ length: count }, (_, s) =>
      sketch.inputs.map(({ type }, i) =>
        tensorOf(
          type.dtype,
          type.shape,
          Array.from(
            { length: elementCount(type.shape) },
            (_, k) => Math.round(uniform(inputSeed, s, i, k) * 16 - 8) / 8,
          ),
        ),
      ),
    );
    const text = (): string => printModule(module);
    return Object.defineProperty({ module, samples }, fc.toStringMethod, { value: text });
  });
}

/** Samples held in memory. */
export function sourceOf(samples: readonly (readonly Tensor[])[]): SampleSource {
  return { count: samples.length, get: (index) => known(samples[index], `sample ${index}`) };
}

/** The spiking network by these passes, and the analogue one it came from. */
export async function converted(
  module: Module,
  samples: SampleSource | Calibration | null,
  passes: string,
  timesteps = 8,
): Promise<{ readonly snn: Module; readonly ann: Module; readonly codes: readonly string[] }> {
  const running = { engine: interpretEngine, threads: 1 };
  const options = { timesteps, pipeline: passes, seed: 0 };
  const conversion = await convert(module, samples, running, options);
  return {
    snn: conversion.module,
    ann: known(conversion.reference, "a reference"),
    codes: conversion.diagnostics.map((d) => d.code),
  };
}
