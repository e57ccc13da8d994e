/**
 * Feeds damaged files to a reader in child processes, a new one for each batch. A run may take so much
 * CPU time and its process so much memory: what other work the machine has does not count. Whatever the
 * bytes, a run must end in success or in diagnostics; anything else is a finding.
 */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { wholeNumber } from "../../cli/options/options.ts";
import { optionsOf } from "../../cli/script.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";

const limits = { cpuSeconds: 10, bytes: 2 ** 30 };
/** Runs of a process: its memory is measured since it began. */
const batch = 250;
/** How often the parent looks at the CPU time of a child that does not answer. */
const lookSeconds = 2;
/** Where a system does not tell that time, a child that is silent for so long hangs. */
const silentSeconds = 600;

/** A kind of file that is damaged. */
export interface Target {
  /** Of the bar, as `npm run verify` knows it, and of the files that it keeps. */
  readonly name: string;
  /** Whole files, which are used to their end. */
  readonly seeds: readonly Uint8Array[];
  /** The bytes of a run; a function of seed and run alone. */
  readonly mutant: (seed: number, run: number) => Uint8Array;
  /** Reads and uses the bytes; says whether it got to their end. */
  readonly use: (bytes: Uint8Array) => Promise<void> | void;
}

interface Answer {
  readonly run: number;
  readonly kind: "used" | "refused" | "crashed";
  readonly why: string;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** Runs the bar of a target, or in a child the runs that it is sent. True where there is no finding. */
export async function supervise(target: Target, args: readonly string[]): Promise<boolean> {
  const given = optionsOf(
    new Command(`npm run verify -- ${target.name}`)
      .option("--runs <N>", "damaged files", wholeNumber(1, 10_000_000), 20_000)
      .option("--seed <S>", "what they are drawn from", wholeNumber(0, 2 ** 31 - 1), 1)
      .option("--keep <folder>", "keep the files of findings there")
      .option("--json", "one object on stdout", false)
      .option("--worker", "answer a parent (used by the bar itself)", false),
    args,
  );
  if (given.worker) return work(target, given.seed);
  const counts = { used: 0, refused: 0, crashed: 0, cpu: 0, memory: 0, died: 0 };
  const findings: { readonly run: number; readonly kind: string; readonly why: string }[] = [];
  const most = { cpuSeconds: 0, peakBytes: 0 };
  for (let first = 0; first < given.runs;) {
    const child = startChild(target.name, given.seed);
    const end = Math.min(given.runs, first + batch);
    for (let sound = true; sound && first < end; first++) {
      const answer = await ask(child, first);
      const { kind, why } = typeof answer === "string" ? { kind: answer, why: "" } : judge(answer);
      counts[kind]++;
      if (typeof answer !== "string") {
        most.cpuSeconds = Math.max(most.cpuSeconds, answer.cpuSeconds);
        most.peakBytes = Math.max(most.peakBytes, answer.peakBytes);
      }
      if (kind === "used" || kind === "refused") continue;
      findings.push({ run: first, kind, why });
      if (given.keep !== undefined) keep(target, given.keep, given.seed, first, kind);
      sound = kind === "crashed" || kind === "cpu" ? typeof answer !== "string" : false;
    }
    child.kill("SIGKILL");
  }
  if (given.json) console.log(JSON.stringify({ seed: given.seed, counts, most, findings }));
  else {
    for (const { run, kind, why } of findings) console.log(`run ${run}: ${kind} ${why}`);
    const listed = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
    console.log(`${given.runs} runs from seed ${given.seed}: ${listed.join(", ")}`);
    const peak = Math.round(most.peakBytes / 2 ** 20);
    console.log(`at most ${most.cpuSeconds.toFixed(2)} CPU seconds for a run, and ${peak} MiB`);
  }
  return findings.length === 0;
}

function judge({ kind, why, cpuSeconds, peakBytes }: Answer) {
  if (kind === "crashed") return { kind, why };
  if (cpuSeconds > limits.cpuSeconds) return { kind: "cpu" as const, why: `${cpuSeconds} s` };
  if (peakBytes > limits.bytes) return { kind: "memory" as const, why: `${peakBytes} bytes` };
  return { kind, why };
}

function keep(target: Target, folder: string, seed: number, run: number, kind: string): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${seed}-${run}-${kind}.${target.name}`);
  writeFileSync(file, target.mutant(seed, run));
}

function startChild(name: string, seed: number): ChildProcess {
  const script = process.argv[1] ?? "";
  return fork(script, [name, "--worker", "--seed", String(seed)]);
}

/** One run in the child: its answer, or what happened instead. */
function ask(child: ChildProcess, run: number): Promise<Answer | "cpu" | "died"> {
  const before = cpuSecondsOf(child);
  const asked = performance.now();
  return new Promise((resolve) => {
    const settle = (result: Answer | "cpu" | "died"): void => {
      clearInterval(timer);
      child.removeAllListeners("message");
      child.removeAllListeners("exit");
      resolve(result);
    };
    const timer = setInterval(() => {
      const now = cpuSecondsOf(child);
      const silent = (performance.now() - asked) / 1000;
      const spent = now === null || before === null ? 0 : now - before;
      // Twice: the time of starting up is in the first.
      if (spent > 2 * limits.cpuSeconds || silent > silentSeconds) settle("cpu");
    }, lookSeconds * 1000);
    child.on("message", (message) => {
      if (isAnswer(message)) settle(message);
    });
    child.on("exit", () => settle("died"));
    child.send(run);
  });
}

/** CPU seconds of a process so far, where the system tells them (proc(5): fields 14 and 15, in ticks). */
function cpuSecondsOf({ pid = 0 }: ChildProcess): number | null {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return null;
  const fields = readFileSync(file, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === "object" && message !== null && "run" in message && "kind" in message;
}

/** Answers the parent until it goes. */
function work(target: Target, seed: number): Promise<boolean> {
  return new Promise((resolve) => {
    process.on("disconnect", () => resolve(true));
    process.on("message", (run) => {
      if (typeof run !== "number") return;
      const bytes = target.mutant(seed, run);
      const before = process.cpuUsage();
      void attempt(target, bytes).then((outcome) => {
        const { user, system } = process.cpuUsage(before);
        const cpuSeconds = (user + system) / 1e6;
        // Kilobytes on every platform.
        const peakBytes = process.resourceUsage().maxRSS * 1024;
        process.send?.({ ...outcome, run, cpuSeconds, peakBytes });
      });
    });
  });
}

/** Anything thrown but diagnostics is a crash. */
export async function attempt(
  target: Pick<Target, "use">,
  bytes: Uint8Array,
): Promise<Pick<Answer, "kind" | "why">> {
  try {
    await target.use(bytes);
    return { kind: "used", why: "" };
  } catch (error) {
    if (error instanceof DiagnosticError) return { kind: "refused", why: "" };
    return { kind: "crashed", why: error instanceof Error ? (error.stack ?? "") : String(error) };
  }
}
