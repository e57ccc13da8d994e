/** How samples are dealt out to threads, and results put back in order. */
import { known } from "../../../ir/diagnostic.ts";
import type { RunOptions, SampleResult, SampleSource } from "../../../ir/executable.ts";
import type { StatisticsData } from "../../../ir/run/observe.ts";
import { type ExtremeSamples, isExtreme } from "./extremes.ts";
import type { RunTask, Sample } from "./runner.ts";
import type { Remote } from "./team.ts";

/** What was asked of an executable. */
export interface RunRequest {
  readonly samples: SampleSource;
  readonly options: RunOptions;
  readonly job: RunTask;
  /** What runs samples that are not for threads: see `isExtreme`. */
  readonly extremes: ExtremeSamples;
  readonly onSample: ((result: SampleResult) => void) | undefined;
}

/** About what a thread computes in a tenth of a second, in connections. */
const connectionsPerGroup = 2e8;
/** A few messages a second are as good as none. */
const largestGroup = 64;

/** Samples to take at a time, where one is so much work. */
export function groupSize(connections: number): number {
  const samples = Math.floor(connectionsPerGroup / Math.max(1, connections));
  return Math.min(largestGroup, Math.max(1, samples));
}

export function sampleAt(
  { samples, options: { resume, elements, probes = [] } }: Pick<RunRequest, "samples" | "options">,
  index: number,
): Sample {
  const inputs = samples.get(index).map(({ data }) => data);
  const given = resume?.recordingsOf(index) ?? [];
  const chosen = elements === undefined ? null : probes.map((_, probe) => elements(index, probe));
  return { index, inputs, given, elements: chosen };
}

/** Deals groups of samples to whoever is free, where one sample is `work` connections. */
export async function dealSamples(
  remotes: readonly Remote[],
  run: RunRequest,
  work: number,
): Promise<readonly StatisticsData[]> {
  const { count } = run.samples;
  const most = groupSize(work);
  const emit = inOrder(run);
  const aside = takeAside(run, emit);
  let next = 0;
  /** Smaller towards the end, so that no thread is left waiting for another's group. */
  const takeGroup = (): Sample[] => {
    const fair = Math.ceil((count - next) / (2 * remotes.length));
    const group: Sample[] = [];
    const size = Math.min(most, fair);
    while (next < count && group.length < size) {
      const sample = sampleAt(run, next++);
      if (!aside.takes(sample)) group.push(sample);
    }
    return group;
  };
  const send = (ask: ReturnType<Remote["start"]>): Sent => {
    const group = takeGroup();
    const reply = ask(group, group.length === 0);
    // Where it fails before anybody waits for it, an earlier one has failed too.
    reply.catch(() => undefined);
    return { reply, isLast: group.length === 0 };
  };
  const statistics = await Promise.all(
    remotes.map(async (remote) => {
      const ask = remote.start(run.job);
      let current = send(ask);
      for (;;) {
        // While there is plenty, a thread has its next group before it is done with one.
        const isPlenty = count - next > 2 * most * remotes.length;
        const ahead = isPlenty ? send(ask) : null;
        const { results, statistics } = await current.reply;
        emit(results);
        if (current.isLast) return known(statistics, "statistics of a whole run");
        current = ahead ?? send(ask);
      }
    }),
  );
  await aside.done();
  return statistics;
}

interface Sent {
  readonly reply: ReturnType<ReturnType<Remote["start"]>>;
  readonly isLast: boolean;
}

/** Gives every sample to all threads, which share its work; the first one has the results. */
export async function dealTiles(
  remotes: readonly Remote[],
  run: RunRequest,
  work: number,
): Promise<readonly StatisticsData[]> {
  const { count } = run.samples;
  const most = groupSize(work / remotes.length);
  const emit = inOrder(run);
  const aside = takeAside(run, emit);
  const asks = remotes.map((remote) => remote.start(run.job));
  let last: StatisticsData | null = null;
  for (let next = 0; last === null;) {
    const group: Sample[] = [];
    while (next < count && group.length < most) {
      const sample = sampleAt(run, next++);
      if (!aside.takes(sample)) group.push(sample);
    }
    const empty = group.map(({ index }) => ({
      ...{ index, inputs: [], given: [], elements: null },
    }));
    const replies = await Promise.all(
      asks.map((ask, part) => ask(part === 0 ? group : empty, next === count)),
    );
    const { results, statistics } = known(replies[0], "a reply of the first part");
    emit(results);
    last = statistics;
  }
  await aside.done();
  return [last];
}

type Emit = (results: readonly SampleResult[]) => void;

/** Runs extreme samples one after the other on the caller's thread, between its other turns. */
function takeAside(
  run: RunRequest,
  emit: Emit,
): { readonly takes: (sample: Sample) => boolean; readonly done: () => Promise<void> } {
  let all = Promise.resolve();
  return {
    takes(sample) {
      if (!isExtreme(sample)) return false;
      const { index } = sample;
      all = all.then(async () => {
        await nextTurn();
        emit([run.extremes.run(sampleAt(run, index))]);
      });
      // Where it fails before anybody waits for it, a thread has failed too.
      all.catch(() => undefined);
      return true;
    },
    done: () => all,
  };
}

/** Takes results as they come, and hands them on in the order of the samples. */
function inOrder({ samples, options, onSample }: RunRequest): Emit {
  const waiting = new Map<number, SampleResult>();
  let done = 0;
  let emitted = 0;
  return (results) => {
    for (const result of results) waiting.set(result.index, result);
    done += results.length;
    if (results.length > 0) options.onProgress?.(done, samples.count);
    for (let r = waiting.get(emitted); r !== undefined; r = waiting.get(emitted)) {
      waiting.delete(emitted++);
      onSample?.(r);
    }
  };
}

/** The event loop's next turn. Browsers have no `setImmediate`, and make timers wait for longer. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
