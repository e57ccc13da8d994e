/**
 * Data that lies in files beside the model. The names come from the model and are not trusted: they
 * must be relative and stay inside its folder. Reading itself is handed in, so this works where
 * there is no file system; whoever reads must look through symbolic links too.
 */

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

/** Why a location is refused, or null. */
export function refusedLocation(location: string): string | null {
  if (location === "") return "it names no file";
  if (location.includes("\0")) return "the file name holds a zero byte";
  if (/^([/\\]|[A-Za-z]:)/.test(location)) return `the path ${location} is absolute`;
  if (location.split(/[/\\]/).includes("..")) return `the path ${location} leaves the folder`;
  return null;
}
