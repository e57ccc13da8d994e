/**
 * A browser's workers for the WebAssembly engine. They share memory, which browsers allow to pages
 * that are cross-origin isolated. Bundlers know the form below, and make the worker's file.
 */
import { singleThreadEngine } from "../../typed/single.ts";
import { endBy } from "../../worker-end.ts";
import type { Reply } from "./messages.ts";
import { createWasmEngine } from "./single.ts";
import { type WorkerPort, createTeams } from "./team.ts";

/** The engine on a page's own workers; on the caller's thread where memory cannot be shared. */
export const browserWasmEngine = createWasmEngine({
  createTeam: createTeams(startChannel),
  fallback: singleThreadEngine,
});

function startChannel(): WorkerPort {
  const worker = new Worker(new URL("./web-worker.js", import.meta.url), { type: "module" });
  return {
    post(request) {
      worker.postMessage(request);
    },
    listen(onReply, onEnd) {
      worker.addEventListener("message", (event: MessageEvent<Reply>) => {
        onReply(event.data);
      });
      worker.addEventListener("error", (event) => {
        onEnd(endBy(event.error ?? event.message));
      });
      worker.addEventListener("messageerror", () => {
        onEnd(endBy("its answer cannot be read"));
      });
    },
    // Workers do not keep a page.
    hold: () => undefined,
    end() {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
