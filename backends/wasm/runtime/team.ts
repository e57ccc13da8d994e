/** The asking side of worker threads: requests out, replies back, whatever kind of threads they are. */
import { invariant } from "../../../ir/diagnostic.ts";
import { WorkerEnd } from "../../worker-end.ts";
import type { Opening, Reply, Request } from "./messages.ts";
import type { RunTask, Sample } from "./runner.ts";

/** A worker thread, waiting for requests. It answers each, in order. */
export interface Thread {
  ask(request: Request): Promise<Reply>;
}

/** Threads on loan: those that others gave back come first. */
export interface Team {
  readonly threads: readonly Thread[];
  /** Gives them back; a thread that has not answered yet is ended. */
  release(): Promise<void>;
}

export type CreateTeam = (threads: number) => Team;

/** A worker of any kind, which answers each message with one. */
export interface WorkerPort {
  post(request: Request): void;
  listen(onReply: (reply: Reply) => void, onEnd: (end: WorkerEnd) => void): void;
  /** Says whether an answer is awaited: only then must the worker keep the process. */
  hold(awaited: boolean): void;
  end(): Promise<void>;
}

/**
 * Teams of workers that `start` starts. They know no network until they are sent one, so those that
 * are done with one wait for the next.
 */
export function createTeams(start: () => WorkerPort): CreateTeam {
  const idle: Worker[] = [];
  return (count) => {
    const threads = idle.splice(0, count);
    while (threads.length < count) threads.push(new Worker(start()));
    return {
      threads,
      async release() {
        idle.push(...threads.filter((thread) => thread.isFree()));
        const stuck = threads.filter((thread) => !thread.isFree());
        await Promise.all(stuck.map((thread) => thread.end()));
      },
    };
  };
}

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

class Worker implements Thread {
  private readonly channel: WorkerPort;
  private readonly waiting: Waiting[] = [];
  /** Why it ended, where it has. */
  private failure: WorkerEnd | null = null;

  constructor(channel: WorkerPort) {
    this.channel = channel;
    channel.hold(false);
    channel.listen(
      (reply) => {
        this.waiting.shift()?.resolve(reply);
        if (this.waiting.length === 0) channel.hold(false);
      },
      (end) => {
        this.failure = end;
        for (const { reject } of this.waiting.splice(0)) reject(end);
        channel.hold(false);
      },
    );
  }

  /** Whether it has answered all that it was asked, and can be asked more. */
  isFree(): boolean {
    return this.failure === null && this.waiting.length === 0;
  }

  ask(request: Request): Promise<Reply> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.channel.hold(true);
      this.channel.post(request);
    });
  }

  end(): Promise<void> {
    return this.channel.end();
  }
}

let names = 0;

/** A number that no other program or run has. */
function freshName(): number {
  return names++;
}

type Results = Extract<Reply, { readonly kind: "results" }>;

/** A program that a thread has open. */
export interface Remote {
  /** Begins a run, whose samples come in one or more calls of what is returned. */
  start(job: RunTask): (samples: readonly Sample[], isLast: boolean) => Promise<Results>;
  close(): Promise<void>;
}

export async function openOn(thread: Thread, opening: Opening): Promise<Remote> {
  const program = freshName();
  expectReply(await thread.ask({ kind: "open", program, opening }), "done");
  return {
    start(job) {
      const run = freshName();
      let unsent: RunTask | null = job;
      return async (samples, isLast) => {
        const reply = thread.ask({ kind: "run", program, run, job: unsent, samples, isLast });
        unsent = null;
        return expectReply(await reply, "results");
      };
    },
    async close() {
      expectReply(await thread.ask({ kind: "close", program }), "done");
    },
  };
}

function expectReply<K extends Reply["kind"]>(
  reply: Reply,
  kind: K,
): Extract<Reply, { readonly kind: K }> {
  const isKind = (r: Reply): r is Extract<Reply, { readonly kind: K }> => r.kind === kind;
  if (isKind(reply)) return reply;
  if (reply.kind === "failed" && reply.outOfMemory) throw new WorkerEnd(reply.message, true);
  invariant(false, reply.kind === "failed" ? reply.message : `a worker answered ${reply.kind}`);
}
