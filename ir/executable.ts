/**
 * The interface between whoever wants a network run and whoever runs it. Engines live in
 * `backends/`, callers in `cli/`, `calibrate/` and `passes/`; they meet here only.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { FitLoops } from "./run/loops.ts";
import type { EarlyExit } from "./run/early-exit.ts";
import type { Module } from "./module.ts";
import type { Op, ValueId } from "./op/op.ts";
import type { CalibrationStatistics, Scope } from "./run/stats.ts";
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
  /**
   * The elements of the value of probe number `probe` that will be looked at of sample `index`; all unless
   * given. An engine may keep these alone, [T, elements], and tells so by `SampleResult.notFinite`.
   */
  readonly elements?: (index: number, probe: number) => Int32Array;
  readonly observe?: readonly Observation[];
  /**
   * Whether to count spikes and operations; true unless given. Without, an engine may leave out
   * what counts them: nothing is to be read from those fields of the results then.
   */
  readonly countOperations?: boolean;
  /**
   * Whether outputs are wanted; true unless given. Without, the results have none, and an engine need not
   * compute what nothing else asks for. No run that may end early is without.
   */
  readonly outputs?: boolean;
  /** Values to record, out of the executable's `recordable`, so that another run can go on from there. */
  readonly record?: readonly ValueId[];
  /** Where to go on from. Nothing is computed that only these values need; nothing can be counted then. */
  readonly resume?: Resume;
  /** Ends the run of each sample once its answer is clear. No effect on a module of code "none". */
  readonly earlyExit?: EarlyExit;
  /** Told of each finished sample. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Values that are not computed, but given as an earlier run of as many timesteps recorded them. */
export interface Resume {
  readonly values: readonly ValueId[];
  /** The recordings of sample `index`, one for each value. */
  readonly recordingsOf: (index: number) => readonly Recording[];
}

/**
 * What a value was at every timestep of a sample, as the engine holds it: spikes that are bits stay bits.
 * Read by executables of the same engine alone, which compute on it to the bit what they compute without.
 */
export type Recording = Uint8Array<ArrayBuffer>;

export interface SampleResult {
  readonly index: number;
  /**
   * Timesteps that ran: fewer than T where the run of this sample ended early. What is kept for
   * each timestep then repeats its last value, but for probes, which hold zeros; means are of the
   * timesteps that ran.
   */
  readonly timestepsTaken: number;
  /** Per module output: the decoded value after each timestep, [T, numel]; empty where none are wanted. */
  readonly outputs: readonly Float32Array[];
  /** Spikes (words that were sent) of each neuron op over the whole run, in the order of `Executable.neurons`. */
  readonly spikes: Float64Array;
  /** Binary digits that are set in these words. */
  readonly bits: Float64Array;
  /** What all senders did up to each timestep; see `Activity`. */
  readonly activity: Activity;
  /** One per probe, in order; see `keptBy` for which are of integers. */
  readonly probes: readonly ProbeData[];
  /**
   * Where only `RunOptions.elements` are in `probes`: how many elements of each probed value, at all
   * timesteps, are not finite, those that are not kept included.
   */
  readonly notFinite?: readonly number[];
  /** One for each value that was to be recorded; missing where this sample cannot be. */
  readonly recordings?: readonly Recording[];
}

/**
 * What happened because of spikes up to each timestep, over the whole network, [T] each. All that happens
 * whether there are spikes or not follows from the module: see `ir/account/account.ts`.
 */
export interface Activity {
  /** Words that neurons sent, whatever their size. */
  readonly spikes: Float64Array;
  /** Binary digits set in these words. */
  readonly bits: Float64Array;
  /** Words × weights that they met: one for each connection within bounds. */
  readonly events: Float64Array;
  /** Those of them that are additions, as the word is 1 or −1, or a power of two that is shifted by. */
  readonly plainEvents: Float64Array;
  /** Binary digits × weights that they met. */
  readonly eventBits: Float64Array;
}

export const activityKinds = [
  "spikes",
  "bits",
  "events",
  "plainEvents",
  "eventBits",
] as const satisfies readonly (keyof Activity)[];

/** An activity of zeros. */
export function noActivity(timesteps: number): Activity {
  return {
    spikes: new Float64Array(timesteps),
    bits: new Float64Array(timesteps),
    events: new Float64Array(timesteps),
    plainEvents: new Float64Array(timesteps),
    eventBits: new Float64Array(timesteps),
  };
}

/** Adds what timestep `t` did, counted from 0, to what all before it did. */
export function addTimestep(
  activity: Activity,
  t: number,
  did: { readonly [K in keyof Activity]: number },
): void {
  for (const kind of activityKinds) activity[kind][t] = (activity[kind][t - 1] ?? 0) + did[kind];
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

/** Memory that a run takes, in bytes, where the engine plans it ahead. */
export interface MemoryUse {
  /** Weights as laid out for the run; all threads share them. */
  readonly weightsBytes: number;
  /** States and values of one thread. */
  readonly arenaBytes: number;
  readonly threads: number;
}

/** A module made ready to run. Reset before each sample; samples do not influence each other. */
export interface Executable {
  readonly module: Module;
  /** The neuron ops, in the order of the module. */
  readonly neurons: readonly ValueId[];
  /** Values that can be recorded and resumed from; missing where the engine has no such form. */
  readonly recordable?: ReadonlySet<ValueId>;
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
  /** The memory of the last run; null before it. Missing where the engine does not plan memory. */
  memory?(): MemoryUse | null;
}

export interface LoadOptions {
  readonly threads: number;
  /**
   * What threads share: whole samples (the default), for throughput, or the work of each sample,
   * for its latency. Results do not depend on it; engines that cannot split a sample take samples.
   */
  readonly split?: "samples" | "tiles";
  /** Told where the engine has to take a slower path. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
}

export interface Engine {
  readonly name: string;
  /** Throws a `DiagnosticError` where the module holds something the engine cannot run. */
  load(module: Module, options: LoadOptions): Promise<Executable>;
  /** Begins to load what any run needs, while the caller still reads data. Never fails. */
  warmUp?(): void;
  /** Loops to fit with; null where it has none here. */
  loops?(): Promise<FitLoops | null>;
}
