/**
 * Resizing of images [C, H, W], as Pillow does it: `bilinear` weighs with a triangle that widens
 * with the shrinking factor (so it is antialiased), horizontally first and then vertically, each
 * rounded for uint8; `nearest` takes the pixel under the centre.
 */
import { type Tensor, allocate, tensor } from "../../ir/tensor.ts";

export interface Resize {
  readonly width: number;
  readonly height: number;
  readonly method: "bilinear" | "nearest";
}

/** Where an output pixel comes from: weights of consecutive input pixels, adding up to 1. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** The same image in another size; the same object where it has that size already. */
export function resizeImage(image: Tensor, resize: Resize): Tensor {
  const [channels = 0, height = 0, width = 0] = image.shape;
  if (height === resize.height && width === resize.width) return image;
  const across = tapsOf(width, resize.width, resize.method);
  const down = tapsOf(height, resize.height, resize.method);
  const round = image.dtype === "u8" ? Math.round : Math.fround;
  const dtype = image.dtype === "u8" ? "u8" : "f32";
  const wide = allocate(dtype, channels * height * resize.width);
  for (let row = 0; row < channels * height; row++) {
    for (let x = 0; x < resize.width; x++) {
      const taps = across[x];
      let sum = 0;
      taps?.weights.forEach((weight, k) => {
        sum += weight * (image.data[row * width + taps.first + k] ?? 0);
      });
      wide[row * resize.width + x] = round(sum);
    }
  }
  const out = allocate(dtype, channels * resize.height * resize.width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < resize.height; y++) {
      const taps = down[y];
      for (let x = 0; x < resize.width; x++) {
        let sum = 0;
        taps?.weights.forEach((weight, k) => {
          sum += weight * (wide[(c * height + taps.first + k) * resize.width + x] ?? 0);
        });
        out[(c * resize.height + y) * resize.width + x] = round(sum);
      }
    }
  }
  return tensor(dtype, [channels, resize.height, resize.width], out);
}

function tapsOf(from: number, to: number, method: Resize["method"]): readonly Taps[] {
  const factor = from / to;
  return Array.from({ length: to }, (_, i): Taps => {
    const centre = (i + 0.5) * factor;
    if (method === "nearest")
      return { first: Math.min(from - 1, Math.floor(centre)), weights: [1] };
    const support = Math.max(1, factor);
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    const weights: number[] = [];
    for (let k = first; k < end; k++) {
      weights.push(Math.max(0, 1 - Math.abs((k + 0.5 - centre) / support)));
    }
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
