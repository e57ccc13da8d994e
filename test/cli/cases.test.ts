/**
 * Models that were refused once, by the commands a user types: a fixed batch runs sample by sample, an input
 * becomes a constant in every command and in what reads the network later, random outputs are left out.
 */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Budget } from "../../calibrate/data/budget.ts";
import { parseNpy } from "../../calibrate/data/formats/npy.ts";
import { openDataset } from "../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { encodeNpz } from "../../calibrate/data/formats/write.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { pseudoRandom } from "../frontend/build-model.ts";
import { moduleOf, outputsOf } from "../frontend/run.ts";
import { shared } from "../models/shared.ts";
import { codesIn, snnc, temporaryFolder } from "./snnc.ts";

const cases = join(shared, "cases");
const hasCases = existsSync(join(cases, "branch-on-rate.onnx"));
if (!hasCases) process.stderr.write(`NOT TESTED on ${cases}: no such folder\n`);

const at = temporaryFolder("cases");
const model = (name: string): string => join(cases, `${name}.onnx`);

async function bytesOf(file: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(file));
}

async function arrayIn(file: string): Promise<readonly number[]> {
  return [...parseNpy(await bytesOf(file), file, new Budget(2 ** 20)).data];
}

describe.skipIf(!hasCases)("an LSTM exported for a batch of 32", () => {
  it("runs on 64 samples, one by one, with what the whole batch gives", async () => {
    const file = model("lstm-fixed-batch");
    const ran = await snnc([
      "run",
      file,
      "--input",
      join(cases, "lstm-fixed-batch.npz"),
      "-o",
      at("y.npy"),
    ]);
    expect([ran.code, ran.stdout]).toEqual([0, "y  [64, 2]\n"]);
    expect(codesIn(ran.stderr)).toEqual(["rebatched"]);
    // The oracle is the model as it is, on 32 of these samples at once.
    const whole = moduleOf(await bytesOf(file), { batchAxis: null });
    const dataset = await openDataset(join(cases, "lstm-fixed-batch.npz"), { inputs: ["x"] });
    const samples = sampleSource(dataset, modelInputs(moduleOf(await bytesOf(file))), null);
    const x = Array.from({ length: 32 }, (_, i) => [...(samples.get(i)[0]?.data ?? [])]).flat();
    const [y] = outputsOf(whole, [tensorOf("f32", [32, 6, 3], x)]);
    const found = await arrayIn(at("y.npy"));
    y?.data.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
  });
});

describe.skipIf(!hasCases)("a branch on the value of an input", () => {
  const file = model("branch-on-rate");

  it("is chosen by --input-value in every command, and by what the network records", async () => {
    const x = tensorOf("f32", [24, 5], pseudoRandom(120, "x"));
    const y = tensorOf(
      "i64",
      [24],
      Array.from({ length: 24 }, (_, i) => i % 2),
    );
    await writeFile(
      at("rate.npz"),
      encodeNpz(
        new Map([
          ["x", x],
          ["y", y],
        ]),
      ),
    );
    const rate = ["--input-value", "rate=16000"];
    const made = await snnc([
      "convert",
      file,
      "--calib",
      at("rate.npz"),
      "--threads",
      "1",
      ...rate,
      "-o",
      at("rate.snn"),
    ]);
    expect([made.code, codesIn(made.stderr).includes("not-constant")]).toEqual([0, false]);
    const [small, ran, beside] = await Promise.all([
      snnc(["check", file, ...rate, "--max-value-bytes", "20"]),
      snnc(["run", file, "--input", at("rate.npz"), ...rate, "-o", at("rate.npy")]),
      // The model beside its network is read as that records it.
      snnc(["diff", file, at("rate.snn")]),
    ]);
    expect([small.code, codesIn(small.stderr)]).toEqual([1, ["too-much-memory"]]);
    expect([ran.code, beside.code]).toEqual([0, 1]);
    expect(codesIn(beside.stderr)).toEqual(["reading-recorded"]);
    // relu(W₁₆ x), by the module in which the other branch is not.
    const found = await arrayIn(at("rate.npy"));
    const by = async (value: number): Promise<readonly number[]> => {
      const inputConstants = new Map([["rate", [value]]]);
      const module = moduleOf(await bytesOf(file), { inputConstants });
      return Array.from({ length: 24 }, (_, i) => {
        const row = tensorOf("f32", [1, 5], x.data.slice(5 * i, 5 * i + 5));
        return [...(outputsOf(module, [row])[0]?.data ?? [])];
      }).flat();
    };
    const wanted = await by(16_000);
    wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 6));
    expect(await by(8000)).not.toEqual(wanted);
  });
});

describe.skipIf(!hasCases)("a policy whose bold output is random", () => {
  it("converts to its calm one", async () => {
    const file = model("policy-with-noise");
    const data = join(cases, "policy-with-noise.npz");
    const made = await snnc(["convert", file, "--calib", data, "--no-eval", "-o", at("calm.snn")]);
    expect(made.code).toBe(0);
    expect(codesIn(made.stderr)).toContain("random-output");
    // An output that is left out is no mere remark.
    const quiet = await snnc(["run", file, "--input", data, "-o", at("quiet.npy"), "--quiet"]);
    expect(codesIn(quiet.stderr)).toEqual(["random-output"]);
    const ran = await snnc(["run", at("calm.snn"), "--input", data, "-o", at("calm.npy")]);
    expect([ran.code, ran.stdout]).toEqual([0, "calm  [32, 2]\n"]);
  });
});
