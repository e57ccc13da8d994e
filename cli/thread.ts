/** The thread that `cli/main.ts` has the program run in. */
import { parentPort } from "node:worker_threads";
import { onTemporary } from "./files/atomic.ts";
import { runProgram } from "./program.ts";

// Whoever ends this thread removes what it had in work.
onTemporary((folder) => parentPort?.postMessage({ folder }));
await runProgram(process.argv.slice(2));
