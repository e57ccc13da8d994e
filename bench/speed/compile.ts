/**
 * Suite `compile`: from a model's file to a network that is ready to run, each time in a fresh
 * process: seconds, and the largest resident set. Nothing is run.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Bench, type Start, ourName } from "./context.ts";
import { type Contestant, ContestantError, withContestants } from "./contestant.ts";
import { outFolder, peersFolder } from "./project.ts";
import type { Loaded } from "./protocol.ts";
import { resnet50 } from "./resnet50.ts";
import { type Row, rowOf } from "./rows.ts";
import { startOurs } from "./sides.ts";

/** What a network of the size of ResNet-50 may take. */
const bars = { seconds: 5, megabytes: 1000 } as const;
/** Each round starts processes anew, which takes longer than what is measured. */
const mostRounds = 3;

interface Cost {
  readonly seconds: readonly number[];
  readonly megabytes: readonly number[];
  /** Of the last round, for people. */
  readonly parts: string;
}

export async function compileSuite(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of bench.cases) rows.push(...(await measure(one.name, one.model, bench, false)));
  rows.push(...(await measure("resnet50", await largeModel(bench), bench, true)));
  return rows;
}

async function largeModel({ settings, status }: Bench): Promise<string> {
  const file = path.join(outFolder, "models", `resnet50-${settings.seed}.onnx`);
  if (!existsSync(file)) {
    status("resnet50: generating");
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, resnet50(settings.seed));
  }
  return file;
}

async function measure(
  name: string,
  model: string,
  bench: Bench,
  withBars: boolean,
): Promise<Row[]> {
  const { settings } = bench;
  const us = ourName(settings);
  const sides = new Map<string, () => Promise<Loaded>>();
  sides.set(us, () => loadOnce((start) => startOurs(start, bench, { ...unfed, model })));
  for (const peer of bench.peers) {
    const { threads } = settings;
    const spec = { role: "peer", peer, folder: peersFolder, threads, model } as const;
    sides.set(peer, () => loadOnce((start) => start(peer, { ...spec, ...unfed })));
  }
  // Whoever comes first would read the file from disk, and the others from the cache.
  await readFile(model);
  const costs = await costsOf(name, sides, bench);
  const ours = costs.get(us);
  if (ours === undefined) return [];
  const common = { suite: "compile", case: name, better: "lower" } as const;
  const how = `from the file to ready to run: ${ours.parts}`;
  const rows: Row[] = [];
  const add = (baseline: string, { seconds, megabytes }: Omit<Cost, "parts">): void => {
    const rowFor = (metric: string, note: string, values: [readonly number[], readonly number[]]) =>
      rowOf({
        ...common,
        metric,
        note,
        subject: { name: us, values: values[0] },
        baseline: { name: baseline, values: values[1] },
      });
    rows.push(rowFor("seconds", how, [ours.seconds, seconds]));
    rows.push(rowFor("peak MB", "of the whole process", [ours.megabytes, megabytes]));
  };
  if (withBars) add("the bar", { seconds: [bars.seconds], megabytes: [bars.megabytes] });
  for (const [side, cost] of costs) if (side !== us) add(side, cost);
  return rows;
}

/** Loads on each side in turn, round by round; a side that fails is left out. */
async function costsOf(
  name: string,
  sides: ReadonlyMap<string, () => Promise<Loaded>>,
  { settings, status, alert }: Bench,
): Promise<Map<string, Cost>> {
  const rounds = Math.min(mostRounds, settings.rounds);
  const costs = new Map<string, Cost>();
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const [side, load] of sides) {
      if (failed.has(side)) continue;
      status(`${name}: compiling on ${side}, round ${round + 1} of ${rounds}`);
      try {
        const { seconds, peakBytes } = await load();
        const before = costs.get(side) ?? { seconds: [], megabytes: [], parts: "" };
        costs.set(side, {
          seconds: [...before.seconds, secondsOf(seconds)],
          megabytes: [...before.megabytes, peakBytes / 1e6],
          parts: partsText(seconds),
        });
      } catch (error) {
        if (!(error instanceof ContestantError)) throw error;
        failed.add(side);
        costs.delete(side);
        alert(`compile: ${name} on ${side} is left out: ${error.message}`);
      }
    }
  }
  return costs;
}

/** Nothing will be run. */
const unfed = { inputs: null, timesteps: 1, fixedBatch: null } as const;

/** Starts one process, takes what it tells of loading, and ends it. */
function loadOnce(begin: (start: Start) => Promise<Contestant>): Promise<Loaded> {
  return withContestants(async (start) => (await begin(start)).loaded);
}

function partsText(parts: Readonly<Record<string, number>>): string {
  return Object.entries(parts)
    .filter(([part]) => part !== "code")
    .map(([part, seconds]) => `${part} ${seconds.toFixed(2)} s`)
    .join(", ");
}

/** All parts but loading the engine's or the peer's own code, which is the same for any model. */
function secondsOf(parts: Readonly<Record<string, number>>): number {
  return Object.entries(parts)
    .filter(([part]) => part !== "code")
    .reduce((sum, [, seconds]) => sum + seconds, 0);
}
