/**
 * The target WebAssembly. From a module to the files of a network that runs anywhere: the code, the
 * weights, the loader with its types, a page that shows it, and what there is to say about sizes.
 */
import { provenTimesteps, requireSafeTimesteps } from "../../../ir/analysis/bounds.ts";
import {
  type Assets,
  type BuildRequest,
  type BuildSample,
  type Emitted,
  defineBackend,
} from "../../../ir/backend.ts";
import { type Diagnostic, DiagnosticError } from "../../../ir/diagnostic.ts";
import { type Module, isFramed, isOverTime, opsOf } from "../../../ir/module.ts";
import type { Op } from "../../../ir/op/op.ts";
import { elementCount, formatType } from "../../../ir/type.ts";
import { compileProgram } from "../compile.ts";
import type { Lowering } from "../lower/lowering.ts";
import { type LowerOptions, lowerNetwork, phases, stepsIn } from "../lower/network.ts";
import type { Program } from "../program.ts";
import { declarationsFor, pageNames, runtimeNames } from "./assets.ts";
import { findSharedFlag, withSection } from "./binary.ts";
import { describeProgram, weightImage } from "./describe.ts";
import { diagnose } from "./diagnostics.ts";
import { type Description, sectionName } from "./loader/description.ts";
import { type BuildProbe, probesOf } from "./names.ts";
import { type WasmReport, reportOn } from "./report.ts";
import { packSamples } from "./samples.ts";

/**
 * Runs of 32 timesteps take 3 to 8 % longer in chunks of 4 than in one, and an early exit then wastes
 * 3 timesteps at most; docs/build-wasm.md has the figures.
 */
const defaultChunk = 4;
/** Programs are compiled as if runs had no end, so that any number of chunks may follow. */
const endless = 2 ** 31 - 1;

export const wasmBackend = defineBackend({
  name: "wasm",
  summary: "WebAssembly with a loader and a page, for browsers, Node, Deno and Bun",
  options: {
    chunk: {
      kind: "integer",
      default: defaultChunk,
      min: 1,
      max: 64,
      help: "timesteps computed together; early exit saves whole chunks",
    },
  },
  takes: ["probes", "membranes", "preprocess", "classes", "samples"],
  fileNames: [
    ...runtimeNames,
    ...pageNames,
    ...["model.wasm", "model.weights", "model.d.ts", "samples.bin", "samples.json"],
  ],
  check(module, request) {
    const settings = settingsOf(module, request);
    const faults = [
      ...inputsOverTime(module),
      ...faultsOf(() => requireSafeTimesteps(module, settings.timesteps)),
      ...faultsOf(() => probesOf(module, request.probes, request.membranes)),
      ...checkClasses(module, request.classes),
    ];
    // What is kept readable is computed by the same kernels.
    const { lowering } = lowerNetwork(module, lowerOptionsOf(module, settings, []));
    return [...faults, ...opsOfHost(lowering)];
  },
  async emit(module, request): Promise<Emitted<WasmReport>> {
    const { preprocess, classes, samples, assets } = request;
    const { timesteps, chunk } = settingsOf(module, request);
    const probes = probesOf(module, request.probes, request.membranes);
    const program = await compile(module, { timesteps, chunk }, probes);
    const weights = weightImage(program);
    const description = describeProgram(module, program, {
      segments: weights.segments,
      timesteps,
      proven: provenTimesteps(module),
      probes,
      preprocess,
      classes,
      sharedFlagAt: findSharedFlag(program.binary),
    });
    const files = filesOf(program.binary, weights.bytes, description, samples, assets);
    const report = reportOn(module, program, description, files);
    const settings = {
      timesteps,
      chunk,
      probes: probes.map(({ name }) => name),
      preprocess: preprocess === null ? null : { ...preprocess },
      classes,
      samples: samples?.length ?? null,
    };
    return { files, report, settings, rows: rowsOf(report) };
  },
});

interface Settings {
  readonly timesteps: number;
  readonly chunk: number;
}

/** Whether one step is all: a frame is computed as a whole. */
function isOnce(module: Module): boolean {
  return !isOverTime(module) || isFramed(module.code);
}

function settingsOf(
  module: Module,
  { timesteps, options }: BuildRequest<{ readonly chunk: number }>,
): Settings {
  if (isOnce(module)) return { timesteps: 1, chunk: 1 };
  // What one timestep gives, the next one reads.
  if (module.carries.length > 0) return { timesteps, chunk: 1 };
  const { chunk } = options;
  return { timesteps, chunk: chunk === defaultChunk ? Math.min(chunk, timesteps) : chunk };
}

function lowerOptionsOf(
  module: Module,
  { chunk }: Settings,
  probes: readonly BuildProbe[],
): LowerOptions {
  const kept = probes.filter(({ keeps }) => keeps !== "membrane").map(({ op }) => op.result);
  return {
    timesteps: isOnce(module) ? 1 : endless,
    steps: chunk,
    keep: [...new Set(kept)],
    average: [],
    traces: probes.filter(({ keeps }) => keeps === "membrane").map(({ op }) => op.result),
    count: module.code === "none" ? false : "spikes",
    // Files run wherever there is plain SIMD.
    relaxed: false,
  };
}

function compile(
  module: Module,
  settings: Settings,
  probes: readonly BuildProbe[],
): Promise<Program> {
  const lowered = lowerOptionsOf(module, settings, probes);
  return compileProgram(module, { ...lowered, shared: false, tiles: 1, optimise: true });
}

/** What `work` fails with. */
function faultsOf(work: () => unknown): readonly Diagnostic[] {
  try {
    work();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics;
    throw error;
  }
  return [];
}

function filesOf(
  binary: Uint8Array,
  weights: Uint8Array,
  description: Description,
  samples: readonly BuildSample[] | null,
  assets: Assets,
): Map<string, Uint8Array> {
  const section = textBytes(JSON.stringify(description));
  const files = new Map<string, Uint8Array>([
    ["model.wasm", withSection(binary, sectionName, section)],
    ["model.weights", weights],
    ["model.d.ts", textBytes(declarationsFor(assets, description))],
  ]);
  const names = samples === null ? runtimeNames : [...runtimeNames, ...pageNames];
  // The types that comments name are beside the sources under another name.
  for (const name of names) {
    files.set(name, textBytes(assets.read(name).replaceAll('"./api.ts"', '"./model.js"')));
  }
  if (samples !== null) {
    for (const [name, bytes] of packSamples(samples)) files.set(name, bytes);
  }
  return files;
}

/** The loader writes inputs before the first timestep only. */
function inputsOverTime(module: Module): readonly Diagnostic[] {
  return opsOf(module, "snn.input").map(({ loc, attrs: { name } }) =>
    diagnose("input-over-time", loc, { name }),
  );
}

/** A built network has no host to compute what has no code. */
function opsOfHost(lowering: Lowering): readonly Diagnostic[] {
  const steps = phases.flatMap((phase) => stepsIn(lowering, phase));
  return steps.flatMap(({ host }) => (host === null ? [] : [withoutKernel(host.op)]));
}

function withoutKernel({ kind, type, loc }: Op): Diagnostic {
  return diagnose("op-without-kernel", loc, { kind, type: formatType(type) });
}

function checkClasses(module: Module, classes: readonly string[] | null): readonly Diagnostic[] {
  const [output] = module.outputs;
  if (classes === null || output === undefined) return [];
  const op = module.ops.find(({ result }) => result === output.value);
  const elements = elementCount(op?.type.shape ?? []);
  if (classes.length === elements) return [];
  const { name } = output;
  return [diagnose("classes-count", null, { names: classes.length, output: name, elements })];
}

function rowsOf({ sizes, memory }: WasmReport): readonly (readonly string[])[] {
  return [
    ["", "bytes", "gzip"],
    ...Object.entries(sizes).map(([what, { bytes, gzipBytes }]) => [
      what,
      String(bytes),
      String(gzipBytes),
    ]),
    ["memory while running", String(memory.totalBytes), ""],
  ];
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
