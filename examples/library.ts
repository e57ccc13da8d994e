/** The example of docs/library.md, which shows this text; a test runs it. */
import { readFile } from "node:fs/promises";
import {
  convert,
  encodePackage,
  evaluatePair,
  fail,
  importOnnx,
  modelInputs,
  printPipeline,
  sampleSource,
} from "../index.ts";
import { limit, openDataset, openPreprocess, wasmEngine } from "../library/node.ts";

/** Converts the model of `folder` and measures both networks on its first `count` test samples. */
export async function convertDigits(folder: string, count: number) {
  const bytes = await readFile(`${folder}/digits.onnx`);
  const { module: ann, diagnostics } = importOnnx(bytes, { file: "digits.onnx" });
  if (ann === null) return fail(...diagnostics);

  // Data sets are raw; a source prepares samples and fits them to the model's inputs.
  const preprocess = await openPreprocess(`${folder}/preprocess.json`);
  const calibration = await openDataset(`${folder}/calibration.npz`);
  const test = limit(await openDataset(`${folder}/test.npz`), count);
  const calibrationSamples = sampleSource(calibration, modelInputs(ann), preprocess);
  const testSamples = sampleSource(test, modelInputs(ann), preprocess);

  const running = { engine: wasmEngine, threads: 2 };
  const timesteps = 4;
  const conversion = await convert(ann, calibrationSamples, running, { timesteps });

  const data = { samples: testSamples, labels: test.labels };
  const evaluations = await evaluatePair(ann, conversion.module, data, running, timesteps);

  const pipeline = printPipeline(conversion.steps, { full: true });
  const packed = encodePackage({ module: conversion.module, provenance: { pipeline } });
  return {
    annAccuracy: evaluations.ann.accuracy,
    accuracy: evaluations.snn.accuracy,
    agreement: evaluations.snn.agreement,
    warnings: conversion.diagnostics.map((diagnostic) => diagnostic.message),
    packed,
  };
}
