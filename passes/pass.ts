/**
 * A pass: a pure function from module to module, with its contract and its options declared.
 * It sees statistics and measurements only through its context, and opens no file.
 */
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { Observation, Probe, ProbeData } from "../ir/executable.ts";
import type { Module, Property, SpikingCode } from "../ir/module.ts";
import type { Op, ValueId } from "../ir/op/op.ts";
import type { FitLoops } from "../ir/run/loops.ts";
import type { OptionTable, OptionValues } from "../ir/options.ts";
import type { PassFacts, Role } from "../ir/role.ts";
import type { CalibrationStatistics } from "../ir/run/stats.ts";

/** Where passes stand, in pipelines and in the list of passes. */
export const phases = ["clean", "fuse", "convert", "balance", "quantise"] as const;
type Phase = (typeof phases)[number];

const phaseOfRole: Readonly<Record<Role, Phase>> = {
  clean: "clean",
  fuse: "fuse",
  prepare: "convert",
  convert: "convert",
  encode: "convert",
  balance: "balance",
  start: "balance",
  fit: "balance",
  allocate: "balance",
  correct: "balance",
  rehearse: "balance",
  "read-out": "balance",
  quantise: "quantise",
  store: "quantise",
};

export function phaseOf({ role }: { readonly role: Role }): Phase {
  return phaseOfRole[role];
}

export interface PassContext<V> {
  readonly options: V;
  /** Timesteps that the converted network is meant to run for. */
  readonly timesteps: number;
  /**
   * The network before conversion: the last module of code "none" in this run of the pipeline, or
   * null where it began with a spiking one. Values keep their ids, so an op here and the neuron that
   * replaced it have the same result.
   */
  readonly reference: Module | null;
  readonly report: (diagnostic: Diagnostic) => void;
  /** Whether there is a calibration set: `measure` and `watch` fail where there is none. */
  readonly hasCalibration: boolean;
  /**
   * Runs a module on the calibration set and returns statistics of the values asked for: for values
   * over time, of their mean over the timesteps. Beside `watch` the only thing a pass may await. Fails
   * with a diagnostic where no calibration set was given.
   */
  readonly measure: Calibration["measure"];
  /**
   * Runs what `probes` need of a module on the calibration set, and shows what they keep of each sample: all
   * of it where there are none, or where bits are counted. Handed the whole network, layer after layer, it
   * does not run the layers before anew, as long as they are the same. Samples come in
   * an order that depends on their content alone, so sums of what is shown do not depend on how they
   * were given. Awaited like `measure`, and fails as it does.
   */
  readonly watch: Calibration["watch"];
  /** Faster loops to fit with, or null: they change no bit of any result. Awaited like `measure`. */
  readonly loops: () => Promise<FitLoops | null>;
}

/** What passes see of the calibration set. */
export interface Calibration {
  readonly measure: (
    module: Module,
    observe: readonly Observation[],
    timesteps: number,
  ) => Promise<CalibrationStatistics>;
  readonly watch: (
    module: Module,
    probes: readonly Probe[],
    run: WatchOptions,
    onSample: (
      kept: readonly ProbeData[],
      index: number,
      /** Binary digits set in the words of each neuron op, where they are counted; otherwise empty. */
      bits: ReadonlyMap<ValueId, number>,
    ) => void,
  ) => Promise<void>;
  /** Missing where there are none. */
  readonly loops?: (() => Promise<FitLoops | null>) | undefined;
}

export interface WatchOptions {
  readonly timesteps: number;
  /** Samples to run, of those there are; all of them if left out. */
  readonly samples?: number;
  /** Index of the first one; 0 if left out. */
  readonly first?: number;
  /** The elements of a probed value to show of a sample, [T, elements]; all of them if left out. */
  readonly elements?: (index: number, probe: number) => Int32Array;
  /** Whether to count the bits of spikes; false if left out. */
  readonly count?: boolean;
}

/** What a pass that converts makes of an analogue network. */
export interface Makes<V> {
  code(options: V): SpikingCode;
  /** Timesteps to make it for unless somebody says; those of the code unless given. */
  timesteps?(options: V): number;
  /** Whether an op becomes neurons; rectifiers do unless given. */
  readonly fires?: (op: Op) => boolean;
}

/** Its name is kebab-case and imperative, "fold-batchnorm", and unique; the CLI, dumps and reports use it. */
export interface Pass<T extends OptionTable = OptionTable> extends PassFacts {
  readonly summary: string;
  readonly requires: readonly Property[];
  readonly establishes: readonly Property[];
  /** Properties that no longer hold after it, unless it establishes them again. */
  readonly breaks: readonly Property[];
  /** Whether the network computes the same function afterwards (up to rounding). */
  readonly preservesOutputs: boolean;
  readonly options: T;
  /** Of a pass that converts. */
  readonly makes?: Makes<OptionValues<T>>;
  /** Returns the same object where there was nothing to do. */
  run(module: Module, context: PassContext<OptionValues<T>>): Module | Promise<Module>;
}

/** A pass whose option types have been put aside, as lists and tables hold it. */
export interface AnyPass extends Omit<Pass, "run" | "makes"> {
  readonly makes?: Makes<Readonly<Record<string, unknown>>>;
  run(
    module: Module,
    context: PassContext<Readonly<Record<string, unknown>>>,
  ): Module | Promise<Module>;
}

/** Declares a pass; the types of its options follow from its table. */
export function definePass<const T extends OptionTable>(pass: Pass<T>): AnyPass {
  // The manager fills options from this pass's own table, so the values have the table's types.
  return pass;
}
