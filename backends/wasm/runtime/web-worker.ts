/** The body of a browser's worker; what it does is messages.ts's. */
import { type Request, createResponder } from "./messages.ts";

const respond = createResponder();

globalThis.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  globalThis.postMessage(respond(data));
});
