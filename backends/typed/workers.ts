/** Worker threads that each hold a compiled plan. */
import { Worker } from "node:worker_threads";
import { invariant } from "../../ir/diagnostic.ts";
import type { SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { StatisticsData } from "../../ir/run/observe.ts";
import { WorkerEnd } from "../worker-end.ts";
import { Asked } from "./asked.ts";
import type { RunTask } from "./execute.ts";
import type { Reply, Sample, Start } from "./messages.ts";
import { type PackedWeights, withoutPacked } from "./packing.ts";

export interface PoolWorker {
  start(job: RunTask): Promise<void>;
  run(group: readonly Sample[]): Promise<readonly SampleResult[]>;
  finish(): Promise<StatisticsData>;
}

export interface WorkerPool {
  readonly workers: readonly PoolWorker[];
  close(): Promise<void>;
}

/** Starts `threads` workers on `module`, which share its packed `weights`. */
export function createPool(module: Module, threads: number, weights: PackedWeights): WorkerPool {
  const start: Start = { module: withoutPacked(module, weights), weights };
  const workers = Array.from({ length: threads }, () => new Asked(startWorker(start)));
  return {
    workers: workers.map((worker) => ({
      async start(job) {
        expectReply(await worker.ask({ kind: "start", job }), "started");
      },
      async run(group) {
        const reply = await worker.ask({ kind: "run", group });
        return expectReply(reply, "results").results;
      },
      async finish() {
        const reply = await worker.ask({ kind: "finish" });
        return expectReply(reply, "statistics").statistics;
      },
    })),
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

/** Starts a worker, which needs a TypeScript loader where this file itself is run from source. */
function startWorker(start: Start): Worker {
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./worker.js", import.meta.url), { workerData: start });
  }
  const entry = JSON.stringify(new URL("./worker.ts", import.meta.url).href);
  const load = `import("tsx/esm/api").then((tsx) => { tsx.register(); return import(${entry}); })`;
  return new Worker(load, { workerData: start, eval: true });
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
