/**
 * An ANN and the SNN made from it, on the same samples, neuron layer by neuron layer: how far apart
 * they are, and why. The arithmetic of one layer is in compare/layer-tally.ts.
 */
import { type Diagnostic, fail, invariant, known } from "../ir/diagnostic.ts";
import type { Executable, SampleResult, SampleSource } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, opsOf, tensorAt } from "../ir/module.ts";
import type { Op, OpOf, ValueId } from "../ir/op.ts";
import { elementCount } from "../ir/type.ts";
import { type LayerFindings, LayerTally } from "./compare/layer-tally.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";

/** An activation of the ANN and the neuron that stands for it. */
export interface NeuronPair {
  /** The source node's name, made unique by a number where it is not. */
  readonly name: string;
  readonly ann: ValueId;
  readonly annInput: ValueId;
  readonly snn: ValueId;
  readonly snnInput: ValueId;
}

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

const uncounted = { countOperations: false };

/**
 * The activations of `ann` whose value ids neurons of `snn` kept, in the SNN's order, and the names
 * of the neurons without one.
 */
export function pairNeurons(
  ann: Module,
  snn: Module,
): { readonly pairs: readonly NeuronPair[]; readonly unpaired: readonly string[] } {
  const annOps = new Map<ValueId, Op>(ann.ops.map((op) => [op.result, op]));
  const pairs: NeuronPair[] = [];
  const unpaired: string[] = [];
  const seen = new Map<string, number>();
  for (const neuron of opsOf(snn, "snn.if")) {
    const base = shortName(neuron.loc);
    const repeats = seen.get(base) ?? 0;
    seen.set(base, repeats + 1);
    const name = repeats === 0 ? base : `${base} (${repeats + 1})`;
    const activation = annOps.get(neuron.result);
    const annInput = activation?.inputs[0];
    const snnInput = known(neuron.inputs[0], "a neuron's operand");
    // An integer neuron's values are in a unit of its own, which nobody keeps.
    const fits =
      activation !== undefined &&
      neuron.type.dtype === "f32" &&
      elementCount(activation.type.shape) === elementCount(neuron.type.shape);
    if (fits && annInput !== undefined) {
      pairs.push({ name, ann: activation.result, annInput, snn: neuron.result, snnInput });
    } else unpaired.push(name);
  }
  return { pairs, unpaired };
}

/** Runs both networks on every sample and compares them at each pair of `pairNeurons`. */
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
  const tallies = pairs.map((pair) => tallyFor(snn.module, pair, timesteps));
  const annProbes = pairs.flatMap(({ ann: a, annInput: z }) => [mean(a), mean(z)]);
  const snnProbes = pairs.flatMap(({ snn: y, snnInput: x }) => [mean(y), mean(x)]);
  const group = options.atOnce ?? groupSize(tallies.reduce((sum, t) => sum + t.neurons, 0));

  for (let first = 0; first < samples.count && pairs.length > 0; first += group) {
    const some = slice(samples, first, Math.min(group, samples.count - first));
    const expected: SampleResult[] = [];
    await ann.run(some, { ...uncounted, timesteps: 1, probes: annProbes }, (result) =>
      expected.push(result),
    );
    await snn.run(some, { ...uncounted, timesteps, probes: snnProbes }, (result) => {
      const reference = known(expected[result.index], "the ANN's run of the sample");
      tallies.forEach((tally, i) => {
        tally.add({
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
    const { name, snn: value } = known(pairs[i], "the pair");
    return { name, value, ...tally.finish() };
  });
  const code = snn.module.properties.has("integer")
    ? "neurons-of-integers"
    : "neuron-without-counterpart";
  const diagnostics =
    unpaired.length === 0 ? [] : [diagnoseEvaluation(code, null, { names: unpaired })];
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

function tallyFor(snn: Module, pair: NeuronPair, timesteps: number): LayerTally {
  const op = snn.ops.find((o): o is OpOf<"snn.if"> => o.kind === "snn.if" && o.result === pair.snn);
  invariant(op !== undefined, `neuron %${pair.snn}`);
  const { threshold, amplitude, vInit } = op.attrs;
  return new LayerTally(op.type.shape, timesteps, {
    threshold: tensorAt(snn, threshold),
    amplitude: tensorAt(snn, amplitude),
    vInit: tensorAt(snn, vInit),
  });
}
