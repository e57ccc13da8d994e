/**
 * Writes dist/cli/bundle/thread.js: the command line's program and all of ours that it loads, in one file.
 * Node takes as long to find and link hundreds of small modules as many a command takes to work.
 * Libraries stay outside, and every module keeps its place: what it loads by its address it still finds.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Plugin, build } from "esbuild";

const dist = fileURLToPath(new URL("..", import.meta.url));
const outfile = path.join(dist, "cli/bundle/thread.js");

const keepsPlaces: Plugin = {
  name: "keeps places",
  setup(building) {
    building.onLoad({ filter: /\.js$/ }, async ({ path: file }) => {
      const source = await readFile(file, "utf8");
      const place = path.relative(path.dirname(outfile), file).replaceAll(path.sep, "/");
      const url = `new URL(${JSON.stringify(place)}, import.meta.url).href`;
      return { contents: source.replaceAll("import.meta.url", url) };
    });
  },
};

await build({
  entryPoints: [path.join(dist, "cli/thread.js")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  plugins: [keepsPlaces],
  logLevel: "warning",
});
