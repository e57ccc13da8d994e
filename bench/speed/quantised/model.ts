/**
 * The analogue network of a case in integers of 8 bits: written once by each rule for ranges, kept by
 * the one whose outputs are closest to the floats' on calibration samples, and measured on test samples.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import type { Evaluation } from "../../../calibrate/evaluate.ts";
import { diagnose } from "../../../cli/diagnostics.ts";
import { version } from "../../../cli/version.ts";
import { fail, known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { type Labelled, evaluateModule } from "../../../library/assess.ts";
import type { Bench } from "../context.ts";
import { type CaseData, lazily, loadCaseData } from "../networks/case-data.ts";
import { type Prepared, safeName } from "../prepare.ts";
import { withContestants } from "../processes/contestant.ts";
import { writeInputs } from "../processes/inputs.ts";
import { type OnnxPeerName, onnxPeerNames } from "../processes/protocol.ts";
import { outFolder, peersFolder } from "../project.ts";
import { evaluateAnswers } from "./answered.ts";
import { kernelsOf, kernelsText } from "./kernels.ts";
import { histogramsOf } from "./observe.ts";
import { obstacles, roundedValues, writeQdq } from "./qdq.ts";
import { type RangeRule, byteScaleOf, rangeRules } from "./ranges.ts";

/** Raised when the same inputs give another file. */
const form = 1;
/** Calibration samples that rules are compared on. */
const judged = 256;

const kept = z.object({
  rule: z.enum(rangeRules),
  /** Of each rule: Σ |y − y_float|² / Σ |y_float|² over calibration samples. */
  errors: z.record(z.string(), z.number()),
  annAccuracy: z.number(),
  kernels: z.string(),
  /** Kinds of operators that are still computed in floats. */
  inFloats: z.array(z.string()),
});
const keptOnPeer = z.object({ accuracy: z.number(), agreement: z.number(), samples: z.number() });

export interface QuantisedModel extends z.infer<typeof kept> {
  readonly file: string;
  /** What a peer gets right with it, and decides as the floats do. */
  onPeer(peer: OnnxPeerName): Promise<z.infer<typeof keptOnPeer>>;
}

type Made = QuantisedModel | { readonly why: string };

const madeFor = new WeakMap<Prepared, Promise<Made>>();

/**
 * The model, from disk if it is there; or why there is none. Made once for all peers of a case. Fails with
 * a `DiagnosticError` where the test samples have no labels.
 */
export function quantisedModel(prepared: Prepared, bench: Bench): Promise<Made> {
  const before = madeFor.get(prepared);
  if (before !== undefined) return before;
  const making = make(prepared, bench);
  madeFor.set(prepared, making);
  return making;
}

async function make(prepared: Prepared, bench: Bench): Promise<Made> {
  const found = obstacles(prepared.canonical);
  if (found.length > 0) return { why: found.join("; ") };
  const judge = onnxPeerNames.findLast((peer) => bench.peers.includes(peer));
  if (judge === undefined) return { why: "there is no onnxruntime to judge it by" };
  const { settings } = bench;
  const folder = path.join(outFolder, "qdq");
  const stem = `${safeName(prepared.one.name)}-${keyOf(prepared, bench)}`;
  const file = path.join(folder, `${stem}.onnx`);
  const data = lazily(async () => {
    const loaded = await loadCaseData(prepared, bench);
    if (loaded.test.labels !== null) return loaded;
    return fail(diagnose("labels-wanted", null, { file: prepared.one.test }));
  });
  const reference = lazily(async () => {
    const { test, running } = await data();
    return evaluateFloats(prepared, test, running, "accuracy of the ANN");
  });
  await mkdir(folder, { recursive: true });
  const made = await remembered(
    path.join(folder, `${stem}.json`),
    kept,
    settings.fresh,
    async () => {
      const chosen = await chooseRule(prepared, bench, await data(), judge, file);
      const annAccuracy = known((await reference()).accuracy?.[0], "labels");
      return { ...chosen, annAccuracy };
    },
  );
  return {
    ...made,
    file,
    onPeer: (peer) => {
      const beside = path.join(folder, `${stem}-${peer}.json`);
      return remembered(beside, keptOnPeer, settings.fresh, async () => {
        const { test } = await data();
        bench.status(`${prepared.one.name}: accuracy of int8 on ${peer}`);
        const logits = await answersOf(prepared, bench, peer, file, test.samples, "test");
        const measured = await evaluateAnswers(prepared.clean, test, logits, await reference());
        return {
          accuracy: known(measured.accuracy?.[0], "labels"),
          agreement: known(measured.agreement?.[0], "a reference"),
          samples: test.samples.count,
        };
      });
    },
  };
}

/** Writes a model by each rule, and leaves the best one in `file`. */
async function chooseRule(
  prepared: Prepared,
  bench: Bench,
  { running, calibration }: CaseData,
  judge: OnnxPeerName,
  file: string,
) {
  const { one, canonical } = prepared;
  bench.status(`${one.name}: ranges for int8`);
  const values = roundedValues(canonical);
  const histograms = await histogramsOf(canonical, values, calibration.samples, running);
  const samples = firstOf(calibration.samples, judged);
  const floats = await evaluateFloats(prepared, { samples, labels: null }, running, "the floats");
  const errors: Record<string, number> = {};
  let best: { rule: RangeRule; bytes: Uint8Array; error: number } | null = null;
  for (const rule of rangeRules) {
    bench.status(`${one.name}: int8 by ${rule}`);
    const scales = new Map(
      [...histograms].map(([value, each]) => [value, byteScaleOf(each, rule)]),
    );
    const bytes = writeQdq(canonical, scales);
    await writeFile(file, bytes);
    const logits = await answersOf(prepared, bench, judge, file, samples, "calibration");
    const measured = await evaluateAnswers(
      prepared.clean,
      { samples, labels: null },
      logits,
      floats,
    );
    const error = known(measured.relativeLogitError?.[0], "a reference");
    errors[rule] = error;
    if (best === null || error < best.error) best = { rule, bytes, error };
  }
  const { rule, bytes } = known(best, "a rule");
  await writeFile(file, bytes);
  return { rule, errors, ...(await kernelsFor(prepared, bench, file)) };
}

/** What onnxruntime-node made of the file; nothing where it is not there to be asked. */
async function kernelsFor({ one }: Prepared, { peers, node }: Bench, file: string) {
  if (!peers.includes("onnxruntime-node")) return { kernels: "", inFloats: [] };
  const optimised = file.replace(/\.onnx$/, ".optimised.onnx");
  return withContestants(node, async (start) => {
    await start(`${one.name}: onnxruntime-node`, {
      ...{ role: "peer", peer: "onnxruntime-node", folder: peersFolder, threads: 1 },
      ...{ model: file, inputs: null, fixedBatch: null, optimised },
    });
    const kernels = kernelsOf(await readFile(optimised));
    return { kernels: kernelsText(kernels), inFloats: [...kernels.inFloats] };
  });
}

/** What a peer answers to all samples, one image a call. */
async function answersOf(
  { one }: Prepared,
  { settings, node }: Bench,
  peer: OnnxPeerName,
  model: string,
  samples: SampleSource,
  what: string,
): Promise<Float32Array> {
  const place = path.join(outFolder, "inputs", `${safeName(one.name)}-${what}.f32`);
  const inputs = await writeInputs(place, samples, samples.count);
  return withContestants(node, async (start) => {
    const contestant = await start(peer, {
      ...{ role: "peer", peer, folder: peersFolder, threads: settings.threads },
      ...{ model, inputs, fixedBatch: null },
    });
    return (await contestant.answers(samples.count)).logits;
  });
}

function evaluateFloats(
  { clean }: Prepared,
  data: Labelled,
  running: CaseData["running"],
  label: string,
): Promise<Evaluation> {
  const options = { timesteps: 1, label, keepLogits: true, countOperations: false };
  return evaluateModule(clean, data, running, options);
}

function firstOf(samples: SampleSource, most: number): SampleSource {
  return { count: Math.min(most, samples.count), get: (index) => samples.get(index) };
}

/** What the file holds, or what is found, which the file then holds. */
async function remembered<T>(
  file: string,
  schema: z.ZodType<T>,
  fresh: boolean,
  find: () => Promise<T>,
): Promise<T> {
  if (!fresh && existsSync(file)) return schema.parse(JSON.parse(await readFile(file, "utf8")));
  const found = await find();
  await writeFile(file, JSON.stringify(found));
  return found;
}

/** Everything that the model depends on, save the code that writes it. */
function keyOf({ sha256, one }: Prepared, { settings }: Bench): string {
  const { calibrationSamples, accuracySamples, seed } = settings;
  const parts = [form, version, sha256, one.calibration, one.preprocess, one.test];
  const text = JSON.stringify([...parts, calibrationSamples, accuracySamples, seed]);
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}
