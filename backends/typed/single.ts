/**
 * The typed-array engine: the interpreter's meaning at a usable speed. Runs anywhere JavaScript
 * does, a browser included; threads come from a pool that is handed in, as only Node has this one.
 * Samples are dealt to workers in small groups; results are put back in order and statistics merge
 * exactly, so neither grouping nor thread count shows in any byte.
 */
import { requireSafeTimesteps } from "../../ir/analysis/bounds.ts";
import type {
  Engine,
  Executable,
  RunOptions,
  SampleResult,
  SampleSource,
} from "../../ir/executable.ts";
import { addStatisticsData } from "../../ir/run/observe.ts";
import type { Module } from "../../ir/module.ts";
import type { CalibrationStatistics } from "../../ir/run/stats.ts";
import { type RunTask, createRunner } from "./execute.ts";
import { type PackedWeights, createPacking } from "./packing.ts";
import { type ExecutionPlan, compilePlan } from "./plan.ts";
import type { WorkerPool } from "./workers.ts";

/** Samples a worker takes at a time: enough to hide the message, few enough to share the end. */
const groupSize = 4;

/** Starts worker threads that each hold the module. */
export type CreatePool = (module: Module, threads: number, weights: PackedWeights) => WorkerPool;

/** The engine on threads of this kind; on the caller's own thread where there is none. */
export function createTypedEngine(createPool: CreatePool | null): Engine {
  return {
    name: "typed",
    load(module, { threads }) {
      return Promise.resolve(
        createExecutable(module, Math.max(1, Math.floor(threads)), createPool),
      );
    },
  };
}

/** The engine on the caller's own thread, whatever number of threads is asked for. */
export const singleThreadEngine = createTypedEngine(null);

function createExecutable(
  module: Module,
  threads: number,
  createPool: CreatePool | null,
): Executable {
  const packing = createPacking(new Map(), createPool !== null && threads > 1);
  const plan = compilePlan(module, packing);
  let pool: WorkerPool | null = null;
  return {
    module,
    neurons: plan.neurons.map((step) => step.op.result),
    async run(samples, options, onSample) {
      requireSafeTimesteps(module, options.timesteps);
      const job: RunTask = {
        timesteps: options.timesteps,
        probes: options.probes ?? [],
        observe: options.observe ?? [],
        countOperations: options.countOperations ?? true,
        outputs: options.outputs ?? true,
        earlyExit: options.earlyExit,
      };
      if (createPool === null || threads === 1 || samples.count <= groupSize) {
        return runHere(plan, job, samples, options, onSample);
      }
      pool ??= createPool(module, threads, packing.weights);
      return runInPool(plan, pool, job, samples, options, onSample);
    },
    async close() {
      await pool?.close();
      pool = null;
    },
  };
}

async function runHere(
  plan: ExecutionPlan,
  job: RunTask,
  samples: SampleSource,
  options: RunOptions,
  onSample: ((result: SampleResult) => void) | undefined,
): Promise<CalibrationStatistics> {
  const runner = createRunner(plan, job);
  for (let index = 0; index < samples.count; index++) {
    const inputs = samples.get(index).map((t) => t.data);
    // Apart: as an argument of `onSample?.(…)` it would not run where nobody listens.
    const result = runner.run(index, inputs);
    onSample?.(result);
    options.onProgress?.(index + 1, samples.count);
    // Lets a progress line be drawn and a signal be heard.
    if (index % groupSize === groupSize - 1) await nextTurn();
  }
  return runner.statistics();
}

/** The event loop's next turn. Browsers have no `setImmediate`, and wait a little longer. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if ("setImmediate" in globalThis) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}

async function runInPool(
  plan: ExecutionPlan,
  pool: WorkerPool,
  job: RunTask,
  samples: SampleSource,
  options: RunOptions,
  onSample: ((result: SampleResult) => void) | undefined,
): Promise<CalibrationStatistics> {
  let next = 0;
  let done = 0;
  let emitted = 0;
  const waiting = new Map<number, SampleResult>();
  const takeGroup = (): { index: number; inputs: SampleInputs }[] => {
    const group: { index: number; inputs: SampleInputs }[] = [];
    while (next < samples.count && group.length < groupSize) {
      group.push({ index: next, inputs: samples.get(next).map((t) => t.data) });
      next++;
    }
    return group;
  };
  const emit = (results: readonly SampleResult[]): void => {
    for (const result of results) waiting.set(result.index, result);
    done += results.length;
    options.onProgress?.(done, samples.count);
    for (let r = waiting.get(emitted); r !== undefined; r = waiting.get(emitted)) {
      waiting.delete(emitted++);
      onSample?.(r);
    }
  };
  let merged = createRunner(plan, job).statistics();
  await Promise.all(
    pool.workers.map(async (worker) => {
      await worker.start(job);
      for (let group = takeGroup(); group.length > 0; group = takeGroup()) {
        emit(await worker.run(group));
      }
      const statistics = await worker.finish();
      merged = addStatisticsData(merged, statistics);
    }),
  );
  return merged;
}

type SampleInputs = Parameters<WorkerPool["workers"][number]["run"]>[0][number]["inputs"];
