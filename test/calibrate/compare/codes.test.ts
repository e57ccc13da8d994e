/** Networks of every code are compared with the ANN layer by layer, in the ANN's own unit. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { type Comparison, compare } from "../../../calibrate/compare.ts";
import { Builder } from "../../../ir/build.ts";
import type { Engine, SampleSource } from "../../../ir/executable.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";

const width = 6;

/** Linear layers of `width` with a ReLU behind the first and the last and a GELU between. */
function network(activations: readonly ("ann.relu" | "ann.gelu")[]): Module {
  const b = new Builder();
  const loc = (name: string): ReturnType<typeof sourceLoc> => sourceLoc("t.onnx", name, "Op");
  let value = b.input("x", real("f32", [1, width]), loc("x"));
  activations.forEach((kind, i) => {
    const numbers = (count: number, part: number, size: number): number[] =>
      Array.from({ length: count }, (_, k) => size * (uniform(3, i, part, k) - 0.5));
    const weight = b.tensor("w", tensorOf("f32", [width, width], numbers(width ** 2, 0, 1.6)));
    const bias = b.tensor("b", tensorOf("f32", [width], numbers(width, 1, 0.4)));
    value = b.add("ann.linear", [value], { weight, bias }, loc(`fc${i}`));
    value =
      kind === "ann.relu"
        ? b.add(kind, [value], {}, loc(`act${i}`))
        : b.add(kind, [value], { approximate: "none" }, loc(`act${i}`));
  });
  const weight = b.tensor(
    "v",
    tensorOf(
      "f32",
      [3, width],
      Array.from({ length: 18 }, (_, k) => Math.sin(k)),
    ),
  );
  value = b.add("ann.linear", [value], { weight, bias: null }, loc("out"));
  return b.finish({ name: "t", outputs: [{ name: "y", value }] });
}

const samples: SampleSource = {
  count: 24,
  get: (index) => [
    tensorOf(
      "f32",
      [1, width],
      Array.from({ length: width }, (_, k) => 2 * uniform(5, index, k, 0) - 1),
    ),
  ],
};

async function compared(
  ann: Module,
  pipeline: string,
  timesteps: number,
  engine: Engine = interpretEngine,
): Promise<Comparison> {
  const running = { engine: interpretEngine, threads: 1 };
  const { module, reference } = await convert(ann, samples, running, { timesteps, pipeline });
  if (reference === null) throw new Error("nothing converted");
  const left = await engine.load(reference, { threads: 1 });
  const right = await engine.load(module, { threads: 1 });
  const found = await compare(left, right, samples, { timesteps });
  await left.close();
  await right.close();
  return found;
}

const pipelines = [
  ["rate", 16],
  ["signed-rate", 16],
  ["burst", 4],
  ["low-latency", 4],
  ["canonical,convert-differential{schedule=reciprocal,alphabet=power},balance-max", 8],
  ["few-spikes", 8],
  ["ttfs", 63],
  ["exact", 4],
] as const;

describe.each(pipelines)("pipeline %s", (pipeline, timesteps) => {
  it("has a first layer that does what its neurons do of a value given throughout", async () => {
    const { layers, diagnostics } = await compared(network(["ann.relu"]), pipeline, timesteps);
    expect(diagnostics).toEqual([]);
    const error = layers[0]?.error;
    expect(error?.inherited).toBeLessThan(1e-9);
    expect(error?.unevenness).toBeLessThan(1e-9);
    expect(error?.total).toBeLessThan(0.02);
    expect(layers[0]?.correlation).toBeGreaterThan(0.99);
    expect(layers[0]?.firingRate).toBeGreaterThan(0);
  });

  it("has small errors behind it too", async () => {
    const ann = network(["ann.relu", "ann.relu", "ann.relu"]);
    const { layers, diagnostics } = await compared(ann, pipeline, timesteps);
    expect(diagnostics).toEqual([]);
    expect(layers.map(({ name }) => name)).toEqual(["act0", "act1", "act2"]);
    for (const { error, correlation } of layers) {
      expect(error?.total).toBeLessThan(
        pipeline === "rate" || pipeline === "signed-rate" ? 0.2 : 0.02,
      );
      expect(correlation).toBeGreaterThan(0.8);
      // Biases are a part of what neurons start from: counted twice, they would show in every part.
      expect(error?.quantisation).toBeLessThan(0.01);
    }
  });
});

describe("neurons of values of either sign", () => {
  const ann = network(["ann.relu", "ann.gelu", "ann.relu"]);

  it("are compared with the decoded value", async () => {
    const { layers, diagnostics } = await compared(ann, "low-latency", 6);
    expect(diagnostics).toEqual([]);
    expect(layers.map(({ name }) => name)).toEqual(["act0", "act1", "act2"]);
    for (const { error } of layers) expect(error?.total).toBeLessThan(1e-3);
  });

  it.each([
    ["few-spikes", 8],
    ["ttfs", 255],
  ] as const)("are two in %s code, one for each part", async (pipeline, timesteps) => {
    const { layers, diagnostics } = await compared(ann, pipeline, timesteps);
    expect(diagnostics).toEqual([]);
    const names = ["act0", "act1 (+)", "act1 (−)", "act2"];
    expect(layers.map(({ name }) => name)).toEqual(names);
    for (const { error } of layers) expect(error?.total).toBeLessThan(1e-3);
  });

  it("are the same on the engine that computes frames as wholes", async () => {
    for (const [pipeline, timesteps] of [
      ["few-spikes", 8],
      ["low-latency", 4],
    ] as const) {
      const wanted = await compared(ann, pipeline, timesteps);
      const found = await compared(ann, pipeline, timesteps, wasmEngine);
      found.layers.forEach((layer, i) => {
        const other = wanted.layers[i];
        expect(layer.firingRate).toBeCloseTo(other?.firingRate ?? NaN, 6);
        expect(layer.error?.total).toBeCloseTo(other?.error?.total ?? NaN, 6);
      });
    }
  });
});
