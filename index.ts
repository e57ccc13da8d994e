/**
 * The library: `import { … } from "snnc"`. It has a function for every step from an ONNX model's bytes to a
 * spiking network and its report. The functions use no files and keep no state, so they also run in a
 * browser. Files and threads are in `snnc/node`. docs/library.md has a worked example.
 */

// From bytes to a network.
export { importModel } from "./frontend/import.ts";
export type { ImportOptions, ImportResult } from "./frontend/import.ts";
export { importOnnx } from "./frontend/onnx/import.ts";
export { checkModel } from "./library/check.ts";
export type { CheckResult, Obstacle } from "./library/check.ts";
export { decodePackage, encodePackage } from "./ir/file/package.ts";
export type { Package, Provenance } from "./ir/file/package.ts";
export { parseModule } from "./ir/text/parse.ts";
export { printModule } from "./ir/text/print.ts";
export type { PrintOptions } from "./ir/text/print.ts";
export { verify } from "./ir/verify.ts";
export type { Violation } from "./ir/verify.ts";

// Samples.
export { samplesOf } from "./library/samples.ts";
export { modelInputs, sampleSource } from "./calibrate/data/source.ts";
export type { DataSource } from "./calibrate/data/source.ts";
export { parsePreprocess } from "./calibrate/data/preprocess.ts";
export type { Preprocess } from "./calibrate/data/preprocess.ts";

// The work.
export { convert } from "./library/convert.ts";
export type { Conversion, ConvertOptions } from "./library/convert.ts";
export { runJob } from "./library/job/run.ts";
export type { JobResult } from "./library/job/run.ts";
export { jobSchema, parseJob } from "./library/job/job.ts";
export type { DataReference, Job } from "./library/job/job.ts";
export { completeJob, openJob } from "./library/job/open.ts";
export type { DataWish, JobHost, ModelFile } from "./library/job/host.ts";
export { chooseConversion } from "./library/auto/auto.ts";
export type { AutoOptions, AutoResult, Trial } from "./library/auto/auto.ts";
export { calibrationOn } from "./library/measure.ts";
export type { Running } from "./library/measure.ts";
export {
  compareLayers,
  evaluateModule as evaluate,
  evaluatePair,
  evaluateWithEarlyExit,
} from "./library/assess.ts";
export type { AssessOptions, Labelled } from "./library/assess.ts";
export type { EarlyExitEvaluation } from "./calibrate/early-exit.ts";
export type { Evaluation, OutputEvaluation } from "./calibrate/evaluate.ts";
export type { ChosenTask, Metrics, TaskName, TaskWish } from "./calibrate/tasks/task.ts";
export type { Targets } from "./calibrate/tasks/targets.ts";
export type { Comparison } from "./calibrate/compare.ts";

// Reports.
export { makeReport } from "./library/report.ts";
export type { ReportRequest } from "./library/report.ts";
export { renderReportHtml } from "./calibrate/report/html.ts";
export { formatReport } from "./calibrate/report/text.ts";
export type { ConversionReport } from "./calibrate/report/schema.ts";

// Builds: files that run a network elsewhere.
export { build, buildFor, refusalsOf } from "./library/build.ts";
export type { BuildOptions, Built, BuiltFile } from "./library/build.ts";
export type { Making } from "./ir/backend.ts";
export { parseTarget, targets } from "./library/targets.ts";
export type { Target } from "./library/targets.ts";
export { wasmBackend } from "./backends/wasm/emit/backend.ts";
export type { WasmReport } from "./backends/wasm/emit/report.ts";
export { defineBackend } from "./ir/backend.ts";
export type {
  AnyBackend,
  Assets,
  Backend,
  BuildRequest,
  BuildSample,
  Emitted,
} from "./ir/backend.ts";

// Engines, which run a network.
export { interpretEngine } from "./backends/interpret/engine.ts";
export { singleThreadEngine } from "./backends/typed/single.ts";
export { singleThreadWasmEngine } from "./backends/wasm/runtime/single.ts";
export { browserWasmEngine } from "./backends/wasm/runtime/web-workers.ts";
export type { EarlyExit } from "./ir/run/early-exit.ts";
export type {
  Engine,
  Executable,
  LoadOptions,
  MemoryUse,
  Observation,
  Probe,
  ProbeData,
  RunOptions,
  SampleResult,
  SampleSource,
} from "./ir/executable.ts";

// Catalogues of operators, ops, passes and pipelines.
export { onnxOperators } from "./frontend/onnx/operators.ts";
export { specs as opSpecs } from "./ir/op/table.ts";
export { spikingFormOf } from "./passes/convert/spiking-form.ts";
export { allPasses, pipelines } from "./passes/index.ts";
export { printPipeline } from "./passes/pipeline.ts";
export type { PipelineStep } from "./passes/pipeline.ts";
export type { PassRecord } from "./passes/manager.ts";

// The representation, and errors.
export { DiagnosticError, InvariantError, fail } from "./ir/diagnostic.ts";
export type { Diagnostic, Severity } from "./ir/diagnostic.ts";
export type { Loc } from "./ir/loc.ts";
export { formatLoc } from "./ir/loc.ts";
export { inputsOf } from "./ir/module.ts";
export type { Code, Module, Output, Property } from "./ir/module.ts";
export type { Op, OpKind, ValueId } from "./ir/op/op.ts";
export type { CalibrationStatistics, ChannelStatistics, Scope } from "./ir/run/stats.ts";
export { f32, tensor, tensorOf } from "./ir/tensor.ts";
export type { Tensor, TensorRef } from "./ir/tensor.ts";
export type { Domain, DType, Shape, Type } from "./ir/type.ts";
