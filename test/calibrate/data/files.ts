/** Small files of every format, made in memory, and what an attempt to read them says. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll } from "vitest";
import type { WantedArrays } from "../../../calibrate/data/archive/roles.ts";
import { Budget } from "../../../calibrate/data/budget.ts";
import type { Parsing } from "../../../calibrate/data/parse.ts";
import { type Diagnostic, DiagnosticError } from "../../../ir/diagnostic.ts";

/** A folder for this test file, removed when its tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "snnc-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** Writes files below `folder`, by their paths in it. */
export function write(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** `code: message` of what an attempt fails with, or "nothing". */
export async function failure(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map(line).join("\n");
    throw error;
  }
  return "nothing";
}

export function line(diagnostic: Diagnostic): string {
  return `${diagnostic.code}: ${diagnostic.message}`;
}

export function bytesOf(...parts: readonly (string | Iterable<number>)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...part].map((character) => character.charCodeAt(0)) : [...part],
    ),
  );
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** A .npy file with this header and these bytes after it, as NumPy writes it. */
export function npyFile(header: string, data: Iterable<number>): Uint8Array {
  const padded = `${header}${" ".repeat(63 - ((10 + header.length) % 64))}\n`;
  const length = [padded.length & 255, padded.length >> 8];
  return bytesOf([0x93], "NUMPY", [1, 0], length, padded, data);
}

export function idxFile(
  code: number,
  shape: readonly number[],
  data: Iterable<number>,
): Uint8Array {
  const extents = shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
  return bytesOf([0, 0, code, shape.length], extents, data);
}

/** `count` CIFAR records; image i has label `labels[i]` and pixels (i + position) mod 256. */
export function cifarFile(labels: readonly (readonly number[])[]): Uint8Array {
  const image = (i: number): number[] => Array.from({ length: 3072 }, (_, k) => (i + k) % 256);
  return bytesOf(labels.flatMap((label, i) => [...label, ...image(i)]));
}

/** A budget that no test runs into by accident. */
export function ample(): Budget {
  return new Budget(2 ** 31);
}

/** What a parser is told where nobody asks for anything in particular. */
export function parsing(wanted: Partial<WantedArrays> = {}, budget = ample()): Parsing {
  const nothing = { inputs: [], x: null, y: null, part: null, withLabels: true };
  return { wanted: { ...nothing, ...wanted }, labelsOnly: false, budget, diagnostics: [] };
}
