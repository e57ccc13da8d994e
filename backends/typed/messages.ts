/**
 * What a pool and its worker threads say to each other.
 *
 * Apart from the threads themselves: the library's declarations lead here, and a page has no types of Node.
 */
import type { SampleResult } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { StatisticsData } from "../../ir/run/observe.ts";
import type { TensorData } from "../../ir/tensor.ts";
import type { Failed } from "../worker-end.ts";
import type { RunTask } from "./execute.ts";
import type { PackedWeights } from "./packing.ts";

export interface Sample {
  readonly index: number;
  readonly inputs: readonly TensorData[];
}

export type Request =
  | { readonly kind: "start"; readonly job: RunTask }
  | { readonly kind: "run"; readonly group: readonly Sample[] }
  | { readonly kind: "finish" };

export type Reply =
  | { readonly kind: "started" }
  | { readonly kind: "results"; readonly results: readonly SampleResult[] }
  | { readonly kind: "statistics"; readonly statistics: StatisticsData }
  | Failed;

/** What a worker is started with. */
export interface Start {
  readonly module: Module;
  readonly weights: PackedWeights;
}
