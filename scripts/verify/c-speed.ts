/**
 * How long a run takes in C, beside the same network in WebAssembly without relaxed SIMD, on one thread: both in turns,
 * on test samples that follow one another, the medians of all rounds. No bar: it prints, and says how often C takes
 * more than half as long again.
 *
 *     npm run verify -- c-speed lenet akamaster_resnet20
 *     npm run verify -- c-speed lenet --flags "-O3 -march=native"
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { cBackend } from "../../backends/c/backend.ts";
import type { CReport } from "../../backends/c/files/report.ts";
import { compileProgram } from "../../backends/wasm/compile.ts";
import { compileOptionsOf, longestChunk, runTaskOf } from "../../backends/wasm/request.ts";
import { Instance, createMemory } from "../../backends/wasm/runtime/instance.ts";
import { createRunner } from "../../backends/wasm/runtime/runner.ts";
import { median } from "../../bench/speed/statistics.ts";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { alignedTable } from "../../cli/terminal/tables.ts";
import type { Module } from "../../ir/module.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { buildFor } from "../../library/build.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import { parseTarget } from "../../library/targets.ts";
import { converted, sourcesOf } from "./account/networks.ts";

/** What C may take, in times of WebAssembly. */
const most = 1.5;
const pipelines = "differential,low-latency,burst,signed-rate,rate,few-spikes,ttfs";

/** Prints the comparison; see `npm run verify -- c-speed --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- c-speed")
    .argument("[models...]", "parts of names of models")
    .option("--samples <N>", "test samples that are run in turn", wholeNumber(1, 10_000), 16)
    .option("--rounds <N>", "rounds", wholeNumber(1, 1000), 7)
    .option("--calib-samples <N>", "calibration samples", wholeNumber(1, 10_000), 64)
    .option("--pipeline <NAMES>", "pipelines, joined by commas", pipelines)
    .option("--compiler <NAME>", "C compiler", "gcc")
    .option("--flags <TEXT>", "its options", "-O3")
    .option(
      "--shared <folder>",
      "folder with models/ and data/",
      process.env["SNNC_SHARED"] ?? "../shared",
    );
  const options = optionsOf(command, args);
  const [names] = command.processedArgs;
  const { compiler, flags, rounds } = options;
  const [version = ""] = execFileSync(compiler, ["--version"]).toString().split("\n");
  console.log(
    `${cpus()[0]?.model ?? "?"}, Node ${process.version}, ${version}, ${flags}; ${rounds} rounds`,
  );
  const rows: string[][] = [["network", "T", "C, µs", "WASM, µs", "C / WASM", "quartiles"]];
  let slower = 0;
  const counts = { calibration: options.calibSamples, test: options.samples };
  for await (const source of sourcesOf(options.shared, names, counts)) {
    for (const pipeline of options.pipeline.split(",")) {
      const module = await converted(source, { pipeline, integer: true });
      if (typeof module === "string") {
        console.log(`${source.name} ${pipeline}: no integers (${module})`);
        continue;
      }
      const samples = Array.from({ length: source.test.count }, (_, i) => source.test.get(i));
      const found = await timed(module, samples, { compiler, flags: flags.split(" "), rounds });
      const ratios = found.map(({ c, wasm }) => c / wasm).toSorted((a, b) => a - b);
      const ratio = median(ratios);
      if (ratio > most) slower++;
      const quartile = (share: number): string =>
        (ratios[Math.floor(share * (ratios.length - 1))] ?? 0).toFixed(2);
      rows.push([
        ...[`${source.name} ${pipeline}`, String(module.timesteps)],
        ...[
          median(found.map(({ c }) => c)).toFixed(0),
          median(found.map(({ wasm }) => wasm)).toFixed(0),
        ],
        ...[ratio.toFixed(2), `${quartile(0.25)} to ${quartile(0.75)}`],
      ]);
    }
  }
  console.log(alignedTable(rows));
  console.log(`${slower} of ${rows.length - 1} networks take more than ${most} × the time`);
  return rows.length > 1;
}

interface Way {
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly rounds: number;
}

/** Microseconds of a sample in each round. */
async function timed(
  module: Module,
  samples: readonly (readonly Tensor[])[],
  { compiler, flags, rounds }: Way,
): Promise<readonly { readonly c: number; readonly wasm: number }[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "snnc-speed-"));
  try {
    await writeProgram(module, samples.length, folder);
    execFileSync(compiler, ["-std=c11", ...flags, "net.c", "main.c", "-o", "main"], {
      cwd: folder,
    });
    const bytes = samples.map((sample) =>
      Buffer.concat(
        sample.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
      ),
    );
    const input = Buffer.concat(bytes);
    const wasm = await wasmRunner(module, samples);
    const inC = (): number => Number(execFileSync(path.join(folder, "main"), { input }).toString());
    inC();
    wasm();
    return Array.from({ length: rounds }, () => ({ c: inC(), wasm: wasm() }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Passes over all samples within a round; the fastest counts, on both sides. */
const passes = 5;

async function writeProgram(module: Module, count: number, folder: string): Promise<void> {
  const making = {
    tool: { name: "snnc", version: "" },
    network: { file: "", sha256: "" },
    provenance: null,
  };
  const target = parseTarget("c{name=net,input=floats,test=false}");
  const built = await buildFor({ ...target, backend: cBackend }, module, {}, making, loaderFiles);
  for (const [name, content] of built.files) writeFileSync(path.join(folder, name), content);
  const { network }: CReport = built.report;
  const inputs = network.inputs.map(({ shape }) => elementCount(shape));
  const outputs = network.outputs.map(({ shape }) => elementCount(shape));
  const given = inputs.map((_, i) => `x${i}[i]`).join(", ");
  const got = outputs.map((_, i) => `y${i}`).join(", ");
  const main = `#define _POSIX_C_SOURCE 199309L
#include "net.h"
#include <stdio.h>
#include <time.h>
enum { COUNT = ${count} };
${inputs.map((size, i) => `static float x${i}[COUNT][${size}];`).join("\n")}
${outputs.map((size, i) => `static float y${i}[${size}];`).join("\n")}
int main(void) {
  for (int i = 0; i < COUNT; i++) {
    ${inputs.map((_, i) => `if (fread(x${i}[i], sizeof x${i}[i], 1, stdin) != 1) return 1;`).join("\n    ")}
  }
  double best = 1e9;
  for (int pass = 0; pass < ${passes}; pass++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < COUNT; i++) if (net_run(${given}, ${module.timesteps}, ${got}) != 0) return 2;
    clock_gettime(CLOCK_MONOTONIC, &to);
    const double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    if (seconds < best) best = seconds;
  }
  printf("%.3f\\n", best / COUNT * 1e6);
  return 0;
}
`;
  writeFileSync(path.join(folder, "main.c"), main);
}

async function wasmRunner(
  module: Module,
  samples: readonly (readonly Tensor[])[],
): Promise<() => number> {
  const options = { timesteps: module.timesteps };
  const support = { shared: false, tiles: 1, longestChunk, relaxed: false };
  const program = await compileProgram(module, compileOptionsOf(module, options, support));
  const code = await WebAssembly.compile(program.binary);
  const place = { arena: 0, part: 0, parts: 1 };
  const instance = new Instance(program, code, createMemory(program), place);
  const runner = createRunner(module, instance, runTaskOf(module, options));
  const tasks = samples.map((sample) => ({
    ...{ index: 0, given: [], elements: null },
    inputs: sample.map(({ data }) => data),
  }));
  return () => {
    let best = Infinity;
    for (let pass = 0; pass < passes; pass++) {
      const from = performance.now();
      for (const task of tasks) runner.run(task);
      best = Math.min(best, performance.now() - from);
    }
    return (best / samples.length) * 1000;
  };
}
