/** Gives passes their one look at the network running: an engine, a calibration set, statistics. */
import type { Engine, SampleSource } from "../ir/executable.ts";
import type { PassContext } from "../passes/pass.ts";

export interface Running {
  readonly engine: Engine;
  readonly threads: number;
  /** Told of each finished sample of each run. */
  readonly onProgress?: (label: string, done: number, total: number) => void;
}

/** A pass context's `measure` over `samples`. */
export function measureOn(
  samples: SampleSource,
  running: Running,
): PassContext<unknown>["measure"] {
  return async (module, observe, timesteps) => {
    const executable = await running.engine.load(module, { threads: running.threads });
    try {
      return await executable.run(samples, {
        timesteps,
        observe,
        onProgress: (done, total) => running.onProgress?.("calibrating", done, total),
      });
    } finally {
      await executable.close();
    }
  };
}
