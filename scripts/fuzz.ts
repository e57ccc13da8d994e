/**
 * Feeds broken models to the importer, each in a child process that may take 5 seconds and 1 GiB.
 * Whatever the bytes, the answer must be a module or diagnostics: anything else is a finding.
 *
 *     npm run fuzz -- [--runs 10000] [--seed 1] [--keep DIRECTORY] [--examples DIRECTORY] [--json]
 *
 * --keep writes the models of findings there; --examples takes its seeds from another folder too.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, attempt, mutantOf } from "./fuzz/attempt.ts";
import { seeds } from "./fuzz/seeds.ts";

const limits = { milliseconds: 5000, bytes: 2 ** 30 };

/** What the child answers to the number of a run. */
interface Answer extends Outcome {
  readonly run: number;
  /** The most memory that the process has held so far. */
  readonly peakBytes: number;
}

function optionValue(name: string, absent: string): string {
  const at = process.argv.indexOf(name);
  return at < 0 ? absent : (process.argv[at + 1] ?? absent);
}

const seed = Number(optionValue("--seed", "1"));
const runs = Number(optionValue("--runs", "10000"));
const keep = optionValue("--keep", "");
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(runs) || runs < 1) {
  console.error("usage: npm run fuzz -- [--runs N] [--seed S] [--keep DIRECTORY] [--json]");
  process.exit(1);
}
const models = seeds(optionValue("--examples", "examples"));

function work(): void {
  process.on("message", (run) => {
    if (typeof run !== "number") return;
    const outcome = attempt(mutantOf(models, seed, run));
    // Kilobytes on every platform.
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    process.send?.({ ...outcome, run, peakBytes });
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

/** One run in the child: its answer, or what happened instead. */
function ask(child: ChildProcess, run: number): Promise<Answer | "hang" | "died"> {
  return new Promise((resolve) => {
    const settle = (result: Answer | "hang" | "died"): void => {
      clearTimeout(timer);
      child.removeAllListeners("message");
      child.removeAllListeners("exit");
      resolve(result);
    };
    const timer = setTimeout(() => settle("hang"), limits.milliseconds);
    child.on("message", (message) => {
      if (isAnswer(message)) settle(message);
    });
    child.on("exit", () => settle("died"));
    child.send(run);
  });
}

async function main(): Promise<void> {
  const counts = { ran: 0, imported: 0, refused: 0, crashed: 0, hang: 0, died: 0, memory: 0 };
  const findings: { run: number; kind: string; why: string }[] = [];
  let peakBytes = 0;
  let child = startChild();
  for (let run = 0; run < runs; run++) {
    const answer = await ask(child, run);
    let kind: keyof typeof counts;
    let why = "";
    if (typeof answer === "string") kind = answer;
    else {
      kind = answer.peakBytes > limits.bytes ? "memory" : answer.kind;
      why = answer.why;
      peakBytes = Math.max(peakBytes, answer.peakBytes);
    }
    counts[kind]++;
    if (kind === "ran" || kind === "imported" || kind === "refused") continue;
    findings.push({ run, kind, why });
    if (keep !== "") {
      mkdirSync(keep, { recursive: true });
      writeFileSync(join(keep, `${seed}-${run}-${kind}.onnx`), mutantOf(models, seed, run));
    }
    if (kind === "crashed") continue;
    child.kill("SIGKILL");
    child = startChild();
  }
  child.disconnect();
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify({ runs, seed, counts, peakBytes, findings }));
  } else {
    for (const { run, kind, why } of findings) console.log(`run ${run}: ${kind} ${why}`);
    const listed = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    console.log(`${runs} runs from seed ${seed}: ${listed.join(", ")}`);
    console.log(`at most ${Math.round(peakBytes / 2 ** 20)} MiB`);
  }
  process.exit(findings.length > 0 ? 1 : 0);
}

if (process.argv.includes("--worker")) work();
else await main();
