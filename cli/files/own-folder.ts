/**
 * The folders that commands write: a build, a report. Their manifest says what is ours in them, with
 * a hash of each file, and only what is still as we wrote it is replaced or removed.
 */
import { readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { fail } from "../../ir/diagnostic.ts";
import { followLinks, hashOf, recover, replaceInFolder } from "./atomic.ts";
import { diagnose } from "../diagnostics.ts";
import { writeFailure } from "./files.ts";
import { isBuildName, manifestName, reportNames } from "./own-names.ts";

/** As much of a manifest as says what of ours lies in a folder. */
const manifestSchema = z.object({
  tool: z.object({ name: z.literal("snnc") }),
  /** A build has a target, a report has none. */
  target: z.string().optional(),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

/** Fails where the folder holds anything besides a build that is as it was written, unless `force`. */
export function checkBuildFolder(folder: string, force: boolean): void {
  const entries = entriesIn(folder);
  const ours = filesOfOurs(folder, "build");
  const others = entries.filter((name) => !ours.has(name));
  if (others.length > 0 && !force) fail(diagnose("folder-not-ours", null, { folder, others }));
}

/** Writes a build, all of it or none; what an earlier one had besides is gone then. */
export function writeBuildFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  force: boolean,
): void {
  checkBuildFolder(folder, force);
  const before = filesOfOurs(folder, "build");
  const removals = [...before]
    .filter(([name]) => !files.has(name))
    .map(([name, sha256]) => ({ path: name, sha256 }));
  attempt(folder, () => replaceInFolder(folder, files, removals));
}

/** Fails where a file that is not ours has the name of one of a report's. */
export function checkReportFolder(folder: string): void {
  const entries = entriesIn(folder);
  const ours = filesOfOurs(folder, "report");
  const others = reportNames.filter((name) => entries.includes(name) && !ours.has(name));
  if (others.length > 0) fail(diagnose("report-not-ours", null, { folder, others }));
}

/** Writes a report, all of it or none; whatever else is in the folder stays. */
export function writeReportFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  checkReportFolder(folder);
  attempt(folder, () => replaceInFolder(folder, files, []));
}

/** Names in the folder, once what an earlier command did not finish is done; none if there is none. */
function entriesIn(folder: string): readonly string[] {
  const status = attempt(folder, () => statSync(folder, { throwIfNoEntry: false }));
  if (status === undefined) return [];
  if (!status.isDirectory()) fail(diagnose("folder-is-file", null, { folder }));
  return attempt(folder, () => {
    const target = followLinks(folder);
    recover(target);
    return readdirSync(target);
  });
}

/**
 * The files of ours in a folder with their hashes, as its manifest has them: of names that we use,
 * and unchanged. None where there is no manifest of this kind; the manifest itself is among them.
 */
function filesOfOurs(folder: string, kind: "build" | "report"): ReadonlyMap<string, string> {
  const isOurs = (name: string): boolean =>
    kind === "build" ? isBuildName(name) : reportNames.includes(name);
  try {
    const file = path.join(folder, manifestName);
    const sha256 = hashOf(file);
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    if (sha256 === null || (manifest.target !== undefined) !== (kind === "build")) return new Map();
    const listed = manifest.files
      .filter(({ path: name }) => isOurs(name))
      .filter(({ path: name, sha256: hash }) => hashOf(path.join(folder, name)) === hash)
      .map(({ path: name, sha256: hash }): [string, string] => [name, hash]);
    return new Map([...listed, [manifestName, sha256]]);
  } catch {
    return new Map();
  }
}

/** Runs `work`, whose errors of the system mean that the folder cannot be written. */
function attempt<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return fail(writeFailure(folder, error));
  }
}
