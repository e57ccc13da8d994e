/** What the threads of the WebAssembly engine say to each other, and what a worker does about it. */
import { known } from "../../ir/diagnostic.ts";
import type { SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { type StatisticsData, statisticsToData } from "../../ir/observe.ts";
import type { TensorData } from "../../ir/tensor.ts";
import { Instance, type Place } from "./instance.ts";
import type { Program } from "./program.ts";
import { type Job, type Runner, createRunner } from "./runner.ts";

/** One sample and its number. */
export interface Sample {
  readonly index: number;
  readonly inputs: readonly TensorData[];
}

/** A program as a worker gets it; the memory is shared. */
export interface Opening {
  /** Without its tensors: the program's memory has them. */
  readonly module: Module;
  readonly program: Program;
  readonly compiled: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly place: Place;
}

/** Numbers name programs and runs; whoever asks makes them up. */
export type Request =
  | { readonly kind: "open"; readonly program: number; readonly opening: Opening }
  | { readonly kind: "start"; readonly program: number; readonly run: number; readonly job: Job }
  | { readonly kind: "run"; readonly run: number; readonly samples: readonly Sample[] }
  | { readonly kind: "finish"; readonly run: number }
  | { readonly kind: "close"; readonly program: number };

export type Reply =
  | { readonly kind: "done" }
  | { readonly kind: "results"; readonly results: readonly SampleResult[] }
  | { readonly kind: "statistics"; readonly statistics: StatisticsData }
  | { readonly kind: "failed"; readonly message: string };

/** The answering side: what a worker's thread does with requests, in order. */
export function createResponder(): (request: Request) => Reply {
  const openings = new Map<number, { readonly module: Module; readonly instance: Instance }>();
  const runners = new Map<number, Runner>();
  const answer = (request: Request): Reply => {
    switch (request.kind) {
      case "open": {
        const { module, program, compiled, memory, place } = request.opening;
        const instance = new Instance(program, compiled, memory, place);
        openings.set(request.program, { module, instance });
        return { kind: "done" };
      }
      case "start": {
        const { module, instance } = known(openings.get(request.program), "an open program");
        runners.set(request.run, createRunner(module, instance, request.job));
        return { kind: "done" };
      }
      case "run": {
        const runner = known(runners.get(request.run), "a started run");
        const results = request.samples.map(({ index, inputs }) => runner.run(index, inputs));
        return { kind: "results", results };
      }
      case "finish": {
        const runner = known(runners.get(request.run), "a started run");
        runners.delete(request.run);
        return { kind: "statistics", statistics: statisticsToData(runner.statistics()) };
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
      return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
    }
  };
}
