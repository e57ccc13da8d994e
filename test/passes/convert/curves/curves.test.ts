/**
 * Networks whose activations are no ReLUs, in every code that carries them: on decoded values, and by
 * few-spikes neurons fitted to them. Random weights of the size that training starts from.
 */
import { describe, expect, it } from "vitest";
import { singleThreadWasmEngine } from "../../../../backends/wasm/runtime/single.ts";
import { Builder } from "../../../../ir/build.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { SampleResult } from "../../../../ir/executable.ts";
import { interpret } from "../../../../ir/interpret.ts";
import { sourceLoc } from "../../../../ir/loc.ts";
import { type Module, answersOf, opsOf } from "../../../../ir/module.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { uniform } from "../../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import { real } from "../../../../ir/type.ts";
import { verify } from "../../../../ir/verify.ts";
import { argmax } from "../../../../calibrate/tasks/decisions.ts";
import { converted, sourceOf } from "../networks.ts";

const loc = sourceLoc("t.onnx", "act", "Op");
type Activation = (b: Builder, x: ValueId) => ValueId;

const activations: Readonly<Record<string, Activation>> = {
  LeakyReLU: (b, x) => b.add("ann.leaky-relu", [x], { alpha: 0.1 }, loc),
  ReLU6: (b, x) => b.add("ann.clip", [x], { min: 0, max: 6 }, loc),
  sigmoid: (b, x) => b.add("ann.sigmoid", [x], {}, loc),
  tanh: (b, x) => b.add("ann.tanh", [x], {}, loc),
  ELU: (b, x) => b.add("ann.elu", [x], { alpha: 1 }, loc),
  "hard-swish": (b, x) => b.add("ann.hard-swish", [x], {}, loc),
  GELU: (b, x) => b.add("ann.gelu", [x], { approximate: "none" }, loc),
  SiLU: (b, x) => b.add("ann.mul", [x, b.add("ann.sigmoid", [x], {}, loc)], {}, loc),
  PReLU: (b, x) => {
    const slope = b.tensor("slope", tensorOf("f32", [1], [0.25]));
    return b.add("ann.prelu", [x], { slope }, loc);
  },
};

const [features, width, classes] = [8, 24, 5];

/** Layers with this activation, and an output of five classes. */
function network(activate: Activation, layers = 3): Module {
  const b = new Builder();
  let value = b.input("x", real("f32", [1, features]), loc);
  const linear = (inputs: number, outputs: number, layer: number): void => {
    const bell = (k: number, part: number): number =>
      [0, 1, 2].reduce((sum, i) => sum + uniform(11, layer, k, 3 * part + i), -1.5) * 2;
    const many = (count: number, part: number, size: number): number[] =>
      Array.from({ length: count }, (_, k) => size * bell(k, part));
    const shape = [outputs, inputs];
    const weights = many(inputs * outputs, 0, Math.sqrt(2 / inputs));
    const weight = b.tensor("w", tensorOf("f32", shape, weights));
    const bias = b.tensor("b", tensorOf("f32", [outputs], many(outputs, 1, 0.2)));
    value = b.add("ann.linear", [value], { weight, bias }, loc);
  };
  for (let layer = 0; layer < layers; layer++) {
    linear(layer === 0 ? features : width, width, layer);
    value = activate(b, value);
  }
  linear(width, classes, layers);
  return b.finish({
    name: "curves",
    outputs: [{ name: "y", value }],
    properties: new Set(["batchnorm-free"]),
  });
}

const samples = Array.from({ length: 100 }, (_, s): readonly Tensor[] => [
  tensorOf(
    "f32",
    [1, features],
    Array.from({ length: features }, (_, k) => 4 * uniform(7, s, k, 0) - 2),
  ),
]);
const calibration = sourceOf(samples);

interface Quality {
  readonly agreement: number;
  readonly relativeError: number;
}

/** On the engine that computes frames as wholes, which does not take longer for finer time. */
async function compared(ann: Module, snn: Module, timesteps: number): Promise<Quality> {
  const found: Float32Array[] = [];
  const executable = await singleThreadWasmEngine.load(snn, { threads: 1 });
  const keep = ({ outputs: [y] }: SampleResult): number => found.push(known(y, "an output"));
  await executable.run(calibration, { timesteps: answersOf(snn, timesteps) }, keep);
  await executable.close();
  let [agreeing, error, power] = [0, 0, 0];
  samples.forEach((sample, s) => {
    const wanted = known(interpret(ann, sample, { timesteps: 1 }).outputs[0], "an output");
    const now = known(found[s], "a result").subarray(-classes);
    if (argmax(wanted, 0, classes) === argmax(now, 0, classes)) agreeing++;
    wanted.forEach((y, i) => {
      error += (y - (now[i] ?? NaN)) ** 2;
      power += y * y;
    });
  });
  return { agreement: agreeing / samples.length, relativeError: Math.sqrt(error / power) };
}

/** A kind each in several layers, whose errors meet: bounded, with a corner, and with a minimum. */
const fittedThrice = ["sigmoid", "LeakyReLU", "GELU"];

describe.each(Object.entries(activations))("a network of %s", (name, activate) => {
  const module = network(activate);

  it.each([
    ["convert-differential,balance-max", 8],
    ["convert-few-spikes,balance-max", 10],
    ["convert-ttfs,balance-max", 1023],
    ["convert-ttfs{resolution=continuous},balance-max{headroom=1,scope=layer}", 15],
  ])("answers as the analogue one by %s", async (passes, timesteps) => {
    const { snn, ann } = await converted(module, calibration, passes, timesteps);
    expect(verify(snn)).toEqual([]);
    // Three layers of spikes, the first included, though its activations do not change over time.
    expect(opsOf(snn, "snn.graded", "snn.few-spikes", "snn.ttfs").length).toBeGreaterThanOrEqual(3);
    const { agreement, relativeError } = await compared(ann, snn, timesteps);
    expect(agreement).toBeGreaterThanOrEqual(0.99);
    expect(relativeError).toBeLessThan(0.01);
  });

  it("answers nearly as the analogue one by neurons fitted to its activations", async () => {
    const passes = "convert-few-spikes{activations=fitted},balance-max";
    const layers = fittedThrice.includes(name) ? 3 : 1;
    const one = network(activate, layers);
    const { snn, ann, codes } = await converted(one, calibration, passes, 16);
    expect(verify(snn)).toEqual([]);
    expect(codes).toEqual(name === "ReLU6" ? [] : ["activations-fitted"]);
    // One neuron for each activation, and nothing else that is not linear.
    const kinds = new Set(snn.ops.map((op) => op.kind));
    kinds.delete("ann.input");
    expect([...kinds].sort()).toEqual([
      "ann.affine",
      "ann.linear",
      "snn.accumulate",
      "snn.difference",
      "snn.few-spikes",
    ]);
    expect(opsOf(snn, "snn.few-spikes")).toHaveLength(layers);
    const { agreement, relativeError } = await compared(ann, snn, 16);
    expect(agreement).toBeGreaterThanOrEqual(0.95);
    expect(relativeError).toBeLessThan(0.05);
  });
});
