/**
 * The WebAssembly engine: compiles a module to SIMD code for each kind of run that is asked of it,
 * and keeps it. Runs anywhere WebAssembly does, a browser included; threads come from a team that
 * is handed in. Threads take groups of samples or share each sample; neither shows in any byte.
 */
import { neuronsOf } from "../../../ir/op/known.ts";
import { requireSafeTimesteps } from "../../../ir/analysis/bounds.ts";
import type {
  Engine,
  Executable,
  LoadOptions,
  MemoryUse,
  RunOptions,
  SampleResult,
  SampleSource,
} from "../../../ir/executable.ts";
import { type Module, producerOf } from "../../../ir/module.ts";
import { StatisticsGatherer, addStatisticsData } from "../../../ir/run/observe.ts";
import { type ValueId } from "../../../ir/op/op.ts";
import type { CalibrationStatistics } from "../../../ir/run/stats.ts";
import type { Shape } from "../../../ir/type.ts";
import { singleThreadEngine } from "../../typed/single.ts";
import { preloadAssembler } from "../assembler/assembler.ts";
import {
  type RunRequest,
  dealSamples,
  dealTiles,
  groupSize,
  nextTurn,
  sampleAt,
} from "./dealing.ts";
import { diagnose } from "../diagnostics.ts";
import { fitLoops } from "../loops/loops.ts";
import { ExtremeSamples, isExtreme } from "./extremes.ts";
import { Instance } from "./instance.ts";
import { type Prepared, prepare } from "../prepare.ts";
import type { Program } from "../program.ts";
import { type Form, compileOptionsOf, longestChunk, recordableOf, runTaskOf } from "../request.ts";
import { createRunner } from "./runner.ts";
import { type Support, supportHere } from "./support.ts";
import type { CreateTeam, Remote } from "./team.ts";
import { Threads } from "./threads.ts";

/** What surrounds the engine. */
export interface EngineHost {
  /** Null where there are no threads but the caller's own. */
  readonly createTeam: CreateTeam | null;
  /** What runs networks where WebAssembly cannot. */
  readonly fallback: Engine;
  /** What the place gives; looked up at each load unless given. */
  readonly support?: Support;
  /** Connections times timesteps below which a sample is not worth sharing between threads. */
  readonly leastShared?: number;
}

/** Some tenths of a millisecond: about what it takes to tell other threads and to hear of them. */
const usualLeastShared = 4e6;

/** The engine on threads of this kind. */
export function createWasmEngine(surroundings: EngineHost): Engine {
  const { createTeam, fallback, support, leastShared = usualLeastShared } = surroundings;
  return {
    name: "wasm",
    warmUp: preloadAssembler,
    loops() {
      const { missing } = support ?? supportHere();
      return missing === null ? fitLoops() : Promise.resolve(null);
    },
    load(module, options) {
      const { missing, sharedMemory, relaxed } = support ?? supportHere();
      if (missing !== null) {
        options.onDiagnostic?.(diagnose("webassembly-unavailable", null, { missing }));
        return fallback.load(module, options);
      }
      const count = Math.floor(options.threads);
      const wanted = createTeam !== null && count > 1;
      if (wanted && !sharedMemory) {
        options.onDiagnostic?.(diagnose("no-shared-memory", null, { threads: count }));
      }
      const threads =
        wanted && sharedMemory ? new Threads(count, createTeam, options.onDiagnostic) : null;
      return Promise.resolve(
        new WasmExecutable(module, { threads, leastShared, relaxed }, options),
      );
    },
  };
}

/** The engine on the caller's own thread, whatever number of threads is asked for. */
export const singleThreadWasmEngine = createWasmEngine({
  createTeam: null,
  fallback: singleThreadEngine,
});

/** A program, and the threads that have it open. */
interface Ready {
  readonly prepared: Prepared;
  /** On the caller's thread; made when first needed. */
  instance: Instance | null;
  /** Null until threads are first needed; of null where there are none to be had. */
  remotes: Promise<readonly Remote[] | null> | null;
}

/** What a network is run with. */
interface Means {
  readonly threads: Threads | null;
  readonly leastShared: number;
  /** Whether programs may have instructions of relaxed SIMD. */
  readonly relaxed: boolean;
}

class WasmExecutable implements Executable {
  readonly module: Module;
  readonly neurons: Executable["neurons"];
  readonly recordable: ReadonlySet<ValueId>;
  /** Null where there is the caller's own thread only. */
  private readonly threads: Threads | null;
  private readonly leastShared: number;
  private readonly relaxed: boolean;
  private readonly options: LoadOptions;
  private readonly programs = new Map<string, Promise<Ready>>();
  private lastUse: MemoryUse | null = null;

  constructor(module: Module, means: Means, options: LoadOptions) {
    const { threads, leastShared, relaxed } = means;
    this.module = module;
    this.relaxed = relaxed;
    this.neurons = neuronsOf(module).map(({ result }) => result);
    this.recordable = recordableOf(module);
    this.threads = threads;
    this.leastShared = leastShared;
    this.options = options;
  }

  async run(
    samples: SampleSource,
    options: RunOptions,
    onSample?: (result: SampleResult) => void,
  ): Promise<CalibrationStatistics> {
    requireSafeTimesteps(this.module, options.timesteps);
    const ready = await this.programFor(options, samples.count > 1);
    const job = runTaskOf(this.module, options);
    const run: RunRequest = {
      samples,
      options,
      onSample,
      job,
      extremes: new ExtremeSamples(this.module, job),
    };
    const { program, arenas } = ready.prepared;
    this.lastUse = {
      weightsBytes: program.constantBytes,
      arenaBytes: program.arenaBytes,
      threads: arenas,
    };
    const alone =
      program.sync === null
        ? Math.min(arenas, samples.count) <= 1
        : program.connections * run.job.timesteps < this.leastShared;
    const { threads } = this;
    if (threads === null || alone) return this.runHere(ready, run);
    ready.remotes ??= threads.open(this.module, ready.prepared);
    const remotes = await ready.remotes;
    return remotes === null ? this.runHere(ready, run) : this.runOn(remotes, program, threads, run);
  }

  memory(): MemoryUse | null {
    return this.lastUse;
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.programs.values());
    this.programs.clear();
    for (const each of all) {
      if (each.status === "rejected") continue;
      const remotes = (await each.value.remotes?.catch(() => null)) ?? [];
      await Promise.all(remotes.map((remote) => remote.close()));
    }
    await this.threads?.release();
  }

  private programFor(options: RunOptions, several: boolean): Promise<Ready> {
    const most = this.threads?.count ?? 1;
    const tiles = this.options.split === "tiles" ? most : 1;
    const threads = tiles > 1 || several ? most : 1;
    const form: Form = { shared: threads > 1, tiles, longestChunk, relaxed: this.relaxed };
    const key = JSON.stringify(compileOptionsOf(this.module, options, form));
    const before = this.programs.get(key);
    if (before !== undefined) return before;
    const { onDiagnostic } = this.options;
    const made = prepare(this.module, options, form, threads, onDiagnostic).then((prepared) => ({
      prepared,
      instance: null,
      remotes: null,
    }));
    // A failure may be passing (memory): the next one to ask tries again.
    made.catch(() => this.programs.delete(key));
    this.programs.set(key, made);
    return made;
  }

  private async runHere(ready: Ready, run: RunRequest): Promise<CalibrationStatistics> {
    const { program, compiled, memory } = ready.prepared;
    const { samples, options, job, extremes } = run;
    ready.instance ??= new Instance(program, compiled, memory, { arena: 0, part: 0, parts: 1 });
    const runner = createRunner(this.module, ready.instance, job);
    const group = groupSize(program.connections * job.timesteps);
    for (let index = 0; index < samples.count; index++) {
      const sample = sampleAt(run, index);
      // Apart: as an argument of `onSample?.(…)` it would not run where nobody listens.
      const result = isExtreme(sample) ? extremes.run(sample) : runner.run(sample);
      run.onSample?.(result);
      options.onProgress?.(index + 1, samples.count);
      // Lets a progress line be drawn and a signal be heard.
      if (index % group === group - 1) await nextTurn();
    }
    return extremes.statistics().reduce(addStatisticsData, runner.statistics());
  }

  private async runOn(
    remotes: readonly Remote[],
    program: Program,
    threads: Threads,
    run: RunRequest,
  ): Promise<CalibrationStatistics> {
    const work = program.connections * run.job.timesteps;
    const shapeOf = (value: ValueId): Shape => producerOf(this.module, value).type.shape;
    const none = new StatisticsGatherer(run.job.observe, shapeOf).finish();
    try {
      const deal = program.sync === null ? dealSamples : dealTiles;
      const statistics = await deal(remotes, run, work);
      return [...statistics, ...run.extremes.statistics()].reduce(addStatisticsData, none);
    } catch (error) {
      // A thread may wait for one that failed: none of them can be asked again.
      this.programs.clear();
      await threads.release();
      throw error;
    }
  }
}
