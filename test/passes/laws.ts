/** Laws that a pass which keeps outputs must obey on every network; the tests of passes use them. */
import fc from "fast-check";
import { expect } from "vitest";
import { interpret } from "../../ir/interpret.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { printModule } from "../../ir/text/print.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import { runPipeline } from "../../passes/manager.ts";
import type { AnyPass } from "../../passes/pass.ts";
import { type PipelineStep, step } from "../../passes/pipeline.ts";
import { annNetworks, networks, type RandomNetwork } from "../random/module.ts";

/** Runs one pass under the manager's checks. */
export async function apply(pass: AnyPass, module: Module): Promise<Module> {
  return (await runPipeline(module, [step(pass)])).module;
}

function outputsOf(module: Module, inputs: readonly Tensor[]): readonly Float32Array[] {
  return interpret(module, inputs, { timesteps: module.timesteps }).outputs;
}

/** Equal numbers up to `tolerance` relative to the largest; 0 asks for the same (0 equals -0). */
function expectSameOutputs(
  a: Module,
  b: Module,
  inputs: readonly Tensor[],
  tolerance: number,
): void {
  expect(b.outputs.map((o) => o.name)).toEqual(a.outputs.map((o) => o.name));
  expect(inputsOf(b).map((op) => op.attrs.name)).toEqual(inputsOf(a).map((op) => op.attrs.name));
  const after = outputsOf(b, inputs);
  outputsOf(a, inputs).forEach((wanted, i) => {
    const found = after[i] ?? new Float32Array(0);
    expect(found.length).toBe(wanted.length);
    const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
    const worst = wanted.reduce((most, x, k) => Math.max(most, Math.abs(x - (found[k] ?? NaN))), 0);
    expect(worst).toBeLessThanOrEqual(tolerance * largest);
  });
}

export interface Law {
  /** Allowed difference relative to the largest output; 0 for passes that only move. */
  readonly tolerance: number;
  readonly source?: fc.Arbitrary<RandomNetwork>;
  /** After how many runs nothing is left to do; 1 for every single pass. */
  readonly rounds?: number;
  /** How often to try; each try takes about a millisecond. */
  readonly runs?: number;
}

/** Random networks with neurons for what is exact, without for what rounds: a tie may tip. */
function sourceFor({ tolerance, source }: Law): fc.Arbitrary<RandomNetwork> {
  return source ?? (tolerance === 0 ? networks(12) : annNetworks(12));
}

/** The steps keep outputs, keep modules valid, and come to rest. */
export async function expectLaws(steps: readonly PipelineStep[], law: Law): Promise<void> {
  await fc.assert(
    fc.asyncProperty(sourceFor(law), async ({ module, inputs }) => {
      const text = printModule(module);
      const once = (await runPipeline(module, steps)).module;
      expect(printModule(module)).toBe(text);
      expect(verify(once)).toEqual([]);
      expectSameOutputs(module, once, inputs, law.tolerance);
      let settled = once;
      for (let round = 1; round < (law.rounds ?? 1); round++) {
        settled = (await runPipeline(settled, steps)).module;
      }
      const again = (await runPipeline(settled, steps)).module;
      if (again !== settled) expect(printModule(again)).toBe(printModule(settled));
      expect(again === settled, "the same object, where nothing is left to do").toBe(true);
    }),
    { numRuns: law.runs ?? 60, seed: 7 },
  );
}
