/**
 * All that is said of spiking, by four witnesses: a simulator that was written from docs/ir.md and
 * docs/numerics.md alone, the interpreter, and both engines, on trained models by named pipelines.
 * The simulator equals the interpreter bit for bit in what every neuron sends, in spikes, bits,
 * events and operations of every kind. Engines equal it in networks of integers; in networks of floats
 * up to the first tie, and nearly so from there on.
 */
import { Command } from "@commander-js/extra-typings";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import type { Engine, SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import {
  converted,
  sourcesOf,
  timestepsOf,
  usualNetworks,
  usualPipelines,
} from "./account/networks.ts";
import {
  type Tally,
  classesHold,
  furthestOff,
  mostOff,
  noTally,
  plusTally,
  tallyOf,
} from "./account/tally.ts";
import { differencesFrom } from "./account/witness.ts";
import { spikesOf } from "./graphs/compare.ts";
import { runOn } from "./graphs/run.ts";

const engines: readonly Engine[] = [singleThreadEngine, singleThreadWasmEngine];

export interface Row {
  readonly network: string;
  readonly pipeline: string;
  readonly timesteps: number;
  /** Samples in which the simulator equals the interpreter in all. */
  readonly simulated: number;
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly faults: readonly string[];
}

/** Every witness on every sample. */
export async function rowOf(
  module: Module,
  samples: SampleSource,
  names: { readonly network: string; readonly pipeline: string },
): Promise<Row> {
  const tallies = new Map(engines.map(({ name }) => [name, noTally]));
  const faults: string[] = [];
  let simulated = 0;
  for (let i = 0; i < samples.count; i++) {
    const inputs = samples.get(i);
    const result = await runOn(interpretEngine, module, inputs, spikesOf(module));
    const differences = differencesFrom(module, inputs, result);
    if (differences.length === 0) simulated++;
    else faults.push(`sample ${i}: simulator: ${differences.slice(0, 3).join("; ")}`);
    for (const engine of engines) {
      const one = await tallyOf(module, inputs, { engine: interpretEngine, result }, engine);
      faults.push(...one.faults.map((fault) => `sample ${i}: ${fault}`));
      tallies.set(engine.name, plusTally(tallies.get(engine.name) ?? noTally, one));
    }
  }
  for (const [engine, tally] of tallies) {
    const { kind, share } = furthestOff(tally);
    if (share > mostOff) faults.push(`${engine}: ${kind} are off by ${percent(share)}`);
  }
  return { ...names, timesteps: module.timesteps, simulated, tallies, faults };
}

const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;

/** Runs the bar; see `npm run verify -- account --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- account")
    .argument("[names...]", `models whose names contain one of these (${usualNetworks.join(", ")})`)
    .option("--pipeline <NAMES>", "pipelines, joined by commas", usualPipelines.join(","))
    .option("--samples <N>", "test samples of each", wholeNumber(1, 10_000), 2)
    .option("--calib-samples <N>", "calibration samples", wholeNumber(1, 10_000), 16)
    .option("--timesteps <N>", "for all pipelines, in place of few for each", wholeNumber(1, 1000))
    .option(
      "--shared <folder>",
      "folder with models/ and data/",
      process.env["SNNC_SHARED"] ?? "../shared",
    )
    .option("--json", "one object on stdout", false);
  const { pipeline, samples, calibSamples, timesteps, shared, json } = optionsOf(command, args);
  const [names] = command.processedArgs;
  const wanted = names.length === 0 ? usualNetworks : names;
  const rows: Row[] = [];
  const refused: string[] = [];
  if (!json) console.log(heading);
  const counts = { calibration: calibSamples, test: samples };
  for await (const source of sourcesOf(shared, wanted, counts)) {
    for (const each of pipeline.split(",")) {
      const module = await converted(source, {
        pipeline: each,
        timesteps: timesteps ?? timestepsOf[each] ?? 4,
        allowAnalogue: true,
      });
      if (typeof module === "string") {
        refused.push(`${source.name} by ${each}: ${module}`);
        continue;
      }
      const row = await rowOf(module, source.test, { network: source.name, pipeline: each });
      rows.push(row);
      if (!json) console.log(textOf(row));
      for (const fault of row.faults) console.error(`${source.name} by ${each}: ${fault}`);
    }
  }
  const sums = new Map(
    engines.map(({ name }) => [name, sumOf(rows.map((row) => row.tallies.get(name) ?? noTally))]),
  );
  const holds =
    rows.length > 0 &&
    rows.every(({ faults }) => faults.length === 0) &&
    [...sums.values()].every(classesHold);
  if (json) {
    const plain = rows.map(({ tallies, ...row }) => ({ ...row, engines: plainOf(tallies) }));
    console.log(JSON.stringify({ rows: plain, sums: plainOf(sums), refused, holds }));
    return holds;
  }
  for (const each of refused) console.log(`refused: ${each}`);
  for (const [engine, sum] of sums) console.log(`${engine}: ${summaryOf(sum)}`);
  return holds;
}

const columns = [20, 12, 3, 10, 28, 28] as const;
const lineOf = (cells: readonly string[]): string =>
  cells.map((cell, i) => cell.padEnd(columns[i] ?? 0)).join("  ");

const heading = lineOf(["network", "pipeline", "T", "simulator", ...engines.map((e) => e.name)]);

function textOf({ network, pipeline, timesteps, simulated, tallies }: Row): string {
  const [first = noTally] = tallies.values();
  const of = (tally: Tally): string => {
    const { equal, ties, grown, samples } = tally;
    const { kind, share } = furthestOff(tally);
    return [
      `${equal}/${samples} equal`,
      ...(ties > 0 ? [`${ties} ties`] : []),
      ...(grown > 0 ? [`${grown} grown`] : []),
      ...(share > 0 ? [`${kind} ${percent(share)}`] : []),
    ].join(", ");
  };
  const simulator = `${simulated}/${first.samples}`;
  const cells = [network, pipeline, String(timesteps), simulator, ...[...tallies.values()].map(of)];
  return lineOf(cells).trimEnd();
}

function summaryOf(sum: Tally): string {
  const { samples, equal, ties, grown, otherClass } = sum;
  const { kind, share } = furthestOff(sum);
  return (
    `${equal} of ${samples} samples equal in every spike and count, ${ties} part at a tie, in ${grown} ` +
    `a rounding grew, ${otherClass} with another class; ` +
    (share === 0 ? "no count is off" : `furthest off: ${kind}, by ${percent(share)}`)
  );
}

const sumOf = (tallies: readonly Tally[]): Tally => tallies.reduce(plusTally, noTally);

function plainOf(tallies: ReadonlyMap<string, Tally>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    [...tallies].map(([name, tally]) => [name, { ...tally, off: Object.fromEntries(tally.off) }]),
  );
}
