/**
 * The same input gives the same bytes: whatever the order of the calibration set, the number of
 * threads or how often it is run. (Would have closed spikingjelly PR#694: thresholds that depended
 * on how a loader had shuffled.)
 */
import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../calibrate/data/open.ts";
import { encodeNpz } from "../../calibrate/data/formats/write.ts";
import { known } from "../../ir/diagnostic.ts";
import { opsOf } from "../../ir/module.ts";
import { decodePackage } from "../../ir/file/package.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { digits, snnc, temporaryFolder } from "../cli/snnc.ts";

const at = temporaryFolder("determinism");
const count = 24;

/** Sample `i` of the shuffled set is sample `7 i mod 24` of the other. */
const shuffled = (i: number): number => (7 * i) % count;

beforeAll(async () => {
  const { fields, labels } = await openDataset(digits.calibration, { labels: null });
  const x = known(fields[0], "an array");
  const y = known(labels, "labels");
  const write = async (name: string, order: (i: number) => number): Promise<void> => {
    const indices = Array.from({ length: count }, (_, i) => order(i));
    const images = indices.flatMap((i) => [...x.sample(i).data]);
    const shape = [count, ...x.sample(0).shape];
    const classes = indices.map((i) => y[i] ?? 0);
    const arrays = new Map([
      ["x", tensorOf("u8", shape, images)],
      ["y", tensorOf("i64", [count], classes)],
    ]);
    await writeFile(at(name), encodeNpz(arrays));
  };
  await write("sorted.npz", (i) => i);
  await write("shuffled.npz", shuffled);
});

/** The bytes of a network that was converted with these options. */
async function converted(name: string, data: string, args: readonly string[]): Promise<Buffer> {
  const calibration = ["--calib", at(data), "--preprocess", digits.preprocess, "-T", "8"];
  const command = ["convert", digits.model, ...calibration, "--no-eval", "-o", at(name), ...args];
  const { code, stderr } = await snnc(command);
  if (code !== 0) throw new Error(stderr);
  return await readFile(at(name));
}

describe.concurrent("a converted network", () => {
  it("does not depend on order, threads or the run", async () => {
    const first = await converted("1.snn", "sorted.npz", ["--threads", "1"]);
    for (const [name, data, threads] of [
      ["2.snn", "sorted.npz", "2"],
      ["3.snn", "shuffled.npz", "1"],
      ["4.snn", "shuffled.npz", "3"],
    ] as const) {
      expect(first.equals(await converted(name, data, ["--threads", threads])), name).toBe(true);
    }
    // They are thresholds of these samples, and not what a neuron has before it is balanced.
    const { module } = decodePackage(first, "first.snn");
    for (const op of opsOf(module, "snn.if")) {
      const { data } = known(module.tensors.get(op.attrs.threshold), "a threshold");
      expect(new Set(data).size, op.attrs.threshold).toBeGreaterThan(2);
    }
  });

  it("does not depend on the order that samples are drawn from, but on the seed", async () => {
    const drawn = ["--calib-samples", "12", "--threads", "1"];
    const first = await converted("drawn-1.snn", "sorted.npz", [...drawn, "--seed", "3"]);
    const second = await converted("drawn-2.snn", "shuffled.npz", [...drawn, "--seed", "3"]);
    const third = await converted("drawn-3.snn", "sorted.npz", [...drawn, "--seed", "4"]);
    expect(first.equals(second)).toBe(true);
    expect(tensorsOf(first)).not.toEqual(tensorsOf(third));
  });

  it("is the same to five digits whichever engine looked at the samples", async () => {
    const drawn = ["--calib-samples", "6", "--threads", "1"];
    const compiled = await converted("wasm.snn", "sorted.npz", drawn);
    const args = [...drawn, "--engine", "interpret"];
    const interpreted = tensorsOf(await converted("interpret.snn", "sorted.npz", args));
    for (const [name, values] of tensorsOf(compiled)) {
      const others = known(interpreted.get(name), name);
      values.forEach((value, i) => {
        expect(others[i]).toBeCloseTo(value, 5 - Math.ceil(Math.log10(Math.abs(value) + 1e-3)));
      });
    }
  });

  function tensorsOf(bytes: Buffer): Map<string, number[]> {
    const { module } = decodePackage(bytes, "test.snn");
    return new Map([...module.tensors].map(([name, { data }]) => [name, [...data]]));
  }
});

describe.concurrent("a report", () => {
  it("is the same page and the same data", async () => {
    const report = async (name: string, threads: string): Promise<readonly [string, string]> => {
      const data = ["--data", at("sorted.npz"), "--limit", "8"];
      const args = ["--calib-samples", "8", ...data, "--threads", threads, "--report", at(name)];
      const calibration = ["--calib", at("sorted.npz"), "--preprocess", digits.preprocess];
      const command = ["convert", digits.model, ...calibration, "-T", "4", ...args];
      const { code, stderr } = await snnc([...command, "-o", at(`${name}.snn`)]);
      if (code !== 0) throw new Error(stderr);
      const html = await readFile(at(name, "report.html"), "utf8");
      return [html, await readFile(at(name, "report.json"), "utf8")];
    };
    const [html, json] = await report("first", "1");
    const [again, jsonAgain] = await report("second", "2");
    expect(again).toBe(html);
    expect(jsonAgain).toBe(json);
  });
});
