/**
 * The parts of the library that need files and threads: `import { … } from "snnc/node"`. The rest is in
 * `index.ts`, which uses no module of Node.
 */
export { typedEngine } from "../backends/typed/engine.ts";
export { wasmEngine } from "../backends/wasm/engine.ts";
export { limit } from "../calibrate/data/dataset.ts";
export type { Dataset } from "../calibrate/data/dataset.ts";
export { openDataset, openPreprocess } from "../calibrate/data/open.ts";
export type { OpenOptions } from "../calibrate/data/open.ts";
export { filesBeside, readModelFile } from "../frontend/files.ts";
export { loaderFiles } from "./loader-files.ts";
