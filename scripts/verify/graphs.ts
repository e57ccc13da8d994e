/**
 * Random graphs by every named pipeline: each converts or is refused with a diagnostic, never ends with a
 * fault of ours, and what was made says the same on all three engines. Beside analogue graphs, in which
 * every kind of op meets every element type and operands broadcast in either position, there are random
 * networks of neurons of all kinds and of integers, which go to the engines as they are.
 */
import { Command } from "@commander-js/extra-typings";
import fc from "fast-check";
import { wholeNumber } from "../../cli/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { isOpKind, specs } from "../../ir/spec.ts";
import { pipelines } from "../../passes/index.ts";
import { integerFrames, integerNetworks } from "../../test/random/integer.ts";
import {
  type RandomNetwork,
  annNetworks,
  framedNetworks,
  spikingNetworks,
  temporalNetworks,
} from "../../test/random/module.ts";
import { type Counts, type Failure, attempt, noCounts, onEngines } from "./graphs/attempt.ts";
import { drawNetwork, fullRound } from "./graphs/draw.ts";

interface Found extends Failure {
  /** Which network it was: `graph 17` is drawn again by `--only 17`. */
  readonly which: string;
}

/** One in so many graphs is a network of neurons, of each of the kinds. */
const neuronsEvery = 4;

const timesteps = 4;

/** Kinds that no network here holds, with the reason; everything else has to come up. */
const leftOut: ReadonlyMap<string, string> = new Map(
  ["if", "max-pool", "readout"].map((kind) => [
    `snn.rehearsed-${kind}`,
    "made by the pass rehearse, which no named pipeline has; test/differential/rehearsal.test.ts",
  ]),
);

export interface GraphsResult {
  readonly counts: Counts;
  readonly failures: readonly Found[];
  /** Kinds of ops that never came up. */
  readonly missing: readonly string[];
}

/** Draws `runs` graphs from `seed` and tries each; `first` is the number of the first. */
export async function verifyGraphs(
  runs: number,
  seed: number,
  options: {
    readonly first?: number;
    readonly names?: readonly string[];
    readonly onFailure?: (failure: Found) => void;
    readonly onGraph?: (done: number, counts: Counts) => void;
  } = {},
): Promise<GraphsResult> {
  const { first = 0, names = [...pipelines.keys()] } = options;
  const counts = noCounts();
  const failures: Found[] = [];
  const seen = new Set<string>();
  const book = (which: string, found: readonly Failure[]): void => {
    for (const each of found) {
      const failure = { which, ...each };
      failures.push(failure);
      options.onFailure?.(failure);
    }
  };
  for (let run = first; run < first + runs; run++) {
    const drawn = drawNetwork(seed, run);
    for (const op of drawn.module.ops) seen.add(op.kind);
    book(
      `graph ${run} (${drawn.kind} on ${drawn.dtype})`,
      await attempt(drawn, timesteps, counts, names),
    );
    if (run % neuronsEvery === 0) {
      for (const [name, { module, inputs }] of neuronsOf(seed, run)) {
        for (const op of module.ops) seen.add(op.kind);
        counts.graphs++;
        const subject = { module, sample: () => inputs };
        book(`${name} ${run}`, await onEngines(subject, "", counts));
      }
    }
    options.onGraph?.(run - first + 1, counts);
  }
  const missing = Object.keys(specs).filter(
    (kind) => isOpKind(kind) && !seen.has(kind) && !leftOut.has(kind),
  );
  return { counts, failures, missing };
}

/** A network of each kind that has neurons already, and one as the laws of passes draw them. */
function neuronsOf(seed: number, run: number): (readonly [string, RandomNetwork])[] {
  const options = { numRuns: 1, seed: seed + run };
  const arbitraries = {
    plain: annNetworks(),
    spiking: spikingNetworks(),
    temporal: temporalNetworks(),
    framed: framedNetworks(),
    integers: integerNetworks(),
    frames: integerFrames(),
  };
  return Object.entries(arbitraries).flatMap(([name, arbitrary]) =>
    fc.sample(arbitrary, options).map((network) => [name, network] as const),
  );
}

/** Runs the bar; see `npm run verify -- graphs --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const { runs, seed, only, pipeline, json } = optionsOf(
    new Command("npm run verify -- graphs")
      .option("--runs <N>", "graphs to draw", wholeNumber(1, 10_000_000), 200)
      .option("--seed <S>", "what they are drawn from", wholeNumber(0, 2 ** 31 - 1), 1)
      .option("--only <N>", "graph number N alone", wholeNumber(0, 10_000_000))
      .option("--pipeline <NAME>", "by this pipeline alone")
      .option("--json", "one object on stdout", false),
    args,
  );
  const { counts, failures, missing } = await verifyGraphs(only === undefined ? runs : 1, seed, {
    ...(only === undefined ? {} : { first: only }),
    ...(pipeline === undefined ? {} : { names: [pipeline] }),
    onFailure: ({ which, pipeline: by, why }) => console.error(`${which}, ${by}: ${why}`),
    onGraph: (done) => {
      if (done % 100 === 0) console.error(`${done} graphs, ${process.uptime().toFixed(0)} s`);
    },
  });
  const refused = Object.fromEntries([...counts.refused].toSorted(([, a], [, b]) => b - a));
  // Whether the list of kinds is whole can be told of a whole round only.
  const isWhole = runs >= fullRound && only === undefined;
  const holds = failures.length === 0 && tiesHold(counts) && (!isWhole || missing.length === 0);
  if (json) {
    console.log(JSON.stringify({ seed, ...counts, refused, missing, failures, holds }));
    return holds;
  }
  const shortest = failures.toSorted((a, b) => a.text.length - b.text.length)[0];
  if (shortest !== undefined) {
    console.log(`the shortest network that fails (${shortest.which}, ${shortest.pipeline}):`);
    console.log(shortest.text);
  }
  console.log(
    `seed ${seed}: ${counts.graphs} graphs, ${counts.converted} converted, ` +
      `${counts.compared} comparisons with the interpreter, ${counts.ties} parted at a tie ` +
      `(${counts.otherClass} with another class, ${counts.otherCounts} with other counts), ` +
      `${failures.length} failures`,
  );
  for (const [codes, count] of Object.entries(refused)) console.log(`  ${count} refused: ${codes}`);
  if (isWhole && missing.length > 0) console.log(`never drawn: ${missing.join(", ")}`);
  for (const [kind, why] of leftOut) console.log(`left out: ${kind}: ${why}`);
  return holds;
}

/** Another class after a tie in at most one of a hundred comparisons. */
function tiesHold({ compared, otherClass, otherCounts }: Counts): boolean {
  return otherClass <= compared / 100 && otherCounts <= compared / 100;
}
