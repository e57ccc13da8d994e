/**
 * Decompression of gzip, checked: fflate inflates, and the length and checksum that end a member
 * are compared here, because a file that was cut short must not pass for a smaller one.
 */
import { Gunzip } from "fflate";
import { fail } from "../../ir/diagnostic.ts";
import { diagnose } from "../diagnostics.ts";

/** True where the bytes begin as gzip does. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Inflates all members; fails where the data are cut short or damaged. */
export function gunzip(bytes: Uint8Array, file: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let lastMember = 0;
  const stream = new Gunzip((chunk) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  stream.onmember = () => {
    lastMember = length;
  };
  try {
    stream.push(bytes, true);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail(diagnose("data-compression", null, { file, reason }));
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  const member = out.subarray(lastMember);
  const trailer = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.byteLength;
  const intact =
    end >= 18 &&
    trailer.getUint32(end - 4, true) === member.length % 2 ** 32 &&
    trailer.getUint32(end - 8, true) === crc32(member);
  if (!intact) {
    fail(diagnose("data-compression", null, { file, reason: "its checksum does not hold" }));
  }
  return out;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c;
});

/** The checksum of gzip and zip (RFC 1952, section 8). */
function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (crcTable[(c ^ byte) & 0xff] ?? 0) ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
