/** How samples are dealt out and results put back in order. */
import type { RunOptions, SampleResult } from "../../ir/executable.ts";

/** About what a thread computes in a tenth of a second, in connections. */
const connectionsPerGroup = 2e8;
/** A few messages a second are as good as none. */
const largestGroup = 64;

/** Samples to take at a time, where one is so much work. */
export function groupSize(connections: number): number {
  const samples = Math.floor(connectionsPerGroup / Math.max(1, connections));
  return Math.min(largestGroup, Math.max(1, samples));
}

/** Takes results as they come, and hands them on in the order of the samples. */
export function inOrder(
  total: number,
  options: RunOptions,
  onSample: ((result: SampleResult) => void) | undefined,
): (results: readonly SampleResult[]) => void {
  const waiting = new Map<number, SampleResult>();
  let done = 0;
  let emitted = 0;
  return (results) => {
    for (const result of results) waiting.set(result.index, result);
    done += results.length;
    options.onProgress?.(done, total);
    for (let r = waiting.get(emitted); r !== undefined; r = waiting.get(emitted)) {
      waiting.delete(emitted++);
      onSample?.(r);
    }
  };
}

/** The event loop's next turn. Browsers have no `setImmediate`, and wait a little longer. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
