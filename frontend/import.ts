/**
 * The door for models of every format: what the bytes are decides which importer reads them. A new
 * format is a folder with an `Importer`, a name in `detect.ts`, and a line in the list here.
 */
import { DiagnosticError, fail } from "../ir/diagnostic.ts";
import { detectFormat } from "./detect.ts";
import { diagnose } from "./diagnostics.ts";
import type { ImportOptions, ImportResult, Importer } from "./importer.ts";
import { onnxImporter } from "./onnx/import.ts";

export type { ExternalFiles } from "./external.ts";
export type { BatchAxis, ImportOptions, ImportResult, Importer } from "./importer.ts";
export type { Limits } from "./limits.ts";

export const importers: readonly Importer[] = [onnxImporter];

/**
 * The importer for a file of these bytes. Fails where there is none, with what the file is and what
 * to do with it; `file` is named as the user named it.
 */
export function importerFor(bytes: Uint8Array, file: string): Importer {
  const detected = detectFormat(bytes);
  const importer = importers.find(({ format }) => format === detected.format);
  if (importer !== undefined) return importer;
  // ONNX has no signature: whatever may be a model is its importer's to judge, and so is nothing at all.
  const isOther = detected.certain && detected.format !== "snn" && bytes.length > 0;
  if (!isOther) return onnxImporter;
  return fail(diagnose("unsupported-format", null, { file, what: detected.what }, [detected.hint]));
}

/** Imports a model of any format that there is an importer for. Everything wrong is in the result. */
export function importModel(bytes: Uint8Array, options: ImportOptions): ImportResult {
  try {
    return importerFor(bytes, options.file).import(bytes, options);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const nothing = { unsupported: [], inputs: [], operators: new Map<string, number>() };
    return { module: null, diagnostics: error.diagnostics, ...nothing, opset: 0, producer: "" };
  }
}
