/** Node's worker threads for the WebAssembly engine; those that wait do not keep the process. */
import { Worker } from "node:worker_threads";
import { listenTo } from "../../node-worker.ts";
import { type WorkerPort, createTeams } from "./team.ts";

export const createTeam = createTeams(() => channelTo(startWorker()));

/** A worker as teams know them. */
export function channelTo(worker: Worker): WorkerPort {
  return {
    post(request) {
      worker.postMessage(request);
    },
    listen(onReply, onEnd) {
      listenTo(worker, onReply, onEnd);
    },
    hold(awaited) {
      if (awaited) worker.ref();
      else worker.unref();
    },
    async end() {
      await worker.terminate();
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
