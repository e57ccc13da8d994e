/**
 * Decompression that knows a size before it takes memory: what is not announced is inflated twice, once
 * to count and once to keep. No stream gives more than it was asked for, and each checksum is compared,
 * because a file that was cut short or damaged must not pass for another one.
 */
import { constants, createGunzip, createInflateRaw, inflateRawSync } from "node:zlib";
import { fail } from "../../../ir/diagnostic.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";

/** Deflate cannot shrink more than this; a size beyond it is a lie, not a reason to allocate. */
export const largestRatio = 1032;

/** Bytes that are inflated at a time. More costs memory, and fewer cost more calls than copying saves. */
const piece = 2 ** 18;

/** True where the bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Inflates all members of a gzip file, the checksum and length of each checked (zlib does). Fails
 * where they are cut short, damaged, or more than the budget has left.
 */
export async function gunzip(bytes: Uint8Array, file: string, budget: Budget): Promise<Uint8Array> {
  // The length that ends a member is modulo 2^32, and another member may follow.
  let size = 0;
  for await (const part of inflated(createGunzip, bytes, file)) {
    size += part.length;
    if (size > budget.left) budget.exceeded(file);
  }
  budget.take(size, file);
  return gather(inflated(createGunzip, bytes, file), size, file);
}

/** Inflates one stream of deflate that gives exactly `size` bytes, which the budget has counted. */
export function inflate(packed: Uint8Array, size: number, file: string): Promise<Uint8Array> {
  return gather(inflated(createInflateRaw, packed, file), size, file);
}

/** The parts as one, for which memory is taken once. */
async function gather(
  parts: AsyncIterable<Uint8Array>,
  size: number,
  file: string,
): Promise<Uint8Array> {
  const whole = new Uint8Array(size);
  let at = 0;
  for await (const part of parts) {
    if (at + part.length > size) refuse(file, "it inflates to more than it claims to hold");
    whole.set(part, at);
    at += part.length;
  }
  if (at < size) refuse(file, "it inflates to less than it claims to hold");
  return whole;
}

/** What `bytes` inflate to, part by part; whoever has enough may stop. */
async function* inflated(
  create: typeof createGunzip | typeof createInflateRaw,
  bytes: Uint8Array,
  file: string,
): AsyncGenerator<Uint8Array, void> {
  const stream = create({ chunkSize: piece });
  stream.end(bytes);
  try {
    for await (const part of stream) if (part instanceof Uint8Array) yield part;
  } catch (error) {
    explain(error, file);
  }
}

/** Says what zlib has against a file; throws whatever else there is. */
function explain(error: unknown, file: string): never {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "Z_BUF_ERROR") refuse(file, "it is cut short");
  if (code !== "Z_DATA_ERROR" || !(error instanceof Error)) throw error;
  return refuse(
    file,
    /incorrect (data|length) check/.test(error.message)
      ? "its checksum does not hold"
      : "its compressed data are damaged",
  );
}

/** Bytes of a stream that its start is looked for in: they cannot inflate to more than 2 MB. */
const startBytes = 2048;

/**
 * The first bytes of a stream of deflate, as many as its first bytes give: a header of an array is
 * among them. Empty where they are damaged.
 */
export function inflateStart(packed: Uint8Array): Uint8Array {
  try {
    // Flushing, not finishing: a stream that goes on is no error.
    return inflateRawSync(packed.subarray(0, startBytes), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "Z_DATA_ERROR") {
      return new Uint8Array(0);
    }
    throw error;
  }
}

function refuse(file: string, reason: string): never {
  return fail(diagnose("data-compression", null, { file, reason }));
}
