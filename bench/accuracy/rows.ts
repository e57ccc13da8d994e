/** What is measured of one conversion, as a table for people and as a comparison of ours with others. */
import { alignedTable } from "../../cli/tables.ts";

export interface Row {
  readonly model: string;
  readonly method: string;
  readonly code: string;
  readonly timesteps: number;
  readonly samples: number;
  readonly annAccuracy: number;
  readonly accuracy: number;
  /** Points of accuracy. */
  readonly loss: number;
  readonly agreement: number;
  readonly relativeLogitError: number;
  /** Binary spikes: a word counts as many as it has bits set. */
  readonly spikesPerNeuron: number;
  /** Per sample. */
  readonly synapticOperations: number;
  readonly latencyTimesteps: number;
  /** The largest number of bits of a spike. */
  readonly bits: number;
  /** Multiply-accumulates of the ANN, per sample. */
  readonly annOperations: number;
  /** Those that the spiking network does on analogue values, once per sample. */
  readonly analogueOperations: number;
  /** Of the conversion. */
  readonly seconds: number;
  readonly ours: boolean;
}

const head = [
  "method",
  "code",
  "T",
  "latency",
  "accuracy",
  "loss",
  "agreement",
  "logit error",
  "spikes/neuron",
  "SynOps",
  "SynOps/MACs",
  "seconds",
] as const;

export function cellsOf(row: Row): string[] {
  return [
    row.method,
    row.bits > 1 ? `${row.code}, ${row.bits} bits` : row.code,
    String(row.timesteps),
    String(row.latencyTimesteps),
    percentText(row.accuracy),
    row.loss.toFixed(2),
    percentText(row.agreement),
    row.relativeLogitError.toExponential(2),
    row.spikesPerNeuron.toFixed(3),
    `${(row.synapticOperations / 1e6).toFixed(2)} M`,
    row.annOperations === 0 ? "" : (row.synapticOperations / row.annOperations).toFixed(3),
    row.seconds.toFixed(1),
  ];
}

export const headOfTable: readonly string[] = head;

export function tableOf(rows: readonly Row[]): string {
  return alignedTable([head, ...rows.map(cellsOf)]);
}

export function percentText(share: number | undefined): string {
  return share === undefined ? "" : `${(share * 100).toFixed(2)} %`;
}

/** What codes have to be compared with: those whose neurons and wires are alike. */
export function familyOf({ code, bits, method }: Pick<Row, "code" | "bits" | "method">): string {
  if (code === "few-spikes") return "few spikes";
  if (code === "ttfs") return "one spike";
  if (method === "lif") return "leaky";
  return bits === 1 ? "1 bit" : `${bits} bits`;
}

/** How a method of ours compares with another at the same timesteps. */
export interface Comparison {
  readonly model: string;
  readonly family: string;
  readonly timesteps: number;
  /** The pipeline of ours that is meant; null where this build has none in the family. */
  readonly ours: string | null;
  /** Others with no less error and no fewer spikes, and more of one. */
  readonly dominated: readonly string[];
  /** Others with no more error and no more spikes, and less of one. */
  readonly dominating: readonly string[];
  /** Others with less of one and more of the other. */
  readonly undecided: readonly string[];
}

/**
 * For each model, family and number of timesteps what of (logit error, spikes per neuron) dominates what.
 * Rows of ours that another of ours dominates are left out.
 */
export function comparisons(rows: readonly Row[]): Comparison[] {
  const groups = groupedBy(rows, (row) =>
    JSON.stringify([row.model, familyOf(row), row.timesteps]),
  );
  return [...groups.values()].flatMap((group): Comparison[] => {
    const [first] = group;
    if (first === undefined) return [];
    const others = group.filter((row) => !row.ours);
    const mine = group.filter((row) => row.ours);
    const best = mine.filter((row) => !mine.some((other) => dominates(other, row)));
    const { model, timesteps } = first;
    const place = { model, family: familyOf(first), timesteps };
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

type Point = Pick<Row, "relativeLogitError" | "spikesPerNeuron">;

/** Whether `a` is nowhere worse than `b`, and better somewhere. */
export function dominates(a: Point, b: Point): boolean {
  const error = a.relativeLogitError - b.relativeLogitError;
  const spikes = a.spikesPerNeuron - b.spikesPerNeuron;
  return error <= 0 && spikes <= 0 && (error < 0 || spikes < 0);
}

export function comparisonTable(all: readonly Comparison[]): string {
  const list = (names: readonly string[]): string => names.join(" ");
  return alignedTable([
    ["model", "family", "T", "ours", "dominates", "is dominated by", "neither"],
    ...all.map((each) => [
      each.model,
      each.family,
      String(each.timesteps),
      each.ours ?? "none in this family",
      list(each.dominated),
      list(each.dominating),
      list(each.undecided),
    ]),
  ]);
}
