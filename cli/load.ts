/** From a path on the command line to a network: an ONNX model, or a `.snn` of ours. */
import path from "node:path";
import { detectFormat } from "../frontend/detect.ts";
import { filesBeside } from "../frontend/onnx/files.ts";
import { type ImportResult, importOnnx } from "../frontend/onnx/import.ts";
import { fail } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import { type Provenance, decodePackage } from "../ir/package.ts";
import type { Context } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { readInput, sha256 } from "./files.ts";

/** How symbolic axes are resolved, as the command line says it. */
export interface ShapeOptions {
  readonly inputShape?: ReadonlyMap<string, number[]> | undefined;
  readonly dim?: ReadonlyMap<string, number> | undefined;
}

export interface Network {
  readonly kind: "ann" | "snn";
  readonly file: string;
  readonly module: Module;
  /** Of the file's bytes. */
  readonly sha256: string;
  /** Of a `.snn`: what it was made from, and how. */
  readonly provenance: Provenance | null;
}

/** Loads a network; its diagnostics are reported, its errors end the command. */
export async function loadNetwork(
  file: string,
  options: ShapeOptions,
  context: Context,
): Promise<Network> {
  const bytes = await readInput(file);
  const detected = detectFormat(bytes);
  if (detected.format === "snn") {
    const { module, provenance } = decodePackage(bytes, path.basename(file));
    const kind = module.code === "none" ? "ann" : "snn";
    return { kind, file, module, sha256: sha256(bytes), provenance };
  }
  const imported = importModel(bytes, file, options);
  context.report(...imported.diagnostics.filter((d) => d.severity !== "error"));
  const errors = imported.diagnostics.filter((d) => d.severity === "error");
  if (imported.module === null || errors.length > 0) fail(...errors);
  return { kind: "ann", file, module: imported.module, sha256: sha256(bytes), provenance: null };
}

/** An ONNX model as the importer sees it, with everything that is wrong with it. */
export function importModel(bytes: Uint8Array, file: string, options: ShapeOptions): ImportResult {
  const detected = detectFormat(bytes);
  const isOther = detected.format === "tfjs" || (detected.format === "unknown" && detected.certain);
  // Nothing at all would pass for text.
  if (isOther && bytes.length > 0) {
    fail(diagnose("unsupported-format", null, { file, what: detected.what }, [detected.hint]));
  }
  return importOnnx(bytes, {
    file: path.basename(file),
    files: filesBeside(file),
    batch: 1,
    ...(options.inputShape === undefined ? {} : { inputShapes: options.inputShape }),
    ...(options.dim === undefined ? {} : { dimensions: options.dim }),
  });
}
