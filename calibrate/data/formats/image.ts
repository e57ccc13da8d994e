/**
 * PNG and JPEG: what the header says, and the pixels as uint8 [C, H, W], through pngjs and jpeg-js.
 * C is 1 for grey files and 3 otherwise. Kinds that would lose something on the way (transparency,
 * 16 bits, CMYK) are refused. A rotation that a JPEG merely notes in its EXIF data is not applied,
 * and JPEG pixels may differ by a few levels from those of a decoder that smooths chroma.
 */
import { Buffer } from "node:buffer";
import { crc32, inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { fail } from "../../../ir/diagnostic.ts";
import { type Tensor, tensor } from "../../../ir/tensor.ts";
import { diagnose } from "../../diagnostics.ts";
import { largestRatio } from "../archive/inflate.ts";
import type { Budget } from "../budget.ts";

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

/** Bytes that the decoders take for a pixel, their own copies included: an estimate from reading them. */
const bytesPerPixel = { PNG: 16, JPEG: 32 };

/**
 * Fails where an image cannot be decoded within the budget, or cannot have as many pixels as its
 * header says: deflate and Huffman codes only shrink so far. Nothing is decoded for that.
 */
export function checkImageSize(
  { format, width, height }: ImageHeader,
  bytes: Uint8Array,
  file: string,
  budget: Budget,
): void {
  const pixels = width * height;
  if (pixels === 0) unreadable(file, "it has no pixels");
  // A pixel of a PNG takes a bit at least; an 8x8 block of a JPEG takes one in its first scan.
  const most = bytes.length * (format === "PNG" ? 8 * largestRatio : 8 * 64);
  if (pixels > most) unreadable(file, `it is cut short: it is to have ${width}x${height} pixels`);
  budget.check(pixels * bytesPerPixel[format], file);
}

/** The pixels, uint8 [channels, H, W]; a grey file asked for three channels repeats its one. */
export function decodeImage(
  bytes: Uint8Array,
  channels: 1 | 3,
  file: string,
  budget: Budget,
): Tensor {
  const header = readImageHeader(bytes, file);
  checkImageSize(header, bytes, file, budget);
  const { width, height, data } =
    header.format === "PNG" ? decodePng(bytes, header, file) : decodeJpeg(bytes, file, budget);
  const size = width * height;
  const planes = new Uint8Array(channels * size);
  for (let i = 0; i < size; i++) {
    if (data[4 * i + 3] !== 255) fail(diagnose("image-kind", null, { file, kind: "transparent" }));
    for (let c = 0; c < channels; c++) planes[c * size + i] = data[4 * i + c] ?? 0;
  }
  return tensor("u8", [channels, height, width], planes);
}

interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

function decodePng(bytes: Uint8Array, { width, height }: ImageHeader, file: string): Rgba {
  const packed = checkChunks(bytes, file);
  return attempt(file, "its pixels are damaged", () => {
    if (bytes[28] === 1) {
      // Of interlaced files the decoder inflates whatever there is: seven smaller images at most.
      const most = 2 * (height + 8) * (4 * (width + 8) + 1);
      inflateSync(Buffer.concat(packed), { maxOutputLength: most });
    }
    return PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}

/** Walks the chunks of a PNG, each of which has a checksum, to the last; gives those of pixels. */
function checkChunks(bytes: Uint8Array, file: string): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixels: Uint8Array[] = [];
  for (let at = pngSignature.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) break;
    const kind = new TextDecoder("latin1").decode(bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) {
      unreadable(file, `it is damaged: the checksum of its part ${kind} does not hold`);
    }
    if (kind === "IEND") return pixels;
    if (kind === "IDAT") pixels.push(bytes.subarray(at + 8, end));
    at = end + 4;
  }
  return unreadable(file, "it is cut short");
}

/** More than any encoder makes; each is a pass over all pixels. */
const mostScans = 1000;

function decodeJpeg(bytes: Uint8Array, file: string, budget: Budget): Rgba {
  let scans = 0;
  let ended = false;
  // Within a scan a byte of 0xff is followed by zero.
  for (let at = bytes.indexOf(0xff); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    if (bytes[at + 1] === 0xda) scans++;
    if (bytes[at + 1] === 0xd9) ended = true;
  }
  if (scans > mostScans) unreadable(file, `it has ${scans} scans`);
  const maxMemoryUsageInMB = Math.ceil(budget.left / 2 ** 20);
  return attempt(file, ended ? "its pixels are damaged" : "it is cut short", () =>
    jpeg.decode(bytes, {
      useTArray: true,
      tolerantDecoding: false,
      maxMemoryUsageInMB,
      maxResolutionInMP: Infinity,
    }),
  );
}

/** What a decoder says of bytes that it was not made for is not for people. */
function attempt(file: string, reason: string, decode: () => Rgba): Rgba {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RangeError && /allocation failed/i.test(error.message)) throw error;
    return unreadable(file, reason);
  }
}

function unreadable(file: string, reason: string): never {
  return fail(diagnose("image-unreadable", null, { file, reason }));
}
