/** Fitting whole networks: less error than thresholds alone give, whatever the order of the samples. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../../backends/typed/single.ts";
import { DiagnosticError, known } from "../../../../ir/diagnostic.ts";
import { Builder } from "../../../../ir/build.ts";
import type { SampleSource } from "../../../../ir/executable.ts";
import { type Module, opsOf } from "../../../../ir/module.ts";
import type { ValueId } from "../../../../ir/op.ts";
import { uniform } from "../../../../ir/random.ts";
import { type Shape, elementCount, real } from "../../../../ir/type.ts";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import { evaluatePair } from "../../../../library/assess.ts";
import { convert } from "../../../../library/convert.ts";
import { loc } from "../../../ir/one-op.ts";

const running = { engine: singleThreadEngine, threads: 1 };

function noise(shape: Shape, key: number, scale: number): Tensor {
  const count = elementCount(shape);
  const values = Array.from({ length: count }, (_, i) => scale * (2 * uniform(key, i, 0, 0) - 1));
  return tensorOf("f32", shape, values);
}

/** A convolution, a block with a shortcut, a strided depthwise convolution, and a read-out. */
function network(): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 2, 6, 6]), loc);
  const conv = (value: ValueId, outputs: number, inputs: number, groups: number, step: number) => {
    const key = builder.ops.length;
    const attrs = {
      weight: builder.tensor("w", noise([outputs, inputs / groups, 3, 3], key, 0.6)),
      bias: builder.tensor("b", noise([outputs], key + 100, 0.2)),
      groups,
      strides: [step, step],
      padsBegin: [1, 1],
      padsEnd: [1, 1],
      dilations: [1, 1],
    };
    return builder.add("ann.conv", [value], attrs, loc);
  };
  const relu = (value: ValueId) => builder.add("ann.relu", [value], {}, loc);
  const first = relu(conv(x, 6, 2, 1, 1));
  const inner = relu(conv(first, 6, 6, 1, 1));
  const block = relu(builder.add("ann.add", [conv(inner, 6, 6, 1, 1), first], {}, loc));
  const strided = relu(conv(block, 6, 6, 6, 2));
  const flat = builder.add("ann.reshape", [strided], { shape: [1, 54] }, loc);
  const weight = builder.tensor("fc", noise([5, 54], 77, 0.4));
  const value = builder.add("ann.linear", [flat], { weight, bias: null }, loc);
  return builder.finish({ name: "m", outputs: [{ name: "y", value }] });
}

function samples(count: number, order: (index: number) => number = (i) => i): SampleSource {
  return { count, get: (index) => [noise([1, 2, 6, 6], 1000 + order(index), 1)] };
}

const timesteps = 6;

async function errorOf(pipeline: string): Promise<number> {
  const { module, reference } = await convert(network(), samples(256), running, {
    timesteps,
    pipeline,
  });
  const test = { samples: samples(40, (i) => 5000 + i), labels: null };
  const { snn } = await evaluatePair(
    known(reference, "a reference"),
    module,
    test,
    running,
    timesteps,
  );
  return known(snn.relativeLogitError?.at(-1), "an error");
}

describe("fit-layers", () => {
  it("leaves less error than thresholds do", async () => {
    const signed = "canonical,convert-activations{sign=retract}";
    const thresholds = await errorOf(`${signed},balance-mmse`);
    const biases = await errorOf(`${signed},fit-layers{weights=false}`);
    const all = await errorOf(`${signed},fit-layers`);
    expect(biases).toBeLessThan(thresholds);
    expect(all).toBeLessThan(thresholds);
  });

  it("does not hang on the order of the samples", async () => {
    const options = { timesteps, pipeline: "binary" };
    const one = await convert(network(), samples(20), running, options);
    const other = await convert(
      network(),
      samples(20, (i) => 19 - i),
      running,
      options,
    );
    expect(other.module.tensors).toEqual(one.module.tensors);
    expect(one.diagnostics.map(({ code }) => code)).toContain("few-samples-to-fit");
  });

  it("changes nothing but parameters", async () => {
    const options = { timesteps, pipeline: "binary" };
    const { module } = await convert(network(), samples(80), running, options);
    expect(module.code).toBe("signed-rate");
    expect(opsOf(module, "snn.graded")).toHaveLength(4);
    expect(opsOf(module, "ann.conv")).toHaveLength(4);
  });

  it("says so where there is nothing to fit to", async () => {
    const pipeline = "canonical,convert-activations,fit-layers";
    await expect(convert(network(), null, running, { timesteps, pipeline })).rejects.toThrow(
      DiagnosticError,
    );
  });
});
