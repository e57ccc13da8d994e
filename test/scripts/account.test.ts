/**
 * A short run of the bar `account`: the simulator that was written from the docs beside the interpreter,
 * on the examples of docs/ir.md, on random networks, and on a converted model.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, SampleResult } from "../../ir/executable.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { convert } from "../../library/convert.ts";
import { tallyOf } from "../../scripts/verify/account/tally.ts";
import { differencesFrom } from "../../scripts/verify/account/witness.ts";
import { spikesOf } from "../../scripts/verify/graphs/compare.ts";
import { simulate } from "../../scripts/verify/account/simulator/simulate.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";
import { integerFrames, integerNetworks } from "../random/integer.ts";
import { framedNetworks, spikingNetworks, temporalNetworks } from "../random/module.ts";

const root = join(import.meta.dirname, "../..");

async function disagreements(module: Module, inputs: readonly Tensor[]) {
  const result = await runOn(interpretEngine, module, inputs, spikesOf(module));
  return differencesFrom(module, inputs, result);
}

/** Numbers from −1 to 1 that are sums of few powers of two. */
function inputsFor(module: Module): readonly Tensor[] {
  return inputsOf(module).map(({ type: { dtype, shape } }) => {
    const numbers = Array.from({ length: elementCount(shape) }, (_, i) => ((i * 37) % 65) / 32 - 1);
    return tensorOf(dtype, shape, numbers);
  });
}

describe("the simulator of the docs", () => {
  it("agrees with the interpreter on the examples of the docs", async () => {
    const page = await readFile(join(root, "docs/ir.md"), "utf8");
    const texts = [...page.matchAll(/```text\n(module @[^]*?)```/g)].map(([, text]) => text);
    expect(texts.length).toBeGreaterThan(3);
    for (const text of texts) {
      const module = parseModule(known(text, "an example"), { file: "docs/ir.md" });
      expect(await disagreements(module, inputsFor(module))).toEqual([]);
    }
  });

  it("agrees with the interpreter on random networks", async () => {
    const arbitraries = {
      spiking: spikingNetworks(),
      temporal: temporalNetworks(),
      framed: framedNetworks(),
      integers: integerNetworks(),
      frames: integerFrames(),
    };
    for (const [name, arbitrary] of Object.entries(arbitraries)) {
      for (const { module, inputs } of fc.sample(arbitrary, { numRuns: 6, seed: 11 })) {
        const found = await disagreements(module, inputs);
        expect(found, `${name}\n${printModule(module)}`).toEqual([]);
      }
    }
  });

  it.each(["sparse", "integer"])("agrees on the digits, converted by %s", async (pipeline) => {
    const bytes = await readFile(join(root, "examples/digits/digits.onnx"));
    const ann = known(importOnnx(bytes, { file: "digits.onnx" }).module, "a module");
    const samples = { count: 2, get: () => inputsFor(ann) };
    const running = { engine: singleThreadEngine, threads: 1 };
    const { module } = await convert(ann, samples, running, { pipeline, timesteps: 2 });
    expect(await disagreements(module, inputsFor(module))).toEqual([]);
  });

  it("refuses an op that it does not know", async () => {
    const module = parseModule(
      `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.acosh(%0) : real[1, 2]
  ann.output(%1) {name = "y"}
}`,
      { file: "m.ir" },
    );

    const bytes = encodePackage({ module, provenance: {} });
    expect(() => simulate(bytes, [new Float32Array(2)])).toThrow("does not know ann.acosh");
  });
});

/** The second example of docs/ir.md, all of whose sums are exact. */
async function graded(): Promise<Module> {
  const page = await readFile(join(root, "docs/ir.md"), "utf8");
  const text = /```text\n(module @graded [^]*?)```/.exec(page)?.[1];
  return parseModule(known(text, "an example"), { file: "docs/ir.md" });
}

/** An engine that says of each run what `change` makes of it. */
function lying(change: (result: SampleResult) => SampleResult): Engine {
  return {
    name: "lying",
    async load(module, options) {
      const executable = await interpretEngine.load(module, options);
      return {
        ...executable,
        run: (samples, how, onSample) =>
          executable.run(samples, how, (result) => onSample?.(change(result))),
      };
    },
  };
}

describe("the bar", () => {
  it("sees an event too many and a spike too few", async () => {
    const module = await graded();
    const inputs = inputsFor(module);
    const result = await runOn(interpretEngine, module, inputs, spikesOf(module));
    const reference = { engine: interpretEngine, result };
    expect(await tallyOf(module, inputs, reference, interpretEngine)).toMatchObject({ equal: 1 });
    const more = (counts: Float64Array): Float64Array => counts.map((count) => count + 1);
    const changed = ({ activity, ...rest }: SampleResult): SampleResult => ({
      ...rest,
      activity: { ...activity, events: more(activity.events) },
    });
    const { faults } = await tallyOf(module, inputs, reference, lying(changed));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain("events by timestep are");
    expect(differencesFrom(module, inputs, changed(result))).toEqual(
      expect.arrayContaining([expect.stringContaining("events: [0] is")]),
    );
    const fewer = { ...result, spikes: result.spikes.map((count) => count - 1) };
    expect(differencesFrom(module, inputs, fewer)).toEqual(
      expect.arrayContaining([expect.stringContaining("spikes of snn.graded %3")]),
    );
  });
});
