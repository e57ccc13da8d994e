/**
 * The model's folder on a Node file system: reads the model and its external data, and keeps
 * external data inside the folder, symbolic links included. The rest of the frontend is without
 * file system and runs in a browser.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { fail } from "../ir/diagnostic.ts";
import { sourceLoc } from "../ir/loc.ts";
import { diagnose } from "./diagnostics.ts";
import { type ExternalFiles, type ExternalRead, refusedLocation } from "./external.ts";

/** The code of a Node file system error ("ENOENT"), or "" for anything else. */
function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "";
}

/** The bytes of a model file; fails with a diagnostic where there is none. */
export function readModelFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const loc = sourceLoc(basename(path), basename(path), "file");
    switch (errorCode(error)) {
      case "ENOENT":
      case "ENOTDIR":
        return fail(diagnose("model-not-found", loc, { path }));
      case "EISDIR":
        return fail(diagnose("is-directory", loc, { path }));
      default: {
        const why = error instanceof Error ? error.message : String(error);
        return fail(diagnose("unreadable-file", loc, { path, why }));
      }
    }
  }
}

/** External data beside the model at `modelPath`. */
export function filesBeside(modelPath: string): ExternalFiles {
  return { read: (path, offset, length) => readInside(dirname(modelPath), path, offset, length) };
}

function readInside(folder: string, path: string, offset: number, length: number): ExternalRead {
  const refused = refusedLocation(path);
  if (refused !== null) return { ok: false, problem: "refused", reason: refused };
  let handle: number | null = null;
  try {
    const root = realpathSync(folder);
    const target = realpathSync(join(root, path));
    const inside = relative(root, target);
    if (inside === "" || inside.startsWith("..") || isAbsolute(inside)) {
      const reason = `${path} is a link that leads out of the model's folder`;
      return { ok: false, problem: "refused", reason };
    }
    // Before opening: opening a pipe would wait for a writer.
    if (!statSync(target).isFile()) {
      return { ok: false, problem: "refused", reason: `${path} is not a regular file` };
    }
    handle = openSync(target, "r");
    const stat = fstatSync(handle);
    // Only what is there is allocated, whatever the model declares.
    const bytes = new Uint8Array(Math.max(0, Math.min(length, stat.size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const got = readSync(handle, bytes, filled, bytes.length - filled, offset + filled);
      if (got === 0) break;
      filled += got;
    }
    return { ok: true, bytes: bytes.subarray(0, filled) };
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { ok: false, problem: "missing" };
    return { ok: false, problem: "refused", reason: `${path} cannot be read (${code})` };
  } finally {
    if (handle !== null) closeSync(handle);
  }
}
