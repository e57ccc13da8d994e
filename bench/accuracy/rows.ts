/** What is measured of one conversion, as a table for people and as a comparison of ours with others. */
import { lossPoints, withError } from "../../calibrate/report/format.ts";
import { alignedTable } from "../../cli/terminal/tables.ts";
import type { Alphabet } from "./alphabet.ts";

export interface Row {
  readonly model: string;
  readonly method: string;
  readonly code: string;
  /** What a neuron can send at a timestep; null where there are no neurons. */
  readonly alphabet: Alphabet | null;
  readonly timesteps: number;
  readonly samples: number;
  readonly annAccuracy: number;
  readonly accuracy: number;
  /** Points of accuracy. */
  readonly loss: number;
  /** Of the loss, in points: networks are compared on the same samples. */
  readonly lossStandardError: number;
  readonly agreement: number;
  readonly relativeLogitError: number;
  /** Words: one is one spike, whatever its size. */
  readonly spikesPerNeuron: number;
  /** Binary digits that are set in them. */
  readonly bitsPerNeuron: number;
  /** Events per sample: a word that meets a weight. */
  readonly synapticOperations: number;
  /** Bits that meet a weight, per sample. */
  readonly synapticBits: number;
  /** Products on what is not a spike, per sample: of the first layer once, of others at each timestep. */
  readonly multiplyAccumulates: number;
  /** Those of the ANN. */
  readonly annOperations: number;
  /** Arithmetic over that of the ANN, by the table of the network's own number format; null without any. */
  readonly energyRatio: number | null;
  /** The same with an addition for each bit; null where steps are no powers of two of each other. */
  readonly energyRatioByBits: number | null;
  readonly energyTable: string;
  readonly latencyTimesteps: number;
  /** Layers that fire one after another. */
  readonly latencyPhases: number;
  /** Timesteps where each layer of neurons hands on what it sends one timestep later. */
  readonly latencyWithDelay: number;
  /** Of the conversion. */
  readonly seconds: number;
  readonly ours: boolean;
}

const head = [
  "method",
  "words",
  "T",
  "latency",
  "phases",
  "delayed",
  "accuracy",
  "loss",
  "agreement",
  "logit error",
  "spikes/neuron",
  "bits/neuron",
  "events",
  "events/MACs",
  "bits/MACs",
  "energy",
  "seconds",
] as const;

export function cellsOf(row: Row): string[] {
  const { alphabet } = row;
  const [events, bits] = [row.synapticOperations, row.synapticBits];
  return [
    row.method,
    alphabet === null ? "none" : familyOf(row),
    alphabet === null ? "–" : String(row.timesteps),
    ...[row.latencyTimesteps, row.latencyPhases, row.latencyWithDelay].map((n) =>
      alphabet === null ? "–" : String(n),
    ),
    percentText(row.accuracy),
    withError(lossPoints(row.loss / 100), row.lossStandardError / 100),
    percentText(row.agreement),
    row.relativeLogitError.toExponential(2),
    row.spikesPerNeuron.toFixed(3),
    row.bitsPerNeuron.toFixed(3),
    `${(events / 1e6).toFixed(2)} M`,
    shareText(shareOfMacs(row, events)),
    shareText(shareOfMacs(row, bits)),
    shareText(row.energyRatio),
    row.seconds.toFixed(1),
  ];
}

/**
 * What is done at synapses over the multiply-accumulates of the ANN. The products on what is not a spike are
 * in both: of the first layer on the image, and of any other at each timestep.
 */
function shareOfMacs(
  { multiplyAccumulates, annOperations }: Pick<Row, "multiplyAccumulates" | "annOperations">,
  events: number,
): number | null {
  return annOperations === 0 ? null : (multiplyAccumulates + events) / annOperations;
}

function shareText(share: number | null): string {
  return share === null ? "–" : share.toFixed(3);
}

export const headOfTable: readonly string[] = head;

export function tableOf(rows: readonly Row[]): string {
  return alignedTable([head, ...rows.map(cellsOf)]);
}

export function percentText(share: number | undefined): string {
  return share === undefined ? "" : `${(share * 100).toFixed(2)} %`;
}

/**
 * What methods have to be compared with: those whose neurons send the same words, worth the same at every
 * timestep or not. Framed codes and leaky neurons are families of their own.
 */
export function familyOf({
  code,
  alphabet,
  method,
}: Pick<Row, "code" | "alphabet" | "method">): string {
  if (alphabet === null) return "no spikes";
  if (code === "few-spikes") return "digits by timestep";
  if (code === "ttfs") return "one spike by its time";
  if (method === "lif") return "leaky, 0, 1";
  const { words, size, steps } = alphabet;
  return `${words}${size > 3 ? ` (${size} values)` : ""}, ${steps} steps`;
}

/** How a method of ours compares with another of the same latency. */
export interface Comparison {
  readonly model: string;
  readonly family: string;
  readonly latency: number;
  /** The pipeline of ours that is meant; null where this build has none in the family. */
  readonly ours: string | null;
  /** Others that are nowhere better, and worse somewhere. */
  readonly dominated: readonly string[];
  /** Others that are nowhere worse, and better somewhere. */
  readonly dominating: readonly string[];
  /** Others that are better in one thing and worse in another. */
  readonly undecided: readonly string[];
}

/**
 * For each model, family and latency: which method dominates which in (logit error, spikes and bits per
 * neuron). Rows of ours that another of ours dominates are omitted.
 */
export function comparisons(rows: readonly Row[]): Comparison[] {
  const spiking = rows.filter(({ alphabet }) => alphabet !== null);
  const groups = groupedBy(spiking, (row) =>
    JSON.stringify([row.model, familyOf(row), row.latencyTimesteps]),
  );
  return [...groups.values()].flatMap((group): Comparison[] => {
    const [first] = group;
    if (first === undefined) return [];
    const others = group.filter((row) => !row.ours);
    const mine = group.filter((row) => row.ours);
    const best = mine.filter((row) => !mine.some((other) => dominates(other, row)));
    const { model, latencyTimesteps: latency } = first;
    const place = { model, family: familyOf(first), latency };
    const named = (some: readonly Row[]): string[] => some.map((row) => row.method);
    if (others.length === 0) return [];
    if (best.length === 0) {
      const undecided = named(others);
      return [{ ...place, ours: null, dominated: [], dominating: [], undecided }];
    }
    return best.map((row) => ({
      ...place,
      ours: row.method,
      dominated: named(others.filter((other) => dominates(row, other))),
      dominating: named(others.filter((other) => dominates(other, row))),
      undecided: named(others.filter((other) => !dominates(row, other) && !dominates(other, row))),
    }));
  });
}

/** The rows by a key, in the order in which keys come up. */
export function groupedBy(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}

type Point = Pick<Row, "relativeLogitError" | "spikesPerNeuron" | "bitsPerNeuron">;

/** Whether `a` is nowhere worse than `b`, and better somewhere. */
export function dominates(a: Point, b: Point): boolean {
  const differences = [
    a.relativeLogitError - b.relativeLogitError,
    a.spikesPerNeuron - b.spikesPerNeuron,
    a.bitsPerNeuron - b.bitsPerNeuron,
  ];
  return differences.every((x) => x <= 0) && differences.some((x) => x < 0);
}

export const headOfComparisons = [
  "model",
  "words",
  "latency",
  "ours",
  "dominates",
  "is dominated by",
  "neither",
] as const;

export function cellsOfComparison(each: Comparison): string[] {
  return [
    each.model,
    each.family,
    String(each.latency),
    each.ours ?? "none of these words",
    ...[each.dominated, each.dominating, each.undecided].map((names) => names.join(", ")),
  ];
}

export function comparisonTable(all: readonly Comparison[]): string {
  return alignedTable([headOfComparisons, ...all.map(cellsOfComparison)]);
}
