/**
 * Reading and writing for commands. What is written is complete or not there at all: it goes to a
 * temporary name beside its target first and is renamed when it is whole.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fail } from "../ir/diagnostic.ts";
import { diagnose } from "./diagnostics.ts";

/** The bytes of a file that the user named. */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    fail(readFailure(file, errorCode(error)));
  }
}

function readFailure(file: string, code: string): ReturnType<typeof diagnose> {
  switch (code) {
    case "ENOENT":
      return diagnose("file-not-found", null, { file });
    case "EISDIR":
      return diagnose("file-is-folder", null, { file });
    default:
      return diagnose("file-unreadable", null, { file, code });
  }
}

/** Fails where writing `file` would replace one of the files that the command reads. */
export async function refuseToReplace(file: string, inputs: readonly string[]): Promise<void> {
  const target = await stat(file).catch(() => null);
  if (target?.isFile() !== true) return;
  for (const input of inputs) {
    const other = await stat(input).catch(() => null);
    if (other?.ino !== target.ino || other.dev !== target.dev) continue;
    fail(diagnose("output-is-input", null, { file }));
  }
}

/** Bytes of a file's name that every file system takes. */
const longestName = 255;

/** A name beside `name` that is no longer than names may be. */
function temporaryName(name: string): string {
  const tail = `.${process.pid}.part`;
  const fits = Buffer.byteLength(`.${name}${tail}`) <= longestName;
  return `.${fits ? name : sha256(Buffer.from(name)).slice(0, 32)}${tail}`;
}

/** Writes `content` to `file`, whole or not at all; makes the folders above it. */
export async function writeOutput(
  file: string,
  content: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const temporary = path.join(path.dirname(file), temporaryName(path.basename(file)));
  try {
    await makeFolder(path.dirname(file));
    const target = await stat(file).catch(() => null);
    // A device (/dev/stdout, /dev/null) is written to, never replaced.
    if (target !== null && !target.isFile() && !target.isDirectory()) {
      const device = await open(file, "w");
      await writeFile(device, content).finally(() => device.close());
      return;
    }
    const handle = await open(temporary, "w");
    await writeFile(handle, content)
      .then(() => handle.sync())
      .finally(() => handle.close());
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    fail(writeFailure(file, error));
  }
}

/** What to tell of an error in writing `file`, or a folder of that name. */
export function writeFailure(file: string, error: unknown): ReturnType<typeof diagnose> {
  return diagnose("cannot-write", null, { file, code: errorCode(error) });
}

/**
 * Makes a folder and those above it that are missing, one by one: where the system refuses (/proc),
 * Node's own recursion does not end.
 */
export async function makeFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null)) !== null) return;
  const above = path.dirname(folder);
  if (above !== folder) await makeFolder(above);
  await mkdir(folder);
}

/** SHA-256 of `bytes`, 64 hex digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The system's code of an error ("ENOENT"), or "unknown". */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}
