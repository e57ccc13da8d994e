/**
 * Programs in C beside the interpreter: every word, every potential and every output at each timestep, of trained
 * models in all codes and of random networks. Each program has to compile without a warning with every
 * compiler that is there, and to run clean under the sanitizers; its memory is compared with the arena of the
 * same network in WebAssembly.
 *
 *     npm run verify -- c                          all models of ../shared in MNIST and CIFAR-10
 *     npm run verify -- c --random 100             random networks
 */
import { Command } from "@commander-js/extra-typings";
import fc from "fast-check";
import { refusalsOf } from "../../backends/c/check.ts";
import { horizonOf } from "../../backends/c/horizon.ts";
import { lowerProgram } from "../../backends/c/lower/program.ts";
import { reportOn } from "../../backends/c/files/report.ts";
import { weightBitsOf, wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { wasmBackend } from "../../backends/wasm/emit/backend.ts";
import type { Module } from "../../ir/module.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { buildFor } from "../../library/build.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import { type Compiled, compiled, differenceFrom, hasTool } from "../../test/backends/c/native.ts";
import { integerFrames, integerNetworks } from "../../test/random/integer.ts";
import { wordNetworks } from "../../test/random/words.ts";
import { converted, sourcesOf, timestepsOf } from "./account/networks.ts";

const sanitized = ["-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
const pipelines = "rate,signed-rate,burst,differential,few-spikes,ttfs,lif,low-latency";

/** Outputs behind an exponential may differ in the last digit of a float. */
const tolerance = 1e-6;

/** Runs the bar; see `npm run verify -- c --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- c")
    .argument("[models...]", "parts of names of models")
    .option("--samples <N>", "test samples of each", wholeNumber(1, 10_000), 200)
    .option("--calib-samples <N>", "calibration samples", wholeNumber(1, 10_000), 64)
    .option("--pipeline <NAMES>", "pipelines, joined by commas", pipelines)
    .option("--weight-bits <N>", "as in convert", weightBitsOf)
    .option("--random <N>", "so many random networks of each kind instead", wholeNumber(1, 100_000))
    .option("--seed <N>", "of random networks", wholeNumber(0, 2 ** 31 - 1), 1)
    .option(
      "--shared <folder>",
      "folder with models/ and data/",
      process.env["SNNC_SHARED"] ?? "../shared",
    );
  const options = optionsOf(command, args);
  const [names] = command.processedArgs;
  const compilers = ["gcc", "clang"].filter(hasTool);
  if (compilers.length === 0) {
    console.log("NOTHING WAS RUN: neither gcc nor clang is installed");
    return false;
  }
  console.log(`compilers: ${compilers.join(", ")}`);
  if (options.random !== undefined) return ofRandom(options.random, options.seed, compilers);
  let [equal, different] = [0, 0];
  const counts = { calibration: options.calibSamples, test: options.samples };
  for await (const source of sourcesOf(options.shared, names, counts)) {
    for (const pipeline of options.pipeline.split(",")) {
      const timesteps = timestepsOf[pipeline] ?? 4;
      const { weightBits } = options;
      const module = await converted(source, {
        ...{ pipeline, timesteps, integer: true },
        ...(weightBits === undefined ? {} : { weightBits }),
      });
      const head = `${source.name}  ${pipeline}  T = ${timesteps}`;
      if (typeof module === "string") {
        console.log(`${head}: no integers (${module})`);
        continue;
      }
      const samples = Array.from({ length: source.test.count }, (_, i) => source.test.get(i));
      const found = differencesOf(module, samples, timesteps, compilers);
      if (found.length === 0) equal++;
      else different++;
      console.log(`${head}: ${samples.length} samples, ${await sizesOf(module)}: ${textOf(found)}`);
    }
  }
  console.log(`${equal} programs are equal to the interpreter, ${different} are not`);
  return different === 0 && equal > 0;
}

function textOf(differences: readonly string[]): string {
  return differences.length === 0 ? "equal" : `DIFFERENT: ${differences.slice(0, 3).join("; ")}`;
}

/** What differs from the interpreter, with each compiler, and under the sanitizers. */
function differencesOf(
  module: Module,
  samples: readonly (readonly Tensor[])[],
  timesteps: number,
  compilers: readonly string[],
): readonly string[] {
  const ways = [
    ...compilers.map((compiler) => ({ compiler, flags: ["-O3"] })),
    ...compilers.slice(0, 1).map((compiler) => ({ compiler, flags: sanitized })),
  ];
  const programs: Compiled[] = [];
  const differences: string[] = [];
  try {
    for (const way of ways) programs.push(compiled(module, {}, way));
    for (const [i, sample] of samples.entries()) {
      const [first, ...others] = programs.map((program) => program.run([sample], timesteps));
      const [course] = first ?? [];
      const [program] = programs;
      if (course === undefined || program === undefined) continue;
      const difference = differenceFrom(module, sample, timesteps, program, course, tolerance);
      if (difference !== null) differences.push(`sample ${i}: ${difference}`);
      for (const [k, other] of others.entries()) {
        if (JSON.stringify(other) === JSON.stringify(first)) continue;
        differences.push(`sample ${i}: ${ways[k + 1]?.compiler} ${ways[k + 1]?.flags.join(" ")}`);
      }
    }
  } catch (error) {
    differences.push(messageOf(error));
  } finally {
    for (const program of programs) program.remove();
  }
  return differences;
}

function messageOf(error: unknown): string {
  if (error instanceof Error && "stderr" in error) return `${String(error.stderr).slice(0, 500)}`;
  return String(error);
}

/** Constants and memory beside the arena of the same network in WebAssembly. */
async function sizesOf(module: Module): Promise<string> {
  const timesteps = horizonOf(module, module.timesteps);
  const program = lowerProgram(module, {
    ...{ timesteps, synapses: "auto", input: "integers", output: "floats" },
  });
  const about = { prefix: "net", head: [], timesteps: module.timesteps, maxTimesteps: timesteps };
  const { sizes } = reportOn(program, about, "");
  const making = {
    tool: { name: "snnc", version: "" },
    network: { file: "", sha256: "" },
    provenance: null,
  };
  const target = { backend: wasmBackend, options: { chunk: 4 } };
  const { report } = await buildFor(target, module, {}, making, loaderFiles);
  const { arenaBytes } = report.memory;
  const compared = sizes.ramBytes <= arenaBytes ? "of" : "MORE THAN";
  return `constants ${sizes.constantBytes}, memory ${sizes.ramBytes} ${compared} WASM's ${arenaBytes}`;
}

/** Random networks, each by events and densely. */
function ofRandom(runs: number, seed: number, compilers: readonly string[]): boolean {
  const kinds = { integers: integerNetworks(), frames: integerFrames(), words: wordNetworks() };
  let [equal, different, refused] = [0, 0, 0];
  for (const [kind, networks] of Object.entries(kinds)) {
    for (const [i, { module, inputs }] of fc.sample(networks, { numRuns: runs, seed }).entries()) {
      const { timesteps } = module;
      if (refusalsOf(module, { timesteps, input: "floats", output: "floats" }).length > 0) {
        refused++;
        continue;
      }
      for (const synapses of ["events", "dense"] as const) {
        const found: string[] = [];
        for (const compiler of compilers) {
          try {
            const program = compiled(module, { synapses }, { compiler, flags: sanitized });
            const [course] = program.run([inputs], timesteps);
            program.remove();
            const difference =
              course === undefined
                ? "nothing came"
                : differenceFrom(module, inputs, timesteps, program, course);
            if (difference !== null) found.push(difference);
          } catch (error) {
            found.push(messageOf(error));
          }
        }
        if (found.length === 0) equal++;
        else different++;
        if (found.length > 0)
          console.log(`${kind} ${i} of seed ${seed}, ${synapses}: ${textOf(found)}`);
      }
    }
  }
  console.log(
    `${equal} programs are equal to the interpreter, ${different} are not; ${refused} networks were refused`,
  );
  return different === 0 && equal > 0;
}
