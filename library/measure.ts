/** Lets passes run the network: an engine, a calibration set, statistics. */
import { type Diagnostic, fail, known } from "../ir/diagnostic.ts";
import type {
  Engine,
  Executable,
  Observation,
  Probe,
  ProbeData,
  SampleSource,
} from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, producerOf } from "../ir/module.ts";
import { notFiniteIn } from "../ir/run/finite.ts";
import type { CalibrationStatistics } from "../ir/run/stats.ts";
import { hashTensor } from "../ir/tensor.ts";
import type { Calibration } from "../passes/pass.ts";
import type { ValueId } from "../ir/op/op.ts";
import { elementCount } from "../ir/type.ts";
import { prefixOf } from "../passes/graph.ts";
import { diagnose } from "./diagnostics.ts";
import { Recorder, usualRecordingBytes } from "./calibration/recorder.ts";

export interface Running {
  readonly engine: Engine;
  readonly threads: number;
  /** Called if the engine has to take a slower path. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
  /**
   * A clock in milliseconds, from any start. It decides how much the engine is checked; no result depends
   * on it.
   */
  readonly now?: () => number;
  /**
   * Bytes of spikes to keep while passes look at one layer after the other; 1 GiB unless given. No result
   * depends on it.
   */
  readonly recordingBytes?: number;
  /** Called after each sample of each run. */
  readonly onProgress?: (label: string, done: number, total: number) => void;
}

/** Loads a module as `running` says. */
export function loadOn(running: Running, module: Module): Promise<Executable> {
  const { engine, threads, onDiagnostic } = running;
  return engine.load(module, { threads, ...(onDiagnostic === undefined ? {} : { onDiagnostic }) });
}

/**
 * Gives passes access to `samples`. Measurements are kept as long as their module lives, so several
 * conversions of one network share them. Fails with a `DiagnosticError` if there are no samples, or if
 * values of the network are not finite on them.
 */
export function calibrationOn(samples: SampleSource, running: Running): Calibration {
  const kept = new WeakMap<Module, Map<string, Promise<CalibrationStatistics>>>();
  const recorder = new Recorder(running.recordingBytes ?? usualRecordingBytes);
  let ordered: SampleSource | null = null;
  const { engine } = running;
  return {
    loops: () => engine.loops?.() ?? Promise.resolve(null),
    measure(module, observe, timesteps) {
      if (samples.count === 0) return noSamples();
      const known = kept.get(module) ?? new Map<string, Promise<CalibrationStatistics>>();
      kept.set(module, known);
      const key = JSON.stringify([observe, timesteps]);
      const before = known.get(key);
      if (before !== undefined) return before;
      const measured = measure(module, observe, timesteps, samples, running);
      // A failure may be passing (memory): the next one to ask tries again.
      measured.catch(() => known.delete(key));
      known.set(key, measured);
      return measured;
    },
    async watch(module, probes, options, onSample) {
      if (samples.count === 0) return noSamples();
      const { timesteps, samples: most = Infinity, first = 0, elements } = options;
      const counts = options.count ?? false;
      ordered ??= byContent(samples);
      const all = ordered;
      const count = Math.max(0, Math.min(most, all.count - first));
      const isWhole = counts || probes.length === 0;
      const asked = probes.map(({ value }) => value);
      const executable = await loadOn(running, isWhole ? module : prefixOf(module, asked));
      const { recordable = new Set<ValueId>() } = executable;
      const look = { module, probes, timesteps, first, count };
      const parts = recorder.partsOf({ ...look, recordable: isWhole ? new Set() : recordable });
      try {
        for (const part of parts) {
          await executable.run(
            { count: part.count, get: (index) => all.get(part.first + index) },
            {
              timesteps,
              probes,
              countOperations: counts,
              outputs: false,
              ...(elements === undefined
                ? {}
                : {
                    elements: (index: number, probe: number) => elements(part.first + index, probe),
                  }),
              record: part.record,
              resume: {
                values: part.given,
                recordingsOf: (index) => part.recordingsOf(part.first + index),
              },
              onProgress: (done) =>
                running.onProgress?.("calibrating", part.first - first + done, count),
            },
            ({ index, probes: kept, bits, recordings, notFinite }) => {
              const at = part.first + index;
              part.done(at, recordings);
              checkKept(module, probes, notFinite ?? kept.map((x) => notFiniteIn(x, 0, x.length)));
              const isPicked = elements === undefined || notFinite !== undefined;
              const shown = isPicked
                ? kept
                : picked(module, probes, kept, (probe) => elements(at, probe));
              const each = counts ? executable.neurons : [];
              onSample(shown, at, new Map(each.map((value, i) => [value, bits[i] ?? 0])));
            },
          );
        }
      } finally {
        await executable.close();
      }
    },
  };
}

/** Statistics of no values are zeros, which thresholds must not be chosen from. */
async function noSamples(): Promise<never> {
  return fail(diagnose("calibration-empty", null, {}));
}

async function measure(
  module: Module,
  observe: readonly Observation[],
  timesteps: number,
  samples: SampleSource,
  running: Running,
): Promise<CalibrationStatistics> {
  const executable = await loadOn(running, module);
  try {
    const statistics = await executable.run(samples, {
      timesteps,
      observe,
      countOperations: false,
      onProgress: (done, total) => running.onProgress?.("calibrating", done, total),
    });
    checkFinite(module, statistics);
    return statistics;
  } finally {
    await executable.close();
  }
}

/** Fails at the first value looked at, of one sample, that is not finite: nothing can be fitted to it. */
function checkKept(module: Module, probes: readonly Probe[], notFinite: readonly number[]): void {
  for (const [i, { value, keep }] of probes.entries()) {
    const count = notFinite[i] ?? 0;
    // A neuron that is never to fire again has a potential of −∞.
    if (keep === "state" || count === 0) continue;
    const { loc } = producerOf(module, value);
    fail(diagnose("value-not-finite", loc, { name: shortName(loc), count, samples: 1 }));
  }
}

/** The elements that were asked for, of what an engine has kept whole. */
function picked(
  module: Module,
  probes: readonly Probe[],
  kept: readonly ProbeData[],
  elementsOf: (probe: number) => Int32Array,
): readonly ProbeData[] {
  return kept.map((data, i) => {
    const { type } = producerOf(module, known(probes[i], "a probe").value);
    const size = elementCount(type.shape);
    const elements = elementsOf(i);
    const count = elements.length;
    const some = data.slice(0, (data.length / size) * count);
    for (let k = 0; k < some.length; k++) {
      const step = Math.floor(k / count);
      some[k] = data[step * size + (elements[k - step * count] ?? 0)] ?? 0;
    }
    return some;
  });
}

/** The samples in the order of the hashes of what they hold. */
export function byContent(samples: SampleSource): SampleSource {
  const hashes = Array.from({ length: samples.count }, (_, index) =>
    samples.get(index).map(hashTensor).join(),
  );
  const order = [...hashes.keys()].sort((a, b) => {
    const [x = "", y = ""] = [hashes[a], hashes[b]];
    return x < y ? -1 : x > y ? 1 : a - b;
  });
  return { count: samples.count, get: (index) => samples.get(order[index] ?? index) };
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
