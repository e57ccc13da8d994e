/**
 * The interface between whoever wants a network run and whoever runs it. Engines live in
 * `backends/`, callers in `cli/`, `calibrate/` and `passes/`; they meet here only.
 */
import type { Module } from "./module.ts";
import type { Op, ValueId } from "./op.ts";
import type { CalibrationStatistics, Scope } from "./stats.ts";
import type { Tensor } from "./tensor.ts";
import { elementCount } from "./type.ts";

/** Samples by index, in an order that is the same at each call. */
export interface SampleSource {
  readonly count: number;
  /** The module's inputs for sample `index`, in the module's order and with the inputs' shapes. */
  get(index: number): readonly Tensor[];
}

/**
 * What to keep of a value besides the outputs.
 *
 * - `mean`: its mean over the timesteps, [numel];
 * - `trace`: its value at every timestep, [T, numel];
 * - `state`: the membrane potential after every timestep, [T, numel]; neurons only.
 */
export interface Probe {
  readonly value: ValueId;
  readonly keep: "mean" | "trace" | "state";
}

/** Gather statistics of a value's mean over the timesteps (for `real`: of the value). */
export interface Observation {
  readonly value: ValueId;
  readonly scope: Scope;
  readonly axis: number;
}

export interface RunOptions {
  /** Steps to run, from reset. Ignored (1) for a module of code "none". */
  readonly timesteps: number;
  readonly probes?: readonly Probe[];
  readonly observe?: readonly Observation[];
  /** Told of each finished sample. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface SampleResult {
  readonly index: number;
  /** Per module output: the decoded value after each timestep, [T, numel]. */
  readonly outputs: readonly Float32Array[];
  /** Spikes of each neuron op over the whole run, in the order of `Executable.neurons`. */
  readonly spikes: Float64Array;
  /** The same up to each timestep, over all neurons, [T]. */
  readonly spikesByStep: Float64Array;
  /** Additions that spikes caused up to each timestep: spikes × fan-out within bounds, [T]. */
  readonly synapticOperationsByStep: Float64Array;
  /** Multiply-accumulates of synapses on `real` values, done once per run. */
  readonly analogueOperations: number;
  /** One per probe, in order; see `keptBy` for which are of integers. */
  readonly probes: readonly ProbeData[];
}

/** What a probe keeps. Traces and states of i32 are Int32Arrays: a float32 would round them. */
export type ProbeData = Float32Array | Int32Array;

/** An array for what `probe` keeps of the result of `op` over a run of `timesteps`. */
export function keptBy({ keep }: Probe, op: Pick<Op, "type">, timesteps: number): ProbeData {
  const { domain, dtype, shape } = op.type;
  const size = elementCount(shape);
  if (keep === "mean") return new Float32Array(size);
  // Integer neurons make spikes of i8, and their potentials are i32.
  const held = keep === "state" && domain === "spike" && dtype === "i8" ? "i32" : dtype;
  const length = timesteps * size;
  return held === "i32" ? new Int32Array(length) : new Float32Array(length);
}

/** A module made ready to run. Reset before each sample; samples do not influence each other. */
export interface Executable {
  readonly module: Module;
  /** The neuron ops, in the order of the module. */
  readonly neurons: readonly ValueId[];
  /**
   * Runs every sample. `onSample` is called in the order of the samples, whatever ran in parallel.
   * The result is independent of threads and of how samples are grouped.
   */
  run(
    samples: SampleSource,
    options: RunOptions,
    onSample?: (result: SampleResult) => void,
  ): Promise<CalibrationStatistics>;
  /** Ends its threads. */
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Throws a `DiagnosticError` where the module holds something the engine cannot run. */
  load(module: Module, options: { readonly threads: number }): Promise<Executable>;
}
