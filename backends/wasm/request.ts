/** What a run asks of the compiler: which values to keep, and how long a chunk of timesteps is. */
import type { EarlyExit } from "../../ir/run/early-exit.ts";
import type { RunOptions } from "../../ir/executable.ts";
import { type Module, answersOf, isFramed, opsOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { CompileOptions } from "./compile.ts";
import type { RunTask } from "./runtime/runner.ts";

/** Timesteps of a chunk at most: beyond, spikes of a layer leave the cache before they are read. */
export const longestChunk = 64;

/** How programs for a module are to be. */
export interface Form {
  readonly shared: boolean;
  /** Threads that work on one sample together; 1 where they take whole samples. */
  readonly tiles: number;
  readonly longestChunk: number;
  /** Whether they may have instructions of relaxed SIMD. */
  readonly relaxed?: boolean;
}

const simplest: Form = { shared: false, tiles: 1, longestChunk };

export function runTaskOf(module: Module, options: RunOptions): RunTask {
  return {
    timesteps: answersOf(module, options.timesteps),
    probes: options.probes ?? [],
    observe: options.observe ?? [],
    earlyExit: options.earlyExit ?? null,
    outputs: options.outputs ?? true,
    record: options.record ?? [],
    given: options.resume?.values ?? [],
  };
}

/** Neurons whose spikes can be read as they lie in memory, and written there. */
export function recordableOf(module: Module): ReadonlySet<ValueId> {
  // Frames are computed as a whole, and what comes back is needed before there is anything to go on from.
  if (isFramed(module.code) || module.carries.length > 0) return new Set();
  return new Set(
    opsOf(module, "snn.if", "snn.graded")
      .filter(({ type }) => type.dtype === "f32" || type.dtype === "i32" || type.dtype === "i8")
      .map(({ result }) => result),
  );
}

/** What to compile for a run of `options`. */
export function compileOptionsOf(
  module: Module,
  options: RunOptions,
  form: Form = simplest,
): CompileOptions {
  const task = runTaskOf(module, options);
  const { timesteps, probes, observe, earlyExit, outputs, record, given } = task;
  const valuesOf = (keep: (typeof probes)[number]["keep"]): ValueId[] =>
    probes.filter((probe) => probe.keep === keep).map(({ value }) => value);
  return {
    timesteps,
    // What comes back must be there before the next timestep begins.
    steps: module.carries.length > 0 ? 1 : stepsOf(timesteps, earlyExit, form.longestChunk),
    keep: [...new Set(valuesOf("trace"))],
    average: [...new Set([...observe.map(({ value }) => value), ...valuesOf("mean")])],
    traces: [...new Set(valuesOf("state"))],
    count: options.countOperations ?? true,
    ...(module.rates === undefined ? {} : { rates: module.rates }),
    outputs,
    record,
    given,
    shared: form.shared,
    tiles: form.tiles,
    relaxed: form.relaxed ?? false,
    optimise: false,
  };
}

/** The length of chunks: as even as can be, and none may go on beyond where a run may end. */
function stepsOf(timesteps: number, earlyExit: EarlyExit | null, longest: number): number {
  if (earlyExit === null || earlyExit.every >= timesteps) {
    return Math.ceil(timesteps / Math.ceil(timesteps / longest));
  }
  let steps = Math.min(longest, earlyExit.every);
  while (earlyExit.every % steps !== 0) steps--;
  return steps;
}
