/** Worker threads that each hold a compiled plan, and the messages they understand. */
import { Worker } from "node:worker_threads";
import { invariant } from "../../ir/diagnostic.ts";
import type { SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { StatisticsData } from "../../ir/observe.ts";
import type { TensorData } from "../../ir/tensor.ts";
import { listenTo } from "../node-worker.ts";
import { type Failed, WorkerEnd } from "../worker-end.ts";
import type { Job } from "./execute.ts";
import { type PackedWeights, withoutPacked } from "./packing.ts";

export interface Sample {
  readonly index: number;
  readonly inputs: readonly TensorData[];
}

export type Request =
  | { readonly kind: "start"; readonly job: Job }
  | { readonly kind: "run"; readonly group: readonly Sample[] }
  | { readonly kind: "finish" };

export type Reply =
  | { readonly kind: "started" }
  | { readonly kind: "results"; readonly results: readonly SampleResult[] }
  | { readonly kind: "statistics"; readonly statistics: StatisticsData }
  | Failed;

export interface PoolWorker {
  start(job: Job): Promise<void>;
  run(group: readonly Sample[]): Promise<readonly SampleResult[]>;
  finish(): Promise<StatisticsData>;
}

export interface WorkerPool {
  readonly workers: readonly PoolWorker[];
  close(): Promise<void>;
}

/** What a worker is started with. */
export interface Start {
  readonly module: Module;
  readonly weights: PackedWeights;
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

/** A worker that answers requests one by one, and those that it cannot answer any more with its end. */
export class Asked {
  private readonly worker: Pick<Worker, "on" | "postMessage" | "terminate">;
  private readonly waiting: {
    readonly resolve: (reply: Reply) => void;
    readonly reject: (end: WorkerEnd) => void;
  }[] = [];
  private end: WorkerEnd | null = null;

  constructor(worker: Pick<Worker, "on" | "postMessage" | "terminate">) {
    this.worker = worker;
    listenTo<Reply>(
      worker,
      (reply) => this.waiting.shift()?.resolve(reply),
      (end) => {
        this.end = end;
        for (const { reject } of this.waiting.splice(0)) reject(end);
      },
    );
  }

  ask(request: Request): Promise<Reply> {
    if (this.end !== null) return Promise.reject(this.end);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }
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
