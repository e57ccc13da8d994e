/** Each way in which a worker may end is told to whoever waits for it, and to whoever asks later. */
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { Asked } from "../../backends/typed/asked.ts";
import { WorkerEnd } from "../../backends/worker-end.ts";
import { channelTo } from "../../backends/wasm/runtime/node-workers.ts";
import { createTeams } from "../../backends/wasm/runtime/team.ts";
import { createResponder } from "../../backends/wasm/runtime/messages.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { isOutOfMemory } from "../../ir/run/memory.ts";

const started: Worker[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((worker) => worker.terminate()));
});

/** A worker that does `what` when it is asked anything. */
function doing(what: string): Worker {
  const code = `require("node:worker_threads").parentPort.on("message", (message) => { ${what} });`;
  const worker = new Worker(code, {
    eval: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 8 },
  });
  started.push(worker);
  return worker;
}

/** What it does, and what is then said. */
const ends = [
  ["exits", "process.exit(3);", "worker-ended", "exit code 3"],
  ["throws", 'throw new Error("no such file");', "worker-ended", "no such file"],
  ["throws nothing", "throw null;", "worker-ended", "null"],
  [
    "runs out of memory",
    "const all = []; for (;;) all.push(new Array(1e5).fill({}));",
    "worker-out-of-memory",
    "memory",
  ],
] as const;

/** How it ends, of an engine's asking side: the first question, and one that comes later. */
type Asking = (worker: Worker) => { readonly ask: () => Promise<unknown> };

const engines: Readonly<Record<string, Asking>> = {
  typed: (worker) => {
    const asked = new Asked(worker);
    return { ask: () => asked.ask({ kind: "finish" }) };
  },
  wasm: (worker) => {
    const [thread] = createTeams(() => channelTo(worker))(1).threads;
    return {
      ask: () => thread?.ask({ kind: "close", program: 0 }) ?? expect.unreachable("no thread"),
    };
  },
};

describe.each(Object.keys(engines))("a worker of the engine %s", (name) => {
  const asking: Asking = engines[name] ?? expect.unreachable(name);

  it.each(ends)("that %s is told as a diagnostic, then and later", async (_, what, code, why) => {
    const { ask } = asking(doing(what));
    for (const _ of ["then", "later"]) {
      const end: unknown = await ask().catch((error: unknown) => error);
      expect(end).toBeInstanceOf(WorkerEnd);
      expect(end).toBeInstanceOf(DiagnosticError);
      expect(end).toMatchObject({ diagnostics: [{ code, cause: "environment" }] });
      expect(String(end)).toContain(why);
    }
  });

  it("that is ended by others is told of, too", async () => {
    const worker = doing("");
    const { ask } = asking(worker);
    const answer = ask().catch((error: unknown) => error);
    await worker.terminate();
    expect(String(await answer)).toContain("a worker thread ended before its work was done");
  });
});

/** How what emscripten made (the assembler) ends itself. */
const aborted = (why: string) =>
  new WebAssembly.RuntimeError(`Aborted(${why}). Build with -sASSERTIONS for more info.`);

describe("what a worker says of memory that it cannot have", () => {
  it("is no fault of ours", () => {
    const respond = createResponder();
    // A memory that is no memory: the program's instance asks for what the machine refuses.
    const opening = {
      get program(): never {
        throw new RangeError("Array buffer allocation failed");
      },
    };
    // eslint-disable-next-line @typescript-eslint/consistent-type-assertions -- stands for an opening whose parts cannot be had
    const reply = respond({ kind: "open", program: 1, opening } as unknown as Parameters<
      typeof respond
    >[0]);
    expect(reply).toEqual({
      kind: "failed",
      message: "Array buffer allocation failed",
      outOfMemory: true,
    });
  });

  it.each([
    [new RangeError("Array buffer allocation failed"), true],
    [new RangeError("Invalid typed array length: 9007199254740991"), true],
    [new RangeError("WebAssembly.Memory(): could not allocate memory"), true],
    [new RangeError("WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory"), true],
    [aborted("RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate"), true],
    [aborted("OOM"), true],
    [aborted("Assertion failed"), false],
    [new WebAssembly.RuntimeError("memory access out of bounds"), false],
    [new RangeError("Maximum call stack size exceeded"), false],
    [new TypeError("out of memory"), false],
    [Object.assign(new Error("Worker terminated"), { code: "ERR_WORKER_OUT_OF_MEMORY" }), true],
    ["out of memory", false],
  ])("is known from what it says: %s", (error, wanted) => {
    expect(isOutOfMemory(error)).toBe(wanted);
  });
});
