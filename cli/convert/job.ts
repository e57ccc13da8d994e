/** From the options of `convert` to the job that they mean. */
import path from "node:path";
import { fail } from "../../ir/diagnostic.ts";
import type { TaskName } from "../../calibrate/tasks/task.ts";
import type { Objective } from "../../library/auto/auto.ts";
import { type EngineName, type Job, jobSchema } from "../../library/job/job.ts";
import type { WeightBits } from "../../passes/integers.ts";
import { recordOfPreprocess } from "../../library/record/preprocessing.ts";
import { recordOfReading } from "../../library/record/reading.ts";
import type { CommandContext } from "../action.ts";
import { diagnose } from "../diagnostics.ts";
import { readClassNames, readLabelMap } from "../options/classes.ts";
import { wayNamed } from "../options/conversion.ts";
import { type ModelOptions, readingOf } from "../options/model-options.ts";
import { readPreprocess } from "../options/preprocessing.ts";

/** The options of the command, as far as the work reads them. */
export interface Given extends ModelOptions {
  readonly labels?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  readonly task?: TaskName | undefined;
  readonly classes?: string | undefined;
  readonly labelMap?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly maxDataBytes?: number | undefined;
  readonly limit?: number | undefined;
  readonly job?: string | undefined;
  readonly printJob?: true | undefined;
  readonly calib?: string | undefined;
  readonly calibSamples?: number | undefined;
  readonly data?: string | undefined;
  readonly timesteps?: number | undefined;
  readonly code?: string | undefined;
  readonly bits?: number | undefined;
  readonly integer?: true | undefined;
  readonly weightBits?: WeightBits | undefined;
  readonly pipeline?: string | undefined;
  readonly passes?: string | undefined;
  readonly auto?: true | undefined;
  readonly maxLoss?: number | undefined;
  readonly confidence?: number | undefined;
  readonly objective?: Objective | undefined;
  readonly allowAnalogue?: true | undefined;
  readonly output?: string | undefined;
  readonly report?: string | undefined;
  readonly eval: boolean;
  readonly printAfter?: string | undefined;
  readonly timePasses?: true | undefined;
  readonly verify: boolean;
  readonly checkNumerics?: number | undefined;
  readonly engine: EngineName;
  readonly threads: number;
  readonly seed: number;
}

/** The job that options mean for `file`; small files that they name are read into it. */
export async function jobOf(file: string, given: Given, context: CommandContext): Promise<Job> {
  refuseContradictions(given);
  const way = wayNamed(given);
  const named = [file, given.calib, given.data, given.labels, given.classes, given.labelMap];
  const values = [...(given.inputValue?.values() ?? [])].filter((value) => value.endsWith(".npy"));
  context.outputs.reads(...named.filter((name) => name !== undefined), ...values);
  const archive = { x: given.x ?? null, y: given.y ?? null };
  const maxDataBytes = given.maxDataBytes ?? null;
  const labels = given.labels ?? null;
  const { calib, data, auto } = given;
  return jobSchema.parse({
    schemaVersion: 1,
    model: {
      file,
      reading: recordOfReading(await readingOf(given)),
      maxValueBytes: given.maxValueBytes ?? null,
    },
    // Labels given on the command line belong to the data that accuracy is measured on.
    calibration:
      calib === undefined
        ? null
        : {
            ...archive,
            file: calib,
            labels: data === undefined ? labels : null,
            draw: given.calibSamples ?? null,
            maxDataBytes,
          },
    evaluation:
      data === undefined
        ? null
        : { ...archive, file: data, labels, limit: given.limit ?? null, maxDataBytes },
    preprocess:
      given.preprocess === undefined
        ? null
        : recordOfPreprocess(await readPreprocess(given.preprocess, context)),
    classes:
      given.classes === undefined ? null : Object.fromEntries(await readClassNames(given.classes)),
    labelMap:
      given.labelMap === undefined ? null : Object.fromEntries(await readLabelMap(given.labelMap)),
    task: given.task ?? null,
    conversion: {
      pipeline: given.pipeline ?? null,
      passes: given.passes ?? null,
      code: way.code ?? null,
      bits: given.bits ?? null,
      integer: given.integer === true,
      weightBits: given.weightBits ?? null,
      timesteps: given.timesteps ?? null,
      allowAnalogue: given.allowAnalogue === true,
      auto:
        auto === undefined
          ? null
          : {
              ...(given.maxLoss === undefined ? {} : { maxLoss: given.maxLoss }),
              ...(given.confidence === undefined ? {} : { confidence: given.confidence }),
              ...(given.objective === undefined ? {} : { objective: given.objective }),
            },
    },
    seed: given.seed,
    engine: given.engine,
    outputs: {
      network: given.output ?? defaultOutput(file),
      report: given.report ?? null,
      evaluate: given.eval,
    },
  });
}

/** Options that would be of no effect beside others are refused, not passed over. */
function refuseContradictions(given: Given): void {
  const beside = (option: string, other: string): string => `${option} has no effect with ${other}`;
  if (!given.eval && given.report !== undefined) {
    fail(diagnose("usage", null, { text: beside("--report", "--no-eval") }));
  }
  if (!given.eval && given.data !== undefined) {
    fail(diagnose("usage", null, { text: beside("--data", "--no-eval") }));
  }
  const named = given.passes === undefined ? "--pipeline" : "--passes";
  if (given.passes !== undefined || given.pipeline !== undefined) {
    if (given.code !== undefined) {
      const text = `${beside("--code", named)}: the pass that converts says which it is`;
      fail(diagnose("usage", null, { text }));
    }
  }
  if (given.bits !== undefined && given.passes !== undefined) {
    const text = `${beside("--bits", named)}: write it as an option of the pass that converts`;
    fail(diagnose("usage", null, { text }));
  }
  if (given.passes !== undefined && (given.integer ?? given.weightBits) !== undefined) {
    const option = given.integer === true ? "--integer" : "--weight-bits";
    const text = `${beside(option, named)}: write quantise at its end`;
    fail(diagnose("usage", null, { text }));
  }
  if (given.auto === true && given.weightBits !== undefined && given.integer !== true) {
    fail(diagnose("option-needs", null, { option: "--weight-bits", other: "--integer" }));
  }
  if (given.auto !== true && (given.maxLoss ?? given.objective ?? given.confidence) !== undefined) {
    const option =
      given.maxLoss !== undefined
        ? "--max-loss"
        : given.objective !== undefined
          ? "--objective"
          : "--confidence";
    fail(diagnose("option-needs", null, { option, other: "--auto" }));
  }
  if (given.checkNumerics !== undefined && given.calib === undefined) {
    const text =
      "--check-numerics runs the network on calibration samples, and there is no --calib";
    fail(diagnose("usage", null, { text }));
  }
}

/** The model's name with the ending of ours, in the current folder; never the input itself. */
function defaultOutput(file: string): string {
  const { name, ext } = path.parse(file);
  return ext === ".snn" ? `${name}.converted.snn` : `${name}.snn`;
}
