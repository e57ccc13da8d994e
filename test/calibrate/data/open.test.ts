/** What paths mean, where labels come from, and what a wrong path or file is told. */
import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { select } from "../../../calibrate/data/dataset.ts";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { parsePreprocess } from "../../../calibrate/data/preprocess.ts";
import { encodeNpy, encodeNpz } from "../../../calibrate/data/formats/write.ts";
import { writeSafetensors } from "../../../ir/file/safetensors.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { cifarFile, failure, idxFile, temporaryFolder, write } from "./files.ts";

const folder = temporaryFolder();
const x = tensorOf("f32", [2, 2], [1, 2, 3, 4]);
const y = tensorOf("i64", [2], [1, 0]);
const images = idxFile(8, [2, 1, 1], [5, 6]);
const labels = idxFile(8, [2], [3, 4]);
write(folder, {
  "x.npy": encodeNpy(x),
  "x.npy.gz": gzipSync(encodeNpy(x)),
  "y.npy": encodeNpy(y),
  "column.npy": encodeNpy({ ...y, shape: [2, 1] }),
  "xy.npz": encodeNpz(
    new Map([
      ["y", y],
      ["x", x],
    ]),
  ),
  "xy.safetensors": writeSafetensors({
    tensors: new Map([
      ["x", x],
      ["y", y],
    ]),
    metadata: new Map(),
  }),
  "mnist/test-images-idx3-ubyte.gz": gzipSync(images),
  "mnist/test-labels-idx1-ubyte": labels,
  "mnist/train-images-idx3-ubyte": images,
  "cifar/data_batch_2.bin": cifarFile([[2]]),
  "cifar/data_batch_1.bin": cifarFile([[1]]),
  "cifar/test_batch.bin": cifarFile([[9]]),
  "one/only.npz": encodeNpz(new Map([["anything", x]])),
  "none/readme.txt": "nothing here",
});

async function summary(path: string, options = {}): Promise<unknown[]> {
  const set = await openDataset(path, options);
  return [set.count, set.sampleShape, set.dtype, set.labels === null ? null : [...set.labels]];
}

const fails = async (path: string, options = {}): Promise<string> =>
  (await failure(() => openDataset(path, options))).replaceAll(`${folder}/`, "");

describe("openDataset", () => {
  it.each([
    ["x.npy", [2, [2], "f32", null]],
    ["x.npy.gz", [2, [2], "f32", null]],
    ["xy.npz", [2, [2], "f32", [1, 0]]],
    ["xy.safetensors", [2, [2], "f32", [1, 0]]],
    ["mnist/test", [2, [1, 1], "u8", [3, 4]]],
    ["mnist/test-images-idx3-ubyte.gz", [2, [1, 1], "u8", [3, 4]]],
    ["mnist/train", [2, [1, 1], "u8", null]],
    ["cifar/data_batch", [2, [3, 32, 32], "u8", [1, 2]]],
    ["cifar/test_batch.bin", [1, [3, 32, 32], "u8", [9]]],
    ["one", [2, [2], "f32", null]],
  ])("opens %s", async (path, expected) => {
    expect(await summary(`${folder}/${path}`)).toEqual(expected);
  });

  it("joins by commas and gives the hash of every file", async () => {
    const set = await openDataset(`${folder}/cifar/test_batch.bin, ${folder}/cifar/data_batch`);
    expect([...(set.labels ?? [])]).toEqual([9, 1, 2]);
    expect(set.files.map(({ path }) => path.slice(folder.length + 1))).toEqual([
      "cifar/test_batch.bin",
      "cifar/data_batch_1.bin",
      "cifar/data_batch_2.bin",
    ]);
    const [file] = (await openDataset(`${folder}/x.npy`)).files;
    expect(file?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("takes labels from --labels first, in any format and with an offset", async () => {
    const at = (name: string) => ({ labels: `${folder}/${name}` });
    expect((await summary(`${folder}/x.npy`, at("y.npy")))[3]).toEqual([1, 0]);
    expect((await summary(`${folder}/x.npy`, at("column.npy")))[3]).toEqual([1, 0]);
    expect((await summary(`${folder}/xy.npz`, at("mnist/test-labels-idx1-ubyte")))[3]).toEqual([
      3, 4,
    ]);
    expect((await summary(`${folder}/x.npy`, at("xy.npz")))[3]).toEqual([1, 0]);
    const set = await openDataset(`${folder}/mnist/test`, at("y.npy"));
    expect(set.files.map((file) => file.path.slice(folder.length + 1))).toEqual([
      "mnist/test-images-idx3-ubyte.gz",
      "y.npy",
    ]);
    const preprocess = parsePreprocess('{"labelOffset": 1}', "p.json", null);
    expect((await summary(`${folder}/xy.npz`, { preprocess }))[3]).toEqual([2, 1]);
    expect((await summary(`${folder}/xy.npz`, { withLabels: false }))[3]).toBeNull();
  });

  it("does not take a model's input called y for labels", async () => {
    const set = await openDataset(`${folder}/xy.npz`, { inputs: ["x", "y"] });
    expect([set.labels, set.fields.map(({ name }) => name)]).toEqual([null, ["x", "y"]]);
  });

  it.each([
    ["nothing.npy", "data-not-found: there is no file or folder nothing.npy"],
    ["x.npy/deeper", "data-not-found: there is no file or folder x.npy/deeper"],
    ["none", "data-folder: the folder none holds no data in a known format"],
    ["mnist", "data-ambiguous: mnist holds 2 data sets: mnist/test, mnist/train"],
    ["cifar", "data-ambiguous: cifar holds 2 data sets: cifar/data_batch, cifar/test_batch"],
    ["none/readme.txt", "data-format: none/readme.txt is in no known data format"],
    ["empty.npy", "data-empty: empty.npy holds no sample"],
  ])("refuses %s", async (path, expected) => {
    write(folder, { "empty.npy": encodeNpy(tensorOf("f32", [0, 3], [])) });
    expect(await fails(`${folder}/${path}`)).toBe(expected);
  });

  it.each([
    [
      "scalar.npy",
      "labels-shape: the labels of scalar.npy have shape [], not one number per sample",
    ],
    [
      "huge.npy",
      "labels-not-integer: label 1 of huge.npy is 2147483648, which is not a class number",
    ],
    ["three.npy", "labels-count: x.npy has 3 labels for 2 samples"],
    ["nothing.npy", "data-not-found: there is no file or folder nothing.npy"],
    [
      "ab.npz",
      'data-arrays: ab.npz does not say which of its arrays are the samples: it holds "a", "b"',
    ],
  ])("refuses labels %s", async (name, expected) => {
    write(folder, {
      "scalar.npy": encodeNpy(tensorOf("i64", [], [1])),
      "huge.npy": encodeNpy(tensorOf("f64", [2], [0, 2 ** 31])),
      "three.npy": encodeNpy(tensorOf("i64", [3], [0, 1, 2])),
      "ab.npz": encodeNpz(
        new Map([
          ["a", y],
          ["b", y],
        ]),
      ),
    });
    expect(await fails(`${folder}/x.npy`, { labels: `${folder}/${name}` })).toBe(expected);
  });
});

describe("openPreprocess", () => {
  it("reads a file, or one model's entry of it after #", async () => {
    write(folder, {
      "p.json": '{"scale": 2}',
      "all.json": '{"models": {"net": {"preprocess": {"scale": 3}}}}',
      "odd#name.json": '{"scale": 4}',
    });
    expect((await openPreprocess(`${folder}/p.json`)).scale).toBe(2);
    expect((await openPreprocess(`${folder}/all.json#net`)).scale).toBe(3);
    expect((await openPreprocess(`${folder}/odd#name.json`)).scale).toBe(4);
    expect(await failure(() => openPreprocess(`${folder}/no.json`))).toMatch(/^data-not-found/);
  });

  it.each([
    ["rows of 0 and 1", [2, 3], [1, 0, 0, 0, 1, 0]],
    ["values", [2], [1, 0.5]],
    ["a negative number", [2, 1], [-1, 0]],
  ])("keeps labels that are no class numbers as they are stored: %s", async (_, shape, values) => {
    write(folder, { "targets.npy": encodeNpy(tensorOf("f32", shape, values)) });
    const set = await openDataset(`${folder}/x.npy`, { labels: `${folder}/targets.npy` });
    expect([set.labels, set.targets?.shape, [...(set.targets?.data ?? [])]]).toEqual([
      null,
      shape,
      values,
    ]);
    const second = select(set, [1, 1]).targets;
    const row = values.slice(values.length / 2);
    expect([second?.shape, [...(second?.data ?? [])]]).toEqual([shape, [...row, ...row]]);
  });
});
