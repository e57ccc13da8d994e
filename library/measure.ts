/** Gives passes their one look at the network running: an engine, a calibration set, statistics. */
import { type Diagnostic, fail } from "../ir/diagnostic.ts";
import type { Engine, Executable, SampleSource } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import type { Module } from "../ir/module.ts";
import type { CalibrationStatistics } from "../ir/stats.ts";
import type { PassContext } from "../passes/pass.ts";
import { diagnose } from "./diagnostics.ts";

export interface Running {
  readonly engine: Engine;
  readonly threads: number;
  /** Told where the engine has to take a slower path. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /** Told of each finished sample of each run. */
  readonly onProgress?: (label: string, done: number, total: number) => void;
}

/** Loads a module as `running` says. */
export function loadOn(running: Running, module: Module): Promise<Executable> {
  const { engine, threads, onDiagnostic } = running;
  return engine.load(module, { threads, ...(onDiagnostic === undefined ? {} : { onDiagnostic }) });
}

/**
 * A pass context's `measure` over `samples`. What was measured of a module is kept for as long as
 * the module lives: several conversions of one network look at it once.
 */
export function measureOn(
  samples: SampleSource,
  running: Running,
): PassContext<unknown>["measure"] {
  const kept = new WeakMap<Module, Map<string, Promise<CalibrationStatistics>>>();
  return (module, observe, timesteps) => {
    const known = kept.get(module) ?? new Map<string, Promise<CalibrationStatistics>>();
    kept.set(module, known);
    const key = JSON.stringify([observe, timesteps]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const measured = measure(module);
    // A failure may be passing (memory): the next one to ask tries again.
    measured.catch(() => known.delete(key));
    known.set(key, measured);
    return measured;

    async function measure(target: Module): Promise<CalibrationStatistics> {
      const executable = await loadOn(running, target);
      try {
        const statistics = await executable.run(samples, {
          timesteps,
          observe,
          countOperations: false,
          onProgress: (done, total) => running.onProgress?.("calibrating", done, total),
        });
        checkFinite(target, statistics);
        return statistics;
      } finally {
        await executable.close();
      }
    }
  };
}

/** Fails at the first op, in the module's order, whose values are not all finite. */
function checkFinite(module: Module, { samples, values }: CalibrationStatistics): void {
  for (const op of module.ops) {
    const channels = values.get(op.result)?.channels ?? [];
    const count = channels.reduce((n, channel) => n + channel.notFinite, 0);
    if (count === 0) continue;
    fail(diagnose("value-not-finite", op.loc, { name: shortName(op.loc), count, samples }));
  }
}
