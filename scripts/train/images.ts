/** Images as small networks take them. */
import path from "node:path";
import { openDataset } from "../../calibrate/data/open.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Images } from "./train.ts";

export const imageSize = 28;
const half = imageSize / 2;
/** Inputs of a network that averages over squares of four pixels. */
export const pooledInputs = half * half;

/** The first `most` training images, averaged over squares of four pixels. */
export async function pooledImages(shared: string, most: number): Promise<Images> {
  const dataset = await openDataset(path.join(shared, "data/mnist/train"));
  const number = Math.min(most, dataset.count);
  const all = new Float32Array(number * pooledInputs);
  for (let n = 0; n < number; n++) {
    const { data } = dataset.sample(n);
    for (let y = 0; y < imageSize; y++) {
      for (let x = 0; x < imageSize; x++) {
        const at = (n * half + (y >> 1)) * half + (x >> 1);
        all[at] = (all[at] ?? 0) + (data[y * imageSize + x] ?? 0) / (4 * 255);
      }
    }
  }
  return {
    count: number,
    at: (index) => all.subarray(index * pooledInputs, (index + 1) * pooledInputs),
    labels: known(dataset.labels, "labels"),
  };
}

/** The first `most` images of a labelled set, each with all its pixels: (share of white − mean) / std. */
export async function wholeImages(
  folder: string,
  most: number,
  { mean, std }: { readonly mean: number; readonly std: number },
): Promise<Images> {
  const dataset = await openDataset(folder);
  const count = Math.min(most, dataset.count);
  const pixels = imageSize * imageSize;
  const all = new Float32Array(count * pixels);
  for (let n = 0; n < count; n++) {
    const { data } = dataset.sample(n);
    for (let i = 0; i < pixels; i++) {
      all[n * pixels + i] = ((data[i] ?? 0) / 255 - mean) / std;
    }
  }
  return {
    count,
    at: (index) => all.subarray(index * pixels, (index + 1) * pixels),
    labels: known(dataset.labels, "labels"),
  };
}
