/**
 * Runs a job: opens what it names, converts, and measures both networks. A command, a sweep, a page and a
 * cache call this; nothing here opens a file or needs Node.
 */
import { fail } from "../../ir/diagnostic.ts";
import { packageParts } from "../../ir/file/package.ts";
import { type Module, isFramed, rehearsalOf } from "../../ir/module.ts";
import { lastFinerStep } from "../../ir/run/sending.ts";
import { evaluatePair } from "../assess.ts";
import { type AutoResult, chooseConversion } from "../auto/auto.ts";
import { type Conversion, convert } from "../convert.ts";
import { droppedFrames, framesIn } from "../data.ts";
import { diagnose } from "../diagnostics.ts";
import type { Running } from "../measure.ts";
import { withRates } from "../calibration/rates.ts";
import type { ReportRequest } from "../report.ts";
import type { JobHost } from "./host.ts";
import type { Job } from "./job.ts";
import { type OpenedJob, openJob } from "./open.ts";
import { provenanceOf } from "./provenance.ts";

export interface JobResult extends OpenedJob {
  /** The parts of the `.snn`, one after the other. */
  readonly parts: readonly Uint8Array[];
  readonly conversion: Conversion;
  /** What the search found, where there was one. */
  readonly auto: AutoResult | null;
  readonly timesteps: number;
  /** For `makeReport`: both networks with their evaluations; null where nothing was measured. */
  readonly measured: ReportRequest | null;
}

/** Fails with a `DiagnosticError` for what the user can mend. Same job, same bytes. */
export async function runJob(job: Job, host: JobHost): Promise<JobResult> {
  const opened = await openJob(job, host);
  const running = host.running(job.engine);
  const auto = await chosenOf(job, opened, running, host);
  const wanted = timestepsWanted(job, opened, auto, host);
  const conversion = await convertAs(job, opened, auto, wanted, running, host);
  const { module } = conversion;
  const rehearsal = rehearsalOf(module);
  if (rehearsal > 0) {
    host.report(diagnose("runs-twice", null, { timesteps: module.timesteps, rehearsal }));
  }
  const timesteps = timestepsMade(module, wanted, opened.network.kind);
  const provenance = provenanceOf(job, opened, conversion, timesteps, host.version);
  const parts = packageParts({ module, provenance });
  host.onNetwork?.(parts);
  const measured = await measure(job, opened, conversion, timesteps, running, host);
  return { ...opened, parts, conversion, auto, timesteps, measured };
}

async function chosenOf(
  { conversion: { auto, integer, weightBits } }: Job,
  { network, calibration, task }: OpenedJob,
  running: Running,
  host: JobHost,
): Promise<AutoResult | null> {
  if (auto === null) return null;
  if (calibration === null) return fail(diagnose("auto-needs-calibration", null, {}));
  const { maxLoss, objective, confidence } = auto;
  const result = await chooseConversion(network.module, calibration.samples, running, {
    maxLoss,
    objective,
    confidence: confidence / 100,
    integer,
    ...(weightBits === null ? {} : { weightBits }),
    task: task ?? undefined,
  });
  host.onChoice?.(result, maxLoss, objective);
  return result;
}

/**
 * As chosen or asked for, or as many as there are frames of inputs over time; a network that was converted before
 * keeps its own.
 */
function timestepsWanted(
  { conversion: { timesteps } }: Job,
  { network: { kind, module }, calibration, evaluation }: OpenedJob,
  auto: AutoResult | null,
  host: Pick<JobHost, "report">,
): number | undefined {
  if (auto !== null) return auto.chosen.timesteps;
  const sets = [...new Set([calibration, evaluation])].filter((set) => set !== null);
  const frames = framesIn(...sets.map(({ samples }) => samples));
  if (frames !== null) {
    if (timesteps === null) return frames;
    host.report(...sets.flatMap(({ name, samples }) => droppedFrames(name, samples, timesteps)));
  }
  return timesteps ?? (kind === "snn" ? module.timesteps : undefined);
}

/**
 * Where a frame has been cut short, a rehearsal comes first, all has been sent before, or nobody said how
 * long, it is the network that knows.
 */
function timestepsMade(made: Module, wanted: number | undefined, from: "ann" | "snn"): number {
  const endsEarly = from === "ann" && lastFinerStep(made) !== null;
  const fixed = isFramed(made.code) || rehearsalOf(made) > 0 || endsEarly;
  return fixed ? made.timesteps : (wanted ?? made.timesteps);
}

async function convertAs(
  { conversion: { pipeline, passes, code, bits, integer, weightBits, allowAnalogue }, seed }: Job,
  { network, calibration }: OpenedJob,
  auto: AutoResult | null,
  timesteps: number | undefined,
  running: Running,
  host: JobHost,
): Promise<Conversion> {
  const named = auto?.chosen.pipeline ?? passes ?? pipeline;
  const samples = calibration?.samples ?? null;
  const conversion = await convert(network.module, samples, running, {
    ...(timesteps === undefined ? {} : { timesteps }),
    ...(named === null ? {} : { pipeline: named }),
    ...(code === null ? {} : { code }),
    ...(bits === null ? {} : { bits }),
    // What a search has chosen says so itself.
    ...(auto === null ? { integer, ...(weightBits === null ? {} : { weightBits }) } : {}),
    seed,
    verify: host.verify ?? true,
    ...(allowAnalogue ? { allowAnalogue } : {}),
    onPass: (record) => host.onPass?.(record),
    ...(host.checkNumerics === undefined || samples === null
      ? {}
      : { checkNumerics: host.checkNumerics(samples) }),
  });
  host.report(...conversion.diagnostics);
  if (samples === null) return conversion;
  return { ...conversion, module: await withRates(conversion.module, samples, running) };
}

/** Both networks on the same samples, where there are two and samples. */
async function measure(
  { model, seed, outputs: { evaluate } }: Job,
  { network, calibration, evaluation }: OpenedJob,
  { module: snn, reference, passes }: Conversion,
  timesteps: number,
  running: Running,
  host: JobHost,
): Promise<ReportRequest | null> {
  if (!evaluate) return null;
  const spiking = snn.code !== "none";
  if (reference === null || !spiking || evaluation === null) {
    host.report(diagnose("not-measured", null, { spiking, data: evaluation !== null }));
    return null;
  }
  const evaluations = await evaluatePair(reference, snn, evaluation, running, timesteps);
  host.report(...evaluations.ann.diagnostics);
  return {
    version: host.version,
    model: { file: model.file, sha256: network.sha256, imported: network.module },
    reference,
    snn,
    passes,
    timed: host.timed === true,
    timesteps,
    seed,
    calibration,
    evaluation,
    evaluations,
    diagnostics: host.diagnostics,
  };
}
