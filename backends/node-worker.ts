/** What may be heard of one of Node's workers: its answers, and its end in each of the ways there are. */
import type { Worker } from "node:worker_threads";
import { WorkerEnd, endBy } from "./worker-end.ts";

/**
 * Tells of each answer, and once of the end: by an error that nothing caught, lack of memory
 * included, by an answer that cannot be read, or by an exit that no error came before.
 */
export function listenTo<Reply>(
  worker: Pick<Worker, "on">,
  onReply: (reply: Reply) => void,
  onEnd: (end: WorkerEnd) => void,
): void {
  let ended = false;
  const end = (reason: WorkerEnd): void => {
    if (!ended) onEnd(reason);
    ended = true;
  };
  worker.on("message", onReply);
  worker.on("error", (error) => {
    end(endBy(error));
  });
  worker.on("messageerror", (error) => {
    end(new WorkerEnd(`its answer cannot be read: ${error.message}`, false));
  });
  worker.on("exit", (code) => {
    end(new WorkerEnd(`exit code ${code}`, false));
  });
}
