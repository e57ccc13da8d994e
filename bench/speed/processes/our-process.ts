/**
 * A process that runs one network on one of our engines, through `Executable.run` as every user of
 * the library does. Started by contestant.ts.
 */
import { type Diagnostic, invariant, known } from "../../../ir/diagnostic.ts";
import { loadNetwork } from "../../../cli/load.ts";
import { createOutputs } from "../../../cli/files/outputs.ts";
import { createTerminal } from "../../../cli/terminal/terminal.ts";
import { version } from "../../../cli/version.ts";
import type { Executable, SampleSource } from "../../../ir/executable.ts";
import { type Module, producerOf } from "../../../ir/module.ts";
import { elementCount } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import { loadEngine } from "../engines.ts";
import { cycled, readInputs } from "./inputs.ts";
import type { Answers, Measurement, OurSpec } from "./protocol.ts";
import { type Served, serve, timeMany, timeOne } from "./serve.ts";

serve(async (spec) => {
  invariant(spec.role === "ours", `a process of ours was sent a spec for ${spec.role}`);
  return load(spec);
});

async function load(spec: OurSpec): Promise<Served> {
  const clock = stopwatch();
  const engine = await loadEngine(spec.engine);
  clock.lap("code");
  const terminal = createTerminal({ json: true, quiet: true });
  const context = { terminal, report: () => undefined, diagnostics: [], outputs: createOutputs() };
  const network = await loadNetwork(spec.model, {}, context);
  clock.lap("import");
  const running = { engine, threads: 1 };
  const module =
    network.kind === "snn"
      ? network.module
      : (
          await convert(network.module, null, running, {
            timesteps: 1,
            pipeline: "canonical,commute-max-pool",
          })
        ).module;
  clock.lap("clean");
  const remarks: string[] = [];
  const onDiagnostic = ({ message }: Diagnostic): void => void remarks.push(message);
  const executable = await engine.load(module, { threads: spec.threads, onDiagnostic });
  clock.lap("load");
  const all = spec.inputs === null ? [] : await readInputs(spec.inputs);
  // The peers count no operations either.
  const options = { timesteps: spec.timesteps, countOperations: false };
  const run = (samples: SampleSource, on = executable): Promise<unknown> =>
    on.run(samples, options, () => undefined);
  /** For the latency of one sample threads share its work; for throughput whole samples. */
  let tiled: Executable | null = null;
  return {
    loaded: { versions: { snnc: version }, seconds: clock.laps, remarks },
    answers: (count) => answersOf(executable, cycled(all, 0, count), spec.timesteps),
    measure,
    plannedMemory: () => executable.memory?.() ?? null,
  };

  async function measure(measurement: Measurement): Promise<number> {
    const { seconds } = measurement;
    switch (measurement.mode) {
      case "call": {
        const { threads } = spec;
        if (threads > 1) tiled ??= await engine.load(module, { threads, split: "tiles" });
        const on = tiled ?? executable;
        return timeOne((call) => run(cycled(all, call, 1), on), seconds);
      }
      case "stream":
        return timeMany((images) => run(cycled(all, 0, images)), seconds);
      case "batch": {
        const { batch } = measurement;
        const runBatch = (call: number) => run(cycled(all, call * batch, batch));
        return (await timeOne(runBatch, seconds)) / batch;
      }
      case "machine":
        invariant(false, "a process of ours was asked for the machine");
    }
  }
}

async function answersOf(
  executable: Executable,
  samples: SampleSource,
  timesteps: number,
): Promise<Answers> {
  const { module } = executable;
  const classes = sizeOf(module, known(module.outputs[0], "an output").value);
  const neurons = executable.neurons.reduce((n, value) => n + sizeOf(module, value), 0);
  const logits = new Float32Array(samples.count * classes);
  let spikes = 0;
  let synapticOperations = 0;
  await executable.run(samples, { timesteps }, (result) => {
    logits.set(known(result.outputs[0], "an output").slice(-classes), result.index * classes);
    for (const count of result.spikes) spikes += count;
    synapticOperations += result.activity.events.at(-1) ?? 0;
  });
  if (module.code === "none") return { logits, activity: null };
  return {
    logits,
    activity: {
      firingRate: neurons === 0 ? 0 : spikes / samples.count / neurons / timesteps,
      synapticOperations: synapticOperations / samples.count,
    },
  };
}

function sizeOf(module: Module, value: Module["outputs"][number]["value"]): number {
  return elementCount(producerOf(module, value).type.shape);
}

function stopwatch() {
  const laps: Record<string, number> = {};
  let last = performance.now();
  return {
    laps,
    lap(name: string): void {
      const now = performance.now();
      laps[name] = (now - last) / 1000;
      last = now;
    },
  };
}
