/**
 * Random networks in integer mode with a random sample each: quantised input, i8 weights, i32
 * currents and potentials, i8 or i32 spikes, a float read-out. Within the bounds that `ir/analysis/bounds.ts`
 * proves, so that every engine must agree on them bit for bit.
 */
import { mostTicks, type StepKind, IntegerSketch, type Step } from "./integer-sketch.ts";
import fc from "fast-check";
import { printModule } from "../../ir/text/print.ts";
import { uniform } from "../../ir/random.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import type { RandomNetwork } from "./module.ts";

/** A step is named as often as it is to be likely. */
const likely: readonly StepKind[] = [
  "conv",
  "conv",
  "conv",
  "conv",
  "depthwise",
  "sum-pool",
  "conv-transpose",
  "linear",
  "linear",
  "affine",
  "neuron",
  "neuron",
  "neuron",
  "neuron",
  "graded",
  "graded",
  "graded",
  "lif",
  "lif",
  "temporal-bias",
  "max-pool",
  "max-pool",
  "residual",
  "residual",
  "concat",
  "pad",
  "slice",
  "flatten",
  "transpose",
];

/** What does not add at each timestep, and is no neuron of another code. */
const likelyInFrames = likely.filter(
  (kind) => !["neuron", "graded", "lif", "temporal-bias"].includes(kind),
);

const choice = fc.nat({ max: 7 });
const seed = fc.nat({ max: 999 });
const extent = fc.integer({ min: 1, max: 8 });
const shape: fc.Arbitrary<Shape> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 5 }), extent, extent),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 40 })) },
);

function stepsOf(kinds: readonly StepKind[], longest: number): fc.Arbitrary<readonly Step[]> {
  const kind = fc.constantFrom(...kinds);
  const step = fc.record({ kind, a: choice, b: choice, c: choice, seed });
  return fc.array(step, { minLength: Math.min(3, longest), maxLength: longest });
}

/** Integer networks of at most about `longest` ops between encoder and read-out. */
export function integerNetworks(longest = 12): fc.Arbitrary<RandomNetwork> {
  const timesteps = fc.integer({ min: 1, max: 40 });
  return fc
    .tuple(shape, seed, stepsOf(likely, longest), timesteps, choice)
    .map(([extents, inputSeed, chosen, duration, last]) => {
      const sketch = new IntegerSketch();
      const end = { a: last, b: last, c: last, seed: inputSeed };
      const to = last % 2 === 0 ? "i8" : "u8";
      sketch.input(extents, to);
      // Mostly spikes from early on: they are what engines have kernels for.
      if (last < 6) {
        sketch.take({ ...end, b: 3 + last, kind: extents.length === 4 ? "conv" : "linear" });
        sketch.take({ ...end, kind: "neuron" });
      }
      for (const each of chosen) sketch.take(each);
      // Whatever came out, it ends in neurons and weights behind them.
      if (sketch.type.domain === "real") {
        sketch.take({ ...end, kind: "linear" });
        sketch.take({ ...end, kind: "neuron" });
        sketch.take({ ...end, kind: "linear" });
      }
      return sampled(sketch.finish(duration, last % 3), extents, inputSeed, to);
    });
}

/** Integer networks of few spikes, or of first ones. */
export function integerFrames(longest = 10): fc.Arbitrary<RandomNetwork> {
  const code = fc.constantFrom("few-spikes" as const, "ttfs" as const);
  const steps = code.chain((own) =>
    fc.tuple(fc.constant(own), stepsOf([...likelyInFrames, own, own, own, own, own], longest)),
  );
  const ticks = fc.integer({ min: 1, max: mostTicks });
  return fc
    .tuple(shape, seed, steps, ticks, choice)
    .map(([extents, inputSeed, [own, chosen], timesteps, last]) => {
      const sketch = new IntegerSketch(own);
      const end = { a: last, b: last, c: last, seed: inputSeed };
      const weights = { ...end, kind: extents.length === 4 ? "conv" : "linear" } as const;
      const to = last % 2 === 0 ? "i8" : "u8";
      sketch.input(extents, to);
      sketch.take(weights);
      sketch.take({ ...end, kind: own });
      for (const each of chosen) sketch.take(each);
      sketch.take({ ...end, kind: own });
      sketch.take({ ...end, kind: "linear" });
      return sampled(sketch.finish(timesteps, 0), extents, inputSeed, to);
    })
    .filter(({ module }) => verify(module).length === 0);
}

/** The network with a sample; it prints as its text. */
function sampled(
  module: RandomNetwork["module"],
  extents: Shape,
  inputSeed: number,
  to: "i8" | "u8",
): RandomNetwork {
  const values = Array.from(
    { length: elementCount(extents) },
    (_, i) => uniform(inputSeed, i, 1, 0) * 4 - (to === "i8" ? 2 : 0),
  );
  const inputs: readonly Tensor[] = [tensorOf("f32", extents, values)];
  const text = (): string => printModule(module);
  return Object.defineProperty({ module, inputs }, fc.toStringMethod, { value: text });
}
