/**
 * What files of ours are called in a folder that a command writes: only these are ever replaced or
 * removed there without being asked for. Names of earlier versions stay in the list.
 */
import { isFileName } from "../../ir/backend.ts";
import { manifestName, reportName } from "../../library/build.ts";
import { targets } from "../../library/targets.ts";

export { manifestName };

/** What a report consists of, its manifest last. */
export const reportNames: readonly string[] = [reportName, "report.html", manifestName];

/** What a build may consist of, for whatever target; `*` in a name as in `Backend.fileNames`. */
const buildPatterns: readonly string[] = [
  ...targets.flatMap(({ fileNames }) => fileNames),
  ...[reportName, manifestName],
];

/** Those names of a build's that are the same for every network. */
export const buildNames = buildPatterns.filter((name) => !name.includes("*"));

export function isBuildName(name: string): boolean {
  return isFileName(buildPatterns, name);
}

export function isOwnName(name: string): boolean {
  return isBuildName(name) || reportNames.includes(name);
}
