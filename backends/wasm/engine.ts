/** The WebAssembly engine on the caller's thread. */
import type { Engine, RunOptions, SampleResult } from "../../ir/executable.ts";
import { StatisticsGatherer } from "../../ir/observe.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { opsOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op.ts";
import { elementCount } from "../../ir/type.ts";
import { type CompileOptions, compileProgram } from "./compile.ts";
import { Instance, createMemory } from "./instance.ts";
import type { TensorData } from "../../ir/tensor.ts";

/** Timesteps beyond which a run is cut into chunks. */
const longestChunk = 64;

export function compileOptionsOf(module: Module, options: RunOptions): CompileOptions {
  const timesteps = module.code === "none" ? 1 : options.timesteps;
  const probes = options.probes ?? [];
  const wanted = [
    ...(options.observe ?? []).map(({ value }) => value),
    ...probes.filter(({ keep }) => keep !== "state").map(({ value }) => value),
  ];
  return {
    steps: Math.min(timesteps, longestChunk),
    chunked: timesteps > longestChunk,
    keep: [...new Set(wanted)],
    traces: probes.filter(({ keep }) => keep === "state").map(({ value }) => value),
    count: true,
    threads: 1,
    shared: false,
    host: true,
    optimise: false,
  };
}

export const wasmEngine: Engine = {
  name: "wasm",
  load(module) {
    return Promise.resolve({
      module,
      neurons: opsOf(module, "snn.if").map(({ result }) => result),
      async run(samples, options, onSample) {
        const program = await compileProgram(module, compileOptionsOf(module, options));
        const compiled = await WebAssembly.compile(program.binary);
        const instance = new Instance(program, compiled, createMemory(program), 0);
        const runner = createRunner(module, instance, options);
        for (let index = 0; index < samples.count; index++) {
          const result = runner.run(
            index,
            samples.get(index).map((t) => t.data),
          );
          onSample?.(result);
          options.onProgress?.(index + 1, samples.count);
        }
        return runner.statistics();
      },
      close: () => Promise.resolve(),
    });
  },
};

/** Runs samples and gathers what was asked for. */
export function createRunner(module: Module, instance: Instance, options: RunOptions) {
  const { program } = instance;
  const timesteps = module.code === "none" ? 1 : options.timesteps;
  const shapeOf = new Map(module.ops.map((op) => [op.result, op.type.shape]));
  const sizeOf = (value: ValueId): number =>
    elementCount(known(shapeOf.get(value), `value %${value}`));
  const probes = options.probes ?? [];
  const observed = options.observe ?? [];
  const gatherer = new StatisticsGatherer(observed, (value) =>
    known(shapeOf.get(value), `value %${value}`),
  );
  const averaged = new Map<ValueId, Float64Array>();
  for (const { value } of observed) averaged.set(value, new Float64Array(sizeOf(value)));
  for (const { value, keep } of probes) {
    if (keep === "mean") averaged.set(value, new Float64Array(sizeOf(value)));
  }
  const now = new Map(
    [...averaged.keys()].map((value) => [value, new Float64Array(sizeOf(value))]),
  );
  const neurons = program.counts?.neurons ?? [];
  const counts = new Float64Array((neurons.length + 1) * program.steps);

  return {
    statistics: () => gatherer.finish(),
    run(index: number, inputs: readonly TensorData[]): SampleResult {
      for (const sum of averaged.values()) sum.fill(0);
      const outputs = program.outputs.map(
        ({ value }) => new Float32Array(timesteps * sizeOf(value)),
      );
      const spikes = new Float64Array(neurons.length);
      const spikesByStep = new Float64Array(timesteps);
      const synapticOperationsByStep = new Float64Array(timesteps);
      const kept = probes.map(
        ({ value, keep }) => new Float32Array(sizeOf(value) * (keep === "mean" ? 1 : timesteps)),
      );
      let [allSpikes, allOperations] = [0, 0];
      instance.begin(inputs);
      for (let elapsed = 0; elapsed < timesteps; elapsed += program.steps) {
        instance.advance(elapsed);
        const steps = Math.min(program.steps, timesteps - elapsed);
        if (program.counts !== null) instance.read(program.counts.at, 0, counts);
        for (let step = 0; step < steps; step++) {
          neurons.forEach((_, row) => {
            const count = counts[row * program.steps + step] ?? 0;
            spikes[row] = (spikes[row] ?? 0) + count;
            allSpikes += count;
          });
          allOperations += counts[neurons.length * program.steps + step] ?? 0;
          spikesByStep[elapsed + step] = allSpikes;
          synapticOperationsByStep[elapsed + step] = allOperations;
          program.outputs.forEach(({ value, at }, i) => {
            instance.read(
              at,
              step,
              known(outputs[i], "an output"),
              (elapsed + step) * sizeOf(value),
            );
          });
          probes.forEach(({ value, keep }, i) => {
            if (keep === "mean") return;
            const from = keep === "state" ? program.traces : program.kept;
            const at = known(from.get(value), `a probe of %${value}`);
            instance.read(at, step, known(kept[i], "a probe"), (elapsed + step) * sizeOf(value));
          });
          for (const [value, sum] of averaged) {
            const buffer = known(now.get(value), "a mean");
            instance.read(known(program.kept.get(value), `%${value}`), step, buffer);
            for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] ?? 0) + (buffer[k] ?? 0);
          }
        }
      }
      for (const sum of averaged.values()) {
        for (let k = 0; k < sum.length; k++) sum[k] = (sum[k] ?? 0) / timesteps;
      }
      probes.forEach(({ value, keep }, i) => {
        if (keep === "mean") kept[i]?.set(known(averaged.get(value), "a mean"));
      });
      gatherer.add((value) => known(averaged.get(value), "an observed mean"));
      return {
        index,
        outputs,
        spikes,
        spikesByStep,
        synapticOperationsByStep,
        analogueOperations: program.analogueOperations,
        probes: kept,
      };
    },
  };
}
