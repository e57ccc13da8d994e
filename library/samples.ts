/** Samples from arrays in memory, fitted to a model by the same rules as those from files. */
import { datasetOf, fieldOf } from "../calibrate/data/dataset.ts";
import type { Preprocess } from "../calibrate/data/preprocess.ts";
import { type DataSource, modelInputs, sampleSource } from "../calibrate/data/source.ts";
import type { Module } from "../ir/module.ts";
import type { Tensor } from "../ir/tensor.ts";

/**
 * The samples of an array [N, …], or of one array per input by the inputs' names, as `module` takes
 * them. Fails with a `DiagnosticError` if they do not fit; remarks are in its `diagnostics`.
 */
export function samplesOf(
  module: Module,
  arrays: Tensor | ReadonlyMap<string, Tensor>,
  preprocess: Preprocess | null = null,
): DataSource {
  const fields =
    "dtype" in arrays
      ? [fieldOf("x", arrays)]
      : [...arrays].map(([name, array]) => fieldOf(name, array));
  const dataset = datasetOf({
    name: "samples",
    content: { format: "memory", fields, labels: null },
    labels: null,
    files: [],
    diagnostics: [],
  });
  return sampleSource(dataset, modelInputs(module), preprocess);
}
