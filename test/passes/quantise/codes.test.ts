/** Networks of every code in integers: near the floats they came from, and the same bits in every engine. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { integerBounds } from "../../../ir/analysis/bounds.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import type { Engine, Probe, SampleResult } from "../../../ir/executable.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, answersOf } from "../../../ir/module.ts";
import { isNeuron } from "../../../ir/op/known.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { isFloat } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import { breachesOf } from "../../../passes/properties.ts";
import { expectClose } from "../../backends/wasm/compare.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { type Convertible, convertibleNetworks, sourceOf } from "../convert/networks.ts";

const reasons = ["no-integer-form", "integer-timesteps", "integer-overflow"];

/** By name: a code's passes before quantise, timesteps, and how near the floats most networks stay. */
const codes = {
  halving: ["convert-differential,balance-max", 8],
  "of constant steps": ["convert-differential{schedule=constant},balance-max", 8],
  "of steps of 1/t": ["convert-differential{schedule=reciprocal},balance-max", 6],
  "of powers": ["convert-differential{alphabet=power},balance-max", 8],
  "of one bit": ["convert-differential{bits=1},balance-max", 12],
  fitted: ["convert-differential,balance-max,fit-steps", 4],
  signed: ["convert-activations{sign=retract},fit-layers", 32],
  burst: ["convert-activations{bits=4},fit-layers", 16],
  "of few spikes": ["convert-few-spikes,balance-max", 8],
  "of first spikes": ["convert-ttfs,balance-max", 40],
} as const;

async function made(
  { module, samples }: Convertible,
  timesteps: number,
  pipeline: string,
): Promise<Module | readonly string[]> {
  try {
    const running = { engine: interpretEngine, threads: 1 };
    return (await convert(module, sourceOf(samples), running, { timesteps, pipeline })).module;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(({ code }) => code);
    throw error;
  }
}

function answerOf(module: Module, inputs: readonly Tensor[]): number[] {
  const { timesteps } = module;
  const { outputs } = interpret(module, inputs, { timesteps });
  const answers = answersOf(module, timesteps);
  return outputs.flatMap((all) => [...all.subarray(all.length - all.length / answers)]);
}

async function run(
  engine: Engine,
  module: Module,
  inputs: readonly Tensor[],
): Promise<SampleResult> {
  const probes = module.ops.flatMap((op): Probe[] => {
    if (isFloat(op.type.dtype)) return [];
    const trace: Probe = { value: op.result, keep: "trace" };
    return isNeuron(op) ? [trace, { value: op.result, keep: "state" }] : [trace];
  });
  const results: SampleResult[] = [];
  const executable = await engine.load(module, { threads: 1 });
  const { timesteps } = module;
  await executable.run({ count: 1, get: () => inputs }, { timesteps, probes }, (r) =>
    results.push(r),
  );
  await executable.close();
  return known(results[0], "a result");
}

describe("quantise", () => {
  it.each(Object.entries(codes))(
    "makes integers of networks %s",
    async (_, [passes, timesteps]) => {
      let [all, refused, near] = [0, 0, 0];
      await fc.assert(
        fc.asyncProperty(convertibleNetworks(6, 2), async (network) => {
          all++;
          const pipeline = `canonical,${passes}`;
          const integer = await made(network, timesteps, `${pipeline},quantise`);
          if (!("ops" in integer)) {
            refused++;
            for (const code of integer) expect(reasons).toContain(code);
            return;
          }
          expect(breachesOf(integer, "integer")).toEqual([]);
          expect(integerBounds(integer).timesteps).toBeGreaterThanOrEqual(timesteps);
          const sample = known(network.samples[0], "a sample");
          const wanted = await run(interpretEngine, integer, sample);
          for (const engine of [singleThreadEngine, singleThreadWasmEngine]) {
            const found = await run(engine, integer, sample);
            expect(found.spikes).toEqual(wanted.spikes);
            expect(found.probes).toEqual(wanted.probes);
            // Behind the read-out are floats: a product and a sum, rounded once or twice.
            found.outputs.forEach((y, i) =>
              expectClose(y, known(wanted.outputs[i], "an output"), 1e-6),
            );
          }
          const float = await made(network, timesteps, pipeline);
          if (!("ops" in float)) return;
          const [want, have] = [answerOf(float, sample), answerOf(integer, sample)];
          const scale = Math.max(0.25, ...want.map(Math.abs));
          const error = Math.max(...want.map((x, i) => Math.abs(x - (have[i] ?? NaN)))) / scale;
          if (error < 0.05) near++;
        }),
        { numRuns: 6, seed: 3 },
      );
      expect(refused).toBeLessThan(all / 5);
      expect(near).toBeGreaterThanOrEqual(0.9 * (all - refused));
    },
  );
});
