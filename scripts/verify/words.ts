/**
 * Random networks of neurons that send words, by every form that kernels for them have: bytes with relaxed SIMD
 * where the Node that runs this has it, and two bytes; words multiplied all, summed by events, and as
 * the cost model chooses. Each has to send the interpreter's very spikes and keep its very potentials.
 *
 *     npm run verify -- words                  on this Node
 *     NODE dist/scripts/verify.js words        on another one, after npm run build
 */
import { Command } from "@commander-js/extra-typings";
import fc from "fast-check";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { compileProgram } from "../../backends/wasm/compile.ts";
import { compileOptionsOf, longestChunk, runTaskOf } from "../../backends/wasm/request.ts";
import { Instance, createMemory } from "../../backends/wasm/runtime/instance.ts";
import { createRunner } from "../../backends/wasm/runtime/runner.ts";
import { supportHere } from "../../backends/wasm/runtime/support.ts";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Probe, RunOptions, SampleResult } from "../../ir/executable.ts";
import { neuronsOf } from "../../ir/op/known.ts";
import type { RandomNetwork } from "../../test/random/module.ts";
import { wordNetworks } from "../../test/random/words.ts";

/** Timesteps of runs: code of their own for each, all in one chunk, and several chunks. */
const durations = [1, 2, 4, 6, 70] as const;

const windows = ["tables", "events", null] as const;

interface KernelForm {
  readonly relaxed: boolean;
  readonly windows: (typeof windows)[number];
}

/** Runs the bar; see `npm run verify -- words --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- words")
    .option("--runs <n>", "networks to draw", wholeNumber(1, 1_000_000), 100)
    .option("--seed <n>", "of the networks", wholeNumber(0, 2 ** 31 - 1), 1);
  const { runs, seed } = optionsOf(command, args);
  const here = supportHere();
  const forms = (here.relaxed ? [true, false] : [false]).flatMap((relaxed) =>
    windows.map((each): KernelForm => ({ relaxed, windows: each })),
  );
  const networks = fc.sample(wordNetworks(), { numRuns: runs, seed });
  let failures = 0;
  for (const [i, network] of networks.entries()) {
    const timesteps = known(durations[i % durations.length], "a duration");
    // Potentials that are asked for are kept where nothing else needs them.
    const withPotentials = Math.floor(i / durations.length) % 2 === 0;
    const options = { timesteps, probes: probesOf(network, withPotentials) };
    const wanted = toldBy(await interpreted(network, options));
    for (const form of forms) {
      if (toldBy(await compiled(network, options, form)) === wanted) continue;
      failures++;
      console.log(`network ${i} of seed ${seed}, T = ${timesteps}: ${nameOf(form)} differs`);
    }
  }
  console.log(
    `${runs} networks on Node ${process.version}, ${forms.map(nameOf).join("; ")}: ${failures} differ`,
  );
  if (!here.relaxed) console.log("This Node has no relaxed SIMD: words of one byte were not run.");
  return failures === 0;
}

function nameOf({ relaxed, windows: each }: KernelForm): string {
  return `${relaxed ? "bytes" : "two bytes"}, ${each === null ? "as costs say" : `by ${each}`}`;
}

function probesOf({ module }: RandomNetwork, withPotentials: boolean): Probe[] {
  return neuronsOf(module).flatMap(({ result }): Probe[] => [
    { value: result, keep: "trace" },
    ...(withPotentials ? [{ value: result, keep: "state" } as const] : []),
  ]);
}

/** All that has to be the same, as text. */
function toldBy({ outputs, probes, spikes, bits, activity }: SampleResult): string {
  return JSON.stringify({ outputs, probes, spikes, bits, activity });
}

async function interpreted(
  { module, inputs }: RandomNetwork,
  options: RunOptions,
): Promise<SampleResult> {
  const executable = await interpretEngine.load(module, { threads: 1 });
  const found: SampleResult[] = [];
  await executable.run({ count: 1, get: () => inputs }, options, (result) => found.push(result));
  return known(found[0], "a result");
}

async function compiled(
  { module, inputs }: RandomNetwork,
  options: RunOptions,
  { relaxed, windows: each }: KernelForm,
): Promise<SampleResult> {
  const asked = compileOptionsOf(module, options, {
    ...{ shared: false, tiles: 1, longestChunk, relaxed },
  });
  const program = await compileProgram(module, {
    ...asked,
    ...(each === null ? {} : { windows: each }),
  });
  const place = { arena: 0, part: 0, parts: 1 };
  const code = await WebAssembly.compile(program.binary);
  const instance = new Instance(program, code, createMemory(program), place);
  return createRunner(module, instance, runTaskOf(module, options)).run({
    ...{ index: 0, given: [], elements: null },
    inputs: inputs.map(({ data }) => data),
  });
}
