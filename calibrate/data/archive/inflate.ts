/**
 * Decompression with a ceiling: no stream gives more than it was asked for, and each checksum is
 * compared, because a file that was cut short or damaged must not pass for another one.
 */
import { constants as buffers } from "node:buffer";
import { constants, gunzipSync, inflateRawSync } from "node:zlib";
import { fail } from "../../../ir/diagnostic.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";

/** Deflate cannot shrink more than this; a size beyond it is a lie, not a reason to allocate. */
export const largestRatio = 1032;

/** True where the bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Output is gathered in pieces: the smallest where nobody knows how much there will be. */
const smallestPiece = 2 ** 20;
const largestPiece = 2 ** 30;

/** Limits of zlib, for output that is thought to have `believed` bytes and may not have more than `most`. */
function limitsFor(believed: number, most: number): { maxOutputLength: number; chunkSize: number } {
  return {
    maxOutputLength: Math.min(Math.max(1, most), buffers.MAX_LENGTH),
    chunkSize: Math.min(Math.max(64, believed + 1), largestPiece),
  };
}

/**
 * Inflates all members of a gzip file, the checksum and length of each checked (zlib does). Fails
 * where they are cut short, damaged, or more than the budget has left.
 */
export function gunzip(bytes: Uint8Array, file: string, budget: Budget): Uint8Array {
  // The length that ends the last member is only a hint: it may lie, and is modulo 2^32.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const claimed = bytes.length < 18 ? 0 : view.getUint32(bytes.length - 4, true);
  const believable = Math.min(claimed, largestRatio * bytes.length, budget.left);
  const limits = limitsFor(Math.max(smallestPiece, believable), budget.left);
  const inflated = attempt(() => gunzipSync(bytes, limits), file, budget);
  budget.take(inflated.length, file);
  return inflated;
}

/** Inflates one stream of deflate that gives exactly `size` bytes, which the budget has counted. */
export function inflate(
  packed: Uint8Array,
  size: number,
  file: string,
  budget: Budget,
): Uint8Array {
  const limits = limitsFor(size, size);
  const wrong = (): never => refuse(file, "it inflates to more than it claims to hold");
  const inflated = attempt(() => inflateRawSync(packed, limits), file, budget, wrong);
  if (inflated.length !== size) refuse(file, "it inflates to less than it claims to hold");
  return inflated;
}

/** Flushing, not finishing: a stream that goes on is no error. */
const flushing = { finishFlush: constants.Z_SYNC_FLUSH };

/** The first bytes of a stream of deflate, at least `count` where it has as many. */
export function inflateStart(
  packed: Uint8Array,
  count: number,
  file: string,
  budget: Budget,
): Uint8Array {
  for (let length = 256; ; length *= 2) {
    const part = packed.subarray(0, length);
    const start = attempt(() => inflateRawSync(part, flushing), file, budget);
    if (start.length >= count || length >= packed.length) return start;
  }
}

function attempt(
  work: () => Uint8Array,
  file: string,
  budget: Budget,
  tooLarge: () => never = () => budget.exceeded(file),
): Uint8Array {
  try {
    const out = work();
    return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ERR_BUFFER_TOO_LARGE") return tooLarge();
    if (code === "Z_BUF_ERROR") return refuse(file, "it is cut short");
    if (code !== "Z_DATA_ERROR" || !(error instanceof Error)) throw error;
    return refuse(
      file,
      /incorrect (data|length) check/.test(error.message)
        ? "its checksum does not hold"
        : "its compressed data are damaged",
    );
  }
}

function refuse(file: string, reason: string): never {
  return fail(diagnose("data-compression", null, { file, reason }));
}
