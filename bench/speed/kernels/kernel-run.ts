/**
 * Runs the kernel of one layer by itself: compiles a module of it, runs that once for each of some
 * samples, and then repeats the one function of the generated code that is the layer's.
 */
import { compileProgram } from "../../../backends/wasm/compile.ts";
import { Instance, createMemory } from "../../../backends/wasm/runtime/instance.ts";
import type { WindowKernel } from "../../../backends/wasm/lower/neurons/cost.ts";
import { type Program, arenaAddress } from "../../../backends/wasm/program.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Arithmetic, type Layer, layerModule, layerSample, pixelsOf } from "./kernel-layer.ts";

/** Timesteps that kernels are measured at. */
export const kernelSteps = 32;

/**
 * So many samples of a layer that their pixels are thousands: a branch predictor that saw the same
 * spikes again and again would come to know them.
 */
export function samplesFor(layer: Layer): number {
  return Math.min(512, Math.max(16, 8192 / pixelsOf(layer)));
}

/** A layer compiled, for spikes at any rate. */
export interface CompiledLayer {
  readonly layer: Layer;
  readonly arithmetic: Arithmetic;
  /** What the layer's window was given: what was asked for, or what the cost model chose. */
  readonly kernel: WindowKernel;
  /** Channels of a block, where there are tables to tell it. */
  readonly blockWidth: number | null;
  readonly program: Program;
  readonly compiled: WebAssembly.Module;
  /** The name of the layer's function. */
  readonly step: string;
}

export interface LayerRun {
  /** Of one call, mean over the samples: spikes times connections within bounds. */
  readonly operations: number;
  /** Spikes per input neuron and timestep, mean over the samples. */
  readonly rate: number;
  /** Computes the layer for the next sample: all timesteps, all pixels. */
  readonly run: () => void;
}

/** `kernel` null lets the cost model choose, which knows no rate. */
export async function compileLayer(
  layer: Layer,
  arithmetic: Arithmetic,
  kernel: WindowKernel | null,
): Promise<CompiledLayer> {
  const { module, timed } = layerModule(layer, arithmetic, kernelSteps);
  const program = await compileProgram(module, {
    timesteps: kernelSteps,
    steps: kernelSteps,
    keep: [],
    average: [],
    traces: [],
    // Counting comes last, and keeps the spikes that the layer reads until then.
    count: true,
    shared: false,
    tiles: 1,
    optimise: false,
    ...(kernel === null ? {} : { windows: kernel }),
  });
  const step = program.functions.find((name) => name.endsWith(`: %${timed} snn.if`));
  // The other window is that of one sum per pixel, which is smaller.
  const weights = layer.inputs * layer.outputs * layer.kernel ** 2;
  const own = program.tables.find(
    ({ groups, inputs, width }) => groups * inputs * width >= weights && weights > layer.outputs,
  );
  const found = own === undefined ? "events" : "tables";
  invariant(kernel === null || kernel === found, `a layer of ${found} instead of ${kernel}`);
  return {
    layer,
    arithmetic,
    kernel: found,
    blockWidth: own?.width ?? null,
    program,
    compiled: await WebAssembly.compile(program.binary),
    step: known(step, "the layer's function"),
  };
}

/** Sets up so many samples, each with spikes in a memory of its own, to be run in turns. */
export function runLayer(compiled: CompiledLayer, rate: number, samples: number): LayerRun {
  const { program, layer, arithmetic } = compiled;
  const memory = createMemory(program, samples);
  let operations = 0;
  let spikes = 0;
  const calls = Array.from({ length: samples }, (_, arena) => {
    const instance = new Instance(program, compiled.compiled, memory, {
      arena,
      part: 0,
      parts: 1,
    });
    instance.give([layerSample(layer, arithmetic, rate, 100 + arena).data]);
    instance.begin();
    instance.advance(0);
    const counted = countsOf(instance, program);
    operations += counted.operations / samples;
    spikes += counted.spikes / samples;
    return stepOf(compiled, memory, arena);
  });
  const neurons = layer.inputs * pixelsOf(layer);
  let next = 0;
  return {
    operations,
    rate: spikes / neurons / kernelSteps,
    run: () => {
      known(calls[next], "a sample")();
      next = (next + 1) % samples;
    },
  };
}

/** The layer's function on one arena, as it is called in a run. */
export function stepOf(
  layer: Pick<CompiledLayer, "compiled" | "program" | "step">,
  memory: WebAssembly.Memory,
  at: number,
): () => void {
  const { compiled, program, step } = layer;
  invariant(program.math.length === 0, "a kernel that calls the host");
  const value = arenaAddress(program, at);
  const arena = new WebAssembly.Global({ value: "i32", mutable: false }, value);
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory, arena }, math: {} });
  const found = exports[step];
  invariant(isStep(found), `no function "${step}"`);
  return () => found(0, 1, 0);
}

/** All functions of a program have this type. */
function isStep(value: unknown): value is (part: number, parts: number, elapsed: number) => void {
  return typeof value === "function";
}

/** Of the layer alone, over all timesteps. */
function countsOf(
  instance: Instance,
  program: Program,
): { readonly operations: number; readonly spikes: number } {
  const { at, rows } = known(program.counts, "counts");
  const data = new Float64Array(rows.count * kernelSteps);
  instance.read(at, 0, data);
  const sum = (row: number): number =>
    data.subarray(row * kernelSteps, (row + 1) * kernelSteps).reduce((a, b) => a + b, 0);
  const [inputs, layer] = [...rows.spikes.values()].map(sum);
  const met = rows.events.reduce(
    (total, { plain, digits, words }) => total + sum(plain) + sum(digits) + sum(words),
    0,
  );
  // Each spike of the layer meets one weight, in the sum per pixel behind it.
  return {
    operations: met - known(layer, "the layer's spikes"),
    spikes: known(inputs, "spikes of the inputs"),
  };
}
