/** Collects everything that a conversion report shows, by running both networks. */
import { type RateDrift, compareRates } from "../calibrate/compare/drift.ts";
import { type ReportPieces, buildReport } from "../calibrate/report/model.ts";
import type { ConversionReport } from "../calibrate/report/schema.ts";
import type { Evaluation } from "../calibrate/evaluate.ts";
import { firstTargets } from "../calibrate/tasks/targets.ts";
import type { Diagnostic } from "../ir/diagnostic.ts";
import type { SampleSource } from "../ir/executable.ts";
import { type Module, inputsOf, producerOf } from "../ir/module.ts";
import { allPasses } from "../passes/index.ts";
import type { PassRecord } from "../passes/manager.ts";
import { type Labelled, compareLayers, lossByPass } from "./assess.ts";
import { type Running, loadOn } from "./measure.ts";

/** The description of data in a report. */
export interface NamedData extends Labelled {
  readonly name: string;
  readonly sha256: string;
}

export interface ReportRequest {
  readonly version: string;
  readonly model: { readonly file: string; readonly sha256: string; readonly imported: Module };
  /** The network just before conversion, with the value ids of `snn`. */
  readonly reference: Module;
  readonly snn: Module;
  readonly passes: readonly PassRecord[];
  /** Include the wall time of each pass. Two reports of the same conversion then differ. */
  readonly timed?: boolean;
  /** Passes of an earlier run; only their names and options are known. */
  readonly ranBefore?: ReportPieces["pipeline"];
  readonly timesteps: number;
  readonly seed: number;
  readonly calibration: NamedData | null;
  readonly evaluation: NamedData;
  /** Whether to compare layers, which runs both networks again; by default true. */
  readonly layers?: boolean;
  readonly evaluations: { readonly ann: Evaluation; readonly snn: Evaluation };
  readonly diagnostics: readonly Diagnostic[];
}

/** The first samples of the evaluation data: for comparing layers and for the loss by pass. */
const comparedSamples = 128;

/** And for comparing firing rates, of which every sample has thousands. */
const driftSamples = 32;

/** Makes the remaining runs and builds the report. */
export async function makeReport(
  request: ReportRequest,
  running: Running,
): Promise<ConversionReport> {
  const { evaluation, timesteps } = request;
  const compared = firstOf(evaluation, comparedSamples);
  const comparison =
    request.layers === false
      ? { samples: 0, timesteps, layers: [], diagnostics: [] }
      : await compareLayers(request.reference, request.snn, compared.samples, running, timesteps);
  const rateDrift = request.layers === false ? null : await driftOf(request, running);
  const lossData = firstOf(evaluation, comparedSamples);
  const losses =
    request.passes.length === 0
      ? []
      : await lossByPass(request.model.imported, request.passes, lossData, running, timesteps);
  const pieces: ReportPieces = {
    tool: { name: "snnc", version: request.version },
    model: describeModel(request),
    settings: { code: request.snn.code, timesteps, seed: request.seed },
    calibrationData: request.calibration === null ? null : describeData(request.calibration),
    evaluationData: describeData(evaluation),
    pipeline:
      request.ranBefore ??
      request.passes.map(({ pass, options, seconds, changed }) => ({
        pass,
        options: { ...options },
        seconds: request.timed === true ? seconds : null,
        changed,
      })),
    ann: request.evaluations.ann,
    snn: request.evaluations.snn,
    lossByPass: losses,
    lossByPassData: { ...describeData(lossData), sha256: null },
    comparison,
    rateDrift,
    catalogue: allPasses,
    diagnostics: request.diagnostics,
  };
  return buildReport(pieces);
}

/** The drift of firing rates, where one of the passes made integers of floats. */
async function driftOf(
  { passes, snn, evaluation, timesteps }: ReportRequest,
  running: Running,
): Promise<RateDrift[] | null> {
  const made = passes.find(
    ({ before, after }) => after.properties.has("integer") && !before.properties.has("integer"),
  );
  if (made === undefined || !snn.properties.has("integer")) return null;
  const floats = await loadOn(running, made.before);
  const integers = await loadOn(running, snn);
  try {
    const { samples } = firstOf(evaluation, driftSamples);
    return await compareRates(floats, integers, samples, timesteps);
  } finally {
    await floats.close();
    await integers.close();
  }
}

function describeModel({ model }: ReportRequest): ReportPieces["model"] {
  const { imported } = model;
  let parameters = 0;
  for (const tensor of imported.tensors.values()) parameters += tensor.data.length;
  return {
    name: imported.name,
    file: model.file.replace(/^.*[/\\]/, ""),
    sha256: model.sha256,
    parameters,
    ops: imported.ops.length,
    inputs: inputsOf(imported).map((op) => ({ name: op.attrs.name, shape: [...op.type.shape] })),
    outputs: imported.outputs.map(({ name, value }) => ({
      name,
      shape: [...producerOf(imported, value).type.shape],
    })),
  };
}

function describeData(data: NamedData): NonNullable<ReportPieces["calibrationData"]> {
  return {
    name: data.name,
    samples: data.samples.count,
    sha256: data.sha256,
    labelled: data.labels !== null,
  };
}

/** The first `count` samples of a set, or all of it. */
function firstOf(data: NamedData, count: number): NamedData {
  if (data.samples.count <= count) return data;
  const samples: SampleSource = { count, get: (index) => data.samples.get(index) };
  return {
    ...data,
    samples,
    labels: data.labels === null ? null : firstTargets(data.labels, count),
  };
}
