/** Trained models in integers: every spike, potential and current is the same on both engines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { importOnnx } from "../../../frontend/onnx/import.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult, SampleSource } from "../../../ir/executable.ts";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { elementCount, isFloat } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import { breachesOf } from "../../../passes/properties.ts";
import { hasShared, shared } from "../../models/shared.ts";

const timesteps = 3;

/** Noise between 0 and 1 in the shape of the model's inputs. */
function noise(module: Module): SampleSource {
  const get = (index: number): Tensor[] =>
    inputsOf(module).map(({ type }, i) =>
      tensorOf(
        "f32",
        type.shape,
        Array.from({ length: elementCount(type.shape) }, (_, k) => uniform(1, index, i, k)),
      ),
    );
  return { count: 2, get };
}

async function run(engine: Engine, module: Module, samples: SampleSource): Promise<SampleResult> {
  const probes = module.ops.flatMap((op): Probe[] => {
    if (isFloat(op.type.dtype)) return [];
    const trace: Probe = { value: op.result, keep: "trace" };
    return op.kind === "snn.if" ? [trace, { value: op.result, keep: "state" }] : [trace];
  });
  const results: SampleResult[] = [];
  const executable = await engine.load(module, { threads: 1 });
  await executable.run({ ...samples, count: 1 }, { timesteps, probes }, (r) => results.push(r));
  return known(results[0], "a result");
}

describe.runIf(hasShared)("in integers", () => {
  it.each(["lenet_ccoltong", "verivital_avgpool", "vnn_resnet_2b", "mlperf_resnet8"])(
    "%s runs alike everywhere",

    async (name) => {
      const file = `${name}.onnx`;
      const ann = importOnnx(readFileSync(join(shared, "models", file)), { file }).module;
      const samples = noise(known(ann, file));
      const running = { engine: singleThreadEngine, threads: 1 };
      const { module } = await convert(known(ann, file), samples, running, {
        timesteps,
        pipeline: "integer",
      });
      expect(breachesOf(module, "integer")).toEqual([]);
      const wanted = await run(interpretEngine, module, samples);
      const found = await run(singleThreadEngine, module, samples);
      expect(found.spikes).toEqual(wanted.spikes);
      const differing = wanted.probes.filter((data, i) =>
        data.some((x, k) => x !== found.probes[i]?.[k]),
      );
      expect(differing).toHaveLength(0);
      expect(found.outputs).toEqual(wanted.outputs);
    },
  );
});
