/**
 * What layers are rounded to and by: sums behind them in the network of floats, and what they receive in the network
 * of integers, at the same places of the same calibration samples.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { Probe, ProbeData } from "../../../ir/executable.ts";
import { type Module, isFramed, producerOf, tensorAt } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import { sameShape } from "../../../ir/type.ts";
import { type FitSite, type FittedSynapse, fitSiteOf } from "../../fit/fit-sites.ts";
import { type OutputWindow, drawPlaces, windowOf } from "../../fit/places.ts";
import type { PassContext } from "../../pass.ts";
import { takesIncrements } from "../neurons/forms.ts";
import type { Rounding } from "../round.ts";

/** How much is looked at: samples, and places in them for each operand of a synapse, at least and at most. */
export interface Extent {
  readonly samples: number;
  readonly perOperand: number;
  readonly fewest: number;
}
const mostPlaces = 16_000;

/**
 * Weights of few bits depend on each other by more of what they receive, and make up for each other by moments that
 * only many places tell: eight for each operand would be too few.
 */
export function extentFor(bits: number): Extent {
  return bits > 4
    ? { samples: 128, perOperand: 4, fewest: 1000 }
    : { samples: 256, perOperand: 24, fewest: 2000 };
}

export type LayerContext = Pick<
  PassContext<unknown>,
  "watch" | "loops" | "timesteps" | "reference"
> & {
  readonly extent: Extent;
};

/** A synapse whose weights are rounded together. */
export interface Layer {
  readonly site: FitSite;
  readonly window: OutputWindow;
  /** Factor from the mean over timesteps to what is to be right. */
  readonly perMean: (value: Op, timesteps: number) => number;
}

export function layerOf(module: Module, op: Op): Layer | null {
  if (!isOp(op, "ann.conv", "ann.linear") || (op.kind === "ann.conv" && op.type.shape.length > 4)) {
    return null;
  }
  const site = fitSiteOf(module, op) ?? {
    synapse: op,
    target: op.result,
    extra: null,
    rectified: false,
  };
  const { shape } = producerOf(module, operandOf(op)).type;
  const window = windowOf(op, shape, tensorAt(module, op.attrs.weight).shape);
  // What engines keep of a frame is its sum.
  const sums = takesIncrements(module) && !isFramed(module.code);
  return {
    site,
    window,
    perMean: (value, timesteps) => (sums && value.type.domain !== "real" ? timesteps : 1),
  };
}

function operandOf(op: FittedSynapse): ValueId {
  return known(op.inputs[0], "an operand");
}

/** Values behind a synapse at its places, sample by sample, [place, output]. */
export interface Floats {
  /** Behind the synapse alone, without its bias, and behind the sum that it is part of. */
  readonly own: readonly Float32Array[];
  readonly whole: readonly Float32Array[];
}

/** Runs the network of floats once, and keeps what all layers are rounded to. */
export async function lookAtFloats(
  module: Module,
  layers: readonly Layer[],
  { watch, timesteps, reference, extent }: LayerContext,
): Promise<ReadonlyMap<ValueId, Floats>> {
  const analogue = reference !== null && isTarget(reference, module, layers) ? reference : null;
  const probes: Probe[] = [];
  const probe = (value: ValueId): number => {
    const there = probes.findIndex((each) => each.value === value);
    return there >= 0 ? there : probes.push({ value, keep: "mean" }) - 1;
  };
  const found = new Map<ValueId, { own: Float32Array[]; whole: Float32Array[] }>();
  const keep = layers.map((layer) => {
    const { synapse, target } = layer.site;
    const [own, whole] = [probe(synapse.result), probe(target)];
    const factor = analogue === null ? layer.perMean(synapse, timesteps) : 1;
    const { attrs } = analogue === null ? synapse : synapseOf(analogue, synapse.result);
    const bias = attrs.bias === null ? null : tensorAt(analogue ?? module, attrs.bias).data;
    const kept: { own: Float32Array[]; whole: Float32Array[] } = { own: [], whole: [] };
    found.set(synapse.result, kept);
    return (all: readonly ProbeData[], index: number): void => {
      const alone = atPlaces(layer, known(all[own], "a sum"), index, factor, extent);
      kept.whole[index] =
        target === synapse.result
          ? alone
          : atPlaces(layer, known(all[whole], "a sum"), index, factor, extent);
      kept.own[index] =
        bias === null ? alone : alone.map((sum, i) => sum - (bias[i % bias.length] ?? 0));
    };
  });
  const run = { timesteps: analogue === null ? timesteps : 1, samples: extent.samples };
  await watch(analogue ?? module, probes, run, (all, index) => {
    for (const each of keep) each(all, index);
  });
  return found;
}

/**
 * Whether layers are rounded to what the analogue network has there: where sums over time are its values. Means of
 * spikes have been fitted to their neurons, which answer to more than the mean.
 */
function isTarget(reference: Module, module: Module, layers: readonly Layer[]): boolean {
  const there = new Map(reference.ops.map((op) => [op.result, op]));
  return (
    takesIncrements(module) &&
    layers.every(({ site: { synapse, target } }) => {
      const [own, whole] = [there.get(synapse.result), there.get(target)];
      return (
        own?.kind === synapse.kind &&
        sameShape(own.type.shape, synapse.type.shape) &&
        whole !== undefined &&
        sameShape(whole.type.shape, synapse.type.shape)
      );
    })
  );
}

function synapseOf(module: Module, value: ValueId): FittedSynapse {
  const op = producerOf(module, value);
  invariant(isOp(op, "ann.conv", "ann.linear"), "a synapse");
  return op;
}

/** What a synapse receives at its places in the network of integers. */
export interface Received {
  /** By group of channels: [place of all samples, operand]. */
  readonly operands: readonly Float64Array[];
  readonly places: number;
  /** What is added behind the synapse, sample by sample, [place, output]; empty where nothing is. */
  readonly added: readonly Float32Array[];
}

export async function lookAtIntegers(
  integers: Module,
  layer: Layer,
  { units }: Rounding,
  { watch, timesteps, extent }: LayerContext,
): Promise<Received | null> {
  const { site, window, perMean } = layer;
  const { synapse } = site;
  const made = integers.ops.find(({ result }) => result === synapse.result);
  if (made === undefined) return null;
  const operand = known(made.inputs[0], "an operand");
  const added = addedTo(integers, site);
  const probes: Probe[] = [operand, ...(added === null ? [] : [added])].map((value) => ({
    value,
    keep: "mean",
  }));
  const factorOf = (value: ValueId): number => perMean(producerOf(integers, value), timesteps);
  const perSample = placesPerSample(window, extent);
  const { width, groups } = window;
  const rows: Float64Array[][] = Array.from({ length: groups }, () => []);
  const others: Float32Array[] = [];
  await watch(integers, probes, { timesteps, samples: extent.samples }, ([x, other], index) => {
    const factor = factorOf(operand);
    const values = known(x, "an operand");
    const places = drawPlaces(window.places, perSample, index, synapse.result);
    rows.forEach((samples, group) => {
      const to = new Float64Array(places.length * width);
      places.forEach((place, i) => window.read(values, place, group, to, i * width));
      if (factor !== 1) for (let i = 0; i < to.length; i++) to[i] = (to[i] ?? 0) * factor;
      samples[index] = to;
    });
    if (other === undefined || added === null) return;
    const kept = atPlaces(layer, other, index, factorOf(added), extent);
    others[index] = kept.map((sum, i) => sum * (units[i % units.length] ?? 0));
  });
  const operands = rows.map((samples) => {
    const all = new Float64Array(samples.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const each of samples) {
      all.set(each, at);
      at += each.length;
    }
    return all;
  });
  return { operands, places: (operands[0]?.length ?? 0) / width, added: others };
}

/** The other term of the sum that a synapse is part of, where it is added as it is. */
function addedTo(integers: Module, { synapse, target, extra }: FitSite): ValueId | null {
  if (extra === null) return null;
  const sum = integers.ops.find(({ result }) => result === target);
  if (sum === undefined || !isOp(sum, "ann.add")) return null;
  const [a, b] = sum.inputs;
  if (a === synapse.result) return b ?? null;
  return b === synapse.result ? (a ?? null) : null;
}

/** Values of outputs at the places of a sample, [place, output]. */
function atPlaces(
  { site, window }: Layer,
  value: ProbeData,
  sample: number,
  factor: number,
  extent: Extent,
): Float32Array {
  const count = placesPerSample(window, extent);
  const outputs = window.outputs * window.groups;
  const places = drawPlaces(window.places, count, sample, site.synapse.result);
  const gathered = new Float32Array(places.length * outputs);
  places.forEach((place, i) => {
    for (let channel = 0; channel < outputs; channel++) {
      gathered[i * outputs + channel] = (value[window.outputAt(place, channel)] ?? 0) * factor;
    }
  });
  return gathered;
}

/** Places of one sample: as many as give enough if all samples are there. */
function placesPerSample(
  { width, places }: OutputWindow,
  { samples, perOperand, fewest }: Extent,
): number {
  const wanted = Math.min(mostPlaces, Math.max(fewest, perOperand * width));
  return Math.min(places, Math.ceil(wanted / samples));
}
