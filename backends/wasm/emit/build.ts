/**
 * From a module to the files of a network that runs on WebAssembly anywhere: the code, the weights,
 * the loader with its types, a page that shows it, and what there is to say about sizes. Pure: files
 * are returned, not written, and the same module gives the same bytes.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { provenTimesteps, requireSafeTimesteps } from "../../../ir/analysis/bounds.ts";
import { fail } from "../../../ir/diagnostic.ts";
import { type Module, isFramed, isOverTime, opsOf } from "../../../ir/module.ts";
import type { Provenance } from "../../../ir/file/package.ts";
import { elementCount, formatType } from "../../../ir/type.ts";
import { type CompileOptions, compileProgram } from "../compile.ts";
import type { Program } from "../program.ts";
import { type Assets, declarationsFor, pageNames, runtimeNames } from "./assets.ts";
import { findSharedFlag, withSection } from "./binary.ts";
import { describeProgram, weightImage } from "./describe.ts";
import { diagnose } from "./diagnostics.ts";
import type { Preprocess } from "./loader/api.ts";
import { type Description, sectionName } from "./loader/description.ts";
import { probesOf } from "./names.ts";
import { type WasmReport, reportOn } from "./report.ts";
import { type DemoSample, packSamples } from "./samples.ts";

export interface WasmBuildOptions {
  /** Timesteps that a run takes unless told otherwise; the module's own unless given. */
  readonly timesteps?: number | undefined;
  /** Timesteps that are computed together. */
  readonly chunk?: number | undefined;
  /** Names of values to keep observable at each timestep; `all` is every layer. */
  readonly probes?: readonly string[] | undefined;
  /** Names of layers whose membrane potentials are to be observable; `all` is every layer. */
  readonly membranes?: readonly string[] | undefined;
  /** How pixels become the input of a network that has one. */
  readonly preprocess?: Preprocess | null | undefined;
  /** Names of the classes, one per element of the first output. */
  readonly classes?: readonly string[] | null | undefined;
  /** What the page lets people choose from; null builds no page. */
  readonly samples?: readonly DemoSample[] | null | undefined;
}

/** What a build is made from and by, for its manifest. */
export interface Making {
  readonly tool: { readonly name: string; readonly version: string };
  readonly network: { readonly file: string; readonly sha256: string };
  readonly provenance: Provenance | null;
}

export interface BuiltFile {
  readonly path: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface Built<Report> {
  /** By name, sorted; `manifest.json` is among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly listing: readonly BuiltFile[];
  readonly report: Report;
}

/**
 * Runs of 32 timesteps take 3 to 8 % longer in chunks of 4 than in one, and an early exit then wastes
 * 3 timesteps at most; docs/build-wasm.md has the figures.
 */
const defaultChunk = 4;
/** Programs are compiled as if runs had no end, so that any number of chunks may follow. */
const endless = 2 ** 31 - 1;

/** Fails with a diagnostic for each op that would need the host. */
export async function buildWasm(
  module: Module,
  options: WasmBuildOptions,
  making: Making,
  assets: Assets,
): Promise<Built<WasmReport>> {
  const analogue = module.code === "none";
  // A frame is computed as a whole.
  const isOnce = !isOverTime(module) || isFramed(module.code);
  const timesteps = isOnce ? 1 : (options.timesteps ?? module.timesteps);
  const chunk =
    isOnce || module.carries.length > 0 ? 1 : (options.chunk ?? Math.min(defaultChunk, timesteps));
  const probes = probesOf(module, options.probes ?? [], options.membranes ?? []);
  const kept = probes.filter(({ keeps }) => keeps !== "membrane").map(({ op }) => op.result);
  const compileOptions: CompileOptions = {
    timesteps: isOnce ? 1 : endless,
    steps: chunk,
    keep: [...new Set(kept)],
    average: [],
    traces: probes.filter(({ keeps }) => keeps === "membrane").map(({ op }) => op.result),
    count: analogue ? false : "spikes",
    shared: false,
    tiles: 1,
    optimise: true,
  };
  refuseFrames(module);
  requireSafeTimesteps(module, timesteps);
  const program = await compileProgram(module, compileOptions);
  refuseHost(program);
  checkClasses(module, options.classes ?? null);
  const weights = weightImage(program);
  const description = describeProgram(module, program, {
    segments: weights.segments,
    timesteps,
    proven: provenTimesteps(module),
    probes,
    preprocess: options.preprocess ?? null,
    classes: options.classes ?? null,
    sharedFlagAt: findSharedFlag(program.binary),
  });
  const files = filesOf(
    program.binary,
    weights.bytes,
    description,
    options.samples ?? null,
    assets,
  );
  const report = reportOn(module, program, description, files);
  files.set("report.json", textBytes(`${JSON.stringify(report, null, 2)}\n`));
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const listing = sorted.map(([path, bytes]) => fileOf(path, bytes));
  const { tool, network, provenance } = making;
  const settings = {
    timesteps,
    chunk,
    probes: probes.map(({ name }) => name),
    preprocess: options.preprocess ?? null,
    classes: options.classes ?? null,
    samples: options.samples?.length ?? null,
  };
  const manifest = { tool, target: "wasm", network, provenance, settings, files: listing };
  const manifestBytes = textBytes(`${JSON.stringify(manifest, null, 2)}\n`);
  return {
    files: new Map([...sorted, [manifestName, manifestBytes]]),
    listing: [...listing, fileOf(manifestName, manifestBytes)],
    report,
  };
}

const manifestName = "manifest.json";

function filesOf(
  binary: Uint8Array,
  weights: Uint8Array,
  description: Description,
  samples: readonly DemoSample[] | null,
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
function refuseFrames(module: Module): void {
  const found = opsOf(module, "snn.input").map(({ loc, attrs: { name } }) =>
    diagnose("input-over-time", loc, { name }),
  );
  if (found.length > 0) fail(...found);
}

function refuseHost(program: Program): void {
  if (program.tasks.length === 0) return;
  const found = program.tasks.map(({ op }) =>
    diagnose("op-without-kernel", op.loc, { kind: op.kind, type: formatType(op.type) }),
  );
  fail(...found);
}

function checkClasses(module: Module, classes: readonly string[] | null): void {
  const [output] = module.outputs;
  if (classes === null || output === undefined) return;
  const op = module.ops.find(({ result }) => result === output.value);
  const elements = elementCount(op?.type.shape ?? []);
  if (classes.length === elements) return;
  fail(diagnose("classes-count", null, { names: classes.length, output: output.name, elements }));
}

function fileOf(path: string, bytes: Uint8Array): BuiltFile {
  return { path, bytes: bytes.length, sha256: bytesToHex(sha256(bytes)) };
}

function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
