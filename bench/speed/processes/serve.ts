/** The body of a process that is timed: answers requests of the benchmark, one at a time. */
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import type { MemoryUse } from "../../../ir/executable.ts";
import { quantile } from "../statistics.ts";
import {
  type Answers,
  type Loaded,
  type Measurement,
  type Reply,
  type Request,
  type Spec,
  isRequest,
} from "./protocol.ts";

/** What such a process can do once it is loaded. */
export interface Served {
  readonly loaded: Omit<Loaded, "peakBytes">;
  answers(count: number): Promise<Answers>;
  measure(measurement: Measurement): Promise<number>;
  /** Memory that its engine planned for its last run. */
  plannedMemory?(): MemoryUse | null;
}

/**
 * Not counted before the first measurement of its kind: WebAssembly and JavaScript run unoptimised first, several
 * times as slowly, and the longer a program is, the longer.
 */
const secondsToWarmUp = 0.4;

/** Answers until the other end goes away. */
export function serve(load: (spec: Spec) => Promise<Served>): void {
  let served: Served | null = null;
  const warm = new Set<Measurement["mode"]>();
  const answer = async (request: Request): Promise<Reply> => {
    switch (request.kind) {
      case "load":
        served = await load(request.spec);
        return { kind: "loaded", loaded: { ...served.loaded, peakBytes: peakBytes() } };
      case "answers":
        return { kind: "answers", answers: await known(served, "a load").answers(request.count) };
      case "measure": {
        const ready = known(served, "a load");
        const { mode, seconds } = request.measurement;
        if (seconds > 0 && !warm.has(mode)) {
          warm.add(mode);
          // The first call may compile; the others are what that code is optimised by.
          await ready.measure({ ...request.measurement, seconds: 0 });
          await ready.measure({ ...request.measurement, seconds: secondsToWarmUp });
        }
        return { kind: "value", value: await ready.measure(request.measurement) };
      }
      case "memory":
        return { kind: "memory", memory: { peakBytes: peakBytes(), planned: plannedOf(served) } };
    }
  };
  process.on("message", (message) => {
    if (!isRequest(message)) return;
    void answer(message)
      .catch((error: unknown): Reply => ({ kind: "failed", message: messageOf(error) }))
      .then((reply) => process.send?.(reply));
  });
  // Threads of a peer would keep the process alive.
  process.on("disconnect", () => process.exit(0));
}

function plannedOf(served: Served | null): MemoryUse | null {
  return served?.plannedMemory?.() ?? null;
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function messageOf(error: unknown): string {
  if (error instanceof DiagnosticError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Calls of so many images that one takes this part of the time there is. */
const partsOfTime = 8;

/**
 * Milliseconds per image of `run(n)`, which takes n images at once: n is doubled until a call takes
 * an eighth of `seconds`; then calls repeat until the time is over, and their median counts.
 */
export async function timeMany(
  run: (images: number) => Promise<unknown>,
  seconds: number,
): Promise<number> {
  const begin = performance.now();
  const limit = seconds * 1000;
  let images = 1;
  let last = await timeOf(() => run(images));
  while (last < limit / partsOfTime && performance.now() - begin < limit) {
    images *= 2;
    last = await timeOf(() => run(images));
  }
  const each = [last / images];
  while (performance.now() - begin + last < limit) {
    each.push((await timeOf(() => run(images))) / images);
  }
  return quantile(each, 0.5);
}

/** Median milliseconds of one `run()`, repeated for about `seconds`, but once at least. */
export async function timeOne(
  run: (call: number) => Promise<unknown>,
  seconds: number,
): Promise<number> {
  const begin = performance.now();
  const each: number[] = [];
  do each.push(await timeOf(() => run(each.length)));
  while (performance.now() - begin < seconds * 1000);
  return quantile(each, 0.5);
}

async function timeOf(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await run();
  return performance.now() - begin;
}
