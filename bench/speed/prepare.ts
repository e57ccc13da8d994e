/** From a case of ../suite.ts to what processes are started with: model, inputs, peers' model. */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { loadData } from "../../cli/options/data.ts";
import { loadNetwork } from "../../cli/load.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import { convert } from "../../library/convert.ts";
import type { Case } from "../suite.ts";
import type { Bench } from "./context.ts";
import { loadEngine } from "./engines.ts";
import { writeInputs } from "./processes/inputs.ts";
import { fixedBatchOf, openBatch } from "./networks/open-batch.ts";
import { outFolder } from "./project.ts";
import type { InputFile } from "./processes/protocol.ts";

/** Images that every process is fed in turn. */
const inputCount = 64;

export interface Prepared {
  readonly one: Case;
  /** Imported, with batch normalisation folded into weights; the rest in the model's own order. */
  readonly canonical: Module;
  /** The same as it is run. */
  readonly clean: Module;
  readonly inputs: InputFile;
  /** Of the model's bytes. */
  readonly sha256: string;
  /** The model for peers; of any batch if it could be made to take any. */
  readonly forPeers: { readonly file: string; readonly fixedBatch: number | null };
}

export async function prepare(one: Case, bench: Bench): Promise<Prepared> {
  bench.status(`${one.name}: preparing`);
  const { context, settings } = bench;
  const engine = await loadEngine(settings.engine);
  const network = await loadNetwork(one.model, {}, context);
  const running = { engine, threads: 1 };
  const pass = async (module: Module, pipeline: string): Promise<Module> =>
    (await convert(module, null, running, { timesteps: 1, pipeline })).module;
  const canonical = await pass(network.module, "canonical");
  const clean = await pass(canonical, "canonical,commute-max-pool");
  const data = await loadData(
    one.test,
    clean,
    { ...dataOptions(one), limit: inputCount },
    context,
    false,
  );
  const folder = path.join(outFolder, "inputs");
  const file = path.join(folder, `${safeName(one.name)}.f32`);
  const inputs = await writeInputs(file, data.samples, inputCount);
  const bytes = await readFile(one.model);
  return {
    one,
    canonical,
    clean,
    inputs,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    forPeers: await modelForPeers(one, bytes),
  };
}

/** Whether this benchmark can feed the model: one float32 input. */
export function isFeedable(module: Module): boolean {
  const inputs = inputsOf(module);
  return inputs.length === 1 && inputs[0]?.type.dtype === "f32";
}

export function dataOptions(one: Case): { preprocess?: string } {
  return one.preprocess === "" ? {} : { preprocess: one.preprocess };
}

export function safeName(name: string): string {
  return path.basename(name).replace(/[^A-Za-z0-9._-]+/g, "_");
}

async function modelForPeers(one: Case, bytes: Uint8Array): Promise<Prepared["forPeers"]> {
  const fixedBatch = fixedBatchOf(bytes);
  if (fixedBatch === null) return { file: one.model, fixedBatch: null };
  const file = path.join(outFolder, "models", `${safeName(one.name)}.onnx`);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, openBatch(bytes));
  return { file, fixedBatch };
}
