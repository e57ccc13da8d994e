/** PNG and JPEG, resizing, and folders of images by class. */
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { decodeImage, readImageHeader } from "../../../../calibrate/data/formats/image.ts";
import { openDataset } from "../../../../calibrate/data/open.ts";
import { parsePreprocess } from "../../../../calibrate/data/preprocess.ts";
import { resizeImage } from "../../../../calibrate/data/resize.ts";
import { tensorOf } from "../../../../ir/tensor.ts";
import { ample, failure, line, temporaryFolder, write } from "../files.ts";

type Pixel = readonly [number, number, number, number?];

function rgba(pixels: readonly Pixel[]): Uint8Array {
  return Uint8Array.from(pixels.flatMap(([r, g, b, a = 255]) => [r, g, b, a]));
}

function png(width: number, height: number, pixels: readonly Pixel[], colorType: 0 | 2 | 6 = 2) {
  const image = new PNG({ width, height });
  image.data.set(rgba(pixels));
  return new Uint8Array(PNG.sync.write(image, { colorType }));
}

function jpg(width: number, height: number, pixel: Pixel): Uint8Array {
  const data = rgba(new Array<Pixel>(width * height).fill(pixel));
  return new Uint8Array(jpeg.encode({ width, height, data }, 100).data);
}

const red: Pixel = [255, 0, 0];
const blue: Pixel = [0, 0, 255];

describe("decodeImage", () => {
  it("gives planes of red, green and blue", () => {
    const file = png(2, 1, [red, blue]);
    expect(readImageHeader(file, "a.png")).toEqual({
      format: "PNG",
      width: 2,
      height: 1,
      channels: 3,
    });
    expect(decodeImage(file, 3, "a.png", ample())).toEqual(
      tensorOf("u8", [3, 1, 2], [255, 0, 0, 0, 0, 255]),
    );
  });

  it("knows grey PNGs, and JPEGs", () => {
    const grey = png(1, 2, [[7, 7, 7], [9, 9, 9]], 0); // prettier-ignore
    expect(readImageHeader(grey, "a.png").channels).toBe(1);
    expect(decodeImage(grey, 1, "a.png", ample())).toEqual(tensorOf("u8", [1, 2, 1], [7, 9]));
    const file = jpg(9, 5, [100, 100, 100]);
    expect(readImageHeader(file, "a.jpg")).toEqual({
      format: "JPEG",
      width: 9,
      height: 5,
      channels: 3,
    });
    expect(decodeImage(file, 3, "a.jpg", ample()).data[20]).toBe(100);
  });

  it("refuses what would lose something, and what is cut short", async () => {
    const clear = png(1, 1, [[1, 2, 3, 128]], 6);
    expect(await failure(() => decodeImage(clear, 3, "a.png", ample()))).toBe(
      "image-kind: a.png is transparent, which is not read",
    );
    const deep = png(1, 1, [red]);
    deep[24] = 16;
    expect(await failure(() => decodeImage(deep, 3, "a.png", ample()))).toBe(
      "image-kind: a.png is a PNG of 16 bits, which is not read",
    );
    for (const whole of [png(2, 1, [red, blue]), jpg(9, 5, red)]) {
      for (const part of [0.3, 0.5, 0.9]) {
        const cut = whole.subarray(0, Math.floor(whole.length * part));
        expect(await failure(() => decodeImage(cut, 3, "a", ample()))).toMatch(
          /^image-unreadable: a cannot/,
        );
      }
    }
  });
});

describe("resizeImage", () => {
  const values = [
    0, 7, 28, 63, 112, 13, 23, 47, 85, 137, 26, 39, 66, 107, 162, 39, 55, 85, 129, 187,
  ];
  const image = tensorOf("u8", [1, 4, 5], values);

  // Expectations: Image.resize of Pillow 12 on the same pixels.
  it.each([
    ["bilinear", 3, 2, [13, 45, 108, 36, 74, 145]],
    ["bilinear", 2, 3, [17, 75, 36, 101, 55, 127]],
    ["nearest", 3, 2, [13, 47, 137, 39, 85, 187]],
    ["nearest", 2, 3, [7, 63, 39, 107, 55, 129]],
  ] as const)("shrinks as Pillow does: %s to %i x %i", (method, width, height, expected) => {
    expect([...resizeImage(image, { width, height, method }).data]).toEqual(expected);
  });

  it("enlarges as Pillow does", () => {
    const row = [...resizeImage(image, { width: 8, height: 7, method: "bilinear" }).data];
    expect(row.slice(8, 16)).toEqual([5, 8, 14, 28, 46, 69, 99, 121]);
  });

  it("keeps a constant image constant, floats too, and the same size the same object", () => {
    const flat = tensorOf("f32", [2, 3, 3], new Array<number>(18).fill(0.25));
    const wide = resizeImage(flat, { width: 7, height: 2, method: "bilinear" });
    expect(wide.shape).toEqual([2, 2, 7]);
    expect(new Set(wide.data)).toEqual(new Set([0.25]));
    expect(resizeImage(flat, { width: 3, height: 3, method: "bilinear" })).toBe(flat);
  });
});

describe("a folder of images", () => {
  const folder = temporaryFolder();

  it("takes its sub-folders, sorted, for classes 0, 1, …", async () => {
    write(folder, {
      "pets/dog/1.png": png(2, 1, [red, red]),
      "pets/cat/b.png": png(2, 1, [blue, red]),
      "pets/cat/a.png": png(2, 1, [blue, blue]),
      "pets/cat/notes.txt": "not an image",
      "pets/bird/.hidden.png": "",
    });
    const set = await openDataset(`${folder}/pets`);
    expect([set.count, set.sampleShape, set.dtype]).toEqual([3, [3, 1, 2], "u8"]);
    expect(set.labels).toEqual(Int32Array.of(0, 0, 1));
    expect([...set.sample(1).data]).toEqual([0, 255, 0, 0, 255, 0]);
    expect(set.files.map(({ path }) => path.slice(folder.length))).toEqual([
      "/pets/cat/a.png",
      "/pets/cat/b.png",
      "/pets/dog/1.png",
    ]);
    expect(set.diagnostics.map(line).join().replaceAll(folder, "")).toBe(
      'folders-without-images: a folder in /pets without images is no class: "bird"',
    );
  });

  it("is grey where all images are", async () => {
    write(folder, { "grey/0/a.png": png(1, 1, [[5, 5, 5]], 0), "grey/0/b.png": png(1, 1, [red]) });
    expect((await openDataset(`${folder}/grey`)).sampleShape).toEqual([3, 1, 1]);
    write(folder, { "only/0/a.png": png(1, 1, [[5, 5, 5]], 0) });
    expect((await openDataset(`${folder}/only`)).sampleShape).toEqual([1, 1, 1]);
  });

  it("without sub-folders has no labels", async () => {
    write(folder, { "loose/a.png": png(1, 1, [red]), "loose/b.jpg": jpg(1, 1, red) });
    const set = await openDataset(`${folder}/loose`);
    expect([set.count, set.labels]).toEqual([2, null]);
  });

  it("must have images of one size, unless they are resized", async () => {
    write(folder, {
      "mixed/0/a.png": png(2, 1, [red, red]),
      "mixed/0/b.png": png(1, 3, [blue, blue, blue]),
    });
    expect((await failure(() => openDataset(`${folder}/mixed`))).replaceAll(folder, "")).toBe(
      "image-sizes: /mixed/0/a.png is 2x1 pixels large and /mixed/0/b.png is 1x3",
    );
    const preprocess = parsePreprocess('{"resize": {"width": 2, "height": 2}}', "p.json", null);
    const set = await openDataset(`${folder}/mixed`, { preprocess });
    expect(set.sampleShape).toEqual([3, 2, 2]);
    expect([...set.sample(1).data.subarray(8)]).toEqual([255, 255, 255, 255]);
  });

  it("warns where class folders are numbers that do not sort as numbers", async () => {
    write(folder, { "n/2/a.png": png(1, 1, [red]), "n/10/a.png": png(1, 1, [blue]) });
    const set = await openDataset(`${folder}/n`);
    expect(set.labels).toEqual(Int32Array.of(0, 1));
    expect(set.diagnostics.map(line).join().replaceAll(folder, "")).toBe(
      'class-order: the class folders of /n are numbers but count as text: "2" is class 1',
    );
  });
});
