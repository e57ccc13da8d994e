/**
 * The identity of samples and sets by their content, so that a set shuffled is the same set: the
 * same order, the same choice, the same hash. Labels are no part of the identity.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { hashTensor } from "../../ir/tensor.ts";
import type { Dataset, Field } from "./dataset.ts";
import { wholeOf } from "./dataset.ts";

function isShared(dataset: Dataset, field: Field): boolean {
  return field.count !== dataset.count || field.storedShape.length === 0;
}

/** SHA-256 of each raw sample (of all its arrays), by index. */
export function sampleHashes(dataset: Dataset): readonly string[] {
  const fields = dataset.fields.filter((field) => !isShared(dataset, field));
  return Array.from({ length: dataset.count }, (_, index) => {
    const [only, ...more] = fields;
    if (only !== undefined && more.length === 0) return hashTensor(only.sample(index));
    const parts = fields.map((field) => `${field.name}:${hashTensor(field.sample(index))}\n`);
    return bytesToHex(sha256(utf8ToBytes(parts.sort().join(""))));
  });
}

/**
 * Indices in the order of the samples' hashes: the same samples in any order of the file come in
 * the same order. Equal samples are ordered by their label, and else cannot be told apart.
 */
export function canonicalOrder(dataset: Dataset, hashes = sampleHashes(dataset)): number[] {
  const { labels } = dataset;
  return [...hashes.keys()].sort((a, b) => {
    const x = hashes[a] ?? "";
    const y = hashes[b] ?? "";
    if (x !== y) return x < y ? -1 : 1;
    return (labels?.[a] ?? 0) - (labels?.[b] ?? 0) || a - b;
  });
}

/** SHA-256 over the sorted hashes of the samples: says which samples, whatever their order. */
export function datasetHash(dataset: Dataset, hashes = sampleHashes(dataset)): string {
  const shared = dataset.fields
    .filter((field) => isShared(dataset, field))
    .map((field) => `${field.name}:${hashTensor(wholeOf(field))}`);
  return bytesToHex(sha256(utf8ToBytes([...shared.sort(), ...[...hashes].sort()].join("\n"))));
}
