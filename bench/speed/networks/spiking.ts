/**
 * Spiking networks of a case, converted once and kept on disk with their accuracy. Converting is
 * not what is timed here, and takes far longer than what is.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { version } from "../../../cli/version.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import { decodePackage, encodePackage } from "../../../ir/file/package.ts";
import { type Labelled, evaluateModule } from "../../../library/assess.ts";
import { convert } from "../../../library/convert.ts";
import { type Running, calibrationOn } from "../../../library/measure.ts";
import type { Bench } from "../context.ts";
import { conversionOf } from "../conversion.ts";
import { type Prepared, safeName } from "../prepare.ts";
import { lazily, loadCaseData } from "./case-data.ts";

export interface SpikingNetwork {
  readonly timesteps: number;
  readonly file: string;
  /** Of the spiking network after its last timestep, and of the ANN on the same samples. */
  readonly accuracy: number;
  readonly annAccuracy: number;
  readonly accuracySamples: number;
}

const keptAccuracy = z.object({ accuracy: z.number(), annAccuracy: z.number() });

/** Makes networks of the case, for any number of timesteps. */
export function networksOf(prepared: Prepared, bench: Bench) {
  const { one, clean } = prepared;
  const { settings } = bench;
  const once = lazily(async () => {
    const { running, calibration, test } = await loadCaseData(prepared, bench);
    return { running, test, measure: calibrationOn(calibration.samples, running) };
  });
  const annAccuracy = lazily(async () => {
    const { running, test } = await once();
    return accuracyOf(clean, test, running, 1, "accuracy of the ANN");
  });

  /** The network converted for `timesteps`, from disk if it is there. */
  return async (timesteps: number): Promise<SpikingNetwork> => {
    const stem = `${safeName(one.name)}-T${timesteps}-${keyOf(prepared, bench, timesteps)}`;
    const file = path.join(settings.snnFolder, `${stem}.snn`);
    const beside = path.join(
      settings.snnFolder,
      `${stem}-accuracy-${settings.accuracySamples}.json`,
    );
    const common = { timesteps, file, accuracySamples: settings.accuracySamples };
    if (!settings.fresh && existsSync(file) && existsSync(beside)) {
      return { ...common, ...keptAccuracy.parse(JSON.parse(await readFile(beside, "utf8"))) };
    }
    const { running, test, measure } = await once();
    let module: Module;
    if (!settings.fresh && existsSync(file)) {
      module = decodePackage(await readFile(file), path.basename(file)).module;
    } else {
      const options = { ...conversionOf(settings.pipeline), timesteps, seed: settings.seed };
      ({ module } = await convert(clean, measure, running, options));
      await mkdir(settings.snnFolder, { recursive: true });
      await writeFile(file, encodePackage({ module, provenance: {} }));
    }
    const label = `accuracy at T = ${timesteps}`;
    const accuracy = await accuracyOf(module, test, running, timesteps, label);
    const found = { accuracy, annAccuracy: await annAccuracy() };
    await writeFile(beside, JSON.stringify(found));
    return { ...common, ...found };
  };
}

/** Everything that the network depends on, save the code that converts. */
function keyOf({ sha256, one }: Prepared, { settings }: Bench, timesteps: number): string {
  const { pipeline, calibrationSamples, seed } = settings;
  const parts = [version, sha256, one.calibration, one.preprocess, pipeline, timesteps];
  const text = JSON.stringify([...parts, calibrationSamples, seed]);
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

async function accuracyOf(
  module: Module,
  data: Labelled,
  running: Running,
  timesteps: number,
  label: string,
): Promise<number> {
  const { accuracy } = await evaluateModule(module, data, running, { timesteps, label });
  return known(accuracy?.at(-1), "labels");
}
