/**
 * The shape of `report.json`, once: types, validation and the published JSON schema
 * (docs/report.schema.json) all follow from it. Field names are stable within a version.
 */
import { z } from "zod";
import { taskNames } from "../tasks/task.ts";

/** Raised when a field is removed or changes its meaning; added fields leave it as it is. */
export const reportVersion = "snnc.report/2";

const share = z.number().min(0).max(1);
const count = z.number().int().min(0);
const amount = z.number().min(0);
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe("SHA-256, 64 hex digits.");

const port = z.strictObject({ name: z.string(), shape: z.array(count) });

export const dataset = z.strictObject({
  name: z.string().describe("What the user called the data: a file's base name."),
  samples: count,
  sha256: sha256.nullable(),
  labelled: z.boolean(),
});

const passRun = z.strictObject({
  pass: z.string(),
  options: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
  seconds: amount.nullable().describe("Wall time; null where it was not measured."),
  changed: z.boolean(),
});

const metricValues = z.array(z.number().nullable());

export const metrics = z
  .strictObject({
    exactMatch: metricValues.optional().describe("Share of samples with every label right."),
    meanIou: metricValues.optional().describe("Mean over classes of intersection over union."),
    rmse: metricValues.optional().describe("Root of the mean squared distance from the targets."),
    relativeRmse: metricValues.optional().describe("The same over the targets' spread."),
    r2: metricValues.optional().describe("1 − relativeRmse²."),
    rmseToAnn: metricValues.optional(),
    relativeRmseToAnn: metricValues.optional().describe("Over the spread of the ANN's outputs."),
  })
  .describe("Figures of the task by timestep; null where nothing varies.");

export const task = z.strictObject({
  name: z.enum(taskNames),
  reason: z.string(),
  assumed: z.boolean().describe("Whether nothing but the output's shape speaks for it."),
  threshold: z.number().nullable().describe("A label counts as given from here on."),
});

const output = z.strictObject({
  name: z.string(),
  task,
  agreement: z.array(share).nullable(),
  relativeLogitError: z.array(amount.nullable()).nullable(),
  metrics,
});

const passLoss = z.strictObject({
  pass: z.string(),
  accuracy: share.nullable().describe("On the samples of `lossByPassData`, after this pass."),
  agreement: share.nullable().describe("Share predicted as the imported network does."),
  relativeLogitError: amount
    .nullable()
    .describe("Σ|y − y_ann|² / Σ|y_ann|² after this pass, against the imported network."),
  relativeRmseToAnn: amount
    .nullable()
    .describe("RMSE to the imported network over its outputs' spread, of values."),
});

const layerError = z
  .strictObject({
    clipping: amount,
    quantisation: amount,
    inherited: amount,
    unevenness: amount,
    interaction: z.number().describe("total − the four parts; negative where they cancel."),
    total: amount,
  })
  .describe(
    "Mean squares of the parts of the ANN's value − what the neuron sent of it, relative to the variance of the ANN's value over the samples (of one sample, to its mean square).",
  );

const thresholds = z.strictObject({
  count: count.describe("1, the number of channels, or the number of neurons."),
  min: z.number(),
  lowerQuartile: z.number(),
  median: z.number(),
  upperQuartile: z.number(),
  max: z.number(),
});

const layer = z.strictObject({
  name: z.string(),
  neurons: count,
  error: layerError
    .nullable()
    .describe("Null where the ANN's activations are the same for all samples."),
  correlation: z.number().min(-1).max(1).nullable(),
  firingRate: amount.describe("Spikes per neuron and timestep, whatever the size of each."),
  spikesPerSample: amount.nullable(),
  dead: share.describe("Share of neurons that sent nothing on any sample."),
  silenced: share.describe("Share that sent nothing on any though the ANN's were active on one."),
  saturated: share.describe(
    "Share that sent more than 95 % of the most they can, in the mean over samples.",
  ),
  clippedShare: share.describe("Share of the ANN's values beyond what the neuron can send."),
  thresholds: thresholds.describe("Of few-spikes neurons the smallest spike takes its place."),
  initialPotential: z
    .number()
    .nullable()
    .describe("Mean of v[0] over the threshold; null where v[0] is a part of the value."),
});

export const byKind = z.strictObject({
  multiplyAccumulates: amount,
  multiplications: amount,
  additions: amount,
  comparisons: amount,
  divisions: amount,
  functions: amount,
});

export const energy = z.strictObject({
  table: z.strictObject({
    name: z.string(),
    source: z.string(),
    picojoules: byKind.describe("Of one operation of each kind."),
  }),
  isOwn: z.boolean().describe("Whether the table is that of the network's own arithmetic."),
  annPJ: amount,
  snnInputPJ: amount.describe("Products of weights with the input, once."),
  snnRealPJ: amount.describe("Products on what is not a spike, at each timestep."),
  snnEventsPJ: amount.describe("Words that met weights, by events."),
  snnBitsPJ: amount
    .nullable()
    .describe("The same by bits; null where steps are no powers of two of each other."),
  snnNeuronsPJ: amount.describe("What neurons compute besides."),
  snnOtherPJ: amount.describe("Biases, decoders, pools, activations on real values and the like."),
  snnPJ: amount.describe("All of it, by events."),
  snnByBitsPJ: amount.nullable(),
  ratio: amount.nullable().describe("SNN over ANN, by events, all operations of both."),
  ratioByBits: amount.nullable(),
});

export const diagnostic = z.strictObject({
  code: z.string(),
  severity: z.enum(["error", "warning", "info"]),
  message: z.string(),
  place: z.string().nullable(),
  notes: z.array(z.string()),
  help: z.string().nullable(),
});

/** Every kind of advice; docs/low-accuracy.md has a section for each. */
export const recommendationKinds = [
  "labels-shifted",
  "ann-at-chance",
  "always-one-class",
  "silent-layer",
  "still-rising",
  "settled-below",
  "clipping-dominates",
  "clipping-in-layer",
  "quantisation-dominates",
  "quantisation-in-layer",
  "unevenness-dominates",
  "unevenness-in-layer",
  "pass-lost-accuracy",
  "dead-neurons",
  "saturated-neurons",
  "spare-timesteps",
  "costs-more-than-ann",
  "few-samples",
] as const;

export const recommendation = z.strictObject({
  kind: z.enum(recommendationKinds).describe("docs/low-accuracy.md has a section for each."),
  importance: z.enum(["high", "medium", "info"]),
  text: z.string(),
  option: z.string().nullable().describe("What to write on the command line."),
  layer: z.string().nullable(),
});

export const reportSchema = z
  .strictObject({
    schema: z.literal(reportVersion),
    tool: z.strictObject({ name: z.string(), version: z.string() }),
    model: z.strictObject({
      name: z.string(),
      file: z.string().nullable(),
      sha256: sha256.nullable(),
      parameters: count,
      ops: count,
      inputs: z.array(port),
      outputs: z.array(port),
    }),
    settings: z.strictObject({
      code: z.string(),
      timesteps: count,
      latencyTimesteps: count.describe(
        "From the first input to the answer, for the whole depth: T, or T for each layer of neurons.",
      ),
      latencyPhases: count.describe(
        "Layers of neurons that fire one after another, in each timestep or frame after frame.",
      ),
      latencyWithDelay: count.describe(
        "Timesteps, where each layer of neurons hands its spikes on one timestep later.",
      ),
      seed: z.number().int().nullable(),
    }),
    calibrationData: dataset.nullable(),
    evaluationData: dataset,
    pipeline: z.array(passRun),
    accuracy: z.strictObject({
      timesteps: z
        .array(count)
        .describe("What the lists below go by: 1 … T, or T alone where there is one answer."),
      ann: share.nullable().describe("Null without labels, and for values."),
      snn: z.array(share).nullable().describe("Share of samples, labels or places that are right."),
      lossStandardError: z
        .array(amount)
        .nullable()
        .describe(
          "Of the conversion loss, ann − snn, both on the same samples; a share. Null without labels, and for values.",
        ),
      agreement: z.array(share).nullable().describe("Share predicted as the ANN does."),
      task: task.describe("What the first output was measured as."),
      metrics,
      labelShift: z
        .strictObject({ by: z.union([z.literal(1), z.literal(-1)]), accuracy: share })
        .nullable()
        .describe("What every label would have to be changed by for the ANN to be right."),
      annMetrics: metrics.describe("Of the ANN, whose only answer is the first."),
      outputs: z.array(output).describe("Each output by itself, the first one first."),
      relativeLogitError: z.array(amount.nullable()).nullable(),
      smallestTimesteps: z
        .array(
          z.strictObject({
            points: amount.describe("Percentage points below the ANN's accuracy."),
            timesteps: count
              .nullable()
              .describe(
                "From here to T the accuracy stays within, with 1.96 standard errors; null if nowhere.",
              ),
          }),
        )
        .describe("Empty without labels, and where there is one answer."),
      distinctPredictions: count,
      classes: count.describe("0 where the task has none."),
    }),
    lossByPass: z.array(passLoss),
    lossByPassData: dataset.nullable(),
    layers: z.array(layer),
    layerSamples: count.describe("Samples that the layers were compared on."),
    rateDrift: z
      .array(
        z.strictObject({
          name: z.string(),
          channels: count,
          floatRate: amount.describe("Spikes per neuron and timestep of the network of floats."),
          integerRate: amount.describe("Of the network of integers."),
          distance: amount.describe(
            "Earth mover's distance between the rates of the channels in both: how far the rate of a channel moves in the mean, if those in the same order are the same.",
          ),
        }),
      )
      .optional()
      .describe("Where this conversion made integers of a network of floats: layer by layer."),
    operations: z.strictObject({
      annMultiplyAccumulates: amount,
      ann: byKind.describe("All operations of the ANN."),
      snn: byKind.describe("All operations of the SNN at the end of the run, by events."),
      inputProducts: amount.describe("Multiply-accumulates with the input, once per run."),
      realProducts: amount.describe(
        "Multiply-accumulates on other values that are no spikes, in all timesteps.",
      ),
      valueProducts: amount.describe("Those of these that are of two values that change."),
      realLayers: z.array(z.string()).describe("Whose weights meet such values."),
      multiplyAccumulates: z
        .array(amount)
        .describe("Both of these up to each timestep; all lists are per sample."),
      spikes: z.array(amount).describe("Words sent, whatever their size."),
      bits: z.array(amount).describe("Binary digits set in them."),
      synapticOperations: z.array(amount).describe("Events: words × weights that they met."),
      plainSynapticOperations: z
        .array(amount)
        .describe("Events that are additions; the others are multiply-accumulates."),
      synapticBits: z.array(amount).describe("Binary digits × weights that they met."),
      bitsAreAdditions: z
        .boolean()
        .describe("Whether each is an addition: steps are powers of two of each other."),
      neurons: count,
      neuronUpdates: amount.describe("Operations of all kinds that neurons do besides."),
    }),
    energy: z.array(energy).describe("By several tables."),
    rival: z
      .strictObject({
        bits: count,
        table: z.string().describe("The name of a table in `energy`."),
        isSame: z.boolean().describe("Whether it computes the same as the spiking network."),
      })
      .nullable()
      .describe(
        "The plain quantised ANN whose values have as many bits as a neuron of the network says.",
      ),
    energyCaveat: z.string(),
    diagnostics: z.array(diagnostic),
    recommendations: z.array(recommendation),
  })
  .describe("What converting a network cost: accuracy, errors by pass and by layer, operations.");

export type ConversionReport = z.infer<typeof reportSchema>;
export type ReportLayer = ConversionReport["layers"][number];
export type LayerErrorParts = z.infer<typeof layerError>;
export type Recommendation = ConversionReport["recommendations"][number];

/** The JSON schema of `report.json`, as docs/report.schema.json publishes it. */
export function reportJsonSchema(): Record<string, unknown> {
  return { title: reportVersion, ...z.toJSONSchema(reportSchema) };
}
