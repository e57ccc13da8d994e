/**
 * Calibration sets that no network was trained for: none, all zeros, the largest floats, NaN, ±Inf, a
 * single sample. Every pipeline makes a network of finite numbers, or says what is wrong.
 */
import { describe, expect, it } from "vitest";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { sourceLoc } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import type { Op } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { convert } from "../../library/convert.ts";
import { pipelines } from "../../passes/index.ts";
import { images, network, running } from "./network.ts";

/** Two samples whose pixels are these, over and over. */
function filled(...values: readonly number[]): SampleSource {
  const pixels = (from: number) =>
    Array.from({ length: 16 }, (_, k) => values[(k + from) % values.length] ?? 0);
  return { count: 2, get: (index) => [tensorOf("f32", [1, 1, 4, 4], pixels(index))] };
}

/**
 * ReLU, a layer with small weights, ReLU, a layer: nothing overflows in it, whatever the image. Where
 * `second` is given, all weights are alike, and those of the second channel are this.
 */
function shrinking(second: number | null = null): Module {
  const b = new Builder();
  const loc = (name: string) => sourceLoc("net.onnx", `/${name}`, name);
  const image = b.input("image", real("f32", [1, 1, 4, 4]), loc("image"));
  const seen = b.add("ann.relu", [image], {}, loc("seen"));
  const flat = b.add("ann.reshape", [seen], { shape: [1, 16] }, loc("flat"));
  const small = Array.from({ length: 32 }, (_, k) => {
    if (second === null) return ((k % 5) - 2) / 64;
    return k < 16 ? 1 / 64 : second;
  });
  const weight = b.tensor("first", tensorOf("f32", [2, 16], small));
  const inner = b.add("ann.linear", [flat], { weight, bias: null }, loc("inner"));
  const act = b.add("ann.relu", [inner], {}, loc("act"));
  const last = b.tensor("last", tensorOf("f32", [2, 2], [0.5, -0.25, 0.25, 0.5]));
  const y = b.add("ann.linear", [act], { weight: last, bias: null }, loc("outer"));
  return b.finish({ name: "net", outputs: [{ name: "scores", value: y }] });
}

/** Whether a step of graded neurons, a share of their threshold, is 0 as a float32. */
function hasZeroStep(module: Module, op: Op): boolean {
  if (op.kind !== "snn.graded" || op.attrs.shares === null) return false;
  const { data } = tensorAt(module, op.attrs.threshold);
  const shares = tensorAt(module, op.attrs.shares).data;
  return shares.some((share, i) => Math.fround(share * (data[i % data.length] ?? 0)) === 0);
}

interface Outcome {
  /** Codes of what was said. */
  readonly codes: readonly string[];
  readonly converted: boolean;
  /** What must not be: another error, a broken module, numbers that are not finite. */
  readonly faults: readonly string[];
}

async function outcomeOf(
  module: Module,
  samples: SampleSource,
  pipeline: string,
): Promise<Outcome> {
  try {
    const made = await convert(module, samples, running, { pipeline, timesteps: 2 });
    const codes = made.diagnostics.map(({ code }) => code);
    const faults = verify(made.module).map(({ message }) => message);
    for (const [name, { data, dtype }] of made.module.tensors) {
      if (dtype === "f32" && !data.every(Number.isFinite)) faults.push(`${name} is not finite`);
    }
    for (const op of made.module.ops) if (hasZeroStep(made.module, op)) faults.push("a step of 0");
    return { codes, converted: true, faults };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) {
      return { codes: [], converted: false, faults: [String(error)] };
    }
    return { codes: error.diagnostics.map(({ code }) => code), converted: false, faults: [] };
  }
}

const largest = 3.4e38;
const converting = [...pipelines.keys()].filter((name) => name !== "canonical");

/** What each set ends in, by every pipeline: a network (null), or this code. */
const sets: readonly (readonly [string, SampleSource, string | null])[] = [
  ["0 samples", images(0), "calibration-empty"],
  ["zeros", filled(0), null],
  ["one sample", images(1), null],
  ["the largest floats", filled(largest, -largest), "range-beyond-float"],
  ["one of the largest floats", filled(0, largest, 1), "range-beyond-float"],
  ["the lowest float", filled(-largest), null],
  ["2e35", filled(2e35), null],
  ["1e-33", filled(1e-33), null],
  ["1e-44 beside 1", filled(1e-44, 1, 1e-44), null],
  ["NaN", filled(Number.NaN), "value-not-finite"],
  ["one NaN among numbers", filled(0.5, 1, Number.NaN, 0.25, -1), "value-not-finite"],
  ["Infinity", filled(Number.POSITIVE_INFINITY), "value-not-finite"],
];

describe("calibration", () => {
  it.each(sets)("on %s", async (_, samples, code) => {
    const module = shrinking();
    for (const pipeline of converting) {
      const outcome = await outcomeOf(module, samples, pipeline);
      expect({ pipeline, ...outcome }).toMatchObject({ converted: code === null, faults: [] });
      if (code !== null) expect(outcome.codes).toContain(code);
    }
  });

  it.each([
    [
      "numbers too small for parts of them",
      filled(1e-44, 3e-45),
      /range-beyond-float|dead-channels/,
    ],
    ["what overflows in the first layer", filled(largest), /value-not-finite/],
    [
      "-Infinity behind a rectifier",
      filled(1, Number.NEGATIVE_INFINITY),
      /value-not-finite|dead-channels/,
    ],
  ])("on %s is told", async (_, samples, codes) => {
    const module = codes.source === "value-not-finite" ? network({ hidden: 3 }) : shrinking();
    for (const pipeline of converting) {
      const outcome = await outcomeOf(module, samples, pipeline);
      expect({ pipeline, faults: outcome.faults }).toEqual({ pipeline, faults: [] });
      expect(outcome.codes.join()).toMatch(codes);
    }
  });

  it("leaves channels that are tiny beside others a threshold", async () => {
    const outcome = await outcomeOf(shrinking(), filled(1, 1e-40), "max");
    expect(outcome).toEqual({ codes: ["dead-channels"], converted: true, faults: [] });
  });

  it("leaves channels that are tiny beside others steps above 0, in every pipeline", async () => {
    for (const pipeline of converting) {
      const outcome = await outcomeOf(shrinking(2 ** -147), filled(1, 0.5, 0.25), pipeline);
      expect({ pipeline, ...outcome }).toMatchObject({ converted: true, faults: [] });
      // A neuron whose step is 0 computes 0 / 0.
      expect(outcome.codes).not.toContain("value-not-finite");
    }
  });
});
