/**
 * Forward temporal bias correction: a bias for each layer, channel and timestep.
 *
 * Precondition: a spiking module of rate code with its thresholds, and a calibration set. Result: biases
 * that bring the mean of what a channel sends to the mean activation at each timestep, not only over all
 * of them. For each layer in topological order, for t = 1 … T,
 *
 *     b[t] ← b[t] − alpha · (E[y[t]] − E[a])
 *
 * and timestep t is computed again with the new b[t] before t + 1. The biases of the pass with the least
 * error of the outputs on samples that were held out are kept; none, where that is less without. (Wu,
 * Bojkovic, Gu, Suo & Zou, ECCV 2024. They choose on test data, which a compiler does not have.)
 */
import { rewrite } from "../../ir/build.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import type { ProbeData } from "../../ir/executable.ts";
import { fusedLoc, shortName } from "../../ir/loc.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { type ValueId, isOp } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import { prefixOf } from "../graph.ts";
import { definePass } from "../pass.ts";
import {
  type Groups,
  type Look,
  type SteadySite,
  meansOf,
  neuronAt,
  steadySites,
} from "./layerwise.ts";
import { SimulatedPopulation, type Recording, type BiasTable } from "./simulate.ts";

const name = "ftbc";

/** Elements of a channel that are looked at, over all samples: their mean is what is wanted. */
const elementsPerChannel = 2048;

export const ftbc = definePass({
  name,
  role: "correct",
  summary: "correct the mean of each channel at each timestep with biases over time",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    alpha: { kind: "number", default: 0.5, min: 1e-6, max: 1, help: "size of a correction" },
    passes: { kind: "integer", default: 1, min: 1, max: 1000, help: "passes over the network" },
    rounds: {
      kind: "integer",
      default: 16,
      min: 1,
      max: 1000,
      help: "corrections of a layer by each batch before the next layer is corrected",
    },
    batches: {
      kind: "integer",
      default: 1,
      min: 1,
      max: 1000,
      help: "parts of the samples; they correct one after another",
    },
    samples: {
      kind: "integer",
      default: 128,
      min: 1,
      max: 1_000_000,
      help: "calibration samples to correct on",
    },
    heldOut: {
      kind: "integer",
      default: 128,
      min: 1,
      max: 1_000_000,
      help: "further samples, on which the best pass is chosen",
    },
  },
  async run(module, context) {
    const { passes, samples, heldOut, ...how } = context.options;
    const { analogue, sites } = steadySites(module, name, context);
    const parts = await divide(analogue, context, samples, heldOut);
    if (parts === null) {
      context.report(diagnose("nothing-to-hold-out", null, { pass: name }));
      return module;
    }
    const run = { timesteps: 1, samples: parts.corrected };
    const targets = await meansOf(analogue, sites, context, run);
    const judge = await judgeOf(analogue, context, parts);

    const without = await judge(module);
    let best = { error: without, module };
    let least = Infinity;
    const tables = new Map(sites.map((site) => [site.value, emptyTable(site, context.timesteps)]));
    for (let pass = 0; pass < passes; pass++) {
      for (const site of sites) {
        const current = withTables(module, sites, tables);
        const recordings = await record(
          module,
          current,
          site,
          context,
          parts.corrected,
          how.batches,
        );
        const population = new SimulatedPopulation(neuronAt(module, site), module, site.groups);
        const table = known(tables.get(site.value), "a table");
        const target = known(targets.get(site.value), "a mean");
        for (let round = 0; round < how.rounds; round++) {
          for (const each of recordings) population.settle(each, table, target, how.alpha);
        }
      }
      const candidate = withTables(module, sites, tables);
      const error = await judge(candidate);
      least = Math.min(least, error);
      if (error < best.error) best = { error, module: candidate };
    }
    if (best.module === module) {
      const found = { pass: name, samples: parts.heldOut, without, with: least };
      context.report(diagnose("correction-left-out", null, found));
    }
    return best.module;
  },
});

/** How many samples to correct on, from the first, and to judge by, after those. */
interface SampleParts {
  readonly corrected: number;
  readonly heldOut: number;
}

/** What was asked for, or the same shares of what there is; null where there is only one sample. */
async function divide(
  analogue: Module,
  { watch }: Look,
  samples: number,
  heldOut: number,
): Promise<SampleParts | null> {
  let count = 0;
  const first = known(inputsOf(analogue)[0], "an input").result;
  await watch(prefixOf(analogue, [first]), [], { timesteps: 1 }, () => count++);
  if (count < 2) return null;
  if (samples + heldOut <= count) return { corrected: samples, heldOut };
  const held = Math.max(1, Math.floor((count * heldOut) / (samples + heldOut)));
  return { corrected: Math.min(samples, count - held), heldOut: Math.min(heldOut, held) };
}

/** The relative squared error of a network's outputs against the ANN's, on the samples held out. */
async function judgeOf(
  analogue: Module,
  { watch, timesteps }: Look,
  { corrected, heldOut }: SampleParts,
): Promise<(module: Module) => Promise<number>> {
  const outputsOf = async (module: Module, steps: number): Promise<Float64Array[][]> => {
    const all: Float64Array[][] = [];
    await watch(
      module,
      module.outputs.map(({ value }) => ({ value, keep: "trace" })),
      { timesteps: steps, first: corrected, samples: heldOut },
      (kept) => all.push(kept.map((trace) => lastStep(trace, steps))),
    );
    return all;
  };
  const wanted = await outputsOf(analogue, 1);
  return async (module) => {
    const found = await outputsOf(module, timesteps);
    let error = 0;
    let power = 0;
    wanted.forEach((outputs, sample) => {
      outputs.forEach((values, output) => {
        values.forEach((x, i) => {
          power += x * x;
          error += (x - (found[sample]?.[output]?.[i] ?? 0)) ** 2;
        });
      });
    });
    return power === 0 ? error : error / power;
  };
}

function lastStep(trace: ProbeData, timesteps: number): Float64Array {
  return Float64Array.from(trace.subarray(trace.length - trace.length / timesteps));
}

function emptyTable({ groups }: SteadySite, timesteps: number): BiasTable {
  return Array.from({ length: timesteps }, () => new Float32Array(groups.count));
}

/** What the neurons of a site are given in `current`, before their own biases, in batches of samples. */
async function record(
  module: Module,
  current: Module,
  site: SteadySite,
  { watch, timesteps }: Look,
  samples: number,
  batches: number,
): Promise<Recording[]> {
  const operand = known(neuronAt(module, site).inputs[0], "a neuron's operand");
  const choose = chooser(site.groups, samples);
  const size = choose(0).length;
  const parts = Math.min(batches, samples);
  const made = Array.from({ length: parts }, (_, part): Recording & { filled: number } => {
    const length = size * Math.ceil((samples - part) / parts);
    return {
      elements: new Int32Array(length),
      currents: Array.from({ length: timesteps }, () => new Float32Array(length)),
      filled: 0,
    };
  });
  await watch(
    current,
    [{ value: operand, keep: "trace" }],
    { timesteps, samples, elements: choose },
    ([trace], index) => {
      invariant(trace !== undefined, "a probe was asked for");
      const part = known(made[index % parts], "a batch");
      part.elements.set(choose(index), part.filled);
      part.currents.forEach((row, t) => {
        row.set(trace.subarray(t * size, (t + 1) * size), part.filled);
      });
      part.filled += size;
    },
  );
  return made;
}

/**
 * Which elements of a sample to look at: all, or as many of each channel as are enough over all
 * samples, evenly spaced, others for each sample.
 */
function chooser({ count, of }: Groups, samples: number): (sample: number) => Int32Array {
  const members = Array.from({ length: count }, (): number[] => []);
  of.forEach((group, at) => members[group]?.push(at));
  const most = Math.ceil(elementsPerChannel / samples);
  const golden = (Math.sqrt(5) - 1) / 2;
  return (sample) => {
    const chosen = members.flatMap((elements) => {
      const taken = Math.min(most, elements.length);
      const begin = (sample * golden) % 1;
      return Array.from({ length: taken }, (_, i) => {
        const place = Math.floor(((i + begin) * elements.length) / taken);
        return elements[place % elements.length] ?? 0;
      });
    });
    return Int32Array.from(chosen);
  };
}

/** The module with the biases of `tables` in front of its neurons. */
function withTables(
  module: Module,
  sites: readonly SteadySite[],
  tables: ReadonlyMap<ValueId, BiasTable>,
): Module {
  const shapes = new Map(sites.map(({ value, groups }) => [value, groups.shape]));
  return rewrite(module, (op, builder) => {
    const table = tables.get(op.result);
    const shape = shapes.get(op.result);
    if (table === undefined || shape === undefined || !isOp(op, "snn.if", "snn.graded"))
      return null;
    if (table.every((row) => row.every((bias) => bias === 0))) return null;
    const rows = table.flatMap((row) => [...row]);
    const held = tensorOf("f32", [table.length, ...shape], rows);
    const attrs = { table: builder.tensor(`${shortName(op.loc)}.temporal_bias`, held) };
    const operand = known(op.inputs[0], "a neuron's operand");
    const loc = fusedLoc(name, [op.loc]);
    const biased = builder.add("snn.temporal-bias", [operand], attrs, loc);
    return builder.add(op.kind, [biased], op.attrs, op.loc, op.result);
  });
}
