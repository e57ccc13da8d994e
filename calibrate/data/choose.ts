/**
 * Seeded choices of samples. A sample's lot is drawn from the seed and its content, so that the
 * choice does not depend on the order of the file, and a larger choice contains a smaller one.
 */
import { uniform } from "../../ir/random.ts";
import type { Dataset } from "./dataset.ts";
import { canonicalOrder, sampleHashes } from "./order.ts";

/** The lot of a sample: a number from [0, 1) keyed by the seed and 96 bits of its hash. */
function lotOf(hash: string, seed: number): number {
  const word = (k: number): number => parseInt(hash.slice(8 * k, 8 * k + 8), 16);
  return uniform(seed, word(0), word(1), word(2));
}

/** All indices by their lots; equal samples stay in canonical order. */
function drawn(dataset: Dataset, seed: number, hashes: readonly string[]): number[] {
  const lots = hashes.map((hash) => lotOf(hash, seed));
  const order = canonicalOrder(dataset, hashes);
  return order.sort((a, b) => (lots[a] ?? 0) - (lots[b] ?? 0));
}

/** `count` samples at random (all where there are fewer), in the order that they were drawn in. */
export function chooseRandom(
  dataset: Dataset,
  count: number,
  seed: number,
  hashes = sampleHashes(dataset),
): number[] {
  return drawn(dataset, seed, hashes).slice(0, count);
}

/**
 * `count` samples at random, as evenly over the labels as the set allows: the labels take turns, in
 * ascending order, until enough are drawn. Without labels the same as `chooseRandom`.
 */
export function chooseBalanced(
  dataset: Dataset,
  count: number,
  seed: number,
  hashes = sampleHashes(dataset),
): number[] {
  const { labels } = dataset;
  const order = drawn(dataset, seed, hashes);
  if (labels === null) return order.slice(0, count);
  const byLabel = new Map<number, number[]>();
  for (const index of order) {
    const label = labels[index] ?? 0;
    const members = byLabel.get(label);
    if (members === undefined) byLabel.set(label, [index]);
    else members.push(index);
  }
  const classes = [...byLabel].sort(([a], [b]) => a - b).map(([, members]) => members);
  const chosen: number[] = [];
  for (let round = 0; chosen.length < Math.min(count, order.length); round++) {
    for (const members of classes) {
      const index = members[round];
      if (index !== undefined && chosen.length < count) chosen.push(index);
    }
  }
  return chosen;
}

/** True where labels ascend, and the first `count` lack a class that comes later. */
export function isSortedBeyond(labels: Int32Array, count: number): boolean {
  for (let i = 1; i < labels.length; i++) if ((labels[i] ?? 0) < (labels[i - 1] ?? 0)) return false;
  return count < labels.length && labels[count - 1] !== labels.at(-1);
}

/**
 * `count` of `total` places at random, ascending: each place's lot depends on the seed and the place
 * alone, so a larger choice contains a smaller one. Reads no sample.
 */
export function choosePlaces(total: number, count: number, seed: number): number[] {
  const lots = Float64Array.from({ length: total }, (_, place) => uniform(seed, place, 0, 1));
  const places = [...lots.keys()].sort((a, b) => (lots[a] ?? 0) - (lots[b] ?? 0) || a - b);
  return places.slice(0, count).sort((a, b) => a - b);
}
