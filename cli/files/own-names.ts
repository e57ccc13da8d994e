/**
 * What files of ours are called in a folder that a command writes: only these are ever replaced or
 * removed there without being asked for. Names of earlier versions stay in the list.
 */
import { pageNames, runtimeNames } from "../../backends/wasm/emit/assets.ts";

export const manifestName = "manifest.json";

/** What a report consists of, its manifest last. */
export const reportNames: readonly string[] = ["report.json", "report.html", manifestName];

/** What a build may consist of. */
export const buildNames: readonly string[] = [
  ...runtimeNames,
  ...pageNames,
  ...["model.wasm", "model.weights", "model.d.ts", "samples.bin", "samples.json"],
  ...["report.json", manifestName],
];

export const ownNames: ReadonlySet<string> = new Set([...reportNames, ...buildNames]);
