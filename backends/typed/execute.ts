/** Runs samples through a plan, one after the other, and gathers what was asked for. */
import { invariant, known } from "../../ir/diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "../../ir/run/early-exit.ts";
import {
  type Observation,
  type Probe,
  type SampleResult,
  activityKinds,
  keptBy,
  noActivity,
} from "../../ir/executable.ts";
import { putFrame, requireFrames } from "../../ir/run/frames.ts";
import { StatisticsGatherer } from "../../ir/run/observe.ts";
import { answersOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { Potentials } from "../../ir/semantics/spiking.ts";
import type { CalibrationStatistics } from "../../ir/run/stats.ts";
import type { TensorData } from "../../ir/tensor.ts";
import type { Type } from "../../ir/type.ts";
import type { ExecutionPlan } from "./plan.ts";

/** What a worker needs to know of a run; plain data. */
export interface RunTask {
  readonly timesteps: number;
  readonly probes: readonly Probe[];
  readonly observe: readonly Observation[];
  readonly countOperations: boolean;
  readonly outputs: boolean;
  readonly earlyExit?: EarlyExit | undefined;
}

/** A plan made ready for one job. */
export interface Runner {
  run(index: number, inputs: readonly TensorData[]): SampleResult;
  statistics(): CalibrationStatistics;
}

/** Prepares to run samples for `job`. Values over time are summed in double precision. */
export function createRunner(plan: ExecutionPlan, job: RunTask): Runner {
  const { module, counter } = plan;
  const timesteps = answersOf(module, job.timesteps);
  const bufferOf = (value: ValueId): TensorData =>
    known(plan.buffers.get(value), `value %${value}`);
  const typeOf = new Map(module.ops.map((op) => [op.result, op.type]));
  const typeAt = (value: ValueId): Type => known(typeOf.get(value), `value %${value}`);
  const gatherer = new StatisticsGatherer(job.observe, (value) => typeAt(value).shape);
  const averaged = new Map<ValueId, Float64Array>();
  for (const { value } of job.observe)
    averaged.set(value, new Float64Array(bufferOf(value).length));
  for (const { value, keep } of job.probes) {
    if (keep === "mean") averaged.set(value, new Float64Array(bufferOf(value).length));
  }
  const wanted = job.outputs ? module.outputs : [];
  const varying = plan.steps.filter((step) => step.timeVarying);

  return {
    statistics: () => gatherer.finish(),
    run(index, inputs) {
      plan.inputs.forEach(({ data, overTime, name }, i) => {
        const given = known(inputs[i], `input ${i}`);
        if (overTime) requireFrames(given, data.length, name);
        else {
          invariant(given.length === data.length, `input ${i} has ${given.length} elements`);
          data.set(given);
        }
      });
      for (const step of plan.steps) step.reset();
      for (const sum of averaged.values()) sum.fill(0);

      const outputs = wanted.map((o) => new Float32Array(timesteps * bufferOf(o.value).length));
      const spikes = new Float64Array(plan.neurons.length);
      const bits = new Float64Array(plan.neurons.length);
      const activity = noActivity(timesteps);
      const probes = job.probes.map((probe) =>
        keptBy(probe, { type: typeAt(probe.value) }, timesteps),
      );
      let timestepsTaken = timesteps;
      for (let t = 0; t < timestepsTaken; t++) {
        plan.inputs.forEach(({ data, overTime }, i) => {
          if (overTime) putFrame(known(inputs[i], `input ${i}`), t, data);
        });
        for (const { kept, to, initial } of plan.carries) to.set(t === 0 ? initial : kept);
        for (const step of t === 0 ? plan.steps : varying) step.run();
        for (const { from, kept } of plan.carries) kept.set(from);
        if (job.countOperations) counter.count(t, activity, spikes, bits);
        wanted.forEach((o, i) => {
          const now = bufferOf(o.value);
          outputs[i]?.set(now, t * now.length);
        });
        for (const [value, sum] of averaged) {
          const now = bufferOf(value);
          for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] ?? 0) + (now[k] ?? 0);
        }
        job.probes.forEach(({ value, keep }, i) => {
          if (keep === "mean") return;
          const now = keep === "trace" ? bufferOf(value) : membraneOf(plan, value);
          probes[i]?.set(now, t * now.length);
        });
        const [first] = outputs;
        const size = (first?.length ?? 0) / timesteps;
        if (first !== undefined && endsEarly(job.earlyExit, t + 1, first, t * size, size)) {
          timestepsTaken = t + 1;
        }
      }
      for (const perStep of [...outputs, ...activityKinds.map((kind) => activity[kind])]) {
        repeatLast(perStep, timestepsTaken, timesteps);
      }
      for (const sum of averaged.values()) {
        for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] ?? 0) / timestepsTaken;
      }
      job.probes.forEach(({ value, keep }, i) => {
        if (keep === "mean") probes[i]?.set(known(averaged.get(value), "a probe's mean"));
      });
      gatherer.add((value) => known(averaged.get(value), "an observed mean"));
      return {
        index,
        timestepsTaken,
        outputs,
        spikes,
        bits,
        activity,
        probes,
      };
    },
  };
}

function membraneOf(plan: ExecutionPlan, value: ValueId): Potentials {
  const neuron = plan.neurons.find((step) => step.op.result === value);
  return known(neuron, `a neuron op %${value}`).neurons.membranePotential;
}
