/** One worker thread as its pool sees it: requests go out, and answers come back in their order. */
import type { Worker } from "node:worker_threads";
import { listenTo } from "../node-worker.ts";
import type { WorkerEnd } from "../worker-end.ts";
import type { Reply, Request } from "./messages.ts";

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
