/**
 * Whether a change keeps what conversions give: text, tensors and figures of every model by every named
 * pipeline, as the command line of one build writes them and as another does. Runs what is built.
 *
 *     npm run verify -- same --cli OTHER/dist/cli/main.js --write before.json
 *     npm run verify -- same --against before.json
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { z } from "zod";
import { projectFolder } from "../../bench/speed/project.ts";
import { type Case, casesOf } from "../../bench/suite.ts";
import { optionsOf } from "../../cli/script.ts";
import { readSafetensors } from "../../ir/file/safetensors.ts";

const pipelines = [
  "default",
  "sparse",
  "low-latency",
  "binary",
  "rate",
  "burst",
  "few-spikes",
  "one-spike",
  "exact",
  "integer",
  "lif",
] as const;

const found = z.record(
  z.string(),
  z.object({
    /** The exit code; with it the codes of errors where it is not 0. */
    exit: z.string(),
    text: z.string(),
    tensors: z.string(),
    /** What `--json` says, number by number, but for times. */
    figures: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  }),
);
type Found = z.infer<typeof found>;

/** Runs the bar; see `npm run verify -- same --help`. */
export async function verify(args: readonly string[]): Promise<boolean> {
  const command = new Command("npm run verify -- same")
    .argument("[models...]", "parts of names of models; all of --shared if left out")
    .option("--shared <folder>", "where models and data are", path.join(projectFolder, "../shared"))
    .option(
      "--cli <file>",
      "the command line that converts",
      path.join(projectFolder, "dist/cli/main.js"),
    )
    .option("--write <file>", "keeps what was found")
    .option("--against <file>", "what was found before, to be compared with");
  const options = optionsOf(command, args);
  const folder = mkdtempSync(path.join(os.tmpdir(), "snnc-same-"));
  const now: Found = {};
  try {
    for (const each of casesOf(options.shared, command.args)) {
      for (const pipeline of pipelines) {
        const name = `${each.name} ${pipeline}`;
        now[name] = attempt(options.cli, each, pipeline, folder);
        console.error(`${name}: exit ${now[name].exit}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (options.write !== undefined) writeFileSync(options.write, JSON.stringify(now, null, 1));
  if (options.against === undefined) return true;
  return report(now, found.parse(JSON.parse(readFileSync(options.against, "utf8"))));
}

/** Prints what differs; true where nothing does. */
function report(now: Found, before: Found): boolean {
  let [same, other] = [0, 0];
  for (const [name, is] of Object.entries(now)) {
    const was = before[name];
    if (was === undefined) {
      console.log(`${name}: was not tried before`);
      continue;
    }
    const parts = (["exit", "text", "tensors"] as const).filter((part) => was[part] !== is[part]);
    const figures = Object.keys(was.figures).filter((key) => was.figures[key] !== is.figures[key]);
    if (parts.length + figures.length === 0) same++;
    else other++;
    for (const part of parts) console.log(`${name}: ${part} ${was[part]} → ${is[part]}`);
    for (const key of figures.slice(0, 5)) {
      console.log(`${name}: ${key} ${String(was.figures[key])} → ${String(is.figures[key])}`);
    }
  }
  console.log(`${same} conversions are the same, ${other} are not`);
  return other === 0 && same > 0;
}

function attempt(cli: string, each: Case, pipeline: string, folder: string): Found[string] {
  const output = path.join(folder, "network.snn");
  rmSync(output, { force: true });
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      ...[cli, "convert", each.model, "--calib", each.calibration, "--calib-samples", "12"],
      ...["--data", each.test, "--limit", "24", "--preprocess", each.preprocess],
      ...["--pipeline", pipeline],
      ...["--json", "--quiet", "--threads", "1", "-o", output],
    ],
    { encoding: "utf8", maxBuffer: 2 ** 28 },
  );
  const said: unknown = stdout === "" ? {} : JSON.parse(stdout);
  if (status !== 0) {
    const codes = [...JSON.stringify(said).matchAll(/"code":"([^"]*)"/g)].map(([, code]) => code);
    return { exit: `${status} ${codes.join(" ")}`, text: "", tensors: "", figures: {} };
  }
  const { metadata, tensors } = readSafetensors(new Uint8Array(readFileSync(output)), output);
  const sum = createHash("sha256");
  for (const [name, { dtype, shape, data }] of tensors) {
    sum.update(`${name} ${dtype} ${shape.join()}\n`);
    sum.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  const text = [...metadata.values()].find((value) => value.includes("module @"));
  return {
    exit: "0",
    text: createHash("sha256")
      .update(text ?? "")
      .digest("hex"),
    tensors: sum.digest("hex"),
    figures: figuresOf(said),
  };
}

/** Numbers, words and flags by their place; not what depends on the clock, the version or the folder. */
function figuresOf(said: unknown): Found[string]["figures"] {
  const figures: Found[string]["figures"] = {};
  const visit = (value: unknown, at: string): void => {
    if (/seconds|Time|Ms$|version|path|file|output|sha256|hash/i.test(at.split(".").at(-1) ?? ""))
      return;
    if (typeof value === "object" && value !== null) {
      for (const [key, each] of Object.entries(value))
        visit(each, at === "" ? key : `${at}.${key}`);
    } else if (value === null || typeof value === "number" || typeof value === "boolean") {
      figures[at] = value;
    }
  };
  visit(said, "");
  return figures;
}
