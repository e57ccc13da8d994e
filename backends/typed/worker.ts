/** The body of a worker thread: a plan, and a runner per job. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant, known } from "../../ir/diagnostic.ts";
import { statisticsToData } from "../../ir/run/observe.ts";
import { failedBy } from "../worker-end.ts";
import { type Runner, createRunner } from "./execute.ts";
import { createPacking } from "./packing.ts";
import { compilePlan } from "./plan.ts";
import type { Reply, Request, Start } from "./messages.ts";

const port = known(parentPort, "a parent thread");
// The pool in this folder is the only one to start this file, with a Start as its data.
// eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- see the line above
const start: Start = workerData;
const plan = compilePlan(start.module, createPacking(start.weights));
let runner: Runner | null = null;

function answer(request: Request): Reply {
  switch (request.kind) {
    case "start":
      runner = createRunner(plan, request.job);
      return { kind: "started" };
    case "run": {
      const active = known(runner, "a started job");
      return { kind: "results", results: request.group.map((s) => active.run(s.index, s.inputs)) };
    }
    case "finish":
      invariant(runner !== null, "finish before start");
      return { kind: "statistics", statistics: statisticsToData(runner.statistics()) };
  }
}

port.on("message", (request: Request) => {
  try {
    port.postMessage(answer(request));
  } catch (error) {
    port.postMessage(failedBy(error) satisfies Reply);
  }
});
