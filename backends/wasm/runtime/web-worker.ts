/** The body of a browser's worker; what it does is messages.ts's. */
import { type Request, buffersOf, createResponder } from "./messages.ts";

const respond = createResponder();

globalThis.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  const reply = respond(data);
  globalThis.postMessage(reply, { transfer: buffersOf(reply) });
});
