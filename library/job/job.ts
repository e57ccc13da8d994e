/**
 * The main job as data: which model, which samples, how it is converted, and what is wanted of it. It is
 * plain JSON, and where its hashes are filled in, its text determines the bytes of the network.
 */
import { z } from "zod";
import { taskNames } from "../../calibrate/tasks/task.ts";
import { fail } from "../../ir/diagnostic.ts";
import { type Json, tryParseJson } from "../../ir/file/json.ts";
import { maxTimesteps, spikingCodes } from "../../ir/module.ts";
import { objectives } from "../auto/auto.ts";
import { diagnose } from "../diagnostics.ts";

/** What can run a network: compiled, on typed arrays, or op by op as the reference has it. */
export const engineNames = ["wasm", "typed", "interpret"] as const;
export type EngineName = (typeof engineNames)[number];

/** Points of accuracy that a search may lose unless somebody says otherwise. */
export const defaultMaxLoss = 2;
/** Percent. */
export const defaultConfidence = 95;

/** Raised where a job of the version before would mean something else. */
const jobVersion = 1;

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .nullable()
  .default(null);
const text = z.string().nullable().default(null);
const count = z.int().min(1).nullable().default(null);
const json: z.ZodType<Json> = z.json();

const readingSchema = z.strictObject({
  inputShapes: z.record(z.string(), z.array(z.int().min(1))).optional(),
  dimensions: z.record(z.string(), z.int().min(1)).optional(),
  outputs: z.array(z.string()).min(1).optional(),
  batchAxis: z
    .union([z.int(), z.literal("none"), z.record(z.string(), z.int().nullable())])
    .optional(),
  stream: z.record(z.string(), z.int()).optional(),
  inputValues: z.record(z.string(), z.array(z.number())).optional(),
});
const reading = json.refine((value) => readingSchema.nullable().safeParse(value).success, {
  error: "it is not a reading as `--print-job` prints it",
});

const dataSchema = z.strictObject({
  file: z.string(),
  /** Of the chosen samples, in any order; null: not checked. */
  sha256: hash,
  /** A file with labels, where the data file has none. */
  labels: text,
  /** The arrays of an archive that are the samples and the labels. */
  x: text,
  y: text,
  /** The first so many samples, or as many drawn where they are sorted by class. */
  limit: count,
  /** Draw so many samples by the seed, whatever their order. */
  draw: count,
  maxDataBytes: count,
});

export const jobSchema = z.strictObject({
  schemaVersion: z.literal(jobVersion),
  model: z.strictObject({
    file: z.string(),
    /** Of the file's bytes; null: not checked. */
    sha256: hash,
    /** How the model is read (outputs, shapes, values of inputs), as a `.snn` records it. */
    reading: reading.default(null),
    maxValueBytes: count,
  }),
  /** Samples to choose thresholds from. */
  calibration: dataSchema.nullable().default(null),
  /** Samples to measure on; null: the calibration set. */
  evaluation: dataSchema.nullable().default(null),
  /** How raw data become input, with every default filled in; null: as the network records. */
  preprocess: json.default(null),
  /** Class numbers by the names of classes. */
  classes: z.record(z.string(), z.int()).nullable().default(null),
  /** Class numbers by stored labels. */
  labelMap: z.record(z.string(), z.int()).nullable().default(null),
  /** What the first output is for; null: found from it and the labels. */
  task: z.enum(taskNames).nullable().default(null),
  conversion: z
    .strictObject({
      /** A named pipeline, which starts from a model; or passes, which start from anything. */
      pipeline: text,
      passes: text,
      code: z.enum(spikingCodes).nullable().default(null),
      bits: z.int().min(1).max(8).nullable().default(null),
      /** Make integers of what the pipeline makes, with weights of so many bits, or on average; null: of 8. */
      integer: z.boolean().default(false),
      weightBits: z
        .union([z.int().min(2).max(8), z.strictObject({ mean: z.number().min(2).max(8) })])
        .nullable()
        .default(null),
      /** Null: those of the code, or of the `.snn` that passes start from. */
      timesteps: z.int().min(1).max(maxTimesteps).nullable().default(null),
      allowAnalogue: z.boolean().default(false),
      /** Choose pipeline and timesteps by trying; `confidence` in percent. */
      auto: z
        .strictObject({
          maxLoss: z.number().min(0).max(100).default(defaultMaxLoss),
          confidence: z.number().min(50).lt(100).default(defaultConfidence),
          objective: z.enum(objectives).default("latency"),
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(0),
  engine: z.enum(engineNames).default("wasm"),
  outputs: z.strictObject({
    /** Where the network goes. */
    network: z.string(),
    /** The folder of a report; null: none. */
    report: text,
    /** Whether both networks are measured. */
    evaluate: z.boolean().default(true),
  }),
});

/** A job with every default filled in. */
export type Job = z.output<typeof jobSchema>;
export type DataReference = z.output<typeof dataSchema>;

/** Reads a job from the text of a file; fails with a `DiagnosticError` that names the key at fault. */
export function parseJob(source: string, file: string): Job {
  const parsed = tryParseJson(source);
  if (!parsed.ok) return fail(diagnose("job-not-json", null, { file, reason: parsed.reason }));
  const checked = jobSchema.safeParse(parsed.value);
  if (checked.success) return checked.data;
  const reason = checked.error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.length === 0 ? "the job" : path.join(".")}: ${message}`)
    .join("; ");
  return fail(diagnose("job-not-json", null, { file, reason }));
}
