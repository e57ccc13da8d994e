/** What a job names, opened: the network and the samples, checked against the hashes of the job. */
import type { TaskWish } from "../../calibrate/tasks/task.ts";
import type { ClassNames } from "../../calibrate/data/classes.ts";
import { fail } from "../../ir/diagnostic.ts";
import { maxTimesteps } from "../../ir/module.ts";
import { type Data, fitData, scaleWarnings } from "../data.ts";
import { diagnose } from "../diagnostics.ts";
import { type Network, readNetwork } from "../network.ts";
import { classesAmong, recordedClasses } from "../record/classes.ts";
import { recordedTask, taskSaid } from "../record/network-record.ts";
import { preprocessIn, recordedPreprocess } from "../record/preprocessing.ts";
import { readingIn } from "../record/reading.ts";
import type { DataWish, JobHost } from "./host.ts";
import type { DataReference, Job } from "./job.ts";

export interface OpenedJob {
  readonly network: Network;
  readonly calibration: Data | null;
  /** What is measured on: data of its own, or the calibration set. */
  readonly evaluation: Data | null;
  readonly classes: ClassNames | null;
  /** What the first output is for, as far as the job or labels say it. */
  readonly task: TaskWish | null;
}

/** Opens everything before any work is done, so that what is wrong with it is reported at once. */
export async function openJob(job: Job, host: JobHost): Promise<OpenedJob> {
  const network = await openNetwork(job, host);
  const { module, provenance, file } = network;
  const remembered = recordedClasses(provenance);
  const asked = job.task ?? recordedTask(network);
  const given = job.classes === null ? null : new Map(Object.entries(job.classes));
  const wish = {
    module,
    preprocess: preprocessIn(job.preprocess, "the job"),
    recorded: recordedPreprocess(provenance, file),
    labelMap: job.labelMap === null ? null : new Map(Object.entries(job.labelMap)),
  };
  const open = (reference: DataReference, how: DataWish): Promise<Data> =>
    openData(reference, how, asked, job, host);
  const { evaluate } = job.outputs;
  const calibration =
    job.calibration === null
      ? null
      : await open(job.calibration, {
          ...wish,
          part: "train",
          classes: given ?? remembered,
          withLabels: job.evaluation === null && evaluate,
        });
  // Folders of all classes name them, for the test set and for whoever measures the network later.
  const known =
    remembered ??
    (calibration === null
      ? null
      : classesAmong(module, calibration.dataset, calibration.labelOffset));
  const evaluation =
    job.evaluation === null || !evaluate
      ? calibration
      : await open(job.evaluation, {
          ...wish,
          part: "test",
          classes: given ?? known,
          withLabels: true,
        });
  if (calibration !== null && evaluation !== null && evaluation !== calibration) {
    host.report(...scaleWarnings(module, calibration, evaluation));
  }
  const among =
    evaluation === null ? null : classesAmong(module, evaluation.dataset, evaluation.labelOffset);
  const task = taskSaid(module, asked, evaluation);
  return { network, calibration, evaluation, classes: given ?? known ?? among, task };
}

/** The job with the hashes of what it names: its text then determines the result. */
export function completeJob(job: Job, { network, calibration, evaluation }: OpenedJob): Job {
  const sealed = (reference: DataReference | null, data: Data | null): DataReference | null =>
    reference === null || data === null ? reference : { ...reference, sha256: data.sha256 };
  return {
    ...job,
    model: { ...job.model, sha256: network.sha256 },
    calibration: sealed(job.calibration, calibration),
    evaluation: sealed(job.evaluation, evaluation),
  };
}

async function openNetwork(job: Job, host: JobHost): Promise<Network> {
  const { file, sha256, reading, maxValueBytes: bytes } = job.model;
  const found = await host.model(job.model);
  checkHash(sha256, found.sha256, file, "model");
  const limits = bytes === null ? {} : { valueBytes: bytes, totalBytes: bytes, foldedBytes: bytes };
  const source = {
    file,
    sha256: found.sha256,
    reading: readingIn(reading) ?? {},
    limits,
    ...(found.files === undefined ? {} : { files: found.files }),
  };
  const network = readNetwork(found.bytes, source, (...told) => {
    host.report(...told);
  });
  // Passes named one by one may start from anything; a pipeline starts from a model.
  if (network.kind === "snn" && job.conversion.passes === null) {
    fail(diagnose("already-spiking", null, { file }));
  }
  return network;
}

async function openData(
  reference: DataReference,
  wish: DataWish,
  task: TaskWish | undefined,
  { seed, conversion: { timesteps } }: Job,
  host: JobHost,
): Promise<Data> {
  const { file, limit, draw, maxDataBytes } = reference;
  const choice = {
    seed,
    task,
    limit: limit ?? undefined,
    draw: draw === null ? undefined : { count: draw, seed },
    maxDataBytes: maxDataBytes ?? undefined,
    // Passes may add a rehearsal to those that were asked for.
    timesteps: timesteps === null ? undefined : maxTimesteps,
  };
  const opened = await host.data(reference, wish);
  const data = fitData(file, opened, wish.module, choice, (...told) => {
    host.report(...told);
  });
  checkHash(reference.sha256, data.sha256, file, "data set");
  return data;
}

function checkHash(wanted: string | null, found: string, file: string, what: string): void {
  if (wanted !== null && wanted !== found) fail(diagnose("job-other-file", null, { file, what }));
}
