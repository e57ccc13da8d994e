/**
 * The long bars: what takes minutes or hours to show, and so is no part of `npm test`, which has a
 * short run of each.
 *
 *     npm run verify                       lists the bars
 *     npm run verify -- NAME [options]     runs one; NAME --help says its options
 *
 * The exit code is 1 where a bar does not hold.
 */
import { type Bar, parseName } from "./verify/bar.ts";

/** Each bar is a file of its name in scripts/verify/, loaded only when it is asked for. */
const bars = {
  corpus: {
    summary: "public models by many exporters: import, check, onnxruntime's outputs, pipelines",
    load: () => import("./verify/corpus.ts"),
  },
  graphs: {
    summary: "random graphs of every op, type and broadcast, by every pipeline, on three engines",
    load: () => import("./verify/graphs.ts"),
  },
  npz: {
    summary: "damaged .npz archives through the data readers, 1 GiB and 10 CPU seconds each",
    load: () => import("./verify/npz.ts"),
  },
  snn: {
    summary: "damaged .snn files, read and run, 1 GiB and 10 CPU seconds each",
    load: () => import("./verify/snn.ts"),
  },
  kill: {
    summary: "convert, build and report, killed at each system call that writes",
    load: () => import("./verify/kill.ts"),
  },
} as const satisfies Record<string, Bar>;

const [name, ...options] = process.argv.slice(2);
const bar = parseName(bars, name);
if (bar === null) {
  const known = Object.entries<Bar>(bars).map(([each, { summary }]) => `  ${each}  ${summary}`);
  console.error(`usage: npm run verify -- NAME [options]\n\n${known.join("\n")}`);
  process.exitCode = name === undefined ? 0 : 1;
} else {
  const { verify } = await bar.load();
  if (!(await verify(options))) process.exitCode = 1;
}
