/**
 * Kills `convert`, `build` and `report` at each system call of theirs that writes, one run per call,
 * and looks at what is left: the old file or the new one, and after the next run nothing else. Needs
 * `strace`, which counts the calls and sends the signal before the call is done. Runs what is built.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { Command } from "@commander-js/extra-typings";
import { projectFolder } from "../../bench/speed/project.ts";
import { createOutputs } from "../../cli/files/outputs.ts";
import { checkBuildFolder, checkReportFolder } from "../../cli/files/own-folder.ts";
import { sha256 } from "../../cli/files/files.ts";
import { optionsOf } from "../../cli/script.ts";
import { invariant } from "../../ir/diagnostic.ts";

const entry = path.join(projectFolder, "dist/cli/main.js");
const example = (name: string): string => path.join(projectFolder, "examples/digits", name);

/** Calls that change a file or a folder. `openat` creates, too: what follows it shows that. */
const calls =
  "write,writev,pwrite64,pwritev,pwritev2,rename,renameat,renameat2,link,linkat,symlink,symlinkat," +
  "unlink,unlinkat,rmdir,mkdir,mkdirat,truncate,ftruncate,fallocate,copy_file_range,sendfile," +
  "chmod,fchmod,fchmodat,chown,fchown,fchownat,fsync,fdatasync";

interface Scenario {
  readonly name: string;
  /** Puts the folder into the state before. */
  prepare(folder: string): void;
  readonly args: (folder: string) => readonly string[];
  /** What the next run does first. */
  next(folder: string): void;
}

/** Names below a folder with kind, mode and content: what there is to compare. */
type Tree = string;

export async function verify(args: readonly string[]): Promise<boolean> {
  const { only, json } = optionsOf(
    new Command("npm run verify -- kill")
      .option("--only <name>", "scenarios whose name holds this", "")
      .option("--json", "one object on stdout", false),
    args,
  );
  if (spawnSync("strace", ["-V"]).status !== 0 || !existsSync(entry)) {
    console.error("needs strace (apt-get install strace), and what `npm run build` makes");
    return false;
  }
  const work = mkdtempSync(path.join(os.tmpdir(), "snnc-kill-"));
  try {
    const results = scenarios(work)
      .filter(({ name }) => name.includes(only))
      .map((scenario) => tryAll(scenario, work, json));
    if (json) console.log(JSON.stringify({ results }));
    return results.every(({ failures }) => failures.length === 0);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function scenarios(work: string): readonly Scenario[] {
  const made = (name: string): string => path.join(work, `${name}.snn`);
  // What is written is looked at, not how good it is: the engine that starts fastest, and few samples.
  const running = ["--engine", "typed", "--threads", "1"];
  const prepared = ["--preprocess", example("preprocess.json"), ...running];
  const calibrated = ["--calib", example("calibration.npz"), "--calib-samples", "4", ...prepared];
  const convert = (timesteps: number, out: string): readonly string[] => [
    ...["convert", example("digits.onnx"), ...calibrated, "--no-eval"],
    ...["-T", String(timesteps), "-o", out],
  ];
  const build = (network: string, out: string, ...more: readonly string[]): readonly string[] => [
    ...["build", made(network), "--target", "wasm", "-o", out, ...more],
  ];
  const report = (network: string, out: string): readonly string[] => [
    ...["report", made(network), "--model", example("digits.onnx"), "--data", example("test.npz")],
    ...["--limit", "2", ...running, "-o", out],
  ];
  snnc(convert(2, made("old")));
  snnc(convert(4, made("new")));
  const old = { site: path.join(work, "old-site"), report: path.join(work, "old-report") };
  snnc(build("old", old.site, "--samples", example("test.npz")));
  snnc(report("old", old.report));
  const [net, out] = [
    (at: string) => path.join(at, "net.snn"),
    (at: string) => path.join(at, "out"),
  ];
  const nothing = (): void => undefined;
  const copy = (from: string) => (folder: string) => cpSync(from, out(folder), { recursive: true });
  const writes = (folder: string): void => createOutputs().writes(net(folder));
  const builds = (folder: string): void => {
    checkBuildFolder(out(folder), false);
    createOutputs().writesInto(out(folder), []);
  };
  const reports = (folder: string): void => {
    createOutputs().writesInto(out(folder), []);
    checkReportFolder(out(folder));
  };
  return [
    { name: "convert, new", prepare: nothing, args: (at) => convert(4, net(at)), next: writes },
    {
      name: "convert, over",
      prepare: (at) => cpSync(made("old"), net(at)),
      args: (at) => convert(4, net(at)),
      next: writes,
    },
    {
      name: "build, new",
      prepare: nothing,
      args: (at) => build("new", out(at), "--no-demo"),
      next: builds,
    },
    {
      name: "build, over",
      prepare: copy(old.site),
      args: (at) => build("new", out(at), "--no-demo"),
      next: builds,
    },
    { name: "report, new", prepare: nothing, args: (at) => report("new", out(at)), next: reports },
    {
      name: "report, over",
      prepare: (at) => {
        copy(old.report)(at);
        writeFileSync(path.join(out(at), "mine.txt"), "mine");
      },
      args: (at) => report("new", out(at)),
      next: reports,
    },
  ];
}

interface Found {
  readonly scenario: string;
  /** Calls on the folder that a whole run makes. */
  readonly calls: number;
  /** Runs that were killed, and how many of them left the old state, the new one, or something to finish. */
  readonly kills: number;
  readonly old: number;
  readonly new: number;
  readonly unfinished: number;
  readonly failures: readonly string[];
}

function tryAll(scenario: Scenario, work: string, quiet: boolean): Found {
  const folder = path.join(work, "there");
  const prepare = (): void => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeFileSync(path.join(folder, "thesis.tex"), "mine");
    scenario.prepare(folder);
  };
  prepare();
  const before = treeOf(folder);
  const points = pointsIn(trace(scenario.args(folder), folder, null).log, folder);
  const after = treeOf(folder);
  const failures = before === after ? ["a whole run changes nothing"] : [];
  const counts = { kills: 0, old: 0, new: 0, unfinished: 0 };
  for (const point of points) {
    prepare();
    const { killed } = trace(scenario.args(folder), folder, point);
    if (!killed) continue;
    counts.kills++;
    const left = treeOf(folder);
    if (left === before) counts.old++;
    else if (left === after) counts.new++;
    else counts.unfinished++;
    try {
      scenario.next(folder);
    } catch (error) {
      failures.push(`${point.call} ${point.nth}: the next run says ${String(error)}`);
      continue;
    }
    const rest = treeOf(folder);
    if (rest === before || rest === after) continue;
    failures.push(`${point.call} ${point.nth}: neither the old nor the new:\n${rest}`);
  }
  // Threads differ from run to run; but where hardly any call is found again, nothing was tried.
  if (2 * counts.kills < points.length) {
    failures.push(`only ${counts.kills} of ${points.length} calls were found again and killed`);
  }
  const found = { scenario: scenario.name, calls: points.length, ...counts, failures };
  if (!quiet) {
    const { kills, old, new: done, unfinished } = counts;
    console.log(
      `${scenario.name}: ${points.length} calls, ${kills} kills: ${old} left the old state, ${done} the ` +
        `new one, ${unfinished} something for the next run; ${failures.length} failures`,
    );
    for (const failure of failures) console.log(`  ${failure}`);
  }
  return found;
}

/** The n-th time that a thread makes a call. */
interface Point {
  readonly call: string;
  readonly nth: number;
}

/** Runs `snnc` under strace; with a point, kills it there. */
function trace(
  args: readonly string[],
  folder: string,
  point: Point | null,
): { readonly log: string; readonly killed: boolean } {
  const file = `${folder}.trace`;
  const inject = point === null ? [] : ["-e", `inject=${point.call}:signal=KILL:when=${point.nth}`];
  const options = ["-f", "-y", "-qq", "-o", file, "-e", `trace=${calls}`, ...inject];
  const ran = spawnSync("strace", [...options, process.execPath, entry, ...args], {
    encoding: "utf8",
  });
  const log = readFileSync(file, "utf8");
  invariant(point !== null || ran.status === 0, `${args.join(" ")}\n${ran.stderr}`);
  return { log, killed: log.includes("killed by SIGKILL") };
}

/** Where calls on `folder` are; of each, how many of its name its thread has made until then. */
function pointsIn(log: string, folder: string): readonly Point[] {
  const counts = new Map<string, number>();
  const points = new Map<string, Point>();
  for (const line of log.split("\n")) {
    const [, thread = "", call = "", rest = ""] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? [];
    if (call === "") continue;
    const nth = (counts.get(`${thread} ${call}`) ?? 0) + 1;
    counts.set(`${thread} ${call}`, nth);
    const isHere =
      rest.includes(`${folder}/`) || rest.includes(`${folder}>`) || rest.includes(`${folder}"`);
    if (isHere) points.set(`${call} ${nth}`, { call, nth });
  }
  return [...points.values()];
}

function treeOf(folder: string): Tree {
  const lines: string[] = [];
  const visit = (at: string): void => {
    for (const name of readdirSync(at).sort()) {
      const file = path.join(at, name);
      const status = lstatSync(file);
      const mode = (status.mode & 0o7777).toString(8);
      const content = status.isFile() ? sha256(readFileSync(file)).slice(0, 12) : "folder";
      lines.push(`${path.relative(folder, file)} ${mode} ${content}`);
      if (status.isDirectory()) visit(file);
    }
  };
  visit(folder);
  return lines.join("\n");
}

function snnc(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [entry, ...args], { encoding: "utf8" });
  invariant(status === 0, `${args.join(" ")}\n${stderr}`);
}
