/** From the bytes of a file to a network: a model of another framework, or a `.snn` of ours. */
import { detectFormat } from "../frontend/detect.ts";
import { type ExternalFiles, type Limits, importerFor } from "../frontend/import.ts";
import { type Diagnostic, failAll } from "../ir/diagnostic.ts";
import { type Provenance, decodePackage } from "../ir/file/package.ts";
import type { Module } from "../ir/module.ts";
import type { ModelReading } from "./record/reading.ts";

export interface Network {
  readonly kind: "ann" | "snn";
  /** As the user called it. */
  readonly file: string;
  readonly module: Module;
  /** Of the file's bytes. */
  readonly sha256: string;
  /** Of a `.snn`: what it was made from, and how. */
  readonly provenance: Provenance | null;
  /** How a model was read; null of a `.snn`. */
  readonly reading: ModelReading | null;
}

/** What is known of a file beside its bytes. */
export interface NetworkSource {
  readonly file: string;
  /** Of its bytes; whoever opens files has a fast way to it. */
  readonly sha256: string;
  readonly reading: ModelReading;
  readonly limits?: Partial<Limits>;
  /** Where external data of a model are. */
  readonly files?: ExternalFiles;
}

/** The name of a file without its folder, on any system. */
export function baseName(file: string): string {
  return file.replace(/^.*[/\\]/, "");
}

/** Whether bytes are a network of ours, not a model. */
export function isPackage(bytes: Uint8Array): boolean {
  return detectFormat(bytes).format === "snn";
}

/** Reads a network; fails with a `DiagnosticError` of all that is wrong with it, and reports the rest. */
export function readNetwork(
  bytes: Uint8Array,
  { file, sha256, reading, limits = {}, files }: NetworkSource,
  report: (...diagnostics: readonly Diagnostic[]) => void,
): Network {
  if (isPackage(bytes)) {
    const { module, provenance } = decodePackage(bytes, baseName(file));
    const kind = module.code === "none" ? "ann" : "snn";
    return { kind, file, module, sha256, provenance, reading: null };
  }
  const imported = importerFor(bytes, file).import(bytes, {
    file: baseName(file),
    ...(files === undefined ? {} : { files }),
    batch: 1,
    ...reading,
    limits,
  });
  for (const d of imported.diagnostics) if (d.severity !== "error") report(d);
  const errors = imported.diagnostics.filter((d) => d.severity === "error");
  if (imported.module === null || errors.length > 0) failAll(errors);
  return { kind: "ann", file, module: imported.module, sha256, provenance: null, reading };
}
