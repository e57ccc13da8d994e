/** What a `.snn` says of how it was made; of a network that was converted before, what it said stays. */
import type { Json } from "../../ir/file/json.ts";
import type { Provenance } from "../../ir/file/package.ts";
import { printPipeline } from "../../passes/pipeline.ts";
import type { Conversion } from "../convert.ts";
import { baseName } from "../network.ts";
import { recordOfClasses } from "../record/classes.ts";
import { recordOfRanges, recordOfTask } from "../record/network-record.ts";
import { recordOfReading } from "../record/reading.ts";
import type { Job } from "./job.ts";
import type { OpenedJob } from "./open.ts";

/** The provenance of what `conversion` made of a job. */
export function provenanceOf(
  job: Job,
  { network, calibration, classes, task }: OpenedJob,
  conversion: Conversion,
  timesteps: number,
  version: string,
): Provenance {
  const before = network.provenance;
  const earlier = before?.["pipeline"];
  const passes = printPipeline(conversion.steps, { full: true });
  const reading: Json =
    network.reading === null ? (before?.["reading"] ?? null) : recordOfReading(network.reading);
  const inputs: Json =
    calibration === null
      ? (before?.["inputs"] ?? null)
      : recordOfRanges(network.module, calibration);
  return {
    tool: { name: "snnc", version },
    model: before?.["model"] ?? { file: baseName(job.model.file), sha256: network.sha256 },
    calibration:
      calibration === null
        ? (before?.["calibration"] ?? null)
        : { samples: calibration.samples.count, sha256: calibration.sha256 },
    ...(reading === null ? {} : { reading }),
    preprocess: job.preprocess ?? before?.["preprocess"] ?? null,
    ...(classes === null ? {} : { classes: recordOfClasses(classes) }),
    ...(task === null ? {} : { tasks: recordOfTask(network.module, task) }),
    ...(inputs === null ? {} : { inputs }),
    pipeline: typeof earlier === "string" ? `${earlier},${passes}` : passes,
    timesteps,
    seed: job.seed,
  };
}
