/**
 * Zip archives, as far as .npz needs them: what there is, and a member's content, which is held to the
 * size and the checksum of its entry. yauzl reads the directory; it would inflate as well, but compares
 * no checksum. Opens nothing, and inflates only what is asked for.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { fail } from "../../../ir/diagnostic.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { inflate, inflateStart, largestRatio } from "./inflate.ts";

/** A member of an archive, found but not yet read. */
export interface ZipMember {
  readonly name: string;
  /** Bytes that it is to have when it is inflated. */
  readonly size: number;
  readonly crc: number;
  readonly deflated: boolean;
  /** Its bytes as they lie in the archive, or why there are none. */
  readonly packed: Uint8Array | { readonly fault: string };
}

/** True where the bytes begin as a zip archive does (with or without entries). */
export function isZip(bytes: Uint8Array): boolean {
  const [p, k, a, b] = bytes;
  return p === 0x50 && k === 0x4b && ((a === 3 && b === 4) || (a === 5 && b === 6));
}

/** The members of an archive, in the directory's order. */
export async function listZip(bytes: Uint8Array, file: string): Promise<readonly ZipMember[]> {
  const archive = await openZip(bytes, file);
  const entries: Entry[] = [];
  try {
    for await (const entry of archive.eachEntry()) entries.push(entry);
  } catch {
    refuse(file, "its list of entries is damaged");
  }
  const members: ZipMember[] = [];
  for (const entry of entries) {
    const { generalPurposeBitFlag: flags, fileNameRaw, extraFields } = entry;
    members.push({
      name: yauzl.getFileNameLowLevel(flags, fileNameRaw, extraFields, true),
      size: entry.uncompressedSize,
      crc: entry.crc32,
      deflated: entry.compressionMethod === 8,
      packed: await packedBytes(archive, entry, bytes),
    });
  }
  return members;
}

async function openZip(bytes: Uint8Array, file: string): Promise<ZipFile> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    // Names are no paths here, and one member's size is no fault of another's.
    return await yauzl.fromBufferPromise(view, { decodeStrings: false, validateEntrySizes: false });
  } catch {
    return refuse(file, "it is cut short, or damaged at its end");
  }
}

/** A member that nobody asks for cannot be at fault: what is wrong with it is said when it is read. */
async function packedBytes(
  archive: ZipFile,
  entry: Entry,
  bytes: Uint8Array,
): Promise<ZipMember["packed"]> {
  const { compressedSize, uncompressedSize: size, compressionMethod: method } = entry;
  if (entry.isEncrypted()) return { fault: "it is encrypted" };
  if (method !== 0 && method !== 8) return { fault: `its method ${method} is not known here` };
  const most = method === 0 ? compressedSize : (compressedSize + 1) * largestRatio;
  if (size > most || (method === 0 && size < most)) {
    return { fault: "it cannot have the size it claims" };
  }
  try {
    const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
    return bytes.subarray(fileDataStart, fileDataStart + compressedSize);
  } catch {
    return { fault: "it is cut short, or not where the list of entries says" };
  }
}

/** The content of a member; what is inflated counts in the budget, a stored one is a view. */
export async function readMember(
  member: ZipMember,
  where: string,
  budget: Budget,
): Promise<Uint8Array> {
  const { packed, size } = member;
  if (!(packed instanceof Uint8Array)) return refuse(where, packed.fault);
  if (member.deflated) budget.take(size, where);
  const content = member.deflated ? await inflate(packed, size, where) : packed;
  if (crc32(content) !== member.crc) refuse(where, "its checksum does not hold");
  return content;
}

/** The first bytes of a member, not compared with anything; a header of an array is among them. */
export function startOfMember({ packed, deflated }: ZipMember): Uint8Array {
  if (!(packed instanceof Uint8Array)) return new Uint8Array(0);
  return deflated ? inflateStart(packed) : packed;
}

function refuse(file: string, reason: string): never {
  return fail(diagnose("data-compression", null, { file, reason }));
}
