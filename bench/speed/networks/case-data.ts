/** The samples of a case: those to calibrate on, and those to measure accuracy on. */
import { availableParallelism } from "node:os";
import { loadData } from "../../../cli/options/data.ts";
import type { Data } from "../../../library/data.ts";
import type { Running } from "../../../library/measure.ts";
import type { Bench } from "../context.ts";
import { loadEngine } from "../engines.ts";
import { type Prepared, dataOptions } from "../prepare.ts";

export interface CaseData {
  /** On all cores: nothing is being timed yet. */
  readonly running: Running;
  readonly calibration: Data;
  readonly test: Data;
}

export async function loadCaseData(
  { one, clean }: Pick<Prepared, "one" | "clean">,
  { settings, context, status }: Bench,
): Promise<CaseData> {
  const running: Running = {
    engine: await loadEngine(settings.engine),
    threads: availableParallelism(),
    onProgress: (label, done, total) => status(`${one.name}: ${label}, ${done} of ${total}`),
  };
  const calibration = await loadData(
    one.calibration,
    clean,
    { ...dataOptions(one), draw: { count: settings.calibrationSamples, seed: settings.seed } },
    context,
    false,
  );
  const test = await loadData(
    one.test,
    clean,
    { ...dataOptions(one), limit: settings.accuracySamples },
    context,
    true,
  );
  return { running, calibration, test };
}

/** Made on first use, and then kept. */
export function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
