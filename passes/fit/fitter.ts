/**
 * One network while it is being fitted, layer after layer: what the analogue network has at the places
 * that are looked at, what the spiking one has there so far, and the parameters found.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { rewrite } from "../../ir/build.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import type { Probe, ProbeData } from "../../ir/executable.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, producerOf, tensorAt } from "../../ir/module.ts";
import { type NeuronKind, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { largestSpike } from "../../ir/semantics/neurons/graded.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { withBias } from "../bias.ts";
import { diagnose } from "../diagnostics.ts";
import { inFloatRange } from "../float-range.ts";
import type { PassContext } from "../pass.ts";
import { withRanges } from "../balance/ranges.ts";
import { type NeuronSite, neuronSites } from "../balance/sites.ts";
import { type AffineMatrix, type Terms, fitted } from "./least-squares.ts";
import { type OutputWindow, drawPlaces, windowOf } from "./places.ts";
import { type Channels, channelsAlong, channelsFirst, elementsAt, joined } from "./channels.ts";
import { type ChosenResponse, type RateFiring, chooseResponse } from "./response.ts";
import { type FitSite, fitSiteOf } from "./fit-sites.ts";

/** Terms for each operand of a synapse, at least and at most. */
const termsPerOperand = 10;
const fewestTerms = 2000;
const mostTerms = 8000;
/** Samples to look at where each has few terms. */
const mostSamples = 1024;
/** One sample in so many is left out of a fit, to choose by. */
const heldShare = 5;
/** Places of each channel to simulate neurons at, and samples that they are from, where these have as many. */
const placesPerChannel = 2400;
const simulatedSamples = 96;

type FitContext = Pick<
  PassContext<{ readonly samples: number }>,
  "watch" | "loops" | "timesteps" | "options" | "report"
>;

export class LayerFitter {
  module: Module;
  private readonly reference: Module;
  private readonly context: FitContext;
  /** By neurons: what they stand for. */
  private readonly sites: ReadonlyMap<ValueId, NeuronSite>;
  /** Of each site, by its synapse: what is wanted at its places, [place, output], sample by sample. */
  private readonly wanted = new Map<ValueId, Float32Array[]>();
  /** Of each population: the activations wanted at its places, [channel, place], sample by sample. */
  private readonly activations = new Map<ValueId, Float32Array[]>();

  constructor(module: Module, reference: Module, context: FitContext) {
    this.module = module;
    this.reference = reference;
    this.context = context;
    const sites = neuronSites(module, reference, context.timesteps);
    this.sites = new Map(sites.map((site) => [site.neuron.result, site]));
  }

  /** Runs the analogue network once, and keeps what all layers will be fitted to. Returns the samples seen. */
  async lookAtReference(): Promise<number> {
    const { module, reference } = this;
    const looks: ReferenceLook[] = [];
    const made = new Set(reference.ops.map(({ result }) => result));
    for (const op of module.ops) {
      const site = fitSiteOf(module, op);
      if (site !== null && made.has(site.target)) {
        const window = this.windowOf(site);
        const kept: Float32Array[] = [];
        this.wanted.set(op.result, kept);
        looks.push({
          value: site.target,
          samples: this.samplesFor(window),
          elements: (index) => this.elementsAtPlaces(site, window, index),
          kept,
        });
      }
      if (!isNeuron(op)) continue;
      const { signed, observed } = this.siteOf(op);
      const { samples, channels, places } = this.layoutOf(op);
      const kept: Float32Array[] = [];
      this.activations.set(op.result, kept);
      looks.push({
        value: signed ? observed : op.result,
        samples,
        elements: (index) =>
          elementsAt(channels, drawPlaces(channels.all, places, index, op.result)),
        kept,
      });
    }
    const probes = looks.map(({ value }): Probe => ({ value, keep: "mean" }));
    const run = {
      timesteps: 1,
      samples: looks.reduce((most, look) => Math.max(most, look.samples), 0),
      elements: (index: number, probe: number) => {
        const look = known(looks[probe], "what is looked at");
        return index < look.samples ? look.elements(index) : new Int32Array(0);
      },
    };
    let seen = 0;
    await this.context.watch(reference, probes, run, (shown, index) => {
      for (const [i, look] of looks.entries()) {
        if (index < look.samples) look.kept[index] = floatsOf(known(shown[i], "a value"));
      }
      seen++;
    });
    return seen;
  }

  /** Replaces weights and bias of a synapse by what fits best behind the network as it is now. */
  async fitSynapse(site: FitSite): Promise<void> {
    const { synapse, extra, rectified } = site;
    const wanted = this.wanted.get(synapse.result);
    if (wanted === undefined) return;
    const window = this.windowOf(site);
    const { width, groups, outputs } = window;
    const operand = known(synapse.inputs[0], "an operand");
    const count = wanted.length;
    const perSample = this.placesPerSample(window);
    const rows = Array.from({ length: groups }, () => new Float64Array(count * perSample * width));
    const extras = extra === null ? null : new Float64Array(count * perSample * groups * outputs);
    const probes: Probe[] = [{ value: operand, keep: "mean" }];
    if (extra !== null) probes.push({ value: extra, keep: "mean" });
    const run = { timesteps: this.context.timesteps, samples: count };
    await this.context.watch(this.module, probes, run, ([x, e], index) => {
      const places = drawPlaces(window.places, perSample, index, synapse.result);
      places.forEach((place, i) => {
        rows.forEach((to, group) => {
          window.read(known(x, "an operand"), place, group, to, (index * perSample + i) * width);
        });
      });
      if (e !== undefined)
        extras?.set(this.atPlaces(site, window, e, index), index * perSample * groups * outputs);
    });
    const before = this.affinesOf(site, window);
    const loops = await this.context.loops();
    const after = before.map((map, group) => {
      const terms = (chosen: (sample: number) => boolean): Terms =>
        gather(chosen, {
          count,
          perSample,
          window,
          group,
          rows: rows[group],
          wanted,
          extras,
          rectified,
        });
      const isHeld = (sample: number): boolean => sample % heldShare === heldShare - 1;
      return fitted(
        map,
        terms((sample) => !isHeld(sample)),
        terms(isHeld),
        loops,
      );
    });
    this.putAffines(site, window, after);
  }

  /** Sets threshold, amplitude and bias of a population by simulating it on what it now receives. */
  async fitNeurons(neuron: OpOf<NeuronKind>): Promise<void> {
    const wanted = known(this.activations.get(neuron.result), "activations");
    const current = known(neuron.inputs[0], "a neuron's operand");
    const { timesteps } = this.context;
    const constant = producerOf(this.module, current).type.domain === "real";
    const steps = constant ? 1 : timesteps;
    const currents: Float32Array[] = [];
    const probes: Probe[] = [{ value: current, keep: constant ? "mean" : "trace" }];
    const { channels: along, places } = this.layoutOf(neuron);
    const channels = along.count;
    const run = {
      timesteps: steps,
      samples: wanted.length,
      elements: (index: number) =>
        elementsAt(along, drawPlaces(along.all, places, index, neuron.result)),
    };
    await this.context.watch(this.module, probes, run, ([x], index) => {
      currents[index] = channelsFirst(known(x, "a current"), channels, steps);
    });
    const firing = firingOf(neuron);
    const loops = await this.context.loops();
    const { ceiling } = this.siteOf(neuron);
    const chosen = Array.from({ length: channels }, (_, channel): ChosenResponse => {
      const observed = {
        currents: joined(currents, channel, channels, steps, timesteps, places),
        wanted: joined(wanted, channel, channels, 1, 1, places),
        timesteps,
      };
      return chooseResponse(observed, firing, ceiling, loops);
    });
    this.putResponse(neuron, chosen, firing, ceiling);
  }

  private putResponse(
    neuron: OpOf<NeuronKind>,
    chosen: readonly ChosenResponse[],
    { most }: RateFiring,
    ceiling: number,
  ): void {
    const { axis } = this.layoutOf(neuron);
    const largest = chosen.reduce((x, { step }) => Math.max(x, step), 0);
    const silent = chosen.filter(({ step }) => step === 0).length;
    if (silent > 0) {
      const layer = { layer: shortName(neuron.loc), dead: silent, channels: chosen.length };
      this.context.report(diagnose("dead-channels", null, { layers: [layer] }));
    }
    const fallback = largest > 0 ? largest : Math.min(ceiling, 1) / most;
    const shape = neuron.type.shape.map((extent, i) => (i === axis ? extent : 1));
    const steps = inFloatRange(
      chosen.map(({ step }) => (step > 0 ? step : fallback) * most),
      neuron.loc,
    );
    const ranged = withRanges(
      this.module,
      new Map([[neuron.result, tensorOf("f32", shape, steps)]]),
    );
    const bias = { shape, data: chosen.map((each) => each.bias) };
    const places = {
      pass: "fit-layers",
      into: ["ann.conv", "ann.linear"],
      otherwise: "snn.temporal-bias",
    } as const;
    this.module = bias.data.every((b) => b === 0) ? ranged : withBias(ranged, neuron, bias, places);
  }

  private siteOf(neuron: OpOf<NeuronKind>): NeuronSite {
    return known(this.sites.get(neuron.result), "what neurons stand for");
  }

  private windowOf({ synapse }: FitSite): OutputWindow {
    const { shape } = producerOf(this.module, known(synapse.inputs[0], "an operand")).type;
    return windowOf(synapse, shape, tensorAt(this.module, synapse.attrs.weight).shape);
  }

  private placesPerSample(window: OutputWindow): number {
    return Math.min(window.places, Math.ceil(termsOf(window) / this.samplesFor(window)));
  }

  /** Samples to fit weights on: more where one has few places, as in a linear layer. */
  private samplesFor(window: OutputWindow): number {
    const wanted = Math.min(mostSamples, Math.ceil(termsOf(window) / window.places));
    return Math.max(this.context.options.samples, wanted);
  }

  /** A value at the places of a site that are looked at in a sample, [place, output]. */
  private atPlaces(
    site: FitSite,
    window: OutputWindow,
    value: ProbeData,
    sample: number,
  ): Float32Array {
    return Float32Array.from(this.elementsAtPlaces(site, window, sample), (at) => value[at] ?? 0);
  }

  /** Where the elements of a value are at these places. */
  private elementsAtPlaces({ synapse }: FitSite, window: OutputWindow, sample: number): Int32Array {
    const count = this.placesPerSample(window);
    const outputs = window.outputs * window.groups;
    const places = drawPlaces(window.places, count, sample, synapse.result);
    const elements = new Int32Array(places.length * outputs);
    places.forEach((place, i) => {
      for (let channel = 0; channel < outputs; channel++) {
        elements[i * outputs + channel] = window.outputAt(place, channel);
      }
    });
    return elements;
  }

  private layoutOf(neuron: OpOf<NeuronKind>): {
    readonly axis: number;
    readonly channels: Channels;
    readonly places: number;
    readonly samples: number;
  } {
    const { axis } = this.siteOf(neuron);
    const channels = channelsAlong(neuron.type.shape, axis);
    const { all } = channels;
    const samples = Math.max(
      simulatedSamples,
      Math.min(mostSamples, Math.ceil(placesPerChannel / all)),
    );
    return {
      axis,
      channels,
      places: Math.min(all, Math.ceil(placesPerChannel / samples)),
      samples,
    };
  }

  private affinesOf(
    { synapse }: FitSite,
    { width, groups, outputs }: OutputWindow,
  ): AffineMatrix[] {
    const weight = tensorAt(this.module, synapse.attrs.weight).data;
    const bias =
      synapse.attrs.bias === null ? null : tensorAt(this.module, synapse.attrs.bias).data;
    return Array.from({ length: groups }, (_, group) => {
      const transposed = new Float64Array(width * outputs);
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < width; i++) {
          transposed[i * outputs + o] = weight[(group * outputs + o) * width + i] ?? 0;
        }
      }
      const own = Float64Array.from(
        { length: outputs },
        (_, o) => bias?.[group * outputs + o] ?? 0,
      );
      return { weight: transposed, bias: own };
    });
  }

  private putAffines(
    { synapse }: FitSite,
    { width, outputs }: OutputWindow,
    maps: readonly AffineMatrix[],
  ): void {
    const old = tensorAt(this.module, synapse.attrs.weight);
    const weight = new Float32Array(old.data.length);
    maps.forEach((map, group) => {
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < width; i++) {
          weight[(group * outputs + o) * width + i] = map.weight[i * outputs + o] ?? 0;
        }
      }
    });
    const bias = tensorOf(
      "f32",
      [outputs * maps.length],
      maps.flatMap((map) => [...map.bias]),
    );
    const fittedWeight: Tensor = { dtype: "f32", shape: old.shape, data: weight };
    this.module = rewrite(this.module, (op, builder) => {
      if (op.result !== synapse.result || !isOp(op, "ann.conv", "ann.linear")) return null;
      const name = shortName(op.loc);
      const attrs = {
        ...op.attrs,
        weight: builder.tensor(`${name}.weight`, fittedWeight),
        bias: builder.tensor(`${name}.bias`, bias),
      };
      return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
    });
  }
}

/** What is looked at of one value of the analogue network. */
interface ReferenceLook {
  readonly value: ValueId;
  /** Samples that are looked at, the first ones. */
  readonly samples: number;
  readonly elements: (sample: number) => Int32Array;
  /** Takes them, sample by sample. */
  readonly kept: Float32Array[];
}

function floatsOf(data: ProbeData): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** Terms to fit the weights of a synapse on, as far as there are samples. */
function termsOf({ width }: OutputWindow): number {
  return Math.min(mostTerms, Math.max(fewestTerms, termsPerOperand * width));
}

function firingOf(neuron: OpOf<NeuronKind>): RateFiring {
  if (isOp(neuron, "snn.if")) return { most: 1, sign: "positive" };
  invariant(isOp(neuron, "snn.graded"), "neurons of rate code");
  return { most: largestSpike(neuron.attrs), sign: neuron.attrs.sign };
}

interface Gathered {
  readonly count: number;
  readonly perSample: number;
  readonly window: OutputWindow;
  readonly group: number;
  readonly rows: Float64Array | undefined;
  readonly wanted: readonly Float32Array[];
  readonly extras: Float64Array | null;
  readonly rectified: boolean;
}

/** The terms of one group of channels, of the samples that are chosen. */
function gather(chosen: (sample: number) => boolean, all: Gathered): Terms {
  const { count, perSample, window, group, wanted, extras, rectified } = all;
  const { width, outputs, groups } = window;
  const samples = Array.from({ length: count }, (_, i) => i).filter(chosen);
  const length = samples.length * perSample;
  const x = new Float64Array(length * width);
  const target = new Float64Array(length * outputs);
  const extra = extras === null ? null : new Float64Array(length * outputs);
  samples.forEach((sample, at) => {
    const from = sample * perSample;
    x.set(
      known(all.rows, "operands").subarray(from * width, (from + perSample) * width),
      at * perSample * width,
    );
    for (let i = 0; i < perSample; i++) {
      for (let o = 0; o < outputs; o++) {
        const channel = i * groups * outputs + group * outputs + o;
        const to = (at * perSample + i) * outputs + o;
        target[to] = wanted[sample]?.[channel] ?? 0;
        if (extra !== null) extra[to] = extras?.[from * groups * outputs + channel] ?? 0;
      }
    }
  });
  return { x: { data: x, count: length, width }, target, extra, rectified };
}
