/** Real data sets, where they are at hand: counts, shapes, labels and preprocessing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset, openPreprocess } from "../../../calibrate/data/open.ts";
import { sampleSource } from "../../../calibrate/data/source.ts";
import { real } from "../../../ir/type.ts";

const shared = process.env["SNNC_SHARED"] ?? join(import.meta.dirname, "../../../../shared");
const there = existsSync(join(shared, "data"));
if (!there) {
  process.stderr.write(`NOT TESTED on real data: none in ${shared}, set SNNC_SHARED\n`);
}

const imagesPerLabel = (labels: Int32Array | null): number[] => {
  const tally: number[] = [];
  for (const label of labels ?? []) tally[label] = (tally[label] ?? 0) + 1;
  return tally;
};

describe.skipIf(!there)("real data", () => {
  it.each([
    ["mnist/test", 5000, [28, 28], [7, 1, 4, 4, 5]],
    ["fashion-mnist/test", 5000, [28, 28], [9, 1, 6, 4, 5]],
    ["cifar10/test.bin.gz", 432, [3, 32, 32], [3, 8, 8, 0, 6]],
    ["imagenet/sample200_128.npz", 200, [3, 128, 128], [0, 5, 10, 15, 20]],
  ])("%s has its samples and labels", async (path, count, shape, first) => {
    const set = await openDataset(join(shared, "data", path));
    expect([set.count, set.sampleShape, set.dtype]).toEqual([count, shape, "u8"]);
    expect([...(set.labels?.subarray(0, 5) ?? [])]).toEqual(first);
  });

  it("joins the two CIFAR-10 test files, all classes in both", async () => {
    const folder = join(shared, "data/cifar10");
    const set = await openDataset(`${folder}/test.bin.gz,${folder}/test_jpeg.bin.gz`);
    expect(set.count).toBe(2432);
    expect(imagesPerLabel(set.labels)).toHaveLength(10);
    expect(set.sample(432).data).toHaveLength(3072);
  });

  it("prepares images as the models' own preprocessing says", async () => {
    const models = join(shared, "models/preprocess.json");
    const cifar = await openDataset(join(shared, "data/cifar10/test.bin.gz"));
    const resnet = await openPreprocess(`${models}#akamaster_resnet20`);
    const [image] = sampleSource(
      cifar,
      [{ name: "input", type: real("f32", [1, 3, 32, 32]) }],
      resnet,
    ).get(0);
    const pixel = cifar.sample(0).data[2048] ?? NaN;
    expect(image?.data[2048]).toBe(Math.fround((pixel / 255 - 0.406) / 0.225));
    const marabou = await openPreprocess(`${models}#marabou_cifar_small`);
    expect(marabou.layout).toBe("NHWC");
    const [last] = sampleSource(
      cifar,
      [{ name: "x", type: real("f32", [1, 32, 32, 3]) }],
      marabou,
    ).get(0);
    expect(last?.data[2]).toBe(Math.fround(pixel / 255));
    expect((await openPreprocess(`${models}#mobilenet_v1_0.25_128`)).labelOffset).toBe(1);
  });
});
