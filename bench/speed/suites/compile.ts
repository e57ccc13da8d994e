/**
 * Suite `compile`: from a model's file to a network that is ready to run, each time in a fresh
 * process: seconds, and the largest resident set. Engines may put work off until the first sample,
 * so one is run, and what it takes longer than the second counts too.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadNetwork } from "../../../cli/load.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { inputsOf } from "../../../ir/module.ts";
import { f32 } from "../../../ir/tensor.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { type Bench, type Start, ourName, rowsOrAlert } from "../context.ts";
import { type Contestant, ContestantError, withContestants } from "../processes/contestant.ts";
import { writeInputs } from "../processes/inputs.ts";
import { readsOnnx } from "../processes/protocol.ts";
import { fillUniform } from "../networks/noise.ts";
import { fixedBatchOf } from "../networks/open-batch.ts";
import { isFeedable, safeName } from "../prepare.ts";
import { outFolder, peersFolder } from "../project.ts";
import { resnet50 } from "../networks/resnet50.ts";
import { type Row, rowOf } from "../rows.ts";
import { startOurs } from "../sides.ts";

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
  const models = bench.cases.map(({ name, model }) => ({ name, model, withBars: false }));
  const large = { name: "resnet50", model: await largeModel(bench), withBars: true };
  for (const each of [...models, large]) {
    const work = () => measure(each, bench);
    rows.push(...(await rowsOrAlert(bench, `compile: ${each.name}`, work)));
  }
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
  { name, model, withBars }: { name: string; model: string; withBars: boolean },
  bench: Bench,
): Promise<Row[]> {
  const { settings } = bench;
  bench.status(`${name}: preparing`);
  const { module } = await loadNetwork(model, {}, bench.context);
  if (!isFeedable(module)) {
    bench.alert(`compile: ${name} is left out: it does not have one float32 input`);
    return [];
  }
  const file = path.join(outFolder, "inputs", `${safeName(name)}-noise.f32`);
  const inputs = await writeInputs(file, noise(inputsOf(module)[0]?.type.shape ?? []), 1);
  const us = ourName(settings);
  const sides = new Map<string, () => Promise<Made>>();
  sides.set(us, () =>
    once(bench, (start) => startOurs(start, bench, { inputs, model, timesteps: 1 })),
  );
  // Also has the file in the cache of the disk before whoever comes first reads it.
  const fixedBatch = fixedBatchOf(await readFile(model));
  for (const peer of bench.peers.filter(readsOnnx)) {
    const { threads } = settings;
    const spec = { role: "peer", peer, folder: peersFolder, threads, model } as const;
    sides.set(peer, () => once(bench, (start) => start(peer, { ...spec, inputs, fixedBatch })));
  }
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
  sides: ReadonlyMap<string, () => Promise<Made>>,
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
        const { parts, peakBytes } = await load();
        const before = costs.get(side) ?? { seconds: [], megabytes: [], parts: "" };
        costs.set(side, {
          seconds: [...before.seconds, secondsOf(parts)],
          megabytes: [...before.megabytes, peakBytes / 1e6],
          parts: partsText(parts),
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

/** What one process took. */
interface Made {
  /** Seconds of each part. */
  readonly parts: Readonly<Record<string, number>>;
  readonly peakBytes: number;
}

/** Starts one process, has it run twice, and ends it. */
function once({ node }: Bench, begin: (start: Start) => Promise<Contestant>): Promise<Made> {
  return withContestants(node, async (start) => {
    const contestant = await begin(start);
    const oneCall = { mode: "call", seconds: 0 } as const;
    const first = await contestant.measure(oneCall);
    const second = await contestant.measure(oneCall);
    // The engine's or the peer's own code is the same for any model, and not part of compiling one.
    const { code: _code, ...loading } = contestant.loaded.seconds;
    const putOff = Math.max(0, first - second) / 1000;
    const { peakBytes } = await contestant.memory();
    return { parts: { ...loading, "put off to the first run": putOff }, peakBytes };
  });
}

function partsText(parts: Readonly<Record<string, number>>): string {
  return Object.entries(parts)
    .map(([part, seconds]) => `${part} ${seconds.toFixed(2)} s`)
    .join(", ");
}

function secondsOf(parts: Readonly<Record<string, number>>): number {
  return Object.values(parts).reduce((sum, seconds) => sum + seconds, 0);
}

function noise(shape: Shape): SampleSource {
  const data = new Float32Array(elementCount(shape));
  fillUniform(data, 0, 0, 1);
  return { count: 1, get: () => [f32(shape, data)] };
}
