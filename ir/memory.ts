/** How it shows that there was no memory: JavaScript has no error of its own for it. */

const said =
  /allocation failed|invalid (typed )?array length|out of memory|could not allocate|cannot allocate/i;

/** Whether an error says that memory could not be had, on this thread or in a worker that ended of it. */
export function isOutOfMemory(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") return true;
  return error instanceof RangeError && said.test(error.message);
}
