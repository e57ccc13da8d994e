/**
 * An ANN and the SNN made from it, on the same samples, neuron layer by neuron layer: how far apart
 * they are, and why. The arithmetic of one layer is in compare/layer-tally.ts.
 */
import { type Diagnostic, fail, known } from "../ir/diagnostic.ts";
import type { Executable, SampleResult, SampleSource } from "../ir/executable.ts";
import { isFramed, rehearsalOf } from "../ir/module.ts";
import { type ValueId, isOp } from "../ir/op/op.ts";
import { type LayerFindings, LayerTally } from "./compare/layer-tally.ts";
import { pairNeurons } from "./compare/pairs.ts";
import { responseOf } from "./compare/response.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";

/** One layer of both networks, beside each other. */
export interface LayerComparison extends LayerFindings {
  readonly name: string;
  readonly value: ValueId;
}

export interface Comparison {
  readonly samples: number;
  readonly timesteps: number;
  readonly layers: readonly LayerComparison[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Bytes of probed activations held at once; more only where one sample alone needs it. */
const probeBudgetBytes = 64 * 2 ** 20;
/** Never fewer at once, so that an engine's threads have something to share. */
const smallestGroup = 8;

/** Runs both networks on every sample and compares them at each pair of neurons and values. */
export async function compare(
  ann: Executable,
  snn: Executable,
  samples: SampleSource,
  options: {
    readonly timesteps: number;
    readonly onProgress?: (done: number, total: number) => void;
    /** Samples whose activations are held at once; as many as fit into 64 MiB if not given. */
    readonly atOnce?: number;
  },
): Promise<Comparison> {
  if (samples.count === 0) fail(diagnoseEvaluation("no-samples", null, {}));
  const { timesteps } = options;
  const { pairs, unpaired } = pairNeurons(ann.module, snn.module);
  const tallies = pairs.map(
    ({ neuron, part }) => new LayerTally(responseOf(neuron, snn.module, timesteps), part),
  );
  // One spike is one threshold where spikes have one size; else they have to be counted.
  const counted = pairs.map(({ neuron }) =>
    isOp(neuron, "snn.if", "snn.rehearsed-if") ? -1 : snn.neurons.indexOf(neuron.result),
  );
  const countOperations = counted.some((index) => index >= 0);
  const ticks = isFramed(snn.module.code) ? snn.module.timesteps : timesteps;
  const annProbes = pairs.flatMap(({ ann: a, annInput: z }) => [mean(a), mean(z)]);
  const snnProbes = pairs.flatMap(({ neuron, snnInput: x }) => [mean(neuron.result), mean(x)]);
  const group = options.atOnce ?? groupSize(tallies.reduce((sum, t) => sum + t.neurons, 0));

  for (let first = 0; first < samples.count && pairs.length > 0; first += group) {
    const some = slice(samples, first, Math.min(group, samples.count - first));
    const expected: SampleResult[] = [];
    await ann.run(some, { countOperations: false, timesteps: 1, probes: annProbes }, (result) =>
      expected.push(result),
    );
    await snn.run(some, { countOperations, timesteps, probes: snnProbes }, (result) => {
      const reference = known(expected[result.index], "the ANN's run of the sample");
      tallies.forEach((tally, i) => {
        const spikes = result.spikes[counted[i] ?? -1];
        tally.add({
          rate: spikes === undefined ? null : spikes / tally.neurons / ticks,
          a: known(reference.probes[2 * i], "a probe"),
          z: known(reference.probes[2 * i + 1], "a probe"),
          y: known(result.probes[2 * i], "a probe"),
          x: known(result.probes[2 * i + 1], "a probe"),
        });
      });
      options.onProgress?.(first + result.index + 1, samples.count);
    });
  }

  const layers = tallies.map((tally, i): LayerComparison => {
    const { name, neuron } = known(pairs[i], "the pair");
    return { name, value: neuron.result, ...tally.finish() };
  });
  const code = snn.module.properties.has("integer")
    ? "neurons-of-integers"
    : "neuron-without-counterpart";
  const rehearsal = rehearsalOf(snn.module);
  const diagnostics = [
    ...(unpaired.length === 0 ? [] : [diagnoseEvaluation(code, null, { names: unpaired })]),
    ...(rehearsal === 0
      ? []
      : [diagnoseEvaluation("rehearsal-in-means", null, { rehearsal, timesteps })]),
  ];
  return { samples: samples.count, timesteps, layers, diagnostics };
}

function mean(value: ValueId): { value: ValueId; keep: "mean" } {
  return { value, keep: "mean" };
}

/** Samples to run at once: four float32 values are held per neuron and sample. */
function groupSize(neurons: number): number {
  return Math.max(smallestGroup, Math.floor(probeBudgetBytes / (16 * Math.max(1, neurons))));
}

function slice(samples: SampleSource, first: number, count: number): SampleSource {
  return { count, get: (index) => samples.get(first + index) };
}
