/**
 * Trained models and data that lie beside the repository, not in it. Tests that need them say so
 * aloud where they are missing.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { unzipSync } from "fflate";

export const shared = process.env["SNNC_SHARED"] ?? join(import.meta.dirname, "../../../shared");

export const hasShared = existsSync(join(shared, "models"));

if (!hasShared) {
  process.stderr.write(`NOT TESTED on trained models: none in ${shared}, set SNNC_SHARED\n`);
}

const entry = z.object({
  file: z.string(),
  dataset: z.string(),
  input: z.object({ name: z.string(), layout: z.enum(["NCHW", "NHWC"]) }),
  preprocess: z.object({
    pixelScale: z.enum(["1", "1/255"]),
    mean: z.array(z.number()),
    std: z.array(z.number()),
  }),
  expectedLogits: z.object({ file: z.string(), classes: z.number() }),
});

export type SharedModel = z.infer<typeof entry>;

/** What preprocess.json says of each model, by name. */
export function sharedModels(): ReadonlyMap<string, SharedModel> {
  if (!hasShared) return new Map();
  const text = readFileSync(join(shared, "models/preprocess.json"), "utf8");
  const { models } = z.object({ models: z.record(z.string(), entry) }).parse(JSON.parse(text));
  return new Map(Object.entries(models));
}

/** An image of bytes: channels, height, width. */
interface Image {
  readonly channels: number;
  readonly pixels: Uint8Array;
}

/** Those that were asked for: to find one, all of its file are unpacked. */
const images = new Map<string, Image>();

/** Image number `index` of the test file of a data set. */
export function testImage(dataset: string, index: number): Image {
  const key = `${dataset} ${index}`;
  const known = images.get(key);
  if (known !== undefined) return known;
  const { channels, pixels } = unpackedImage(dataset, index);
  const image = { channels, pixels: pixels.slice() };
  images.set(key, image);
  return image;
}

function unpackedImage(dataset: string, index: number): Image {
  if (dataset === "cifar10") {
    const size = 3 * 1024;
    const bytes = gunzipSync(readFileSync(join(shared, "data/cifar10/test.bin.gz")));
    const start = index * (size + 1) + 1;
    return { channels: 3, pixels: bytes.subarray(start, start + size) };
  }
  if (dataset === "imagenet") {
    const archive = readFileSync(join(shared, "data/imagenet/sample200_128.npz"));
    const files = unzipSync(archive, { filter: ({ name }) => name === "x.npy" });
    const x = files["x.npy"] ?? new Uint8Array();
    const size = 3 * 128 * 128;
    const start = 10 + (x[8] ?? 0) + 256 * (x[9] ?? 0) + index * size;
    return { channels: 3, pixels: x.subarray(start, start + size) };
  }
  const path = join(shared, "data", dataset, "test-images-idx3-ubyte.gz");
  const start = 16 + index * 784;
  return { channels: 1, pixels: gunzipSync(readFileSync(path)).subarray(start, start + 784) };
}

/** The network's input for an image, preprocessed as preprocess.json says. */
export function preprocessed(model: SharedModel, image: Image): Float32Array {
  const { channels, pixels } = image;
  const { mean, std, pixelScale } = model.preprocess;
  const scale = pixelScale === "1" ? 1 : 1 / 255;
  const area = pixels.length / channels;
  const x = new Float32Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    const m = mean[c % mean.length] ?? 0;
    const s = std[c % std.length] ?? 1;
    for (let p = 0; p < area; p++) {
      const at = model.input.layout === "NHWC" ? p * channels + c : c * area + p;
      x[at] = ((pixels[c * area + p] ?? 0) * scale - m) / s;
    }
  }
  return x;
}

/** The outputs that onnxruntime gave for the first images, one row for each. */
export function expectedLogits(model: SharedModel): (index: number) => Float32Array {
  const bytes = readFileSync(join(shared, model.expectedLogits.file));
  const header = 10 + bytes.readUInt16LE(8);
  const data = new Float32Array(new Uint8Array(bytes.subarray(header)).buffer);
  const { classes } = model.expectedLogits;
  return (index) => data.subarray(index * classes, (index + 1) * classes);
}
