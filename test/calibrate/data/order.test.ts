/** Order, choice and identity of samples: functions of their content, not of the file's order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseBalanced, chooseRandom } from "../../../calibrate/data/choose.ts";
import {
  type Dataset,
  datasetOf,
  fieldOf,
  joinContents,
  limit,
  select,
} from "../../../calibrate/data/dataset.ts";
import { canonicalOrder, datasetHash } from "../../../calibrate/data/order.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { failure } from "./files.ts";

function set(values: readonly number[], labels: readonly number[] | null): Dataset {
  const x = fieldOf("x", tensorOf("f32", [values.length, 1], values));
  return datasetOf({
    name: "d",
    content: { format: "test", fields: [x], labels: null },
    labels: labels === null ? null : Int32Array.from(labels),
    files: [],
    diagnostics: [],
  });
}

/** Forty different samples of four classes, unevenly: 25, 10, 4, 1. */
const values = Array.from({ length: 40 }, (_, i) => i * i);
const labels = values.map((_, i) => (i < 25 ? 0 : i < 35 ? 1 : i < 39 ? 2 : 3));
const forty = set(values, labels);
const valuesAt = (dataset: Dataset, indices: readonly number[]): (number | undefined)[] =>
  indices.map((index) => dataset.sample(index).data[0]);
const shuffles = fc.shuffledSubarray([...values.keys()], { minLength: values.length });

describe("canonical order", () => {
  it("and hash are the same however the set is shuffled", () => {
    const order = valuesAt(forty, canonicalOrder(forty));
    const hash = datasetHash(forty);
    fc.assert(
      fc.property(shuffles, (indices) => {
        const shuffled = select(forty, indices);
        expect(valuesAt(shuffled, canonicalOrder(shuffled))).toEqual(order);
        expect(datasetHash(shuffled)).toBe(hash);
      }),
      { numRuns: 20 },
    );
  });

  it("tells sets apart that differ in one sample, or in how often it occurs", () => {
    const hashes = [
      [1, 2],
      [1, 3],
      [1, 2, 2],
      [1, 1, 2],
    ].map((v) => datasetHash(set(v, null)));
    expect(new Set(hashes).size).toBe(4);
  });

  it("orders equal samples by label", () => {
    const order = (l: readonly number[]) => {
      const equal = set([7, 7, 7], l);
      return canonicalOrder(equal).map((index) => equal.labels?.[index]);
    };
    expect(order([2, 0, 1])).toEqual([0, 1, 2]);
  });
});

describe("choice", () => {
  it("depends on seed and content alone, and grows by adding", () => {
    const chosen = valuesAt(forty, chooseRandom(forty, 8, 1));
    expect(new Set(chosen).size).toBe(8);
    expect(valuesAt(forty, chooseRandom(forty, 5, 1))).toEqual(chosen.slice(0, 5));
    expect(valuesAt(forty, chooseRandom(forty, 8, 2))).not.toEqual(chosen);
    expect(chooseRandom(forty, 100, 1)).toHaveLength(40);
    fc.assert(
      fc.property(shuffles, (indices) => {
        const shuffled = select(forty, indices);
        expect(valuesAt(shuffled, chooseRandom(shuffled, 8, 1))).toEqual(chosen);
      }),
      { numRuns: 20 },
    );
  });

  it("is balanced as far as the set allows", () => {
    const classesOf = (count: number): number[] => {
      const tally = [0, 0, 0, 0];
      for (const index of chooseBalanced(forty, count, 3)) {
        const label = labels[index] ?? 0;
        tally[label] = (tally[label] ?? 0) + 1;
      }
      return tally;
    };
    expect(classesOf(4)).toEqual([1, 1, 1, 1]);
    expect(classesOf(14)).toEqual([5, 4, 4, 1]);
    expect(classesOf(40)).toEqual([25, 10, 4, 1]);
    expect(classesOf(100)).toEqual([25, 10, 4, 1]);
  });

  it("without labels is not balanced but random", () => {
    const bare = set(values, null);
    expect(chooseBalanced(bare, 6, 3)).toEqual(chooseRandom(bare, 6, 3));
  });
});

describe("select, limit and join", () => {
  it("keep labels with their samples", () => {
    const some = select(forty, [39, 0, 0]);
    expect([some.count, valuesAt(some, [0, 1, 2])]).toEqual([3, [1521, 0, 0]]);
    expect(some.labels).toEqual(Int32Array.of(3, 0, 0));
    expect(valuesAt(limit(forty, 2), [0, 1])).toEqual([0, 1]);
    expect(limit(forty, 40)).toBe(forty);
  });

  it("refuse what is not there", async () => {
    expect(await failure(() => select(forty, [40]))).toBe(
      "sample-out-of-range: there is no sample 40 in d: it has samples 0 to 39",
    );
    expect(await failure(() => limit(forty, 0))).toBe("data-empty: d holds no sample");
    expect(await failure(() => set([1, 2], [0]))).toBe(
      "labels-count: d has 1 labels for 2 samples",
    );
  });

  it("join parts of one kind only", async () => {
    const part = (shape: readonly number[], dtype: "f32" | "u8", labelled: boolean) => ({
      format: "test",
      fields: [fieldOf("x", tensorOf(dtype, shape, new Array<number>(2).fill(shape[0] ?? 0)))],
      labels: labelled
        ? tensorOf("u8", [shape[0] ?? 0], new Array<number>(shape[0] ?? 0).fill(1))
        : null,
    });
    const joined = joinContents(
      [part([1, 2], "f32", true), part([2, 1], "f32", true)].slice(0, 1),
      ["a"],
    );
    expect(joined.fields[0]?.count).toBe(1);
    const numbered = (from: number) => ({
      format: "test",
      fields: [fieldOf("x", tensorOf("f32", [2, 1], [from, from + 1]))],
      labels: tensorOf("u8", [2, 1], [from, from + 1]),
    });
    const two = joinContents([numbered(0), numbered(2)], ["a", "b"]);
    const x = two.fields[0];
    expect([x?.storedShape, two.labels?.shape]).toEqual([
      [4, 1],
      [4, 1],
    ]);
    expect([0, 1, 2, 3].map((index) => x?.sample(index).data[0])).toEqual([0, 1, 2, 3]);
    expect([...(two.labels?.data ?? [])]).toEqual([0, 1, 2, 3]);
    const attempt = (b: ReturnType<typeof part>) =>
      failure(() => joinContents([part([2, 1], "f32", true), b], ["a", "b"]));
    expect(await attempt(part([1, 2], "f32", true))).toBe(
      "data-parts: a and b cannot be joined: their sample shapes differ, [1] and [2]",
    );
    expect(await attempt(part([2, 1], "u8", true))).toBe(
      "data-parts: a and b cannot be joined: their element types differ, f32 and u8",
    );
    expect(await attempt(part([2, 1], "f32", false))).toBe(
      "data-parts: a and b cannot be joined: their labels differ, one per sample and none",
    );
  });
});
