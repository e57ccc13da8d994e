/**
 * Damaged .npz archives through the data readers, up to samples that fit a model: bytes of the archive,
 * and bytes of the arrays in it, whose checksums are then made right again so that readers get deeper.
 */
import { unzipSync, zipSync } from "fflate";
import { datasetOf } from "../../calibrate/data/dataset.ts";
import { Budget } from "../../calibrate/data/budget.ts";
import { labelsOrTargetsOf } from "../../calibrate/data/labels.ts";
import { datasetHash } from "../../calibrate/data/order.ts";
import { parseData } from "../../calibrate/data/parse.ts";
import { parsePreprocess } from "../../calibrate/data/preprocess.ts";
import { sampleSource } from "../../calibrate/data/source.ts";
import { encodeNpz } from "../../calibrate/data/formats/write.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type DType, dtypes, real } from "../../ir/type.ts";
import { mutateBytes } from "../fuzz/mutate.ts";
import { Draws } from "../fuzz/random.ts";
import { type Target, supervise } from "../fuzz/supervise.ts";

const count = 5;

function array(dtype: DType, shape: readonly number[]): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return tensorOf(
    dtype,
    shape,
    Array.from({ length }, (_, i) => (i * 7) % 100),
  );
}

/** Archives as people save them: names, element types, one part or several, stored or deflated. */
const seeds: readonly Uint8Array[] = [
  ...dtypes
    .filter((dtype) => dtype !== "bf16")
    .map((dtype): [string, Tensor][] => [
      ["x", array(dtype, [count, 1, 4, 4])],
      ["y", array("i64", [count])],
    ]),
  [
    ["train_images", array("u8", [count, 4, 4])],
    ["train_labels", array("u8", [count, 1])],
    ["test_images", array("u8", [2, 4, 4])],
    ["test_labels", array("u8", [2, 1])],
  ] satisfies [string, Tensor][],
].flatMap((arrays) => {
  const stored = encodeNpz(new Map(arrays));
  return [stored, zipSync(unzipSync(stored), { mtime: "1980-01-01T12:00:00" })];
});

/** Damages the archive, or one of its arrays. */
function mutant(seed: number, run: number): Uint8Array {
  const draws = new Draws(seed, run);
  const start = known(draws.pick(seeds), "a seed archive");
  const times = 1 + draws.below(4);
  if (draws.chance(0.4)) return damaged(start, times, draws);
  const entries = Object.entries(unzipSync(start));
  const which = draws.below(entries.length);
  // Half of the damage goes where the header is.
  const content = entries.map(([name, bytes], i): [string, Uint8Array] => {
    if (i !== which) return [name, bytes];
    if (draws.chance(0.5)) return [name, damaged(bytes, times, draws)];
    const head = damaged(bytes.subarray(0, 128), times, draws);
    return [name, Uint8Array.from([...head, ...bytes.subarray(128)])];
  });
  const level = draws.chance(0.5) ? 0 : 6;
  return zipSync(Object.fromEntries(content), { level, mtime: "1980-01-01T12:00:00" });
}

function damaged(bytes: Uint8Array, times: number, draws: Draws): Uint8Array {
  let mutated = bytes;
  for (let i = 0; i < times; i++) mutated = mutateBytes(mutated, seeds, draws);
  return mutated;
}

const inputs = [{ name: "image", type: real("f32", [1, 1, 4, 4]) }];
const preprocess = parsePreprocess(
  '{"scale": "1/255", "resize": {"width": 4, "height": 4}}',
  "preprocess.json",
  null,
);

/** What a command does with data before a network runs on them. */
async function use(bytes: Uint8Array): Promise<void> {
  for (const part of ["train", "test"] as const) {
    const wanted = { inputs: ["image"], x: null, y: null, part, withLabels: true };
    const parsing = { wanted, labelsOnly: false, budget: new Budget(), diagnostics: [] };
    const content = await parseData(bytes, "mutant.npz", parsing);
    const { labels, targets } =
      content.labels === null
        ? { labels: null, targets: null }
        : labelsOrTargetsOf(content.labels, "mutant.npz", 0);
    const dataset = datasetOf({
      name: "mutant.npz",
      content,
      labels,
      targets,
      files: [],
      diagnostics: parsing.diagnostics,
    });
    datasetHash(dataset);
    for (const steps of [null, preprocess]) {
      const source = sampleSource(dataset, inputs, steps);
      for (let i = 0; i < source.count; i++) source.get(i);
    }
  }
}

export const target: Target = { name: "npz", seeds, mutant, use };

/** Runs the bar; see `npm run verify -- npz --help`. */
export function verify(args: readonly string[]): Promise<boolean> {
  return supervise(target, args);
}
