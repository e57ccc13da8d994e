/**
 * What files of ours are called in a folder that a command writes: only these are ever replaced or
 * removed there without being asked for. Names of earlier versions stay in the list.
 */
import { manifestName, reportName } from "../../library/build.ts";
import { targets } from "../../library/targets.ts";

export { manifestName };

/** What a report consists of, its manifest last. */
export const reportNames: readonly string[] = [reportName, "report.html", manifestName];

/** What a build may consist of, for whatever target. */
export const buildNames: readonly string[] = [
  ...targets.flatMap(({ fileNames }) => fileNames),
  ...[reportName, manifestName],
];

export const ownNames: ReadonlySet<string> = new Set([...reportNames, ...buildNames]);
