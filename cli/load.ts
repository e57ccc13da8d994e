/** From a path on the command line to a network: a model of another framework, or a `.snn` of ours. */
import path from "node:path";
import { detectFormat } from "../frontend/detect.ts";
import { filesBeside } from "../frontend/files.ts";
import { type ImportOptions, type ImportResult, importerFor } from "../frontend/import.ts";
import { failAll } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import { type Provenance, decodePackage } from "../ir/file/package.ts";
import type { Context } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { readInput, sha256 } from "./files/files.ts";
import {
  type ModelOptions,
  type ModelReading,
  limitsOf,
  readingOf,
  recordedReading,
} from "./options/model-options.ts";

export interface Network {
  readonly kind: "ann" | "snn";
  readonly file: string;
  readonly module: Module;
  /** Of the file's bytes. */
  readonly sha256: string;
  /** Of a `.snn`: what it was made from, and how. */
  readonly provenance: Provenance | null;
  /** How a model was read; null of a `.snn`. */
  readonly reading: ModelReading | null;
}

/**
 * Loads a network; its diagnostics are reported, its errors end the command. A model is read as
 * `beside`, a network that was made from it, records, unless options say otherwise.
 */
export async function loadNetwork(
  file: string,
  options: ModelOptions,
  context: Context,
  beside: Network | null = null,
): Promise<Network> {
  context.outputs.reads(file);
  const bytes = await readInput(file);
  const detected = detectFormat(bytes);
  if (detected.format === "snn") {
    const { module, provenance } = decodePackage(bytes, path.basename(file));
    const kind = module.code === "none" ? "ann" : "snn";
    return { kind, file, module, sha256: sha256(bytes), provenance, reading: null };
  }
  const values = [...(options.inputValue?.values() ?? [])];
  context.outputs.reads(...values.filter((value) => value.endsWith(".npy")));
  const given = await readingOf(options);
  const recorded = recordedReading(beside?.provenance ?? null);
  const reading = Object.keys(given).length === 0 ? (recorded ?? given) : given;
  if (reading === recorded && beside !== null) {
    context.report(diagnose("reading-recorded", null, { model: file, network: beside.file }));
  }
  const external: string[] = [];
  const asked = { ...reading, limits: limitsOf(options) };
  const imported = importModel(bytes, file, asked, (name) => external.push(name));
  context.outputs.reads(...new Set(external));
  for (const d of imported.diagnostics) if (d.severity !== "error") context.report(d);
  const errors = imported.diagnostics.filter((d) => d.severity === "error");
  if (imported.module === null || errors.length > 0) failAll(errors);
  const { module } = imported;
  return { kind: "ann", file, module, sha256: sha256(bytes), provenance: null, reading };
}

/** Whether a file is a network of ours, not a model. */
export async function isPackage(file: string): Promise<boolean> {
  return detectFormat(await readInput(file)).format === "snn";
}

/**
 * A model as its importer sees it, with everything that is wrong with it. `onRead` is told of
 * files with its external data.
 */
export function importModel(
  bytes: Uint8Array,
  file: string,
  reading: ModelReading & Pick<ImportOptions, "limits">,
  onRead: (file: string) => void = () => undefined,
): ImportResult {
  const beside = filesBeside(file);
  return importerFor(bytes, file).import(bytes, {
    file: path.basename(file),
    files: {
      read(name, offset, length) {
        onRead(path.join(path.dirname(file), name));
        return beside.read(name, offset, length);
      },
    },
    batch: 1,
    ...reading,
  });
}
