/**
 * PNG and JPEG: what the header says, and the pixels as uint8 [C, H, W], through pngjs and jpeg-js.
 * C is 1 for grey files and 3 otherwise. Kinds that would lose something on the way (transparency,
 * 16 bits, CMYK) are refused. A rotation that a JPEG merely notes in its EXIF data is not applied,
 * and JPEG pixels may differ by a few levels from those of a decoder that smooths chroma.
 */
import { Buffer } from "node:buffer";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { fail } from "../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";

export interface ImageHeader {
  readonly format: "PNG" | "JPEG";
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** True where the bytes begin as PNG or JPEG does. */
export function isImage(bytes: Uint8Array): boolean {
  return isPng(bytes) || isJpeg(bytes);
}

function isPng(bytes: Uint8Array): boolean {
  return pngSignature.every((byte, i) => bytes[i] === byte);
}

function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** Size and kind, without decoding; fails on a kind that is not read. */
export function readImageHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (isPng(bytes) && bytes.length >= 33) return pngHeader(bytes, file);
  if (isJpeg(bytes)) return jpegHeader(bytes, file);
  return fail(diagnose("image-unreadable", null, { file, reason: "it is neither PNG nor JPEG" }));
}

function pngHeader(bytes: Uint8Array, file: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const depth = view.getUint8(24);
  const colour = view.getUint8(25);
  if (depth === 16) fail(diagnose("image-kind", null, { file, kind: "a PNG of 16 bits" }));
  const grey = colour === 0 || colour === 4;
  return {
    format: "PNG",
    width: view.getUint32(16),
    height: view.getUint32(20),
    channels: grey ? 1 : 3,
  };
}

/** Walks the segments to the frame header (ITU-T T.81, B.2.2). */
function jpegHeader(bytes: Uint8Array, file: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 2;
  while (at + 9 < bytes.length) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff) break;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const components = view.getUint8(at + 9);
      if (components !== 1 && components !== 3) {
        fail(diagnose("image-kind", null, { file, kind: `a JPEG of ${components} colours` }));
      }
      return {
        format: "JPEG",
        width: view.getUint16(at + 7),
        height: view.getUint16(at + 5),
        channels: components,
      };
    }
    // A marker may be preceded by fill bytes.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return fail(diagnose("image-unreadable", null, { file, reason: "it has no frame header" }));
}

/** The pixels, uint8 [channels, H, W]; a grey file asked for three channels repeats its one. */
export function decodeImage(bytes: Uint8Array, channels: 1 | 3, file: string): Tensor {
  const { format } = readImageHeader(bytes, file);
  const { width, height, data } = decodeRgba(bytes, format, file);
  const size = width * height;
  const planes = new Uint8Array(channels * size);
  for (let i = 0; i < size; i++) {
    if (data[4 * i + 3] !== 255) fail(diagnose("image-kind", null, { file, kind: "transparent" }));
    for (let c = 0; c < channels; c++) planes[c * size + i] = data[4 * i + c] ?? 0;
  }
  return tensor("u8", [channels, height, width], planes);
}

function decodeRgba(
  bytes: Uint8Array,
  format: ImageHeader["format"],
  file: string,
): { width: number; height: number; data: Uint8Array } {
  try {
    if (format === "PNG") {
      return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    }
    return jpeg.decode(bytes, { useTArray: true, tolerantDecoding: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(diagnose("image-unreadable", null, { file, reason }));
  }
}
