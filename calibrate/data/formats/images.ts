/**
 * A folder of image files as a data set. Each file is read once when the set is opened, for its
 * hash and its header, and again when its sample is asked for: a large folder needs no memory.
 */
import { type Diagnostic, fail, known } from "../../../ir/diagnostic.ts";
import { tensor } from "../../../ir/tensor.ts";
import { elementCount } from "../../../ir/type.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import type { Content } from "../dataset.ts";
import { type ImageHeader, checkImageSize, decodeImage, readImageHeader } from "./image.ts";
import type { ImageFolder } from "../locate.ts";
import { type Resize, resizeImage } from "../resize.ts";

export interface ImageAccess {
  /** The size that images of several sizes are brought to. */
  readonly resize: Resize | null;
  readonly budget: Budget;
  readonly diagnostics: Diagnostic[];
  readonly read: (path: string) => Promise<Uint8Array>;
  readonly readAgain: (path: string) => Uint8Array;
}

/**
 * The images of a folder, uint8 [C, H, W]: C is 1 where all files are grey, else 3. Where sizes
 * differ, samples have the size of `resize`; without one that is an error.
 */
export async function imagesContent(folder: ImageFolder, access: ImageAccess): Promise<Content> {
  const { images, classes, path } = folder;
  const { resize } = access;
  let channels: 1 | 3 = 1;
  let first: { path: string; header: ImageHeader } | null = null;
  let equal = true;
  for (const image of images) {
    const bytes = await access.read(image.path);
    const header = readImageHeader(bytes, image.path);
    checkImageSize(header, bytes, image.path, access.budget);
    if (header.channels === 3) channels = 3;
    first ??= { path: image.path, header };
    if (sizeOf(header) === sizeOf(first.header)) continue;
    equal = false;
    if (resize !== null) continue;
    fail(
      diagnose("image-sizes", null, {
        first: first.path,
        second: image.path,
        a: sizeOf(first.header),
        b: sizeOf(header),
      }),
    );
  }
  if (folder.skipped.length > 0 && classes.length > 0) {
    const params = { file: path, folders: folder.skipped };
    access.diagnostics.push(diagnose("folders-without-images", null, params));
  }
  const { height, width } =
    !equal && resize !== null ? resize : known(first?.header, "the first image of a folder");
  const sampleShape = [channels, height, width];
  // Resizing has a row of its steps in between, no higher than the image that it comes from.
  access.budget.check(2 * elementCount(sampleShape), path);
  const labels = Float64Array.from(images, ({ label }) => label ?? 0);
  return {
    format: "images",
    fields: [
      {
        name: "x",
        count: images.length,
        storedShape: [images.length, ...sampleShape],
        recording: null,
        sampleShape,
        dtype: "u8",
        sample: (index) => {
          const file = known(images[index], `image ${index} of ${path}`).path;
          const decoded = decodeImage(access.readAgain(file), channels, file, access.budget);
          return equal || resize === null ? decoded : resizeImage(decoded, resize);
        },
      },
    ],
    labels: classes.length === 0 ? null : tensor("f64", [images.length], labels),
    classes: classes.length === 0 ? null : classes,
  };
}

function sizeOf(header: ImageHeader): string {
  return `${header.width}x${header.height}`;
}

/** Folder names sort as text, as everywhere; where they are numbers that surprises. */
export function remarkOnOrder(
  classes: readonly string[],
  file: string,
  diagnostics: Diagnostic[],
): void {
  const numbers = classes.map(Number);
  if (numbers.some((n) => !Number.isInteger(n))) return;
  const label = numbers.findIndex((n, i) => i > 0 && n < (numbers[i - 1] ?? 0));
  if (label < 0) return;
  const name = classes[label] ?? "";
  diagnostics.push(diagnose("class-order", null, { file, name, label }));
}
