/** A job as data: its text determines the result, and running it needs nothing of Node. */
import { describe, expect, it } from "vitest";
import { readingIn, recordOfReading } from "../../library/record/reading.ts";
import { datasetOf, fieldOf } from "../../calibrate/data/dataset.ts";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import type { JobHost } from "../../library/job/host.ts";
import { type Job, parseJob } from "../../library/job/job.ts";
import { completeJob, openJob } from "../../library/job/open.ts";
import { runJob } from "../../library/job/run.ts";
import { images, network, running } from "./network.ts";

const model = encodePackage({ module: network(), provenance: {} });
const modelHash = "a".repeat(64);

function samplesOf(count: number): Tensor {
  const source = images(count);
  const each = Array.from({ length: count }, (_, i) => known(source.get(i)[0], "an input"));
  const shape = known(each[0], "a sample").shape;
  const all = each.flatMap(({ data }) => [...data]);
  return tensorOf("f32", [count, ...shape.slice(1)], all);
}

/** Everything in memory, and what was reported. */
function hostOf(count = 12): JobHost & { readonly codes: string[] } {
  const codes: string[] = [];
  const content = { format: "memory" as const, fields: [fieldOf("x", samplesOf(count))] };
  const dataset = datasetOf({
    name: "samples",
    content: { ...content, labels: null },
    labels: null,
    files: [],
    diagnostics: [],
  });
  return {
    version: "1.2.3",
    model: () => Promise.resolve({ bytes: model, sha256: modelHash }),
    data: () => Promise.resolve({ dataset, preprocess: null }),
    running: () => running,
    report: (...told) => codes.push(...told.map(({ code }) => code)),
    diagnostics: [],
    codes,
  };
}

const written = {
  schemaVersion: 1,
  model: { file: "folder/net.onnx" },
  calibration: { file: "samples.npz" },
  conversion: { code: "rate", timesteps: 8 },
  seed: 3,
  outputs: { network: "net.snn", evaluate: false },
};

function read(job: object): Job {
  return parseJob(JSON.stringify(job), "job.json");
}

async function failureOf(work: () => unknown): Promise<readonly string[]> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DiagnosticError) {
      return error.diagnostics.map((d) => `${d.code}: ${d.message}`);
    }
    throw error;
  }
  return [];
}

describe("a job", () => {
  it("makes the same bytes again from its text, and says in them what it was", async () => {
    const job = read(written);
    const first = await runJob(job, hostOf());
    const again = await runJob(read(completeJob(job, first)), hostOf());
    expect(again.parts).toEqual(first.parts);
    const { module, provenance } = decodePackage(Buffer.concat([...first.parts]), "net.snn");
    expect([module.code, module.timesteps, first.measured]).toEqual(["rate", 8, null]);
    expect(provenance).toMatchObject({
      tool: { name: "snnc", version: "1.2.3" },
      model: { file: "net.onnx", sha256: modelHash },
      calibration: { samples: 12, sha256: first.calibration?.sha256 },
      preprocess: null,
      timesteps: 8,
      seed: 3,
    });
  });

  it("has hashes for what it names, which other files do not have", async () => {
    const job = read(written);
    const complete = completeJob(job, await openJob(job, hostOf()));
    expect(complete.model.sha256).toBe(modelHash);
    const other = { ...complete, model: { ...complete.model, sha256: "b".repeat(64) } };
    expect(await failureOf(() => openJob(other, hostOf()))).toEqual([
      "job-other-file: folder/net.onnx is not the model that the job names: its hash is another",
    ]);
    expect(await failureOf(() => openJob(complete, hostOf(11)))).toEqual([
      "job-other-file: samples.npz is not the data set that the job names: its hash is another",
    ]);
  });

  it("measures on its calibration set where it names no other data", async () => {
    const job = read({ ...written, outputs: { network: "net.snn" } });
    const { measured, calibration } = await runJob(job, hostOf());
    expect(measured?.evaluation).toBe(calibration);
    expect(measured?.evaluations.snn.timesteps).toHaveLength(8);
  });

  it("holds every way to read a model", () => {
    const given = {
      inputShapes: new Map([["x", [1, 2]]]),
      dimensions: new Map([["n", 3]]),
      outputs: ["y"],
      batchAxis: null,
      stream: new Map([["x", 1]]),
      inputConstants: new Map([["rate", [16_000]]]),
    };
    const reading = recordOfReading(given);
    const job = read({ ...written, model: { file: "a.onnx", reading } });
    expect(readingIn(job.model.reading)).toEqual(given);
  });

  it("is refused with the key at fault", async () => {
    const failed = await Promise.all(
      [
        { ...written, sed: 1 },
        { ...written, conversion: { timesteps: 0 } },
        { ...written, model: { file: "a", reading: { inputShapes: { x: ["1"] } } } },
      ].map((job) => failureOf(() => read(job))),
    );
    expect(failed.flat()).toEqual([
      'job-not-json: job.json is not a job: the job: Unrecognized key: "sed"',
      "job-not-json: job.json is not a job: conversion.timesteps: Too small: expected number to be >=1",
      "job-not-json: job.json is not a job: model.reading: it is not a reading as `--print-job` prints it",
    ]);
    expect(await failureOf(() => parseJob("{", "job.json"))).toEqual([
      "job-not-json: job.json is not a job: its JSON is malformed",
    ]);
  });
});
