/**
 * Random graphs by every named pipeline: each converts or is refused with a diagnostic, never ends with a
 * fault of ours, and what was made says the same on all three engines. Beside analogue graphs, in which
 * every kind of op meets every element type and operands broadcast in either position, there are random
 * networks of neurons of all kinds and of integers, which go to the engines as they are.
 */
import { Command, Option } from "@commander-js/extra-typings";
import fc from "fast-check";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { isOpKind, specs } from "../../ir/op/table.ts";
import { pipelines } from "../../passes/index.ts";
import { integerFrames, integerNetworks } from "../../test/random/integer.ts";
import {
  type RandomNetwork,
  annNetworks,
  framedNetworks,
  spikingNetworks,
  temporalNetworks,
} from "../../test/random/module.ts";
import {
  type Counts,
  type Failure,
  addCounts,
  attempt,
  noCounts,
  onEngines,
} from "./graphs/attempt.ts";
import { answerParent, shareOut } from "./graphs/children.ts";
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

/** What came of one run: a graph by every pipeline, and at times networks of neurons. */
interface Outcome {
  readonly counts: Counts;
  readonly failures: readonly Found[];
  /** Kinds of ops that came up. */
  readonly kinds: readonly string[];
}

/** What came of several runs, in their order. */
class Sum {
  readonly counts = noCounts();
  private readonly failures = new Map<number, readonly Found[]>();
  private readonly seen = new Set<string>();

  add(run: number, { counts, failures, kinds }: Outcome): void {
    addCounts(this.counts, counts);
    this.failures.set(run, failures);
    for (const kind of kinds) this.seen.add(kind);
  }

  result(): GraphsResult {
    const runs = [...this.failures.keys()].toSorted((a, b) => a - b);
    const failures = runs.flatMap((run) => this.failures.get(run) ?? []);
    const missing = Object.keys(specs).filter(
      (kind) => isOpKind(kind) && !this.seen.has(kind) && !leftOut.has(kind),
    );
    return { counts: this.counts, failures, missing };
  }
}

/** Draws `runs` graphs from `seed` and tries each; `first` is the number of the first. */
export async function verifyGraphs(
  runs: number,
  seed: number,
  options: {
    readonly first?: number;
    readonly names?: readonly string[];
    /** Child processes to share the runs, where there are several. */
    readonly jobs?: number;
    readonly onFailure?: (failure: Found) => void;
    readonly onGraph?: (done: number, counts: Counts) => void;
  } = {},
): Promise<GraphsResult> {
  const { first = 0, names = [...pipelines.keys()], jobs = 1 } = options;
  const sum = new Sum();
  let done = 0;
  const book = (run: number, outcome: Outcome): void => {
    sum.add(run, outcome);
    for (const failure of outcome.failures) options.onFailure?.(failure);
    options.onGraph?.(++done, sum.counts);
  };
  if (jobs === 1) {
    for (let run = first; run < first + runs; run++) book(run, await outcomeOf(seed, run, names));
  } else {
    const args = ["graphs", "--worker", "--seed", String(seed), "--pipeline", names.join(",")];
    const script = process.argv[1] ?? "";
    await shareOut({ first, runs, jobs, script, args }, isOutcome, (run, answer) => {
      book(run, answer ?? death(run));
    });
  }
  return sum.result();
}

function isOutcome(message: unknown): message is Outcome {
  return typeof message === "object" && message !== null && "kinds" in message;
}

function death(run: number): Outcome {
  const failure = { which: `graph ${run}`, pipeline: "", why: "the process ended", text: "" };
  return { counts: noCounts(), failures: [failure], kinds: [] };
}

async function outcomeOf(seed: number, run: number, names: readonly string[]): Promise<Outcome> {
  const counts = noCounts();
  const failures: Found[] = [];
  const seen = new Set<string>();
  const book = (which: string, found: readonly Failure[]): void => {
    failures.push(...found.map((each) => ({ which, ...each })));
  };
  const drawn = drawNetwork(seed, run);
  for (const op of drawn.module.ops) seen.add(op.kind);
  const which = `graph ${run} (${drawn.kind} on ${drawn.dtype})`;
  book(which, await attempt(drawn, timesteps, counts, names));
  if (run % neuronsEvery === 0) {
    for (const [name, { module, inputs }] of neuronsOf(seed, run)) {
      for (const op of module.ops) seen.add(op.kind);
      counts.graphs++;
      const subject = { module, sample: () => inputs };
      book(`${name} ${run}`, await onEngines(subject, "", counts));
    }
  }
  return { counts, failures, kinds: [...seen] };
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
  const { runs, first, seed, only, pipeline, jobs, json, worker } = optionsOf(
    new Command("npm run verify -- graphs")
      .option("--runs <N>", "graphs to draw", wholeNumber(1, 10_000_000), 200)
      .option("--first <N>", "number of the first graph", wholeNumber(0, 10_000_000), 0)
      .option("--jobs <N>", "child processes; the report is the same", wholeNumber(1, 256), 1)
      .option("--seed <S>", "what they are drawn from", wholeNumber(0, 2 ** 31 - 1), 1)
      .option("--only <N>", "graph number N alone", wholeNumber(0, 10_000_000))
      .option("--pipeline <NAME>", "by this pipeline alone, or by several joined by commas")
      .option("--json", "one object on stdout", false)
      .addOption(new Option("--worker", "answers a parent").hideHelp().default(false)),
    args,
  );
  const names = pipeline === undefined ? [...pipelines.keys()] : pipeline.split(",");
  if (worker) {
    await answerParent((run) => outcomeOf(seed, run, names));
    return true;
  }
  const { counts, failures, missing } = await verifyGraphs(only === undefined ? runs : 1, seed, {
    first: only ?? first,
    names,
    jobs,
    onFailure: ({ which, pipeline: by, why }) => console.error(`${which}, ${by}: ${why}`),
    onGraph: (done, { graphs, ties, grown }) => {
      if (done % 100 !== 0) return;
      const seconds = process.uptime().toFixed(0);
      console.error(`${done} runs, ${graphs} graphs, ${ties} ties, ${grown} grown, ${seconds} s`);
    },
  });
  const [refused, grownIn] = [counts.refused, counts.grownIn].map(mostFirst);
  // Whether the list of kinds is whole can be told of a whole round only.
  const isWhole = runs >= fullRound && only === undefined;
  const holds = failures.length === 0 && tiesHold(counts) && (!isWhole || missing.length === 0);
  if (json) {
    console.log(JSON.stringify({ seed, ...counts, refused, grownIn, missing, failures, holds }));
    return holds;
  }
  const shortest = failures.toSorted((a, b) => a.text.length - b.text.length)[0];
  if (shortest !== undefined) {
    console.log(`the shortest network that fails (${shortest.which}, ${shortest.pipeline}):`);
    console.log(shortest.text);
  }
  console.log(
    `seed ${seed}: ${counts.graphs} graphs, ${counts.converted} converted, ` +
      `${counts.compared} comparisons with the interpreter, ${failures.length} failures, ` +
      `in ${counts.grown} a rounding grew`,
  );
  console.log(
    `  of ${counts.spiking} with neurons of floats ${counts.ties} parted at a tie: ` +
      `${counts.otherClass} with another class, ${counts.spikesOff} of ${counts.spikes} spikes off`,
  );
  for (const [kind, count] of Object.entries(grownIn ?? {})) {
    console.log(`  ${count} times a rounding grew first in ${kind}`);
  }
  for (const [codes, count] of Object.entries(refused ?? {}))
    console.log(`  ${count} refused: ${codes}`);
  if (isWhole && missing.length > 0) console.log(`never drawn: ${missing.join(", ")}`);
  for (const [kind, why] of leftOut) console.log(`left out: ${kind}: ${why}`);
  return holds;
}

/** Counts by name, the largest first. */
function mostFirst(counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(counts).toSorted(([x, a], [y, b]) => b - a || (x < y ? -1 : 1)),
  );
}

/** After a tie another class in at most one of a hundred samples, and spikes within half a per cent. */
function tiesHold({ spiking, spikes, otherClass, spikesOff }: Counts): boolean {
  return otherClass <= spiking / 100 && spikesOff <= spikes / 200;
}
