/**
 * Node's worker threads for the WebAssembly engine. They know no network until they are sent one,
 * so those that are done with one wait for the next; a waiting thread does not keep the process.
 */
import { Worker } from "node:worker_threads";
import type { Reply, Request } from "./messages.ts";
import type { Team, Thread } from "./team.ts";

interface NodeThread extends Thread {
  /** Whether it has answered all that it was asked. */
  isFree(): boolean;
  end(): Promise<unknown>;
}

const idle: NodeThread[] = [];

/** Takes `count` threads: those that wait, and as many new ones as it needs. */
export function createTeam(count: number): Team {
  const threads = idle.splice(0, count);
  while (threads.length < count) threads.push(startThread());
  return {
    threads,
    async release() {
      idle.push(...threads.filter((thread) => thread.isFree()));
      await Promise.all(threads.filter((thread) => !thread.isFree()).map((thread) => thread.end()));
    },
  };
}

function startThread(): NodeThread {
  const worker = startWorker();
  worker.unref();
  const waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  let alive = true;
  worker.on("message", (reply: Reply) => {
    waiting.shift()?.resolve(reply);
    if (waiting.length === 0) worker.unref();
  });
  worker.on("error", (error: Error) => {
    alive = false;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return {
    isFree: () => alive && waiting.length === 0,
    end: () => worker.terminate(),
    ask(request: Request) {
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        worker.ref();
        worker.postMessage(request);
      });
    },
  };
}

/** Starts a worker, which needs a TypeScript loader where this file itself is run from source. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL("./worker.js", import.meta.url));
  const entry = JSON.stringify(new URL("./worker.ts", import.meta.url).href);
  const load = `import("tsx/esm/api").then((tsx) => { tsx.register(); return import(${entry}); })`;
  return new Worker(load, { eval: true });
}
