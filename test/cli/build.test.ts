/** `snnc build` as a process: what it writes, what it prints, and what it refuses to write over. */
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { codesIn, digits, jsonOf, snnc, start, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("build");
const tsc = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
const wasm = ["--target", "wasm"];
/** The network's file says how pixels become input. */
const sampled = ["--samples", digits.test];

beforeAll(async () => {
  const calibrated = ["--calib", digits.calibration, "--calib-samples", "40"];
  const prepared = ["--preprocess", digits.preprocess, "--threads", "1"];
  const args = ["convert", digits.model, ...calibrated, ...prepared, "-T", "8", "--no-eval"];
  const made = await snnc([...args, "-o", at("digits.snn")]);
  if (made.code !== 0) throw new Error(made.stderr);
});

const listing = z.array(z.strictObject({ path: z.string(), bytes: z.int(), sha256: z.string() }));
const size = z.strictObject({ bytes: z.int(), gzipBytes: z.int() });
const answer = z.strictObject({
  target: z.literal("wasm"),
  out: z.string(),
  files: listing,
  report: z.object({
    sizes: z.strictObject({ code: size, weights: size, loader: size, total: size }),
    memory: z.strictObject({ weightBytes: z.int(), arenaBytes: z.int(), totalBytes: z.int() }),
  }),
  diagnostics: z.array(z.unknown()),
});

async function build(out: string, ...args: readonly string[]) {
  return snnc(["build", at("digits.snn"), ...wasm, "-o", out, ...args]);
}

describe.concurrent("snnc build", () => {
  it("--json lists what it wrote", async () => {
    const out = at("listed");
    const ran = await build(out, ...sampled, "--json");
    expect(ran.stderr).toBe("");
    const found = answer.parse(jsonOf(ran));
    expect(found.files.map((file) => file.path).sort()).toEqual((await readdir(out)).sort());
    for (const file of found.files) {
      const bytes = await readFile(path.join(out, file.path));
      expect(file.sha256, file.path).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
    // Beside the folder, nothing of it is left; other tests are building there too.
    expect((await readdir(at())).filter((name) => name.startsWith(".listed"))).toEqual([]);
  });

  it("writes the same bytes again, over an earlier build", async () => {
    const out = at("again");
    const files = async (...args: readonly string[]) =>
      answer.parse(jsonOf(await build(out, ...sampled, "--json", ...args))).files;
    const first = await files();
    expect(await files()).toEqual(first);
    // What the new build does not have is gone.
    const { code, stdout } = await build(out, "--no-demo");
    expect([code, stdout]).toEqual([0, expect.stringContaining("wrote 9 files to")]);
    expect(await readdir(out)).not.toContain("demo.html");
  });

  it("takes options with the target's name, and builds for wasm unless told otherwise", async () => {
    const named = ["--target", "wasm{chunk=2}", "-o", at("named"), "--json"];
    const short = ["--chunk", "2", "-o", at("short"), "--json"];
    const first = await snnc(["build", at("digits.snn"), ...named]);
    const second = await snnc(["build", at("digits.snn"), ...short]);
    expect(answer.parse(jsonOf(first)).files).toEqual(answer.parse(jsonOf(second)).files);
    const both = await snnc([
      "build",
      at("digits.snn"),
      "--target",
      "wasm{chunk=2}",
      "--chunk",
      "3",
      "-o",
      at("both"),
    ]);
    expect(codesIn(both.stderr)).toEqual(["repeated-option"]);
  });

  it("is what check --target says of a network and of a model", async () => {
    for (const file of [at("digits.snn"), digits.model]) {
      const ran = await snnc(["check", file, ...wasm, "--json"]);
      expect(ran.code).toBe(0);
      expect(jsonOf(ran)).toMatchObject({
        model: file,
        target: { name: "wasm", buildable: true, refusals: [] },
      });
    }
    const said = await snnc(["check", at("digits.snn"), ...wasm]);
    expect(said.stdout).toContain("digits.snn can be built for wasm");
    const whole = await snnc(["check", at("digits.snn")]);
    expect([whole.code, whole.stderr]).toEqual([0, ""]);
    expect(whole.stdout).toContain("holds a spiking network of differential code, for 3 timesteps");
    expect(whole.stdout).toMatch(/ neurons +12\.0 k: snn\.graded ×6$/m);
    // The pool makes 32 channels of 5 × 5.
    expect(whole.stdout).toMatch(/ of either sign +800 before weights, at \/AveragePool$/m);
    expect(whole.stdout).toContain("digits.snn can be built for wasm");
    const told = jsonOf(await snnc(["check", at("digits.snn"), "--json"]));
    expect(told).toMatchObject({
      targets: [
        { name: "wasm", buildable: true, refusals: [] },
        // It computes in floats.
        { name: "c", buildable: false, refusals: [{ code: "c-needs-integers" }] },
      ],
      neurons: { populations: 6, eitherSign: { count: 800, nodes: ["/AveragePool"] } },
      withoutNeuron: [],
    });
    expect(told).not.toHaveProperty("target");
    const given = await snnc(["check", at("digits.snn"), "--code", "rate"]);
    expect([given.code, codesIn(given.stderr)]).toEqual([1, ["usage"]]);
    const unknown = await snnc(["check", at("digits.snn"), "--target", "hdl"]);
    expect(codesIn(unknown.stderr)).toEqual(["target-not-there-yet"]);
  });

  it("writes a loader that runs by itself", async () => {
    const out = at("alone");
    expect((await build(out, ...sampled)).code).toBe(0);
    const program = `
      import { argmax, load } from ${JSON.stringify(pathToFileURL(path.join(out, "model.js")).href)};
      import { readFileSync } from "node:fs";
      const network = await load(new URL(${JSON.stringify(pathToFileURL(`${out}/`).href)}));
      const bytes = readFileSync(${JSON.stringify(path.join(out, "samples.bin"))});
      const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      const { labels } = JSON.parse(readFileSync(${JSON.stringify(path.join(out, "samples.json"))}));
      const right = labels.filter((label, i) =>
        argmax(network.run(values.subarray(400 * i, 400 * (i + 1))).outputs.logits.last) === label);
      console.log(labels.length, right.length >= 8);`;
    const file = at("alone.mjs");
    await writeFile(file, program);
    const { stdout, stderr } = await start(process.execPath, [file]);
    expect([stdout, stderr]).toEqual(["10 true\n", ""]);
  });

  it("writes types that know the network's names", async () => {
    const out = at("typed");
    expect((await build(out, "--no-demo", "--probe", "/Relu")).code).toBe(0);
    const right = `
      import { type RunResult, argmax, load } from "./model.js";
      const network = await load(new URL("./", import.meta.url));
      const result: RunResult = network.run({ image: new Float32Array(400) }, { probes: ["/Relu"] });
      export const best: number = argmax(result.outputs.logits.at(1));
      export const fired: Float64Array | undefined = result.spikes?.layers["/Relu_4"];`;
    const wrong = right.replace("image:", "picture:");
    const compile = async (name: string, text: string) => {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, target: "es2022", module: "nodenext" },
        ...{ lib: ["es2022", "dom"], types: [] },
      };
      await writeFile(path.join(out, `${name}.mts`), text);
      const project = path.join(out, `${name}.json`);
      await writeFile(project, JSON.stringify({ compilerOptions, files: [`${name}.mts`] }));
      return (await start(process.execPath, [tsc, "-p", project])).stdout;
    };
    expect(await compile("right", right)).toBe("");
    expect(await compile("wrong", wrong)).toContain("'picture' does not exist");
  });

  it("does not touch a folder with other files, but for --force", async () => {
    const out = at("foreign");
    await mkdir(out);
    await writeFile(path.join(out, "mine.txt"), "mine");
    const refused = await build(out);
    expect(refused.code).toBe(1);
    expect(codesIn(refused.stderr)).toEqual(["folder-not-ours"]);
    expect(await readdir(out)).toEqual(["mine.txt"]);
    expect((await build(out, "--force")).code).toBe(0);
    expect(await readdir(out)).toEqual(expect.arrayContaining(["mine.txt", "model.wasm"]));
    expect(await readFile(path.join(out, "mine.txt"), "utf8")).toBe("mine");
    // A build with a file of someone else's is not ours alone.
    expect(codesIn((await build(out)).stderr)).toEqual(["folder-not-ours"]);
  });

  it.for([
    [["--target", "hdl"], "target-not-there-yet"],
    [["--target", "hdi"], "target-unknown"],
    [[...wasm, "--probe", "nothing"], "probe-unknown"],
    [[...wasm, "--labels", "y.npy"], "option-needs"],
    [[...wasm, "--no-demo", "--samples", "x.npz"], "option-needs"],
    [[...wasm, "--classes", "/dev/null"], "not-classes"],
  ] as const)("refuses %j and writes nothing", async ([args, code], { expect }) => {
    const out = at(`refused-${code}`);
    const ran = await snnc(["build", at("digits.snn"), "-o", out, ...args]);
    expect(ran.code).toBe(1);
    expect(codesIn(ran.stderr)).toEqual([code]);
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  it("refuses a file in the folder's place", async () => {
    const ran = await build(at("digits.snn"));
    expect([ran.code, codesIn(ran.stderr)]).toEqual([1, ["folder-is-file"]]);
  });
});
