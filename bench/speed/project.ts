/** Where the project lies on disk, run from source or compiled. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { known } from "../../ir/diagnostic.ts";

/** Whether this is run from source, through a loader that takes time and memory of its own. */
export const isSource = import.meta.url.endsWith(".ts");

/** Sources lie two folders below package.json, compiled files three. */
export const projectFolder = known(
  ["../..", "../../.."]
    .map((up) => fileURLToPath(new URL(up, import.meta.url)))
    .find((folder) => existsSync(path.join(folder, "package.json"))),
  "the project's folder",
);

/** Packages that the benchmark compares with, and their lock file. */
export const peersFolder = path.join(projectFolder, "bench/peers");

/** What the benchmark writes and may use again: networks, inputs, plots. Ignored by git. */
export const outFolder = path.join(projectFolder, "out/bench");
