/** Two-layer networks small enough to work out by hand, as ANN and as SNN with the same value ids. */
import { Builder } from "../../ir/build.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";

export interface Layer {
  /** Row-major, [out, in]. */
  readonly weight: readonly (readonly number[])[];
  /** One per neuron, or one for all. Not used by the ANN. */
  readonly threshold: readonly number[];
  readonly vInit: readonly number[];
}

/** Linear layers with ReLUs between and behind them, and a linear output of `readout` weights. */
export function network(
  kind: "ann" | "snn",
  layers: readonly Layer[],
  readout: readonly (readonly number[])[],
): Module {
  const b = new Builder();
  const loc = (name: string): ReturnType<typeof sourceLoc> => sourceLoc("t.onnx", name, "Op");
  const inputs = layers[0]?.weight[0]?.length ?? 0;
  let value = b.input("x", real("f32", [1, inputs]), loc("x"));
  const linear = (weight: readonly (readonly number[])[], name: string): void => {
    const shape = [weight.length, weight[0]?.length ?? 0];
    const ref = b.tensor(`${name}.weight`, tensorOf("f32", shape, weight.flat()));
    value = b.add("ann.linear", [value], { weight: ref, bias: null }, loc(name));
  };
  layers.forEach((layer, i) => {
    linear(layer.weight, `fc${i}`);
    const name = `relu${i}`;
    if (kind === "ann") {
      value = b.add("ann.relu", [value], {}, loc(name));
      return;
    }
    const parameter = (values: readonly number[]): string =>
      b.tensor(name, tensorOf("f32", values.length === 1 ? [] : [1, values.length], values));
    const threshold = parameter(layer.threshold);
    const vInit = parameter(layer.vInit);
    const attrs = { threshold, vInit, amplitude: threshold, reset: "subtract" } as const;
    value = b.add("snn.if", [value], attrs, loc(name));
  });
  linear(readout, "out");
  if (kind === "snn") value = b.add("snn.readout", [value], { start: 0 }, loc("out"));
  return b.finish({
    name: "t",
    code: kind === "ann" ? "none" : "rate",
    timesteps: kind === "ann" ? 1 : 8,
    outputs: [{ name: "y", value }],
  });
}

/** Samples of shape [1, features]. */
export function samplesOf(rows: readonly (readonly number[])[]): SampleSource {
  return {
    count: rows.length,
    get: (index) => [tensorOf("f32", [1, rows[index]?.length ?? 0], rows[index] ?? [])],
  };
}
