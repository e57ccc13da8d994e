/**
 * Tensor data that lies in files beside the model. The names come from the model and are not
 * trusted: they must be relative and stay inside its folder. Reading itself is handed in, so this
 * works where there is no file system; whoever reads must look through symbolic links too.
 */
import { type Diagnostic, fail } from "../../../ir/diagnostic.ts";
import type { Loc } from "../../../ir/loc.ts";
import { diagnose } from "../diagnostics.ts";
import type { TensorProto } from "./proto.ts";

/** What a read gives: bytes (fewer than asked for where the file ends), or why there are none. */
export type ExternalRead =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: "missing" }
  /** `reason` is a sentence without final stop. */
  | { readonly ok: false; readonly problem: "refused"; readonly reason: string };

/** Reads files relative to the model's folder. Must never leave that folder, nor throw. */
export interface ExternalFiles {
  read(relativePath: string, offset: number, length: number): ExternalRead;
}

/** What decoding a tensor needs to know of its surroundings. */
export interface TensorSource {
  readonly files: ExternalFiles | null;
  readonly loc: Loc;
  readonly valueBytes: number;
  /** Axes that a tensor may have. */
  readonly rank: number;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** Why a location is refused, or null. */
export function refusedLocation(location: string): string | null {
  if (location === "") return "it names no file";
  if (location.includes("\0")) return "the file name holds a zero byte";
  if (/^([/\\]|[A-Za-z]:)/.test(location)) return `the path ${location} is absolute`;
  if (location.split(/[/\\]/).includes("..")) return `the path ${location} leaves the folder`;
  return null;
}

/** The bytes of an external tensor: exactly `expected` of them. */
export function externalBytes(
  proto: TensorProto,
  name: string,
  expected: number,
  source: TensorSource,
): Uint8Array {
  const entries = new Map<string, string>();
  for (const entry of proto.externalData ?? []) entries.set(entry.key ?? "", entry.value ?? "");
  const location = entries.get("location") ?? "";
  const refuse = (why: string): never => fail(diagnose("external-data", source.loc, { name, why }));

  const refused = refusedLocation(location);
  if (refused !== null) refuse(refused);
  if (source.files === null) refuse(`no files may be read here, and it lies in ${location}`);

  const number = (key: string, absent: number): number => {
    const text = entries.get(key);
    if (text === undefined) return absent;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value)) refuse(`its ${key} is "${text}"`);
    return value;
  };
  const offset = number("offset", 0);
  const length = number("length", expected);
  if (length !== expected) {
    const declared = `${expected} bytes by its shape`;
    fail(
      diagnose("tensor-size", source.loc, { name, expected: declared, found: `${length} bytes` }),
    );
  }
  const read = source.files?.read(location, offset, length);
  if (read === undefined || (!read.ok && read.problem === "missing")) {
    fail(diagnose("external-missing", source.loc, { name, path: location }));
  }
  if (!read.ok) return refuse(read.reason);
  if (read.bytes.length < expected) {
    const found = read.bytes.length;
    fail(diagnose("external-short", source.loc, { name, path: location, expected, found }));
  }
  return read.bytes;
}
