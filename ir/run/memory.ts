/** How it shows that there was no memory: JavaScript has no error of its own for it. */

const said =
  /allocation failed|invalid (typed |string |array )*(buffer )?(length|size)|out of memory|could not allocate|cannot allocate|failed to allocate|maximum size exceeded|aborted\(oom\)/i;

/** What Node calls it where memory, or a thread with its memory, was refused. */
const codes: ReadonlySet<unknown> = new Set([
  "ERR_WORKER_OUT_OF_MEMORY",
  "ERR_WORKER_INIT_FAILED",
  "ERR_MEMORY_ALLOCATION_FAILED",
  "ENOMEM",
]);

/** Whether an error says that memory could not be had, on this thread or in a worker that ended of it. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && codes.has(error.code)) return true;
  // What was compiled to WebAssembly (the assembler is) ends itself by a RuntimeError that quotes the reason.
  const ofEngine =
    error instanceof RangeError ||
    error instanceof WebAssembly.CompileError ||
    error instanceof WebAssembly.RuntimeError;
  return ofEngine && said.test(error.message);
}
