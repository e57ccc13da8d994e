/** What the canonical pipeline leaves of trained models: the ops that conversion knows, and moves. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { pipelines } from "../../passes/index.ts";
import { runPipeline } from "../../passes/manager.ts";
import { hasShared, shared } from "../models/shared.ts";

/** How many ops of each kind are left, inputs aside. */
const left: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // BatchNorm1d between reshapes is gone, and so are the reshapes.
  lenet_bn_ccoltong: { conv: 2, relu: 4, "max-pool": 2, reshape: 1, linear: 3, softmax: 1 },
  // Biases were added as constants of their own.
  mnist8_cntk: { conv: 2, relu: 2, "max-pool": 2, reshape: 1, linear: 1 },
  // Channels last: only the input's transpose is left, and the flatten's is in the weights.
  marabou_cifar_small: { transpose: 1, conv: 2, relu: 4, reshape: 1, linear: 3 },
  // Padding by nothing, and shortcuts that slice and pad.
  verivital_avgpool: { conv: 1, relu: 1, "average-pool": 1, reshape: 1, linear: 1 },
  akamaster_resnet20_bn: {
    conv: 19,
    relu: 19,
    add: 9,
    slice: 2,
    pad: 2,
    "average-pool": 1,
    reshape: 1,
    linear: 1,
  },
};

function kindsOf(module: Module): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const op of module.ops) {
    const kind = op.kind.replace(/^ann\./, "");
    if (kind !== "input") counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

describe.runIf(hasShared)("the canonical pipeline", () => {
  it.each(Object.entries(left))("leaves of %s what is needed", async (name, kinds) => {
    const file = `${name}.onnx`;
    const { module } = importOnnx(readFileSync(join(shared, "models", file)), { file });
    const steps = known(pipelines.get("canonical"), "canonical");
    const result = await runPipeline(known(module, file), steps);
    expect(kindsOf(result.module)).toEqual(kinds);
    expect((await runPipeline(result.module, steps)).module).toBe(result.module);
  });
});
