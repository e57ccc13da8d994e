/** A small residual network on random weights, random samples of it, and what a pipeline loses on it. */
import { singleThreadEngine } from "../../../../backends/typed/single.ts";
import { Builder } from "../../../../ir/build.ts";
import { known } from "../../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../../ir/executable.ts";
import type { Module } from "../../../../ir/module.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { uniform } from "../../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../../ir/type.ts";
import { evaluatePair } from "../../../../library/assess.ts";
import { convert } from "../../../../library/convert.ts";
import { loc } from "../../../ir/one-op.ts";

export const running = { engine: singleThreadEngine, threads: 1 };

function noise(shape: Shape, key: number, scale: number): Tensor {
  const count = elementCount(shape);
  const values = Array.from({ length: count }, (_, i) => scale * (2 * uniform(key, i, 0, 0) - 1));
  return tensorOf("f32", shape, values);
}

/** A convolution, a block with a shortcut, a strided depthwise convolution, and a read-out. */
export function network(): Module {
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

export function samples(count: number, order: (index: number) => number = (i) => i): SampleSource {
  return { count, get: (index) => [noise([1, 2, 6, 6], 1000 + order(index), 1)] };
}

const errors = new Map<string, Promise<number>>();

/**
 * The relative squared error of the outputs on samples that were not seen, where so many others were
 * calibrated on. Several tests ask for the same.
 */
export function errorOf(pipeline: string, timesteps: number, calibrated = 256): Promise<number> {
  const key = `${calibrated} ${timesteps} ${pipeline}`;
  const error = errors.get(key) ?? measured(pipeline, timesteps, calibrated);
  errors.set(key, error);
  return error;
}

async function measured(pipeline: string, timesteps: number, calibrated: number): Promise<number> {
  const options = { timesteps, pipeline };
  const { module, reference } = await convert(network(), samples(calibrated), running, options);
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
