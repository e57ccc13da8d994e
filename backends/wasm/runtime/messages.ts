/** What the threads of the WebAssembly engine say to each other, and what a worker does about it. */
import { known } from "../../../ir/diagnostic.ts";
import type { SampleResult } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import { type StatisticsData, statisticsToData } from "../../../ir/run/observe.ts";
import { type Failed, failedBy } from "../../worker-end.ts";
import { Instance, type WorkShare } from "./instance.ts";
import type { Program } from "../program.ts";
import { type RunTask, type Runner, type Sample, createRunner, follow } from "./runner.ts";

/** A program as a worker gets it; the memory is shared. */
export interface Opening {
  /** Without its tensors: the program's memory has them. */
  readonly module: Module;
  readonly program: Program;
  readonly compiled: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly place: WorkShare;
}

/** Numbers name programs and runs; whoever asks makes them up. */
export type Request =
  | { readonly kind: "open"; readonly program: number; readonly opening: Opening }
  | {
      readonly kind: "run";
      readonly program: number;
      readonly run: number;
      /** In the first request of a run. */
      readonly job: RunTask | null;
      readonly samples: readonly Sample[];
      /** Whether the run ends with these samples; statistics are given then. */
      readonly isLast: boolean;
    }
  | { readonly kind: "close"; readonly program: number };

/** Buffers that go along with a reply instead of being copied. */
export function buffersOf(reply: Reply): ArrayBuffer[] {
  if (reply.kind !== "results") return [];
  const buffers = new Set<ArrayBuffer>();
  for (const { outputs, probes, recordings = [] } of reply.results) {
    for (const { buffer } of [...outputs, ...probes, ...recordings])
      if (buffer instanceof ArrayBuffer) buffers.add(buffer);
  }
  return [...buffers];
}

export type Reply =
  | { readonly kind: "done" }
  | {
      readonly kind: "results";
      readonly results: readonly SampleResult[];
      readonly statistics: StatisticsData | null;
    }
  | Failed;

interface Active {
  readonly job: RunTask;
  /** Null for a part that follows. */
  readonly runner: Runner | null;
}

/** The answering side: what a worker's thread does with requests, in order. */
export function createResponder(): (request: Request) => Reply {
  const openings = new Map<number, { readonly module: Module; readonly instance: Instance }>();
  const runs = new Map<number, Active>();

  const startRun = (
    { module, instance }: Pick<Opening, "module"> & { instance: Instance },
    job: RunTask,
  ): Active => ({
    job,
    runner: instance.isFirst() ? createRunner(module, instance, job) : null,
  });

  const answer = (request: Request): Reply => {
    switch (request.kind) {
      case "open": {
        const { module, program, compiled, memory, place } = request.opening;
        const instance = new Instance(program, compiled, memory, place);
        openings.set(request.program, { module, instance });
        return { kind: "done" };
      }
      case "run": {
        const { run, job, samples, isLast } = request;
        const open = known(openings.get(request.program), "an open program");
        if (job !== null) runs.set(run, startRun(open, job));
        const active = known(runs.get(run), "a started run");
        if (isLast) runs.delete(run);
        const { runner } = active;
        if (runner === null) {
          for (let count = samples.length; count > 0; count--) follow(open.instance, active.job);
          return { kind: "results", results: [], statistics: null };
        }
        const results = samples.map((sample) => runner.run(sample));
        const statistics = isLast ? statisticsToData(runner.statistics()) : null;
        return { kind: "results", results, statistics };
      }
      case "close":
        openings.delete(request.program);
        return { kind: "done" };
    }
  };
  return (request) => {
    try {
      return answer(request);
    } catch (error) {
      return failedBy(error);
    }
  };
}
