#!/usr/bin/env node
/**
 * The entry point: has the program run in a thread of its own and looks after it. So a signal ends the
 * work at once, however long a step takes, with the terminal as it was and no temporary files; and where
 * the heap is full, that thread ends alone, and it can still be said. Loads little, for a quick start.
 */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { setTimeout } from "node:timers/promises";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** What a shell reports of a process that the signal ended: 128 and its number. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A system call that does not return (a dead network drive) is not waited for any longer. */
const patienceMilliseconds = 2000;

/** Cursor shown, lines wrapped, and whatever was drawn on the last line gone. */
const asItWas = "\r\u001b[K\u001b[?25h\u001b[?7h";

/** Where temporary files may be. */
const folders = new Set<string>();
const worker = startProgram();
worker.on("message", ({ folder }: { readonly folder: string }) => folders.add(folder));
worker.on("exit", (code) => {
  process.exitCode ??= code;
});
worker.on("error", (error) => {
  process.exitCode = 70;
  void explainEnd(error);
});
for (const [signal, code] of Object.entries(signals)) {
  process.once(signal, () => void end(code));
}

async function end(code: number): Promise<void> {
  await Promise.race([worker.terminate(), setTimeout(patienceMilliseconds)]);
  await cleanUp();
  process.exit(code);
}

/** The thread ended by itself: its heap was full, or a fault of ours was not caught. */
async function explainEnd(error: unknown): Promise<void> {
  await cleanUp();
  const [{ explainFailure }, { createTerminal }] = await Promise.all([
    import("./terminal/explain.ts"),
    import("./terminal/terminal.ts"),
  ]);
  const has = (option: string): boolean => process.argv.includes(option);
  const options = { json: has("--json"), debug: has("--debug") };
  process.exitCode = explainFailure(error, createTerminal(options), options, []);
}

async function cleanUp(): Promise<void> {
  if (isatty(2)) {
    try {
      writeSync(2, asItWas);
    } catch {
      // The terminal is gone.
    }
  }
  if (folders.size === 0) return;
  const { abandon } = await import("./files/atomic.ts");
  for (const folder of folders) {
    try {
      abandon(folder);
    } catch {
      // The next run will try again.
    }
  }
}

/** The program's thread: the bundle, or from source, as this file itself is run, which needs a loader. */
function startProgram(): Worker {
  const options: WorkerOptions = {
    argv: process.argv.slice(2),
    // A thread does not know how wide the terminal is.
    env: { ...process.env, COLUMNS: String(process.stdout.columns ?? "") },
  };
  if (!import.meta.url.endsWith(".ts")) {
    return new Worker(new URL("./bundle/thread.js", import.meta.url), options);
  }
  const entry = JSON.stringify(new URL("./thread.ts", import.meta.url).href);
  const load = `import("tsx/esm/api").then((tsx) => { tsx.register(); return import(${entry}); })`;
  return new Worker(load, { ...options, eval: true });
}
