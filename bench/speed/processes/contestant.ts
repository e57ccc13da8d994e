/** A process that is timed, seen from the benchmark: started, asked one thing at a time, ended. */
import { type ChildProcess, fork } from "node:child_process";
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { NodeBinary } from "../node-binary.ts";
import { isSource } from "../project.ts";
import {
  type Answers,
  type Loaded,
  type Measurement,
  type MemoryReport,
  type Reply,
  type Request,
  type Spec,
  isReply,
} from "./protocol.ts";

export interface Contestant {
  readonly name: string;
  readonly loaded: Loaded;
  /** The last outputs for the first `count` samples. */
  answers(count: number): Promise<Answers>;
  measure(measurement: Measurement): Promise<number>;
  memory(): Promise<MemoryReport>;
  end(): void;
}

const entries: Readonly<Record<Spec["role"], URL>> = {
  ours: new URL("./our-process.ts", import.meta.url),
  peer: new URL("./peer-process.ts", import.meta.url),
  machine: new URL("../kernels/machine-process.ts", import.meta.url),
};

/** The file to run: a source needs a loader, its compiled form does not. */
function entryOf(role: Spec["role"]): { file: URL; execArgv: string[] } {
  const file = new URL(entries[role]);
  if (!isSource) file.pathname = file.pathname.replace(/\.ts$/, ".js");
  return { file, execArgv: isSource ? ["--import", "tsx"] : [] };
}

/** What such a process says when it could not do what it was asked; never a fault of the parent. */
export class ContestantError extends Error {}

/** Starts a process and waits until it is ready. Rejects with a `ContestantError` if it cannot be. */
async function startContestant(
  node: Pick<NodeBinary, "path">,
  name: string,
  spec: Spec,
): Promise<Contestant> {
  const { file, execArgv } = entryOf(spec.role);
  const child = fork(file, {
    serialization: "advanced",
    execPath: node.path,
    execArgv,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const errors: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const ask = (request: Request): Promise<Reply> => askOnce(name, child, request, errors);
  try {
    const reply = await ask({ kind: "load", spec });
    invariant(reply.kind === "loaded", `${name} answered ${reply.kind} to load`);
    return {
      name,
      loaded: reply.loaded,
      async answers(count) {
        const answer = await ask({ kind: "answers", count });
        invariant(answer.kind === "answers", `${name} answered ${answer.kind} to answers`);
        return answer.answers;
      },
      measure: async (measurement) => valueOf(await ask({ kind: "measure", measurement })),
      async memory() {
        const answer = await ask({ kind: "memory" });
        invariant(answer.kind === "memory", `${name} answered ${answer.kind} to memory`);
        return answer.memory;
      },
      end: () => child.disconnect(),
    };
  } catch (error) {
    if (child.connected) child.disconnect();
    throw error;
  }
}

function valueOf(reply: Reply): number {
  invariant(reply.kind === "value", `a process answered ${reply.kind}, not a value`);
  return reply.value;
}

function askOnce(
  name: string,
  child: ChildProcess,
  request: Request,
  errors: readonly string[],
): Promise<Reply> {
  const failure = (why: string): ContestantError => new ContestantError(`${name}: ${why}`);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    const onMessage = (message: unknown): void => {
      settle();
      invariant(isReply(message), `${name} sent something that is not a reply`);
      if (message.kind === "failed") reject(failure(message.message));
      else resolve(message);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      settle();
      const tail = errors.join("").trim().split("\n").slice(-3).join(" ");
      reject(failure(`its process ended (${signal ?? String(code)}) ${tail}`));
    };
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.send(request);
  });
}

/** Starts processes on `node`, and ends every one that was started, in whatever way `work` ends. */
export async function withContestants<T>(
  node: Pick<NodeBinary, "path">,
  work: (start: (name: string, spec: Spec) => Promise<Contestant>) => Promise<T>,
): Promise<T> {
  const started: Contestant[] = [];
  try {
    return await work(async (name, spec) => {
      const contestant = await startContestant(node, name, spec);
      started.push(contestant);
      return contestant;
    });
  } finally {
    for (const contestant of started) contestant.end();
  }
}

/** A pause in which threads of the process measured before go to sleep: some spin for a while. */
const settleMilliseconds = 20;

/**
 * Measures all contestants in turn, round by round, after one round that does not count. The
 * values of each, in the order of `contestants`.
 */
export async function interleave(
  contestants: readonly Contestant[],
  rounds: number,
  measurementOf: (contestant: Contestant) => Measurement,
  onRound: (round: number) => void,
): Promise<number[][]> {
  const values = contestants.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      await new Promise((resolve) => setTimeout(resolve, settleMilliseconds));
      const value = await contestant.measure(measurementOf(contestant));
      if (round >= 0) known(values[i], "a list of values").push(value);
    }
    onRound(round + 1);
  }
  return values;
}
