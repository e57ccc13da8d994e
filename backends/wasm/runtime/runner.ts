/** Runs samples on an instance, one after the other, and gathers what was asked for. */
import { arrivedIn } from "../../../ir/account/arrivals.ts";
import { LaterEvents, type Met, addMet } from "../../../ir/account/later.ts";
import { neuronsOf } from "../../../ir/op/known.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "../../../ir/run/early-exit.ts";
import {
  type Activity,
  type Observation,
  type Probe,
  type Recording,
  type SampleResult,
  activityKinds,
  addTimestep,
  keptBy,
  noActivity,
} from "../../../ir/executable.ts";
import { type Module } from "../../../ir/module.ts";
import { StatisticsGatherer } from "../../../ir/run/observe.ts";
import { type ValueId } from "../../../ir/op/op.ts";
import type { CalibrationStatistics } from "../../../ir/run/stats.ts";
import type { TensorData } from "../../../ir/tensor.ts";
import { type Shape, type Type, elementCount } from "../../../ir/type.ts";
import type { Instance } from "./instance.ts";
import { notFiniteIn } from "../../../ir/run/finite.ts";
import type { Average, EventRows, Program, SpikesAt } from "../program.ts";
import { laidOut, recordingFor } from "./recordings.ts";

/** One sample and its number. Parts other than the first are given no inputs. */
export interface Sample {
  readonly index: number;
  readonly inputs: readonly TensorData[];
  /** What is given of it besides; see `RunTask.given`. */
  readonly given: readonly Recording[];
  /** The elements to keep of the value of each probe; null for all. */
  readonly elements: readonly Int32Array[] | null;
}

/** What a thread needs to know of a run; plain data. */
export interface RunTask {
  /** 1 for a module of code "none". */
  readonly timesteps: number;
  readonly probes: readonly Probe[];
  readonly observe: readonly Observation[];
  readonly earlyExit: EarlyExit | null;
  /** Whether the values of outputs are read. */
  readonly outputs: boolean;
  /** Values to record. */
  readonly record: readonly ValueId[];
  /** Values that come with each sample, as they were recorded. */
  readonly given: readonly ValueId[];
}

export interface Runner {
  run(sample: Sample): SampleResult;
  statistics(): CalibrationStatistics;
}

/** Prepares to run samples for `job`, which the instance's program was compiled for. */
export function createRunner(module: Module, instance: Instance, job: RunTask): Runner {
  const { program } = instance;
  const { timesteps, probes, observe } = job;
  const earlyExit = job.earlyExit ?? undefined;
  const types = new Map(module.ops.map((op) => [op.result, op.type]));
  const typeOf = (value: ValueId): Type => known(types.get(value), `value %${value}`);
  const sizeOf = (value: ValueId): number => elementCount(typeOf(value).shape);
  const gatherer = new StatisticsGatherer(observe, (value) => typeOf(value).shape);
  const averageOf = (value: ValueId): Average =>
    known(program.averages.get(value), `the sums of %${value}`);
  /** Room for the means that are needed whole: those observed, and such as have to be divided. */
  const means = new Map(
    [...program.averages].flatMap(([value, { at, summed }]) => {
      if (!summed && !observe.some((each) => each.value === value)) return [];
      const size = sizeOf(value);
      const isFloat = !summed && at.element === "f32";
      return [[value, isFloat ? new Float32Array(size) : new Float64Array(size)] as const];
    }),
  );
  const neurons = neuronsOf(module).length;
  const counts = new Float64Array((program.counts?.rows.count ?? 0) * program.steps);
  const outputs = program.outputs.map(({ value, at }) => ({ at, size: sizeOf(value) }));
  const traced = probes.flatMap(({ value, keep }, i) => {
    if (keep === "mean") return [];
    const at = (keep === "state" ? program.traces : program.kept).get(value);
    return [{ i, at: known(at, `where %${value} is kept`), size: sizeOf(value) }];
  });

  const spikesIn = (places: Program["given"], values: readonly ValueId[]): readonly Spikes[] =>
    values.map((value) => ({
      at: known(places.get(value), `the spikes of %${value}`),
      shape: typeOf(value).shape,
    }));
  const recorded = spikesIn(program.recorded, job.record);
  const resumed = spikesIn(program.given, job.given);

  const later = new LaterEvents();

  /** What the chunk's first `steps` timesteps counted, added to what was before. */
  const addCounts = (
    result: CountedRun,
    inputs: readonly TensorData[],
    elapsed: number,
    steps: number,
  ): void => {
    if (program.counts === null) return;
    const { at, rows } = program.counts;
    instance.read(at, 0, counts);
    const { activity } = result;
    if (elapsed === 0) later.clear();
    for (let step = 0; step < steps; step++) {
      const rowAt = (row: number): number => counts[row * program.steps + step] ?? 0;
      const sent = { spikes: 0, bits: 0 };
      let neuron = 0;
      for (const [value, row] of rows.spikes) {
        const spikes = rowAt(row);
        const bits = rowAt(rows.bits.get(value) ?? row);
        result.spikes[neuron] = (result.spikes[neuron] ?? 0) + spikes;
        result.bits[neuron] = (result.bits[neuron] ?? 0) + bits;
        neuron++;
        sent.spikes += spikes;
        sent.bits += bits;
      }
      const t = elapsed + step;
      for (const [delay, each] of rows.events.entries()) {
        addMet(later.at(t + delay), eventsIn(each, rowAt));
      }
      for (const { input, delay, fanOut } of program.arrivals) {
        const from = t * fanOut.length;
        const arrived = arrivedIn({ fanOut }, known(inputs[input], "an input"), from);
        addMet(later.at(t + delay), arrived);
      }
      addTimestep(activity, t, { ...sent, ...later.take(t) });
    }
  };

  const readMeans = (taken: number): void => {
    for (const [value, mean] of means) {
      const { at, summed } = averageOf(value);
      instance.read(at, 0, mean);
      if (!summed) continue;
      for (let k = 0; k < mean.length; k++) mean[k] = (mean[k] ?? 0) / taken;
    }
  };

  return {
    statistics: () => gatherer.finish(),
    run({ index, inputs, given, elements }) {
      const notFinite = probes.map(() => 0);
      const recordings = recorded.map(({ at, shape }) => recordingFor(at, shape, timesteps));
      const result = {
        index,
        timestepsTaken: timesteps,
        outputs: outputs.map(({ size }) => new Float32Array(timesteps * size)),
        spikes: new Float64Array(neurons),
        bits: new Float64Array(neurons),
        activity: noActivity(timesteps),
        probes: probes.map((probe, i) => {
          const type = typeOf(probe.value);
          const shape = elements === null ? type.shape : [elementsOf(elements, i).length];
          return keptBy(probe, { type: { ...type, shape } }, timesteps);
        }),
        ...(elements === null ? {} : { notFinite }),
        ...(recorded.length === 0 ? {} : { recordings }),
      };
      const restored = resumed.map(({ at, shape }, i) => {
        const from = known(given[i], "a recording");
        return { at, from: at.kind === "masks" ? laidOut(from, at, shape, timesteps) : from };
      });
      instance.give(inputs);
      instance.sync();
      instance.begin();
      let taken = 0;
      for (;;) {
        const steps = Math.min(program.steps, timesteps - taken);
        const stretch = { elapsed: taken, steps, timesteps };
        instance.giveFrames(inputs, taken);
        for (const { at, from } of restored) instance.restore(at, from, stretch);
        instance.sync();
        instance.advance(taken);
        instance.sync();
        recorded.forEach(({ at }, i) => {
          instance.save(at, known(recordings[i], "a recording"), stretch);
        });
        addCounts(result, inputs, taken, steps);
        for (let step = 0; step < steps; step++) {
          outputs.forEach(({ at, size }, i) => {
            instance.read(at, step, known(result.outputs[i], "an output"), (taken + step) * size);
          });
          for (const { i, at, size } of traced) {
            const kept = known(result.probes[i], "a probe");
            if (elements === null) instance.read(at, step, kept, (taken + step) * size);
            else {
              const chosen = elementsOf(elements, i);
              instance.pick(at, step, chosen, kept, (taken + step) * chosen.length);
              notFinite[i] = (notFinite[i] ?? 0) + instance.countNotFinite(at, step);
            }
          }
        }
        taken += steps;
        if (taken >= timesteps) break;
        // Chunks end where a run may: compile options see to it.
        const [first] = result.outputs;
        const size = outputs[0]?.size ?? 0;
        const ended =
          first !== undefined && endsEarly(earlyExit, taken, first, (taken - 1) * size, size);
        instance.tellEnd(ended);
        instance.sync();
        if (ended) break;
      }
      if (taken < timesteps) endAt(result, taken, timesteps);
      readMeans(taken);
      probes.forEach(({ value, keep }, i) => {
        if (keep !== "mean") return;
        const kept = known(result.probes[i], "a probe");
        const { at, summed } = averageOf(value);
        if (!summed) {
          if (elements === null) instance.read(at, 0, kept);
          else {
            instance.pick(at, 0, elementsOf(elements, i), kept, 0);
            notFinite[i] = instance.countNotFinite(at, 0);
          }
          return;
        }
        const mean = known(means.get(value), "a mean");
        if (elements === null) kept.set(mean);
        else {
          const chosen = elementsOf(elements, i);
          for (let k = 0; k < kept.length; k++) kept[k] = mean[chosen[k] ?? 0] ?? 0;
          notFinite[i] = notFiniteIn(mean, 0, mean.length);
        }
      });
      gatherer.add((value) => known(means.get(value), "an observed mean"));
      return result;
    },
  };
}

function elementsOf(elements: readonly Int32Array[], probe: number): Int32Array {
  return known(elements[probe], "the elements of a probe");
}

interface Spikes {
  readonly at: SpikesAt;
  readonly shape: Shape;
}

/** Does an instance's part of a sample that another part's runner runs. */
export function follow(instance: Instance, { timesteps }: RunTask): void {
  instance.sync();
  instance.begin();
  for (let taken = 0; ;) {
    instance.sync();
    instance.advance(taken);
    instance.sync();
    taken += instance.program.steps;
    if (taken >= timesteps) return;
    instance.sync();
    if (instance.isTold()) return;
  }
}

/** Events of a timestep, from the rows of one delay. */
function eventsIn(rows: EventRows, rowAt: (row: number) => number): Met {
  const [plain, digits] = [rowAt(rows.plain), rowAt(rows.digits)];
  return {
    events: plain + digits + rowAt(rows.words),
    plainEvents: plain,
    eventBits: plain + digits + rowAt(rows.wordBits),
  };
}

interface CountedRun {
  readonly spikes: Float64Array;
  readonly bits: Float64Array;
  readonly activity: Activity;
}

function endAt(
  result: CountedRun & { timestepsTaken: number; readonly outputs: readonly Float32Array[] },
  taken: number,
  timesteps: number,
): void {
  result.timestepsTaken = taken;
  for (const output of result.outputs) repeatLast(output, taken, timesteps);
  for (const kind of activityKinds) repeatLast(result.activity[kind], taken, timesteps);
}
