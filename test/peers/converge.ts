/**
 * Takes a small model the whole way (import, convert on a random calibration set, run) and says how
 * far the spiking network is from the model it came from.
 */
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { typedEngine } from "../../backends/typed/engine.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, SampleSource } from "../../ir/executable.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { type Conversion, convert } from "../../library/convert.ts";
import { pseudoRandom } from "../frontend/build-model.ts";
import { moduleOf } from "../frontend/run.ts";

export interface Trial {
  readonly timesteps?: number;
  readonly pipeline?: string;
  readonly samples?: number;
  /** What the model is fed, from numbers in 0 … 1. */
  readonly scale?: (x: number) => number;
  /**
   * Calibrate on the very samples that are measured on. What is left of the error is then not the
   * choice of samples but the network's own, and must vanish with more timesteps.
   */
  readonly ownSamples?: boolean;
  /** The interpreter runs the networks, instead of the engine that users get. */
  readonly interpret?: boolean;
  readonly allowAnalogue?: boolean;
}

export interface Outcome {
  readonly conversion: Conversion;
  /** ‖y_snn − y_ann‖ / ‖y_ann‖ over all outputs of all samples, after the last timestep. */
  readonly relativeError: number;
  /** The same after each timestep. */
  readonly errors: readonly number[];
}

/** Samples of uniform random numbers; another `name`, another set. */
function randomSamples(
  module: Module,
  count: number,
  name: string,
  scale: (x: number) => number = (x) => x,
): SampleSource {
  return {
    count,
    get: (index) =>
      inputsOf(module).map(({ attrs, type }) => {
        const values = pseudoRandom(elementCount(type.shape), `${name} ${attrs.name} ${index}`);
        return tensorOf(
          type.dtype,
          type.shape,
          values.map((x) => scale(x + 0.5)),
        );
      }),
  };
}

/** Converts a serialised model and runs both networks on samples of their own. */
export async function converge(bytes: Uint8Array, trial: Trial = {}): Promise<Outcome> {
  const { timesteps = 256, samples = 4, scale } = trial;
  const engine = trial.interpret === true ? interpretEngine : typedEngine;
  const running = { engine, threads: 1 };
  const module = moduleOf(bytes);
  const conversion = await convert(
    module,
    trial.ownSamples === true
      ? randomSamples(module, samples, "test", scale)
      : randomSamples(module, 64, "calibration", scale),
    running,
    {
      timesteps,
      pipeline: trial.pipeline ?? "default",
      seed: 0,
      ...(trial.allowAnalogue === undefined ? {} : { allowAnalogue: trial.allowAnalogue }),
    },
  );
  const test = randomSamples(module, samples, "test", scale);
  const [ann] = await outputs(module, test, 1, engine);
  const steps = await outputs(conversion.module, test, timesteps, engine);
  const errors = steps.map((now) => distance(now, known(ann, "the model's outputs")));
  return { conversion, errors, relativeError: errors.at(-1) ?? NaN };
}

/** After each timestep, all outputs of all samples in a row. */
async function outputs(
  module: Module,
  samples: SampleSource,
  timesteps: number,
  engine: Engine,
): Promise<number[][]> {
  const executable = await engine.load(module, { threads: 1 });
  const rows = Array.from({ length: timesteps }, (): number[] => []);
  await executable.run(samples, { timesteps }, (result) => {
    for (const output of result.outputs) {
      const size = output.length / timesteps;
      rows.forEach((row, t) => row.push(...output.subarray(t * size, (t + 1) * size)));
    }
  });
  await executable.close();
  return rows;
}

function distance(found: readonly number[], wanted: readonly number[]): number {
  let error = 0;
  let power = 0;
  wanted.forEach((y, i) => {
    error += ((found[i] ?? NaN) - y) ** 2;
    power += y ** 2;
  });
  return Math.sqrt(error / power);
}
