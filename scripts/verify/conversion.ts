/**
 * How long long conversions take, and whether they give what another build gives: each in a process of its
 * own, builds in turns, so that what disturbs a machine disturbs both. Runs what is built.
 *
 *     npm run verify -- conversion --cli OTHER/dist/cli/main.js
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { describeMachine, describeVersions } from "../../bench/machine.ts";
import { projectFolder } from "../../bench/speed/project.ts";
import { median } from "../../bench/speed/statistics.ts";
import { casesOf } from "../../bench/suite.ts";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { alignedTable } from "../../cli/terminal/tables.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import { readSafetensors } from "../../ir/file/safetensors.ts";

/** What is converted, and the seconds that it may take on two quiet cores. */
const conversions = [
  { model: "akamaster_resnet20", pipeline: "default", timesteps: 4, seconds: 15 },
  { model: "akamaster_resnet32", pipeline: "binary", timesteps: 64, seconds: 90 },
] as const;
type Conversion = (typeof conversions)[number];

interface Cost {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly megabytes: number;
  /** Hashes of text and tensors. */
  readonly network: string;
}

/** Runs the bar; see `npm run verify -- conversion --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- conversion")
    .argument("[models...]", "parts of names of models; all that have a bar if left out")
    .option("--shared <folder>", "where models and data are", path.join(projectFolder, "../shared"))
    .option("--cli <file>", "the command line of another build, to be compared with")
    .option("--calib-samples <n>", "calibration images", wholeNumber(1, 100_000), 512)
    .option("--timesteps <n>", "in place of those of each bar", wholeNumber(1, 65_536))
    .option("--threads <n>", "threads", wholeNumber(1, 1024), 2)
    .option("--rounds <n>", "times that each is converted", wholeNumber(1, 100), 1);
  const options = optionsOf(command, args);
  const own = path.join(projectFolder, "dist/cli/main.js");
  const builds = new Map([["this", own]]);
  if (options.cli !== undefined) builds.set("other", options.cli);
  const { processor, cores } = describeMachine();
  console.log(`${processor}, ${cores} cores, ${JSON.stringify(describeVersions())}`);
  const isWanted = ({ model }: Conversion): boolean =>
    command.args.length === 0 || command.args.some((part) => model.includes(part));
  const rows = [["conversion", "build", "seconds", "bar", "CPU seconds", "peak"]];
  let holds = true;
  for (const each of conversions.filter(isWanted)) {
    const costs = new Map<string, Cost[]>();
    for (let round = 0; round < options.rounds; round++) {
      for (const [build, cli] of builds) {
        const cost = convertOnce(cli, each, options);
        costs.set(build, [...(costs.get(build) ?? []), cost]);
        console.error(`${each.model} ${build}: ${cost.seconds.toFixed(1)} s`);
      }
    }
    const networks = new Set([...costs.values()].flat().map(({ network }) => network));
    const timesteps = options.timesteps ?? each.timesteps;
    for (const [build, all] of costs) {
      rows.push([
        `${each.model} ${each.pipeline} T = ${timesteps}`,
        build,
        median(all.map(({ seconds }) => seconds)).toFixed(1),
        String(each.seconds),
        median(all.map(({ cpuSeconds }) => cpuSeconds)).toFixed(1),
        `${median(all.map(({ megabytes }) => megabytes)).toFixed(0)} MB`,
      ]);
    }
    if (networks.size === 1) continue;
    holds = false;
    console.log(`${each.model}: the builds do not give the same network`);
  }
  console.log(alignedTable(rows));
  return holds;
}

/** Loaded before the command: tells what its process took when it ends. */
const meter = `data:text/javascript,${encodeURIComponent(
  "process.on('exit',()=>{const{userCPUTime:u,systemCPUTime:s,maxRSS:m}=process.resourceUsage();" +
    "console.error(JSON.stringify({cpu:(u+s)/1e6,megabytes:m/1e3}))})",
)}`;

function convertOnce(
  cli: string,
  { model, pipeline, ...bar }: Conversion,
  options: {
    readonly shared: string;
    readonly calibSamples: number;
    readonly timesteps?: number | undefined;
    readonly threads: number;
  },
): Cost {
  const found = casesOf(options.shared, [model]).find(({ name }) => name === model);
  const { model: file, calibration, preprocess } = known(found, model);
  const folder = mkdtempSync(path.join(os.tmpdir(), "snnc-conversion-"));
  try {
    const output = path.join(folder, "network.snn");
    const started = performance.now();
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        ...["--import", meter, cli, "convert", file, "--calib", calibration],
        ...["--calib-samples", String(options.calibSamples), "--preprocess", preprocess],
        ...["--pipeline", pipeline, "-T", String(options.timesteps ?? bar.timesteps)],
        ...["--threads", String(options.threads), "--no-eval", "--quiet", "-o", output],
      ],
      { encoding: "utf8", maxBuffer: 2 ** 28 },
    );
    const seconds = (performance.now() - started) / 1000;
    invariant(status === 0, `${cli} ended with ${String(status)}: ${stderr}`);
    // The command runs in a thread of its own, which has the meter too; the process is what ends last.
    const told = [...stderr.matchAll(/\{"cpu":([\d.]+),"megabytes":([\d.]+)\}/g)].at(-1);
    const [, cpu, megabytes] = known(told, "what the process took");
    return {
      seconds,
      cpuSeconds: Number(cpu),
      megabytes: Number(megabytes),
      network: hashOf(output),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hashOf(file: string): string {
  const { metadata, tensors } = readSafetensors(new Uint8Array(readFileSync(file)), file);
  const sum = createHash("sha256");
  sum.update([...metadata.values()].find((value) => value.includes("module @")) ?? "");
  for (const [name, { dtype, shape, data }] of tensors) {
    sum.update(`${name} ${dtype} ${shape.join()}\n`);
    sum.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return sum.digest("hex");
}
