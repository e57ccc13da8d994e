/** The asking side of a worker thread: requests out, replies back, whatever kind of thread it is. */
import { invariant } from "../../ir/diagnostic.ts";
import type { SampleResult } from "../../ir/executable.ts";
import type { StatisticsData } from "../../ir/observe.ts";
import type { Opening, Reply, Request, Sample } from "./messages.ts";
import type { Job } from "./runner.ts";

/** A worker thread, waiting for requests. It answers each, in order. */
export interface Thread {
  ask(request: Request): Promise<Reply>;
}

/** Threads on loan: those that others gave back come first. */
export interface Team {
  readonly threads: readonly Thread[];
  /** Gives them back. No request may be under way. */
  release(): Promise<void>;
}

export type CreateTeam = (threads: number) => Team;

let names = 0;

/** A number that no other program or run has. */
function freshName(): number {
  return names++;
}

/** A program that a thread has open. */
export interface Remote {
  start(job: Job): Promise<RemoteRun>;
  close(): Promise<void>;
}

interface RemoteRun {
  run(samples: readonly Sample[]): Promise<readonly SampleResult[]>;
  finish(): Promise<StatisticsData>;
}

export async function openOn(thread: Thread, opening: Opening): Promise<Remote> {
  const program = freshName();
  expectReply(await thread.ask({ kind: "open", program, opening }), "done");
  return {
    async start(job) {
      const run = freshName();
      expectReply(await thread.ask({ kind: "start", program, run, job }), "done");
      return {
        async run(samples) {
          const reply = await thread.ask({ kind: "run", run, samples });
          return expectReply(reply, "results").results;
        },
        async finish() {
          return expectReply(await thread.ask({ kind: "finish", run }), "statistics").statistics;
        },
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
  invariant(false, reply.kind === "failed" ? reply.message : `a worker answered ${reply.kind}`);
}
