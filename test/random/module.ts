/**
 * Random well-typed networks with a random sample each, for laws that hold of every network. They
 * shrink to fewer and simpler steps, and print as text.
 */
import { inputTensors } from "./inputs.ts";
import { Sketch, type Step, type StepKind } from "./sketch.ts";
import fc from "fast-check";
import { type Module, producerOf } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import { printModule } from "../../ir/text/print.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";

export interface RandomNetwork {
  readonly module: Module;
  /** A value for each input, in order. */
  readonly inputs: readonly Tensor[];
}

/**
 * What both kinds of network are made of: linear in each operand, or moves. A step is named as
 * often as it is to be likely.
 */
const sharedSteps: readonly StepKind[] = [
  "conv",
  "conv",
  "conv",
  "conv-transpose",
  "linear",
  "affine",
  "identity",
  "neg",
  "average-pool",
  "mean",
  "residual",
  "broadcast",
  "broadcast",
  "broadcast",
  "second-input",
  "constant",
  "concat",
  "flatten",
  "image",
  "transpose",
  "pad",
  "slice",
  "gather",
];

const annSteps: readonly StepKind[] = [
  ...sharedSteps,
  "batchnorm",
  "relu",
  "relu",
  "leaky-relu",
  "soft-lif",
  "clip",
  "sigmoid",
  "max-pool",
  "max-pool",
  "softmax",
];

const spikingSteps: readonly StepKind[] = [
  ...sharedSteps,
  "neuron",
  "neuron",
  "neuron",
  "spiking-max-pool",
  "spiking-max-pool",
];

/** All kinds of neurons and what goes with them. */
const temporalSteps: readonly StepKind[] = [
  ...spikingSteps,
  "graded",
  "graded",
  "graded",
  "graded",
  "graded",
  "lif",
  "temporal-bias",
  "temporal-bias",
  "low-pass",
  "increments",
  "events",
  "events",
  "encoder",
  "encoder",
];

/** What goes into codes whose neurons take frames as wholes: nothing that is added at each timestep. */
const movesAndWeights: readonly StepKind[] = [
  "weights",
  "weights",
  "neg",
  "concat",
  "flatten",
  "image",
  "transpose",
  "pad",
  "slice",
  "gather",
  "identity",
];

const choice = fc.nat({ max: 7 });
const seed = fc.nat({ max: 999 });
const image = fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 3 }), size(), size());
const shape: fc.Arbitrary<Shape> = fc.oneof(
  { weight: 3, arbitrary: image },
  fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 8 })),
  fc.tuple(fc.constant(1), fc.integer({ min: 1, max: 3 }), size()),
);

function size(): fc.Arbitrary<number> {
  return fc.integer({ min: 1, max: 6 });
}

function stepsOf(kinds: readonly StepKind[], longest: number): fc.Arbitrary<readonly Step[]> {
  const kind = fc.constantFrom(...kinds);
  return fc.array(fc.record({ kind, a: choice, b: choice, c: choice, seed }), {
    maxLength: longest,
  });
}

/** Networks before conversion, of at most about `longest` ops. */
export function annNetworks(longest = 8): fc.Arbitrary<RandomNetwork> {
  return fc.tuple(shape, seed, stepsOf(annSteps, longest)).map(([extents, inputSeed, steps]) => {
    const sketch = new Sketch();
    sketch.input(extents, inputSeed);
    for (const step of steps) sketch.take(step);
    return printable({ module: sketch.finish("random", {}), inputs: inputTensors(sketch) });
  });
}

/** Networks in rate code: neurons, pools of spikes, and a read-out at the end. */
export function spikingNetworks(longest = 8): fc.Arbitrary<RandomNetwork> {
  return overTime(spikingSteps, longest);
}

/** The same with neurons of all kinds, and ops that look across timesteps. */
export function temporalNetworks(longest = 10): fc.Arbitrary<RandomNetwork> {
  return overTime(temporalSteps, longest);
}

/** The same with values that come back timesteps later. */
export function recurrentNetworks(longest = 10): fc.Arbitrary<RandomNetwork> {
  return overTime([...temporalSteps, ...feedback], longest).filter(comesBack);
}

/** Networks before conversion whose inputs change over time, and in which values come back. */
export function streamingNetworks(longest = 8): fc.Arbitrary<RandomNetwork> {
  const steps = stepsOf([...annSteps, ...feedback], longest);
  return fc
    .tuple(shape, seed, steps, fc.integer({ min: 1, max: 8 }))
    .map(([extents, inputSeed, all, timesteps]) => {
      const sketch = new Sketch();
      sketch.inputOverTime(real("f32", extents), inputSeed, timesteps);
      for (const step of all) sketch.take(step);
      return printable({
        module: sketch.finish("random-stream", { timesteps }),
        inputs: inputTensors(sketch),
      });
    })
    .filter(comesBack);
}

const feedback: readonly StepKind[] = ["recall", "recall", "recall", "recall"];

function comesBack({ module }: RandomNetwork): boolean {
  return module.carries.length > 0;
}

/** Networks of few spikes, or of first ones. */
export function framedNetworks(longest = 8): fc.Arbitrary<RandomNetwork> {
  const code = fc.constantFrom("few-spikes" as const, "ttfs" as const);
  const steps = code.chain((each) => stepsOf([...movesAndWeights, each, each, each], longest));
  const ticks = fc.integer({ min: 1, max: 12 });
  return fc
    .tuple(shape, seed, code, steps, ticks, choice)
    .map(([extents, inputSeed, chosen, all, timesteps, last]) => {
      const sketch = new Sketch();
      sketch.input(extents, inputSeed);
      const end = { a: last, b: last, c: last, seed: inputSeed };
      sketch.take({ ...end, kind: chosen });
      // Steps may have been drawn for the other code.
      for (const step of all) {
        const isOther =
          step.kind !== chosen && (step.kind === "ttfs" || step.kind === "few-spikes");
        sketch.take(isOther ? { ...step, kind: chosen } : step);
      }
      sketch.take({ ...end, kind: chosen });
      sketch.take({ ...end, kind: "weights" });
      sketch.add("snn.accumulate", {});
      const module = sketch.finish("random-framed", {
        code: chosen,
        timesteps,
        properties: new Set(["spiking"]),
      });
      return printable({ module, inputs: inputTensors(sketch) });
    })
    .filter(({ module }) => verify(module).length === 0);
}

function overTime(kinds: readonly StepKind[], longest: number): fc.Arbitrary<RandomNetwork> {
  const timesteps = fc.integer({ min: 1, max: 12 });
  return fc
    .tuple(shape, seed, stepsOf(kinds, longest), timesteps, choice)
    .map(([extents, inputSeed, steps, duration, last]) => {
      const sketch = new Sketch();
      sketch.input(extents, inputSeed);
      for (const step of steps) sketch.take(step);
      const neuron = { kind: "neuron", a: last, b: 0, c: 0, seed: inputSeed } as const;
      if (sketch.type.domain === "real") sketch.take(neuron);
      sketch.add("snn.readout", { start: last % 3 });
      if (last > 5) sketch.take({ ...neuron, kind: "softmax" });
      const module = sketch.finish("random-spiking", {
        code: "rate",
        timesteps: duration,
        properties: new Set(["spiking"]),
      });
      return printable({ module, inputs: inputTensors(sketch) });
    });
}

/** Networks of both kinds. */
export function networks(longest = 8): fc.Arbitrary<RandomNetwork> {
  return fc.oneof(annNetworks(longest), spikingNetworks(longest));
}

/**
 * Whether a spiking network divides by powers of two only: its sums are exact in float32 however they
 * are ordered, so that no spike hangs on a rounding.
 */
export function exactOnes({ module }: RandomNetwork): boolean {
  return module.ops.every((op) => {
    const [operand] = op.inputs;
    if (operand === undefined || !isOp(op, "ann.average-pool", "ann.reduce-mean")) return true;
    const from = elementCount(producerOf(module, operand).type.shape);
    return isOp(op, "ann.average-pool")
      ? op.attrs.kernel.every((extent) => extent !== 3)
      : Number.isInteger(Math.log2(from / elementCount(op.type.shape)));
  });
}

/** What fast-check shows of a counterexample: its text. */
function printable(network: RandomNetwork): RandomNetwork {
  const text = (): string => printModule(network.module);
  return Object.defineProperty(network, fc.toStringMethod, { value: text });
}
