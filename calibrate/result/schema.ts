/**
 * What `convert`, `eval`, `run` and `report` print with `--json`, once: types and the published JSON schema
 * (docs/result.schema.json) follow from it. All four have the same header and the same blocks, of which
 * each fills those that it knows; beside them stand the keys that a command had before.
 */
import { z } from "zod";
import * as shared from "../report/schema.ts";

/** Raised when a key is removed or changes its meaning; new keys leave it as it is. */
export const resultVersion = 1;

// What report.json has too, here with names of their own.
const byKind = shared.byKind.meta({ id: "operations" });
const dataset = shared.dataset.meta({ id: "data" });
const diagnostic = shared.diagnostic.meta({ id: "diagnostic" });
const metrics = shared.metrics.meta({ id: "metrics" });
const task = shared.task.meta({ id: "task" });

const share = z.number().min(0).max(1);
const count = z.int().min(0);
const amount = z.number().min(0);
const amounts = z.array(amount);
const shares = z.array(share);
const errors = z.array(amount.nullable());

const kind = z.enum(["ann", "snn"]);

const input = z
  .strictObject({
    file: z.string(),
    sha256: shared.sha256,
    kind,
    code: z.string().describe("none for an ANN."),
    timesteps: count.describe("Its own, whatever it was run for."),
    parameters: count,
    ops: count,
  })
  .meta({ id: "input", description: "The network that was given." });

const option = z.union([z.number(), z.string(), z.boolean()]);

const pass = z
  .strictObject({
    pass: z.string(),
    options: z.record(z.string(), option).describe("All of them, defaults too."),
    changed: z.boolean().nullable().describe("Null of a pass that ran before, as recorded."),
    seconds: amount.nullable().describe("Null of a pass that ran before."),
  })
  .meta({ id: "pass" });

/** What a sample takes, up to each of the timesteps beside these lists; means over samples. */
const costs = {
  spikes: amounts.describe("Words that neurons sent, whatever their size."),
  bits: amounts.describe("Binary digits set in them."),
  events: amounts.describe("Words × weights that they met."),
  additions: amounts.describe("Events that are additions; the others are multiply-accumulates."),
  eventBits: amounts.describe("Binary digits × weights that they met."),
  multiplyAccumulates: amounts.describe(
    "Products on what is not a spike, the first layer's among them.",
  ),
  /** Of a sample at the end of the run, by events. */
  operations: byKind,
};

const figures = z
  .strictObject({
    timesteps: z.array(count).describe("What the lists go by; [0] of an ANN."),
    task: task.nullable().describe("What the first output was measured as; null where it was not."),
    accuracy: shares.nullable().describe("Null without labels, and for values."),
    metrics: metrics.nullable(),
    conversionLoss: z
      .strictObject({
        points: z.array(z.number()),
        standardError: amounts.nullable().describe("Of the paired difference, in points."),
      })
      .nullable()
      .describe("The ANN's accuracy less the SNN's, in points: positive is worse."),
    agreement: shares.nullable().describe("Share decided as by the ANN."),
    relativeLogitError: errors.nullable().describe("Σ|y − y_ann|² / Σ|y_ann|²."),
    ...costs,
    latency: z.strictObject({
      timesteps: count.describe("From the first input to the answer, for the whole depth."),
      phases: count.describe("Layers of neurons that fire one after another."),
      withDelay: count.describe("Timesteps, where each layer hands its spikes on one later."),
    }),
  })
  .meta({ id: "figures" });

const options = {
  engine: z.string(),
  threads: count,
  seed: count,
  timesteps: count.nullable().describe("As asked for; null: those of the network or the code."),
  limit: count.nullable(),
  task: z.string().nullable(),
};

const common = {
  schemaVersion: z.literal(resultVersion),
  version: z.string().describe("Of snnc."),
  model: z.string().describe("The file that was converted, measured or run; of report, --model."),
  input,
  passes: z
    .array(pass)
    .nullable()
    .describe(
      "All that made the network, in order; null where a .snn names one that is unknown here.",
    ),
  data: dataset.nullable().describe("The samples that figures are of."),
  calibrationData: dataset.nullable().describe("The samples that thresholds were chosen from."),
  ann: figures.nullable(),
  snn: figures.nullable(),
  diagnostics: z.array(diagnostic),
};

const paths = z.strictObject({ html: z.string(), json: z.string() });

const output = z
  .strictObject({
    name: z.string(),
    task,
    accuracy: shares.nullable(),
    lossStandardError: amounts.optional(),
    agreement: shares.optional(),
    relativeLogitError: errors.optional(),
    metrics,
  })
  .meta({ id: "output" });

/** Of a network that was measured, under the names that they always had. */
const measured = {
  task,
  metrics,
  outputs: z.array(output).optional().describe("Each by itself, where there are several."),
  spikesPerSample: amounts,
  bitsPerSample: amounts,
  synapticOperationsPerSample: amounts,
  plainSynapticOperationsPerSample: amounts,
  synapticBitsPerSample: amounts,
  multiplyAccumulatesPerSample: amounts,
  latencyTimesteps: count,
  latencyPhases: count,
  latencyWithDelay: count,
};

const trial = z
  .strictObject({
    pipeline: z.string(),
    bits: count.nullable(),
    precision: z.number().nullable(),
    timesteps: count,
    code: z.string(),
    changedPoints: amount,
    boundPoints: amount,
    judgedOn: count,
    latencyTimesteps: count,
    spikesPerSample: amount,
    energyRatio: amount,
  })
  .meta({ id: "trial" });

const conversion = z
  .strictObject({
    ...common,
    command: z.literal("convert"),
    options: z.strictObject({
      ...options,
      pipeline: z.string().nullable(),
      passes: z.string().nullable(),
      code: z.string().nullable(),
      bits: count.nullable(),
      integer: z.boolean(),
      weightBits: z.union([count, z.strictObject({ mean: amount })]).nullable(),
      allowAnalogue: z.boolean(),
      auto: z
        .strictObject({ maxLoss: amount, confidence: amount, objective: z.string() })
        .nullable(),
    }),
    out: z.string(),
    code: z.string(),
    timesteps: count,
    parameters: count,
    ops: count,
    pipeline: z.array(z.strictObject({ pass: z.string(), seconds: amount, changed: z.boolean() })),
    calibrationSamples: count,
    seconds: amount,
    auto: z
      .strictObject({
        chosen: trial,
        trials: z.array(trial),
        calibratedOn: count,
        judgedOn: count,
        confidence: share,
        sharedBy: count,
        task,
      })
      .optional(),
    ...z.strictObject(measured).partial().shape,
    evaluationSamples: count.optional(),
    annAccuracy: share.nullable().optional(),
    accuracy: shares.nullable().optional(),
    lossStandardError: amounts.nullable().optional().describe("A share, as the accuracies."),
    agreement: shares.nullable().optional(),
    annMetrics: metrics.optional(),
    annMultiplyAccumulatesPerSample: amount.optional(),
    energy: shared.energy.omit({ isOwn: true }).optional(),
    report: paths.optional(),
    advice: shared.recommendation.nullable().optional(),
  })
  .meta({ id: "convert" });

const evaluation = z
  .strictObject({
    ...common,
    ...measured,
    command: z.literal("eval"),
    options: z.strictObject({
      ...options,
      earlyExit: share.nullable(),
      exitEvery: count.nullable(),
    }),
    kind,
    samples: count,
    timesteps: z.array(count),
    accuracy: shares.nullable(),
    lossStandardError: amounts.optional(),
    agreement: shares.optional(),
    relativeLogitError: errors.optional(),
    seconds: amount,
    samplesPerSecond: amount,
    memory: z
      .strictObject({ weightsBytes: count, arenaBytes: count, threads: count })
      .optional()
      .describe("What the run held at once, where the engine plans its memory."),
    earlyExit: z
      .strictObject({
        margin: share,
        every: count,
        accuracy: share.nullable(),
        meanTimesteps: amount,
        latency: z.strictObject({ p50: count, p90: count, p99: count, longest: count }),
        spikesPerSample: amount,
        synapticOperationsPerSample: amount,
        figures: z
          .strictObject({
            timesteps: z.array(count),
            ended: shares.describe("Share of the samples that have ended."),
            accuracy: shares.nullable(),
            ...costs,
          })
          .describe("Of this run, each sample up to where it ended."),
        seconds: amount,
        samplesPerSecond: amount,
      })
      .optional()
      .describe("A second run, in which samples end early; all other figures are of the first."),
  })
  .meta({ id: "eval" });

const run = z
  .strictObject({
    ...common,
    command: z.literal("run"),
    options: z.strictObject({ ...options, probe: z.array(z.string()) }),
    network: z.string(),
    kind,
    samples: count,
    timesteps: count,
    output: z.string(),
    arrays: z.array(z.strictObject({ name: z.string(), shape: z.array(count) })),
    seconds: amount,
  })
  .meta({ id: "run" });

const reporting = z
  .strictObject({
    ...common,
    command: z.literal("report"),
    options: z.strictObject(options),
    network: z.string(),
    ...paths.shape,
    accuracy: shared.reportSchema.shape.accuracy.describe("As in report.json."),
  })
  .meta({ id: "report" });

const resultSchema = z
  .discriminatedUnion("command", [conversion, evaluation, run, reporting])
  .describe("What snnc convert, eval, run and report print with --json.");

/** The same for whoever only reads it. */
type Immutable<T> = T extends readonly (infer E)[]
  ? readonly Immutable<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Immutable<T[K]> }
    : T;

export type Result = Immutable<z.infer<typeof resultSchema>>;
/** What all of them have. */
export type CommonResult = Immutable<z.infer<z.ZodObject<typeof common>>>;
export type ConvertResult = Immutable<z.infer<typeof conversion>>;
export type EvalResult = Immutable<z.infer<typeof evaluation>>;
export type RunResult = Immutable<z.infer<typeof run>>;
export type ReportResult = Immutable<z.infer<typeof reporting>>;
export type FiguresJson = Immutable<z.infer<typeof figures>>;

/** The JSON schema of these, as docs/result.schema.json publishes it. */
export function resultJsonSchema(): Record<string, unknown> {
  return {
    title: `snnc.result/${resultVersion}`,
    ...z.toJSONSchema(resultSchema),
  };
}
