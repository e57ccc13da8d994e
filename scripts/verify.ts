/**
 * The long bars: what takes minutes or hours to show, and so is no part of `npm test`, which has a
 * short run of each.
 *
 *     npm run verify                       lists the bars
 *     npm run verify -- NAME [options]     runs one; NAME --help says its options
 *
 * The exit code is 1 where a bar does not hold.
 */
import { explain } from "../cli/action.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { createTerminal } from "../cli/terminal/terminal.ts";
import { fail } from "../ir/diagnostic.ts";
import { type Bar, parseName } from "./verify/bar.ts";

/** Each bar is a file of its name in scripts/verify/, loaded only when it is asked for. */
const bars = {
  account: {
    summary:
      "spikes, events and operations: a simulator of the docs, and every engine, on real models",
    load: () => import("./verify/account.ts"),
  },
  corpus: {
    summary: "public models by many exporters: import, check, onnxruntime's outputs, pipelines",
    load: () => import("./verify/corpus.ts"),
  },
  examples: {
    summary: "the examples in the help of every command, run as written",
    load: () => import("./verify/examples.ts"),
  },
  graphs: {
    summary: "random graphs of every op, type and broadcast, by every pipeline, on three engines",
    load: () => import("./verify/graphs.ts"),
  },
  drive: {
    summary: "what drives the weights of models in every pipeline: spikes, or currents",
    load: () => import("./verify/drive.ts"),
  },
  same: {
    summary: "text, tensors and figures of every model and pipeline, beside those of another build",
    load: () => import("./verify/same.ts"),
  },
  conversion: {
    summary:
      "seconds of the longest conversions, beside those of another build, and the same bytes",
    load: () => import("./verify/conversion.ts"),
  },
  words: {
    summary: "random networks of words, by each form of kernel, beside the interpreter",
    load: () => import("./verify/words.ts"),
  },
  integers: {
    summary: "models in integers, on every engine: spikes, potentials and counts, bit for bit",
    load: () => import("./verify/integers.ts"),
  },
  c: {
    summary: "programs in C: compilers, sanitizers, and the interpreter, word for word",
    load: () => import("./verify/c.ts"),
  },
  "c-speed": {
    summary: "programs in C beside WebAssembly, by time",
    load: () => import("./verify/c-speed.ts"),
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

const known = Object.entries<Bar>(bars).map(([each, { summary }]) => `  ${each}  ${summary}`);
const usage = `usage: npm run verify -- NAME [options]\n\n${known.join("\n")}`;

/** Runs the bar that is asked for, or lists all; whether it holds. */
async function run(name: string | undefined, options: readonly string[]): Promise<boolean> {
  if (name === undefined || name === "--help" || name === "-h") {
    console.log(usage);
    return true;
  }
  const bar = parseName(bars, name);
  if (bar === null) {
    const names = Object.keys(bars).join(", ");
    return fail(
      diagnose("usage", null, { text: `no bar is called "${name}": there are ${names}` }),
    );
  }
  const { verify } = await bar.load();
  return verify(options);
}

const [first, ...others] = process.argv.slice(2);
try {
  if (!(await run(first, others))) process.exitCode = 1;
} catch (error) {
  const how = { json: process.argv.includes("--json"), debug: process.argv.includes("--debug") };
  process.exitCode = explain(error, createTerminal(how), how, []);
}
