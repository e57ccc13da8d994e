/** Runs samples through a plan, one after the other, and gathers what was asked for. */
import { invariant, known } from "../../ir/diagnostic.ts";
import { type EarlyExit, endsEarly, repeatLast } from "../../ir/early-exit.ts";
import { type Observation, type Probe, type SampleResult, keptBy } from "../../ir/executable.ts";
import { StatisticsGatherer } from "../../ir/observe.ts";
import { answersOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op.ts";
import type { Potentials } from "../../ir/semantics/spiking.ts";
import type { CalibrationStatistics } from "../../ir/stats.ts";
import type { TensorData } from "../../ir/tensor.ts";
import type { Type } from "../../ir/type.ts";
import type { Plan } from "./plan.ts";

/** What a worker needs to know of a run; plain data. */
export interface Job {
  readonly timesteps: number;
  readonly probes: readonly Probe[];
  readonly observe: readonly Observation[];
  readonly earlyExit?: EarlyExit | undefined;
}

/** A plan made ready for one job. */
export interface Runner {
  run(index: number, inputs: readonly TensorData[]): SampleResult;
  statistics(): CalibrationStatistics;
}

/** Prepares to run samples for `job`. Values over time are summed in double precision. */
export function createRunner(plan: Plan, job: Job): Runner {
  const { module, counters } = plan;
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
  const varying = plan.steps.filter((step) => step.timeVarying);

  return {
    statistics: () => gatherer.finish(),
    run(index, inputs) {
      plan.inputs.forEach((buffer, i) => {
        const given = known(inputs[i], `input ${i}`);
        invariant(given.length === buffer.length, `input ${i} has ${given.length} elements`);
        buffer.set(given);
      });
      for (const step of plan.steps) step.reset();
      for (const sum of averaged.values()) sum.fill(0);
      counters.analogueOperations = 0;
      counters.synapticOperations = 0;

      const outputs = module.outputs.map(
        (o) => new Float32Array(timesteps * bufferOf(o.value).length),
      );
      const spikes = new Float64Array(plan.neurons.length);
      const spikesByStep = new Float64Array(timesteps);
      const synapticOperationsByStep = new Float64Array(timesteps);
      const probes = job.probes.map((probe) =>
        keptBy(probe, { type: typeAt(probe.value) }, timesteps),
      );
      let total = 0;
      let analogueOperations = 0;
      let timestepsTaken = timesteps;
      for (let t = 0; t < timestepsTaken; t++) {
        for (const step of t === 0 ? plan.steps : varying) step.run();
        // What works on read-outs runs at every timestep, but only the last one is the answer.
        if (t === 0) analogueOperations = counters.analogueOperations;
        plan.neurons.forEach((neuron, i) => {
          const count = neuron.spikeCount();
          spikes[i] = (spikes[i] ?? 0) + count;
          total += count;
        });
        spikesByStep[t] = total;
        synapticOperationsByStep[t] = counters.synapticOperations;
        module.outputs.forEach((o, i) => {
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
      for (const perStep of [...outputs, spikesByStep, synapticOperationsByStep]) {
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
        spikesByStep,
        synapticOperationsByStep,
        analogueOperations,
        probes,
      };
    },
  };
}

function membraneOf(plan: Plan, value: ValueId): Potentials {
  const neuron = plan.neurons.find((step) => step.op.result === value);
  return known(neuron, `a neuron op %${value}`).membranePotential;
}
