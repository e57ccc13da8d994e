/**
 * What a command reads and what it is going to write, so that no output replaces an input, and none
 * is found to be impossible after the work. Whatever opens a file that the user named says so here.
 */
import { statSync } from "node:fs";
import path from "node:path";
import { fail } from "../../ir/diagnostic.ts";
import { followLinks, tryToWrite, tryToWriteInto } from "./atomic.ts";
import { diagnose } from "../diagnostics.ts";
import { writeFailure } from "./files.ts";

export interface Outputs {
  /** These files are read; fails where one of them is to be written. Names of nothing do no harm. */
  reads(...files: readonly string[]): void;
  /** This file will be written; fails where it is read or cannot be written. Leaves nothing. */
  writes(file: string): void;
  /** The same of files by these names in `folder`. */
  writesInto(folder: string, names: readonly string[]): void;
}

export function createOutputs(): Outputs {
  const read = new Set<string>();
  /** What the user called it, by what it is. */
  const written = new Map<string, string>();
  const claim = (file: string): void => {
    const identity = identityOf(file) ?? attempt(file, () => followLinks(file));
    if (identity === device) return;
    if (read.has(identity)) fail(diagnose("output-is-input", null, { file }));
    if (written.has(identity)) fail(diagnose("outputs-collide", null, { file }));
    written.set(identity, file);
  };
  return {
    reads(...files) {
      for (const file of files) {
        const identity = identityOf(file);
        if (identity === null || identity === device) continue;
        read.add(identity);
        const output = written.get(identity);
        if (output !== undefined) fail(diagnose("output-is-input", null, { file: output }));
      }
    },
    writes(file) {
      claim(file);
      attempt(file, () => tryToWrite(file));
    },
    writesInto(folder, names) {
      for (const name of names) claim(path.join(folder, name));
      attempt(folder, () => tryToWriteInto(folder));
    },
  };
}

/** Runs `work`, whose errors of the system mean that `file` cannot be written. */
function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return fail(writeFailure(file, error));
  }
}

/** Of devices and pipes, any number of commands may read and write. */
const device = "device";

/** The same for each name of one file, links and hard links included; null where nothing is seen. */
function identityOf(file: string): string | null {
  try {
    const status = statSync(file, { bigint: true });
    if (!status.isFile() && !status.isDirectory()) return device;
    return `${status.dev}:${status.ino}`;
  } catch {
    return null;
  }
}
