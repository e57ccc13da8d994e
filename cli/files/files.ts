/** Reading and writing for commands, with the system's errors as diagnostics. */
import { createHash } from "node:crypto";
import { appendFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fail } from "../../ir/diagnostic.ts";
import { replaceFile } from "./atomic.ts";
import { diagnose } from "../diagnostics.ts";
import { errorCode } from "../terminal/error-code.ts";

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

/** Writes `content` to `file`, whole or not at all; makes the folders above it. */
export function writeOutput(file: string, content: Uint8Array | readonly Uint8Array[]): void {
  const parts = content instanceof Uint8Array ? [content] : content;
  try {
    const target = statSync(file, { throwIfNoEntry: false });
    // A device (/dev/stdout, /dev/null) is written to, never replaced.
    const isDevice = target !== undefined && !target.isFile() && !target.isDirectory();
    if (isDevice) for (const part of parts) appendFileSync(file, part);
    else replaceFile(file, parts);
  } catch (error) {
    fail(writeFailure(file, error));
  }
}

/** What to tell of an error in writing `file`, or a folder of that name. */
export function writeFailure(file: string, error: unknown): ReturnType<typeof diagnose> {
  return diagnose("cannot-write", null, { file, code: errorCode(error) });
}

/** SHA-256 of `bytes`, 64 hex digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
