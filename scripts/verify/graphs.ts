/**
 * Random graphs by every named pipeline: each converts or is refused with a diagnostic, never ends
 * with a fault of ours, and what was made says the same on all three engines.
 */
import { Command } from "@commander-js/extra-typings";
import fc from "fast-check";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { wasmEngine } from "../../backends/wasm/engine.ts";
import { wholeNumber } from "../../cli/options.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import type { Engine, SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { convert } from "../../library/convert.ts";
import { pipelines } from "../../passes/index.ts";
import { type RandomNetwork, annNetworks } from "../../test/random/module.ts";

const timesteps = 4;
const engines: readonly (readonly [string, Engine])[] = [
  ["interpret", interpretEngine],
  ["typed", singleThreadEngine],
  ["wasm", wasmEngine],
];

/** Runs the bar; see `npm run verify -- graphs --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const { runs, seed, json } = new Command("npm run verify -- graphs")
    .option("--runs <N>", "graphs", wholeNumber(1, 10_000_000), 200)
    .option("--seed <S>", "what they are drawn from", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--json", "one object on stdout", false)
    .parse(args, { from: "user" })
    .opts();
  const counts = { graphs: 0, converted: 0, refused: 0 };
  const failures: { readonly run: number; readonly pipeline: string; readonly why: string }[] = [];
  for (const [run, network] of fc.sample(annNetworks(), { numRuns: runs, seed }).entries()) {
    counts.graphs++;
    for (const pipeline of pipelines.keys()) {
      try {
        const found = await attempt(network, pipeline);
        counts[found.kind]++;
        if (found.why !== "") failures.push({ run, pipeline, why: found.why });
      } catch (error) {
        failures.push({ run, pipeline, why: String(error) });
      }
    }
  }
  if (json) console.log(JSON.stringify({ seed, ...counts, failures }));
  else {
    for (const { run, pipeline, why } of failures) console.log(`${run} ${pipeline}: ${why}`);
    const listed = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
    console.log(`seed ${seed}: ${listed.join(", ")}, ${failures.length} failures`);
  }
  return failures.length === 0;
}

/** Converts a network and runs what comes of it; `why` says how engines differ. */
async function attempt(
  { module, inputs }: RandomNetwork,
  pipeline: string,
): Promise<{ readonly kind: "converted" | "refused"; readonly why: string }> {
  const running = { engine: interpretEngine, threads: 1 };
  let converted: Module;
  try {
    const samples = { count: 1, get: () => inputs };
    converted = (await convert(module, samples, running, { pipeline, timesteps })).module;
  } catch (error) {
    if (error instanceof DiagnosticError) return { kind: "refused", why: "" };
    throw error;
  }
  const [wanted, ...others] = await Promise.all(
    engines.map(async ([, engine]) => runOn(engine, converted, inputs)),
  );
  for (const [i, found] of others.entries()) {
    const differs = difference(known(wanted, "a result"), found);
    const name = engines[i + 1]?.[0] ?? "";
    if (differs !== "") return { kind: "converted", why: `${name}: ${differs}` };
  }
  return { kind: "converted", why: "" };
}

async function runOn(
  engine: Engine,
  module: Module,
  inputs: readonly Tensor[],
): Promise<SampleResult> {
  const executable = await engine.load(module, { threads: 1 });
  const results: SampleResult[] = [];
  await executable.run({ count: 1, get: () => inputs }, { timesteps: module.timesteps }, (r) => {
    results.push(r);
  });
  await executable.close();
  return known(results[0], "a result");
}

function difference(wanted: SampleResult, found: SampleResult): string {
  for (const [i, output] of wanted.outputs.entries()) {
    const other = found.outputs[i] ?? [];
    const scale = output.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
    const worst = output.reduce((most, x, k) => {
      const y = other[k] ?? NaN;
      return Object.is(x, y) ? most : Math.max(most, Math.abs(x - y));
    }, 0);
    if (!(worst <= 1e-4 * scale)) return `output ${i} is ${worst} off of ${scale}`;
  }
  return "";
}
