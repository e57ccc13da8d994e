/** Runs modules on the WebAssembly engine and on the interpreter, for tests that compare the two. */
import { expect } from "vitest";
import { wasmEngine } from "../../../backends/wasm/engine.ts";
import { compileOptionsOf } from "../../../backends/wasm/request.ts";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { compileProgram } from "../../../backends/wasm/compile.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Engine, ProbeData, RunOptions, SampleResult } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { statisticsToData } from "../../../ir/run/observe.ts";
import type { OpKind } from "../../../ir/op/op.ts";
import type { Tensor } from "../../../ir/tensor.ts";

export interface Ran {
  readonly sample: SampleResult;
  /** As text, so that it can be compared whole. */
  readonly statistics: string;
}

/** What one engine makes of one sample. */
export async function runOn(
  engine: Engine,
  module: Module,
  inputs: readonly Tensor[],
  options: RunOptions,
): Promise<Ran> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  const statistics = await executable.run({ count: 1, get: () => inputs }, options, (r) => {
    results.push(r);
  });
  await executable.close();
  return {
    sample: known(results[0], "a result"),
    statistics: JSON.stringify(statisticsToData(statistics)),
  };
}

/** What the interpreter says, and what the WebAssembly engine finds. */
export async function both(
  module: Module,
  inputs: readonly Tensor[],
  options: RunOptions = { timesteps: 5 },
): Promise<{ readonly wanted: Ran; readonly found: Ran }> {
  return {
    wanted: await runOn(interpretEngine, module, inputs, options),
    found: await runOn(wasmEngine, module, inputs, options),
  };
}

/** Close in float32, relative to the largest finite element: engines may sum in another order. */
export function expectClose(found: ProbeData, wanted: ProbeData, tolerance = 1e-4): void {
  expect(found.length).toBe(wanted.length);
  const finite = Array.from(wanted, Math.abs).filter(Number.isFinite);
  const scale = Math.max(1e-6, ...finite);
  Array.from(found).forEach((x, i) => {
    const y = known(wanted[i], "an element");
    if (Object.is(x, y) || x === y) return;
    const error = Math.abs(x - y) / scale;
    if (!(error <= tolerance)) expect(`${x} at ${i}`).toBe(`${y} at ${i}`);
  });
}

/** The kinds of ops that the host has to compute. */
export async function hostKinds(module: Module, timesteps = 2): Promise<readonly OpKind[]> {
  const program = await compileProgram(module, compileOptionsOf(module, { timesteps }));
  return program.tasks.map(({ op }) => op.kind);
}
