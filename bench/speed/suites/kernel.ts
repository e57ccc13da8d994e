/**
 * Suite `kernel`: single spiking kernels beside the limit of the machine that they run into. Each is
 * measured in one process with that limit, in turns. What `kernelCasesOf` lists is measured.
 */
import type { WindowKernel } from "../../../backends/wasm/lower/neurons/cost.ts";
import { weightBytes } from "../../../backends/wasm/kernels/lanes.ts";
import { known } from "../../../ir/diagnostic.ts";
import {
  type Arithmetic,
  type Layer,
  arithmetics,
  layerName,
  pixelsOf,
} from "../kernels/kernel-layer.ts";
import {
  type CompiledLayer,
  compileLayer,
  kernelSteps,
  runLayer,
  samplesFor,
} from "../kernels/kernel-run.ts";
import { wordMeter } from "../kernels/word-layer.ts";
import type { LimitName } from "../kernels/limit-modules.ts";
import type { Meter } from "../kernels/meter.ts";
import { digits } from "../rows.ts";

export interface KernelCase {
  /** The layer, the arithmetic, the firing rate and the kernel, for people. */
  readonly name: string;
  readonly limit: LimitName;
  /** What the kernel did, from its work per second and those of limits. */
  note(perSecond: number, limits: ReadonlyMap<LimitName, number>): Promise<string>;
  /** Sets everything up that is not to be timed. */
  prepare(): Promise<Meter>;
}

/** The convolutions of a ResNet-20 on images of 32 × 32, and a linear layer. */
const layers: readonly Layer[] = [
  { inputs: 16, outputs: 16, extent: 32, kernel: 3 },
  { inputs: 32, outputs: 32, extent: 16, kernel: 3 },
  { inputs: 64, outputs: 64, extent: 8, kernel: 3 },
  { inputs: 512, outputs: 512, extent: 0, kernel: 1 },
];

/** Spikes per neuron and timestep. */
const rates = [0.05, 0.1, 0.2];

/** Up to so many bytes of weights stay in a first-level cache of 32 KB, beside spikes. */
const firstLevelBytes = 24 * 1024;

/** The cases of a Node with relaxed SIMD, which has words of one byte too, or of one without. */
export function kernelCasesOf(relaxed: boolean): KernelCase[] {
  const wordForms = relaxed ? [true, false] : [false];
  return layers.flatMap((layer) => [
    ...arithmetics.flatMap((arithmetic) =>
      rates.flatMap((rate) =>
        (["events", "tables"] as const).map((kernel) => caseOf(layer, arithmetic, rate, kernel)),
      ),
    ),
    ...(layer.extent === 0 ? [] : wordForms.map((inBytes) => wordCase(layer, inBytes))),
    ...(layer.extent === 0 ? [] : rates.map((rate) => eventCase(layer, rate, relaxed))),
  ]);
}

/**
 * Work is the bytes of the weights that are added, one for each synaptic operation: a kernel that
 * adds them one by one has to read them, so reading is its limit. Tables hold sums of several, and
 * may exceed it.
 */
function caseOf(
  layer: Layer,
  arithmetic: Arithmetic,
  rate: number,
  kernel: WindowKernel,
): KernelCase {
  const bytes = weightBytes(arithmetic);
  const weights = bytes * layer.inputs * layer.outputs * layer.kernel ** 2;
  return {
    name: `${layerName(layer)}, ${arithmetic}, ${rate * 100} %, ${kernel}`,
    limit: weights <= firstLevelBytes ? "bytes from 16 KB" : "bytes from 256 KB",
    async note(perSecond, limits) {
      const operations = perSecond / bytes;
      const chosen = (await compiledOnce(layer, arithmetic, null)).kernel;
      const { operations: perCall } = runLayer(
        await compiledOnce(layer, arithmetic, kernel),
        rate,
        1,
      );
      const perPixel = perCall / pixelsOf(layer) / kernelSteps;
      const adds = known(limits.get("int16 adds"), "the limit of additions");
      const share = ((operations / adds) * 100).toFixed(0);
      return [
        chosen === kernel ? "chosen by the cost model" : `the cost model chooses ${chosen}`,
        `${digits(operations)} synaptic operations per second`,
        ...(arithmetic === "i16" ? [`${share} % of int16 adds`] : []),
        `${digits((perPixel / operations) * 1e9)} ns per pixel and timestep`,
      ].join(", ");
    },
    async prepare() {
      const run = runLayer(await compiledOnce(layer, arithmetic, kernel), rate, samplesFor(layer));
      return { work: run.operations * bytes, run: run.run };
    },
  };
}

/** One timestep of words of either sign through weights, neurons included. Work is products. */
function wordCase(layer: Layer, relaxed: boolean): KernelCase {
  return {
    name: `${layerName(layer)}, words of ${relaxed ? "one byte" : "two bytes"}`,
    limit: relaxed ? "8-bit products" : "16-bit products",
    note(perSecond) {
      const perPixel = (layer.inputs * layer.outputs * layer.kernel ** 2) / perSecond;
      return Promise.resolve(`dense, ${digits(perPixel * 1e9)} ns per pixel and timestep`);
    },
    prepare: () => wordMeter(layer, { relaxed, density: 0.5, kernel: "dense" }),
  };
}

/**
 * The same by events, with as narrow words as the Node can do. Work is products of words that are not 0: a weight of
 * 16 bits is read, multiplied and added for each.
 */
function eventCase(layer: Layer, density: number, relaxed: boolean): KernelCase {
  const bytes = 2 * layer.inputs * layer.outputs * layer.kernel ** 2;
  return {
    name: `${layerName(layer)}, words by events, ${density * 100} %`,
    limit:
      bytes <= firstLevelBytes
        ? "int16 multiply-adds from 16 KB"
        : "int16 multiply-adds from 256 KB",
    note(perSecond) {
      const dense = perSecond / density;
      return Promise.resolve(`as fast as ${digits(dense)} dense products per second`);
    },
    prepare: () => wordMeter(layer, { relaxed, density, kernel: "events" }),
  };
}

const compiledLayers = new Map<string, Promise<CompiledLayer>>();

/** One program serves all rates. */
function compiledOnce(
  layer: Layer,
  arithmetic: Arithmetic,
  kernel: WindowKernel | null,
): Promise<CompiledLayer> {
  const name = `${layerName(layer)} ${arithmetic} ${kernel ?? "chosen"}`;
  const ready = compiledLayers.get(name) ?? compileLayer(layer, arithmetic, kernel);
  compiledLayers.set(name, ready);
  return ready;
}
