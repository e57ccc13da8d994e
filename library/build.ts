/** From a network to files that run somewhere else: asks the target whether it can, and then for them. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import {
  type AnyBackend,
  type Assets,
  type BuildRequest,
  type Making,
  type Materials,
  isFileName,
} from "../ir/backend.ts";
import { type Diagnostic, failAll, invariant } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import type { Options } from "../ir/options.ts";
import { type Target, parseTarget, refuseUnused } from "./targets.ts";

export interface BuildOptions extends Partial<Materials> {
  /** Timesteps that a run takes unless told otherwise; the module's own unless given. */
  readonly timesteps?: number | undefined;
  /** Options of the target's own table, beside those that are written with its name. */
  readonly options?: Options;
}

export interface BuiltFile {
  readonly path: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

export interface Built<Report> {
  /** By name, sorted, but for `manifest.json`, which is the last. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly listing: readonly BuiltFile[];
  readonly report: Report;
  /** The report in short: rows of a table, the first one its head. */
  readonly rows: readonly (readonly string[])[];
}

/** Files that every build has, whatever the target. */
export const [reportName, manifestName] = ["report.json", "manifest.json"] as const;

/**
 * The files of a network for `target`, as `parseTarget` reads it, and a report on them; nothing is
 * written. Fails with all that the target refuses. `assets` are files that targets bring along:
 * `snnc/node` has a reader of those that came with the package.
 */
export async function build(
  module: Module,
  target: string,
  options: BuildOptions,
  making: Making,
  assets: Assets,
): Promise<Built<unknown>> {
  return buildFor(parseTarget(target, options.options), module, options, making, assets);
}

/** Everything that the target has against the network; it can be built where there is nothing. */
export async function refusalsOf(
  { backend, options: table }: Target,
  module: Module,
  options: BuildOptions,
  assets: Assets,
): Promise<readonly Diagnostic[]> {
  return backend.check(module, requestOf(module, table, options, assets));
}

/** The same for a target that is at hand, with its report's type. */
export async function buildFor<R>(
  { backend, options: table }: { readonly backend: AnyBackend<R>; readonly options: Options },
  module: Module,
  options: BuildOptions,
  making: Making,
  assets: Assets,
): Promise<Built<R>> {
  refuseUnused(backend, givenOf(options));
  const request = requestOf(module, table, options, assets, making);
  const refusals = await backend.check(module, request);
  if (refusals.length > 0) failAll(refusals);
  const { files: emitted, report, settings, rows } = await backend.emit(module, request);
  const files = new Map([...emitted, [reportName, jsonBytes(report)]]);
  invariant(files.size === emitted.size + 1 && !files.has(manifestName), "names of a build's own");
  const named = [...backend.fileNames, reportName];
  for (const name of files.keys())
    invariant(isFileName(named, name), `${name} is not a name of the target's`);
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const listing = sorted.map(([path, bytes]) => fileOf(path, bytes));
  const { tool, network, provenance } = making;
  const target = backend.name;
  const manifest = jsonBytes({ tool, target, network, provenance, settings, files: listing });
  return {
    files: new Map([...sorted, [manifestName, manifest]]),
    listing: [...listing, fileOf(manifestName, manifest)],
    report,
    rows,
  };
}

function requestOf(
  module: Module,
  table: Options,
  options: BuildOptions,
  assets: Assets,
  making: Making | null = null,
): BuildRequest<Options> {
  return {
    making,
    options: table,
    timesteps: options.timesteps ?? module.timesteps,
    assets,
    probes: options.probes ?? [],
    membranes: options.membranes ?? [],
    preprocess: options.preprocess ?? null,
    classes: options.classes ?? null,
    samples: options.samples ?? null,
  };
}

/** Materials that are there. */
function givenOf(options: BuildOptions): readonly string[] {
  const { probes = [], membranes = [], preprocess, classes, samples } = options;
  const given = {
    probes: probes.length > 0,
    membranes: membranes.length > 0,
    preprocess: (preprocess ?? null) !== null,
    classes: (classes ?? null) !== null,
    samples: (samples ?? []).length > 0,
  } satisfies Record<keyof Materials, boolean>;
  return Object.entries(given).flatMap(([name, isGiven]) => (isGiven ? [name] : []));
}

function fileOf(path: string, bytes: Uint8Array): BuiltFile {
  return { path, bytes: bytes.length, sha256: bytesToHex(sha256(bytes)) };
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
