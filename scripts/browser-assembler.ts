/**
 * Writes dist/browser/binaryen.js: binaryen less the one import of a module of Node's, which a
 * browser never reaches but on which bundlers stop. package.json maps `#binaryen` to it for them.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const nodeImport = 'await import("node:module")';
const instead = '{createRequire(){throw new Error("this copy of binaryen is for browsers")}}';

const source = readFileSync(createRequire(import.meta.url).resolve("binaryen"), "utf8");
const [head, tail, ...more] = source.split(nodeImport);
if (head === undefined || tail === undefined || more.length > 0) {
  console.error(`binaryen was expected to hold ${nodeImport} once; look at its new version`);
  process.exit(1);
}
const target = fileURLToPath(new URL("../browser/binaryen.js", import.meta.url));
mkdirSync(path.dirname(target), { recursive: true });
writeFileSync(
  target,
  `/* Changed by snnc: its import of node:module is taken out, for bundlers. */\n${head}${instead}${tail}`,
);
