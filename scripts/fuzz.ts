/**
 * Feeds broken models to the importer, each in a child process that may take 10 seconds of CPU time
 * and 1 GiB. Whatever the bytes, the answer must be a module or diagnostics: anything else is a
 * finding. The clock on the wall does not count: a busy machine is no fault of the importer.
 *
 *     npm run fuzz -- [--runs 10000] [--seed 1] [--keep DIRECTORY] [--examples DIRECTORY] [--json]
 *
 * --keep writes the models of findings there; --examples takes its seeds from another folder too.
 */
import { type ChildProcess, execFile, fork } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "@commander-js/extra-typings";
import { type Outcome as Printed, perform } from "../cli/action.ts";
import { diagnose } from "../cli/diagnostics.ts";
import { options, wholeNumber } from "../cli/options/options.ts";
import { optionsOf } from "../cli/script.ts";
import { fail } from "../ir/diagnostic.ts";
import { type Outcome, attempt, mutantOf } from "./fuzz/attempt.ts";
import { seeds } from "./fuzz/seeds.ts";

const limits = { cpuSeconds: 10, bytes: 2 ** 30 };

/** How often a child that does not answer is looked at, and for how long where its CPU time is hidden. */
const watch = { milliseconds: 2000, mostWallSeconds: 600 };

/** What the child answers to the number of a run. */
interface Answer extends Outcome {
  readonly run: number;
  readonly cpuSeconds: number;
  /** What the process has taken in all. */
  readonly totalCpuSeconds: number;
  /** The most memory that the process has held so far. */
  readonly peakBytes: number;
}

const given = optionsOf(
  new Command("fuzz")
    .description("feed damaged models to the importer")
    .option("--runs <n>", "damaged models", wholeNumber(1, 10_000_000), 10_000)
    .option("--seed <n>", "what they are drawn from", wholeNumber(0, 2 ** 31 - 1), 1)
    .option("--keep <folder>", "keep the models of findings there", "")
    .option("--examples <folder>", "where whole models are taken from", "examples")
    .addOption(options.json)
    .addOption(options.debug)
    .addOption(new Option("--worker", "answer a parent (used by the fuzzer itself)").hideHelp()),
);
const { seed, runs, keep, examples } = given;

function work(): void {
  const models = seeds(examples);
  process.on("message", (run) => {
    if (typeof run !== "number") return;
    const before = process.cpuUsage();
    const outcome = attempt(mutantOf(models, seed, run));
    const { user, system } = process.cpuUsage(before);
    const cpuSeconds = (user + system) / 1e6;
    const total = process.cpuUsage();
    const totalCpuSeconds = (total.user + total.system) / 1e6;
    // Kilobytes on every platform.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    process.send?.({ ...outcome, run, cpuSeconds, totalCpuSeconds, peakBytes });
  });
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === "object" && message !== null && "run" in message && "kind" in message;
}

function startChild(): ChildProcess {
  const script = process.argv[1] ?? "";
  const execArgv = [...process.execArgv, "--max-old-space-size=768"];
  return fork(script, [...process.argv.slice(2), "--worker"], { execArgv });
}

/** CPU seconds that a process has taken so far, as `ps` says; null where there is none. */
function cpuSecondsOf(pid: number): Promise<number | null> {
  return new Promise((resolve) => {
    execFile("ps", ["-o", "time=", "-p", String(pid)], (error, stdout) => {
      // [days-]hours:minutes:seconds
      const match = /^\s*(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)/.exec(stdout);
      if (error !== null || match === null) return resolve(null);
      const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
        .slice(1)
        .map((part) => Number(part ?? "0"));
      resolve(((days * 24 + hours) * 60 + minutes) * 60 + seconds);
    });
  });
}

/** One run in the child: its answer, or what happened instead. */
function ask(
  child: ChildProcess,
  run: number,
  cpuBefore: number,
): Promise<Answer | "hang" | "died"> {
  const started = performance.now();
  return new Promise((resolve) => {
    const settle = (result: Answer | "hang" | "died"): void => {
      clearInterval(timer);
      child.removeAllListeners("message");
      child.removeAllListeners("exit");
      resolve(result);
    };
    const look = async (): Promise<void> => {
      const now = await cpuSecondsOf(child.pid ?? 0);
      // `ps` counts whole seconds, and a child starts up, too: twice the limit is a hang for certain.
      const cpu = now === null ? null : now - cpuBefore;
      const wall = (performance.now() - started) / 1000;
      if (cpu === null ? wall > watch.mostWallSeconds : cpu > 2 * limits.cpuSeconds) settle("hang");
    };
    const timer = setInterval(() => void look(), watch.milliseconds);
    child.on("message", (message) => {
      if (isAnswer(message)) settle(message);
    });
    child.on("exit", () => settle("died"));
    child.send(run);
  });
}

async function main(): Promise<Printed> {
  if (!existsSync(examples)) {
    fail(diagnose("no-such-folder", null, { folder: examples, what: "whole models" }));
  }
  const models = seeds(examples);
  const counts = {
    ran: 0,
    imported: 0,
    refused: 0,
    crashed: 0,
    hang: 0,
    died: 0,
    memory: 0,
    slow: 0,
  };
  const findings: { run: number; kind: string; why: string }[] = [];
  let peakBytes = 0;
  let mostCpuSeconds = 0;
  let child = startChild();
  let total = 0;
  for (let run = 0; run < runs; run++) {
    const answer = await ask(child, run, total);
    let kind: keyof typeof counts;
    let why = "";
    if (typeof answer === "string") kind = answer;
    else {
      kind = answer.peakBytes > limits.bytes ? "memory" : answer.kind;
      if (answer.cpuSeconds > limits.cpuSeconds) kind = "slow";
      why = answer.why;
      total = answer.totalCpuSeconds;
      mostCpuSeconds = Math.max(mostCpuSeconds, answer.cpuSeconds);
      peakBytes = Math.max(peakBytes, answer.peakBytes);
    }
    counts[kind]++;
    if (kind === "ran" || kind === "imported" || kind === "refused") continue;
    findings.push({ run, kind, why });
    if (keep !== "") {
      mkdirSync(keep, { recursive: true });
      writeFileSync(join(keep, `${seed}-${run}-${kind}.onnx`), mutantOf(models, seed, run));
    }
    if (kind === "crashed" || kind === "slow") continue;
    child.kill("SIGKILL");
    child = startChild();
    total = 0;
  }
  child.disconnect();
  const listed = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return {
    json: { runs, seed, counts, peakBytes, mostCpuSeconds, findings },
    text: [
      ...findings.map(({ run, kind, why }) => `run ${run}: ${kind} ${why}`),
      `${runs} runs from seed ${seed}: ${listed.join(", ")}`,
      `at most ${Math.round(peakBytes / 2 ** 20)} MiB, ${mostCpuSeconds.toFixed(1)} s of CPU time`,
    ].join("\n"),
    exitCode: findings.length > 0 ? 1 : 0,
  };
}

if (given.worker === true) work();
else await perform(given, main);
