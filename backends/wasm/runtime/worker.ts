/** The body of a worker thread in Node; what it does is messages.ts's. */
import { parentPort } from "node:worker_threads";
import { known } from "../../../ir/diagnostic.ts";
import { type Request, buffersOf, createResponder } from "./messages.ts";

const port = known(parentPort, "a parent thread");
const respond = createResponder();

port.on("message", (request: Request) => {
  const reply = respond(request);
  port.postMessage(reply, buffersOf(reply));
});
