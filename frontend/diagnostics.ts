/** What importers of all formats say: of the file as such, and of how much there is to say. */
import { type Diagnostic, catalogue } from "../ir/diagnostic.ts";

export const diagnose = catalogue({
  "unsupported-format": {
    severity: "error",
    message: (p: { file: string; what: string }) => `${p.file} cannot be read here: ${p.what}`,
    help: "snnc reads ONNX models and its own .snn files",
  },
  "model-not-found": {
    severity: "error",
    message: (p: { path: string }) => `there is no file ${p.path}`,
    help: "check the path",
  },
  "is-directory": {
    severity: "error",
    message: (p: { path: string }) => `${p.path} is a directory, not a model file`,
    help: "name the .onnx file inside it",
  },
  "unreadable-file": {
    severity: "error",
    cause: "environment",
    message: (p: { path: string; why: string }) => `cannot read ${p.path}: ${p.why}`,
  },
  "more-errors": {
    severity: "error",
    message: (p: { count: number }) => `${p.count} more errors are not listed`,
  },
});

/** More errors than this are counted, not listed: nobody reads them, and a file may have millions. */
const mostListed = 1000;

/** The first of a list of errors, and how many more there are. */
export function limited(errors: readonly Diagnostic[]): readonly Diagnostic[] {
  const more = errors.length - mostListed;
  if (more <= 0) return errors;
  return [...errors.slice(0, mostListed), diagnose("more-errors", null, { count: more })];
}
