/**
 * Data, labels, preprocessing and .snn files that are wrong or do not fit, and places that cannot be
 * written: a diagnostic of its own each, exit code 1 or 2, and no file left behind.
 */
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeNpy, encodeNpz } from "../../calibrate/data/formats/write.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { codesIn, entry, snnc, start, temporaryFolder } from "../cli/snnc.ts";
import { networks, pseudoRandom } from "../frontend/build-model.ts";

const at = temporaryFolder("bad-data");
const samples = 8;
const classes = 5;

/** Samples that fit the model, or not. */
function images(
  shape: readonly number[] = [samples, 2, 8, 8],
  change: (value: number, index: number) => number = (x) => x,
): Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensorOf("f32", shape, pseudoRandom(count, "images").map(change));
}

function labels(values: readonly number[]): Tensor {
  return tensorOf("i64", [values.length], values);
}

function archive(arrays: Readonly<Record<string, Tensor>>): Uint8Array {
  return encodeNpz(new Map(Object.entries(arrays)));
}

const right = labels(Array.from({ length: samples }, (_, i) => i % classes));

/** Sets by name, and the code that each is refused with when it is calibrated on. */
const sets: Readonly<Record<string, readonly [bytes: () => Uint8Array, code: string]>> = {
  "wide.npz": [() => archive({ x: images([samples, 2, 9, 8]) }), "input-shape"],
  "last.npz": [() => archive({ x: images([samples, 8, 8, 2]) }), "input-layout"],
  "empty.npz": [() => archive({ x: images([0, 2, 8, 8]) }), "data-empty"],
  "nan.npz": [
    () => archive({ x: images([samples, 2, 8, 8], (x, i) => (i === 300 ? NaN : x)) }),
    "data-not-finite",
  ],
  "infinite.npy": [
    () => encodeNpy(images([samples, 2, 8, 8], (x, i) => (i === 0 ? -Infinity : x))),
    "data-not-finite",
  ],
  "unnamed.npz": [() => archive({ a: images(), b: images() }), "data-arrays"],
  "text.npz": [() => new TextEncoder().encode("not data"), "data-format"],
  "cut.npz": [() => archive({ x: images() }).subarray(0, 2000), "data-compression"],
  "cut.npy": [() => encodeNpy(images()).subarray(0, 2000), "data-size"],
  "overflow.npz": [
    () => archive({ x: images([samples, 2, 8, 8], (x) => x * 6e38) }),
    "value-not-finite",
  ],
};

beforeAll(async () => {
  await writeFile(at("model.onnx"), networks["conv-bn-relu-pool-gemm"]?.() ?? "");
  await writeFile(at("good.npz"), archive({ x: images(), y: right }));
  for (const [name, [bytes]] of Object.entries(sets)) await writeFile(at(name), bytes());
  await mkdir(at("folder"));
  const args = ["convert", at("model.onnx"), "--calib", at("good.npz"), "-T", "4", "--no-eval"];
  const made = await snnc([...args, "-o", at("good.snn")]);
  if (made.code !== 0) throw new Error(made.stderr);
});

/** Converts in a folder of its own, and says what lay there afterwards. */
async function convertIn(
  name: string,
  args: readonly string[],
  run: (args: readonly string[], cwd: string) => ReturnType<typeof snnc> = (all, cwd) =>
    snnc(all, { cwd }),
): Promise<{ code: number | null; stdout: string; stderr: string; left: readonly string[] }> {
  const cwd = at(`in-${name.replace(".", "-")}`);
  await mkdir(cwd);
  const result = await run(["convert", at("model.onnx"), "-T", "4", ...args], cwd);
  return { ...result, left: await readdir(cwd) };
}

describe.concurrent("a calibration set that is wrong", () => {
  it.each([
    ...Object.entries(sets).map(([name, [, code]]) => [name, code] as const),
    ["nowhere.npz", "data-not-found"] as const,
    ["folder", "data-folder"] as const,
  ])("%s is refused with %s", async (name, code) => {
    const { code: exit, stdout, stderr, left } = await convertIn(name, ["--calib", at(name)]);
    expect(codesIn(stderr)).toEqual([code]);
    expect(exit).toBe(1);
    expect(stdout).toBe("");
    expect(left).toEqual([]);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("is asked for where there is none", async () => {
    const { code, stderr, left } = await convertIn("none", []);
    expect(codesIn(stderr)).toEqual(["no-calibration"]);
    expect(stderr).toContain("--calib");
    expect(code).toBe(1);
    expect(left).toEqual([]);
  });
});

describe.concurrent("labels and preprocessing that are wrong", () => {
  const data = ["--calib", "../good.npz", "--data", "../good.npz"];

  it.each([
    ["few.npy", labels([0, 1, 2]), "labels-count"],
    [
      "half.npy",
      tensorOf(
        "f32",
        [samples],
        right.data.map((y) => y + 0.5),
      ),
      "targets-fit-no-task",
    ],
    ["beyond.npy", labels([0, 1, 2, 3, 4, 5, 0, 1]), "label-out-of-range"],
    ["below.npy", labels([0, -1, 2, 3, 1, 2, 0, 1]), "label-out-of-range"],
    ["wide.npy", images([samples, classes + 1]), "targets-fit-no-task"],
  ])("%s is refused before any work is done", async (name, tensor, code) => {
    await writeFile(at(name), encodeNpy(tensor));
    const args = [...data, "--labels", at(name)];
    const { code: exit, stderr, left } = await convertIn(name, args);
    expect(codesIn(stderr)).toEqual([code]);
    expect(exit).toBe(1);
    expect(left).toEqual([]);
  });

  it("a missing test set is told before any work is done", async () => {
    const args = ["--calib", "../good.npz", "--data", "nowhere.npz"];
    const { code, stderr, left } = await convertIn("no-test-set", args);
    expect(codesIn(stderr)).toEqual(["data-not-found"]);
    expect(code).toBe(1);
    expect(left).toEqual([]);
  });

  it.each([
    ["typo.json", '{"scales": 0.5}', "preprocess-unknown-key"],
    ["value.json", '{"std": [0]}', "preprocess-value"],
    ["syntax.json", "{scale: 1}", "preprocess-not-json"],
    ["channels.json", '{"mean": [0.1, 0.2, 0.3]}', "preprocess-channels"],
    ["absent.json", null, "data-not-found"],
  ])("%s is refused", async (name, text, code) => {
    if (text !== null) await writeFile(at(name), text);
    const args = ["--calib", "../good.npz", "--preprocess", at(name)];
    const { code: exit, stderr, left } = await convertIn(name, args);
    expect(codesIn(stderr)).toEqual([code]);
    expect(exit).toBe(1);
    expect(left).toEqual([]);
  });
});

describe.concurrent("a .snn that is damaged", () => {
  const flipped = (bytes: Uint8Array, index: number, bit = 1): Uint8Array =>
    bytes.map((byte, i) => (i === index ? byte ^ bit : byte));
  /** Where the data of the tensors begin. */
  const dataStart = (bytes: Uint8Array): number =>
    8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

  it.each([
    ["cut in its data", (b: Uint8Array) => b.subarray(0, b.length - 100), "safetensors-malformed"],
    ["cut in its header", (b: Uint8Array) => b.subarray(0, 100), "safetensors-malformed"],
    ["of another header length", (b: Uint8Array) => flipped(b, 1), "safetensors-malformed"],
    ["flipped in a weight", (b: Uint8Array) => flipped(b, b.length - 2), "ir-tensor-differs"],
    ["flipped in a low bit", (b: Uint8Array) => flipped(b, dataStart(b) + 4), "ir-tensor-differs"],
    [
      "of another version",
      (b: Uint8Array) => replaced(b, '"snnc.format":"1"', '"snnc.format":"9"'),
      "package-version",
    ],
    [
      "of another op",
      (b: Uint8Array) => replaced(b, "snn.accumulate", "snn.accumulant"),
      "ir-unknown-op",
    ],
  ])("%s is refused", async (name, damage, code) => {
    const file = at(`${name.replaceAll(" ", "-")}.snn`);
    await writeFile(file, damage(await readFile(at("good.snn"))));
    const { code: exit, stdout, stderr } = await snnc(["eval", file, "--data", at("good.npz")]);
    expect(codesIn(stderr)).toEqual([code]);
    expect(exit).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  function replaced(bytes: Uint8Array, from: string, to: string): Uint8Array {
    const text = Buffer.from(bytes).toString("latin1");
    if (!text.includes(from)) throw new Error(`no ${from} in the header`);
    return Buffer.from(text.replace(from, to), "latin1");
  }
});

describe.concurrent("a place that cannot be written", () => {
  const calib = ["--calib", "../good.npz"];

  it("a full device is the machine's fault", async () => {
    const { code, stderr, left } = await convertIn("full", [...calib, "-o", "/dev/full"]);
    expect(codesIn(stderr)).toEqual(["few-samples-to-fit", "ends-early", "cannot-write"]);
    expect(stderr).toContain("the disk is full");
    expect(code).toBe(2);
    expect(left).toEqual([]);
  });

  it("a write that fails half-way leaves nothing", async () => {
    const limited = (args: readonly string[], cwd: string): ReturnType<typeof snnc> =>
      start("bash", ["-c", 'ulimit -f 1; exec "$@"', "bash", process.execPath, entry, ...args], {
        cwd,
      });
    const { code, stderr, left } = await convertIn("quota", [...calib, "-o", "net.snn"], limited);
    expect(codesIn(stderr)).toEqual(["few-samples-to-fit", "ends-early", "cannot-write"]);
    expect(stderr).toContain("the file is too large for this file system");
    expect(code).toBe(2);
    expect(left).toEqual([]);
  });

  it("a folder in the place of the file is named", async () => {
    const { code, stderr, left } = await convertIn("over-folder", [...calib, "-o", at("folder")]);
    expect(codesIn(stderr)).toEqual(["cannot-write"]);
    expect(stderr).toContain("a folder has that name");
    expect(code).toBe(2);
    expect(left).toEqual([]);
  });

  it("a file in the place of a folder is named", async () => {
    const args = [...calib, "-o", path.join(at("model.onnx"), "net.snn")];
    const { code, stderr } = await convertIn("below-file", args);
    expect(codesIn(stderr)).toEqual(["cannot-write"]);
    expect(stderr).toContain("a part of the path is a file");
    expect(code).toBe(2);
  });

  it("a report that cannot be written says so", async () => {
    const args = [...calib, "-o", "net.snn", "--report", at("model.onnx")];
    const { code, stderr, left } = await convertIn("report", args);
    // Before the work, so the network is not there either.
    expect(codesIn(stderr)).toEqual(["cannot-write"]);
    expect(code).toBe(2);
    expect(left).toEqual([]);
  });

  it("folders above a file are made", async () => {
    const { code, left } = await convertIn("deep", [...calib, "-o", "a/b/net.snn", "--no-eval"]);
    expect(code).toBe(0);
    expect(left).toEqual(["a"]);
  });

  it("a folder without permission is named", async () => {
    // Root may write into any folder of a real file system, so there it takes another one.
    const folder = process.getuid?.() === 0 ? "/sys" : at("locked");
    if (folder !== "/sys") await mkdir(folder, { mode: 0o500 });
    const { code, stderr } = await convertIn("locked-out", [...calib, "-o", `${folder}/net.snn`]);
    expect(codesIn(stderr)).toEqual(["cannot-write"]);
    expect(stderr).toMatch(/permission is denied|the file system is read-only/);
    expect(code).toBe(2);
  });
});
