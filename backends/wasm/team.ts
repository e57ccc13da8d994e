/** The asking side of worker threads: requests out, replies back, whatever kind of threads they are. */
import { invariant } from "../../ir/diagnostic.ts";
import type { Opening, Reply, Request, Sample } from "./messages.ts";
import type { Job } from "./runner.ts";

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

let names = 0;

/** A number that no other program or run has. */
function freshName(): number {
  return names++;
}

type Results = Extract<Reply, { readonly kind: "results" }>;

/** A program that a thread has open. */
export interface Remote {
  /** Begins a run, whose samples come in one or more calls of what is returned. */
  start(job: Job): (samples: readonly Sample[], isLast: boolean) => Promise<Results>;
  close(): Promise<void>;
}

export async function openOn(thread: Thread, opening: Opening): Promise<Remote> {
  const program = freshName();
  expectReply(await thread.ask({ kind: "open", program, opening }), "done");
  return {
    start(job) {
      const run = freshName();
      let unsent: Job | null = job;
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
  invariant(false, reply.kind === "failed" ? reply.message : `a worker answered ${reply.kind}`);
}
