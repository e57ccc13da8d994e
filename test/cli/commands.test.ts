/** Every command on the example, as a process: stdout, stderr, exit code, files, and `--json`. */
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { encodeNpy } from "../../calibrate/data/formats/write.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { networks, pseudoRandom } from "../frontend/build-model.ts";
import { codesIn, digits, jsonOf, snnc, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("commands");
/** One thread: for so few samples, starting others takes longer than they save. */
const prepared = ["--preprocess", digits.preprocess, "--threads", "1"];
const calibrated = ["--calib", digits.calibration, "--calib-samples", "40", ...prepared];
const measured = ["--data", digits.test, "--limit", "10", ...prepared];

beforeAll(async () => {
  const args = ["convert", digits.model, ...calibrated, "-T", "8", "--no-eval"];
  const made = await snnc([...args, "-o", at("digits.snn")]);
  if (made.code !== 0) throw new Error(made.stderr);
  const few = tensorOf("f32", [3, 1, 20, 20], pseudoRandom(1200, "few"));
  await writeFile(at("few.npy"), encodeNpy(few));
});

const diagnostic = z.strictObject({
  code: z.string(),
  severity: z.enum(["error", "warning", "info"]),
  message: z.string(),
  place: z.string().nullable(),
  notes: z.array(z.string()),
  help: z.string().nullable(),
});
const diagnostics = z.array(diagnostic);
const share = z.number().min(0).max(1);

describe.concurrent("snnc check", () => {
  it("says what becomes of each op", async () => {
    const { code, stdout, stderr } = await snnc(["check", digits.model]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toContain("can be converted");
    expect(stdout).toMatch(/become neurons +relu ×5/);
  });

  it("--json gives the counts", async () => {
    const ran = await snnc(["check", digits.model, "--json"]);
    const found = z
      .object({
        model: z.literal(digits.model),
        convertible: z.literal(true),
        ops: z.record(z.string(), z.number()),
        unsupported: z.tuple([]),
      })
      .parse(jsonOf(ran));
    expect(found.ops).toMatchObject({ Conv: 4, Relu: 5, MaxPool: 1, Add: 1, Gemm: 2 });
    expect(ran.stderr).toBe("");
  });
});

describe.concurrent("snnc convert", () => {
  it("writes the network, and nothing else, beside where it is called", async () => {
    const args = ["convert", digits.model, ...calibrated, "-T", "2", "--no-eval"];
    const ran = await snnc([...args, "-o", at("alone", "net.snn")]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toMatch(/^wrote .*net\.snn \(\d+ bytes\)$/m);
    expect(await readdir(at("alone"))).toEqual(["net.snn"]);
  });

  it("--json gives one object with the stable fields, and writes the report", async () => {
    const args = ["convert", digits.model, ...calibrated, ...measured, "-T", "4", "--json"];
    const ran = await snnc([...args, "-o", at("json.snn"), "--report", at("report")]);
    expect(ran.code).toBe(0);
    expect(ran.stderr).toBe("");
    const found = z
      .object({
        model: z.literal(digits.model),
        out: z.literal(at("json.snn")),
        code: z.literal("differential"),
        timesteps: z.literal(3),
        parameters: z.number().int().positive(),
        ops: z.number().int().positive(),
        pipeline: z.array(
          z.strictObject({
            pass: z.string(),
            seconds: z.number().nonnegative(),
            changed: z.boolean(),
          }),
        ),
        calibrationSamples: z.literal(40),
        seconds: z.number().positive(),
        annAccuracy: share,
        accuracy: z.array(share).length(3),
        lossStandardError: z.array(share).length(3),
        spikesPerSample: z.array(z.number().positive()).length(3),
        synapticBitsPerSample: z.array(z.number().positive()).length(3),
        annMultiplyAccumulatesPerSample: z.number().positive(),
        latencyTimesteps: z.literal(3),
        latencyPhases: z.number().int().positive(),
        latencyWithDelay: z.number().int().positive(),
        energy: z.object({ ratio: z.number().positive() }),
        diagnostics,
      })
      .parse(jsonOf(ran));
    expect(found.pipeline.map(({ pass }) => pass)).toContain("convert-differential");
    expect(found.latencyWithDelay).toBe(3 + found.latencyPhases - 1);
    expect((await stat(at("json.snn"))).size).toBeGreaterThan(found.parameters * 4);
    expect((await readdir(at("report"))).sort()).toEqual([
      "manifest.json",
      "report.html",
      "report.json",
    ]);
  });

  it("--quiet says nothing about the work", async () => {
    const args = ["convert", digits.model, ...calibrated, "-T", "2", "--no-eval", "--quiet"];
    expect(await snnc([...args, "-o", at("quiet.snn")])).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("shows the accuracy at the end", async () => {
    const args = ["convert", digits.model, ...calibrated, ...measured, "-T", "4"];
    const { code, stdout } = await snnc([...args, "-o", at("shown.snn")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ANN [\d.]+ % on 10 samples of test\.npz$/m);
    expect(stdout).toMatch(/^3 +[\d.]+ %/m);
    expect(stdout).toMatch(/^Energy of the arithmetic alone, by the float32 table, is [\d.]+ × /m);
  });

  it("does not replace what it reads", async () => {
    const args = ["convert", at("digits.snn"), "--passes", "set-initial-potential"];
    const { code, stderr } = await snnc([...args, "-o", at("digits.snn")]);
    expect(codesIn(stderr)).toEqual(["output-is-input"]);
    expect(code).toBe(1);
  });

  it("takes a .snn with passes of its own, and refuses it without", async () => {
    const args = ["convert", at("digits.snn"), "-o", at("again.snn")];
    const refused = await snnc(args);
    expect(codesIn(refused.stderr)).toEqual(["already-spiking"]);
    expect(refused.code).toBe(1);
    const passes = ["--passes", "set-initial-potential{share=0.25}"];
    expect((await snnc([...args, ...passes, "--no-eval"])).code).toBe(0);
    const { stdout } = await snnc(["inspect", at("again.snn")]);
    expect(stdout).toContain("timesteps = 3");
  });
});

describe.concurrent("snnc eval", () => {
  const evaluation = z.object({
    model: z.string(),
    kind: z.enum(["ann", "snn"]),
    samples: z.literal(10),
    timesteps: z.array(z.number()),
    accuracy: z.array(share),
    spikesPerSample: z.array(z.number()),
    synapticOperationsPerSample: z.array(z.number()),
    latencyTimesteps: z.number(),
    seconds: z.number().nonnegative(),
    samplesPerSecond: z.number().nonnegative(),
    memory: z.object({
      weightsBytes: z.number().positive(),
      arenaBytes: z.number().positive(),
      threads: z.literal(1),
    }),
    diagnostics,
  });

  it("--early-exit says how right and how soon answers are", async () => {
    const args = ["eval", at("digits.snn"), ...measured, "--early-exit", "0", "--exit-every", "2"];
    const { earlyExit } = evaluation
      .extend({
        earlyExit: z.object({
          margin: z.literal(0),
          every: z.literal(2),
          accuracy: share,
          meanTimesteps: z.literal(2),
          latency: z.object({ p50: z.literal(2), p90: z.number(), p99: z.number() }),
          figures: z.object({ ended: z.array(share), spikes: z.array(z.number()) }),
        }),
      })
      .parse(jsonOf(await snnc([...args, "--json"])));
    expect(earlyExit.latency.p99).toBe(2);
    // All end at the second timestep: nothing is spent at the third.
    const { ended, spikes } = earlyExit.figures;
    expect(ended).toEqual([0, 1, 1]);
    expect(spikes[2]).toBe(spikes[1]);
    const { stdout } = await snnc(args);
    expect(stdout).toMatch(/^early exit at 0: [\d.]+ % after 2.00 timesteps/m);
    const rows = /^T +ended +accuracy +spikes.*\n(.*)\n2( .*)\n3( .*)$/m.exec(stdout);
    expect(rows?.[3]).toBe(rows?.[2]);
    expect(rows?.[2]).toMatch(/^ +100.00 %/);
    const late = await snnc([...args.slice(0, -1), "64"]);
    expect(late.stderr).toContain("no early exit is possible");
    expect((await snnc(args)).stderr).not.toContain("no early exit is possible");
  });

  it("prepares raw pixels as the network was converted with, and prepared numbers not again", async () => {
    const bare = ["--threads", "1", "--json"];
    const raw = ["eval", at("digits.snn"), "--data", digits.test, "--limit", "10", ...bare];
    const told = jsonOf(await snnc([...raw, "--preprocess", digits.preprocess]));
    const untold = jsonOf(await snnc(raw));
    const figures = z.object({ accuracy: z.array(share), diagnostics });
    expect(figures.parse(untold).accuracy).toEqual(figures.parse(told).accuracy);
    expect(figures.parse(untold).diagnostics.map(({ code }) => code)).toContain(
      "preprocess-recorded",
    );
    const run = ["run", at("digits.snn"), "--input", at("few.npy"), "-o", at("plain.npy"), ...bare];
    const floats = z.object({ diagnostics }).parse(jsonOf(await snnc(run)));
    expect(floats.diagnostics.map(({ code }) => code)).not.toContain("preprocess-recorded");
  });

  it("of a network that was converted further prepares data as it was prepared at first", async () => {
    const further = ["convert", at("digits.snn"), "--passes", "drop-identity", "--no-eval"];
    expect((await snnc([...further, "-o", at("further.snn")])).code).toBe(0);
    const figures = z.object({ accuracy: z.array(share) });
    const accuracyOf = async (name: string): Promise<unknown> => {
      const args = ["eval", at(name), "--data", digits.test, "--limit", "10", "--json"];
      return figures.parse(jsonOf(await snnc(args))).accuracy;
    };
    expect(await accuracyOf("further.snn")).toEqual(await accuracyOf("digits.snn"));
    const inspected = z
      .object({ provenance: z.object({ pipeline: z.string(), model: z.unknown() }) })
      .parse(jsonOf(await snnc(["inspect", at("further.snn"), "--json"])));
    expect(inspected.provenance.model).toMatchObject({ file: "digits.onnx" });
    expect(inspected.provenance.pipeline).toMatch(/convert-differential.*,drop-identity$/);
  });

  it("of a network gives the accuracy at each timestep", async () => {
    const ran = await snnc(["eval", at("digits.snn"), ...measured, "-T", "6", "--json"]);
    const found = evaluation.parse(jsonOf(ran));
    expect(found.kind).toBe("snn");
    expect(found.timesteps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(found.latencyTimesteps).toBe(6);
    for (const list of [found.accuracy, found.spikesPerSample, found.synapticOperationsPerSample]) {
      expect(list).toHaveLength(6);
    }
    expect(found.spikesPerSample).toEqual(found.spikesPerSample.toSorted((a, b) => a - b));
  });

  it("of a model gives its accuracy, at timestep 0", async () => {
    const ran = await snnc(["eval", digits.model, ...measured, "--json"]);
    const found = evaluation.parse(jsonOf(ran));
    expect(found).toMatchObject({ kind: "ann", timesteps: [0], latencyTimesteps: 0 });
    expect(found.accuracy).toHaveLength(1);
    expect(found.accuracy[0]).toBeGreaterThan(0.7);
  });

  it("shows a table", async () => {
    const { code, stdout } = await snnc(["eval", at("digits.snn"), ...measured]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^T +accuracy +spikes +events +bits +MACs$/m);
    expect(stdout).toMatch(/^3 +[\d.]+ %/m);
    expect(stdout).toMatch(/^Answer after 3 timesteps: .* one after another, without delay; /m);
  });

  it("asks for labels where the data hold none", async () => {
    const { code, stderr } = await snnc(["eval", at("digits.snn"), "--data", at("few.npy")]);
    expect(code).toBe(1);
    expect(codesIn(stderr)).toEqual(["needs-labels"]);
  });
});

describe.concurrent("snnc run", () => {
  it("writes logits, and probes of values and potentials", async () => {
    const args = ["run", at("digits.snn"), "--input", at("few.npy"), "-T", "2", "--threads", "1"];
    const probes = ["--probe", "/Relu_4"];
    const ran = await snnc([...args, ...probes, "-o", at("out.npz"), "--json"]);
    expect(ran.code).toBe(0);
    const found = z
      .object({ kind: z.literal("snn"), timesteps: z.literal(2), arrays: z.array(z.unknown()) })
      .parse(jsonOf(ran));
    expect(found.arrays).toEqual([
      { name: "logits", shape: [3, 10] },
      { name: "/Relu_4", shape: [3, 2, 32] },
    ]);
    expect((await stat(at("out.npz"))).size).toBeGreaterThan(3 * 74 * 4);
  });

  it("runs the first samples only where told", async () => {
    const args = ["run", at("digits.snn"), "--input", at("few.npy"), "-o", at("first.npy")];
    const found = jsonOf(await snnc([...args, "--limit", "2", "--json"]));
    expect(found).toMatchObject({ samples: 2, arrays: [{ name: "logits", shape: [2, 10] }] });
  });

  it("keeps an output and a probe of the same name apart", async () => {
    const model = networks["conv-1d"]?.() ?? "";
    await writeFile(at("signal.onnx"), model);
    const signal = tensorOf("f32", [3, 2, 16], pseudoRandom(96, "signal"));
    await writeFile(at("signal.npy"), encodeNpy(signal));
    const args = ["run", at("signal.onnx"), "--input", at("signal.npy"), "--probe", "y"];
    const ran = await snnc([...args, "-o", at("both.npz"), "--json"]);
    expect(jsonOf(ran)["arrays"]).toEqual([
      { name: "y", shape: [3, 3, 6] },
      { name: "y.steps", shape: [3, 1, 3, 6] },
    ]);
  });

  it.each([
    ["few.txt", ["bad-option"]],
    ["few.npy", ["output-is-input"]],
    ["digits.snn", ["output-is-input"]],
  ])("does not write to %s", async (name, codes) => {
    const args = ["run", at("digits.snn"), "--input", at("few.npy"), "-o", at(name)];
    const { code, stderr } = await snnc(args);
    expect(codesIn(stderr)).toEqual(codes);
    expect(code).toBe(1);
  });

  it("names what could have been meant by a probe", async () => {
    const args = ["run", at("digits.snn"), "--input", at("few.npy"), "-o", at("none.npz")];
    const { code, stderr } = await snnc([...args, "--probe", "nothing"]);
    expect(code).toBe(1);
    expect(codesIn(stderr)).toEqual(["unknown-value"]);
    expect(stderr).toContain("/Relu_3");
  });
});

describe.concurrent("options", () => {
  it("that are misspelt are told as one object with --json", async () => {
    const ran = await snnc(["convert", digits.model, "--pasess", "x", "--json"]);
    expect(ran.code).toBe(1);
    expect(jsonOf(ran)).toMatchObject({ diagnostics: [{ code: "usage", severity: "error" }] });
  });

  it.each([
    [["--no-eval", "--report", at("unwritten")]],
    [["--no-eval", "--data", digits.test]],
    [["--check-numerics", "2"]],
  ])("of no effect are refused: %s", async (useless) => {
    const calib = useless.includes("--check-numerics") ? prepared : calibrated;
    const { code, stderr } = await snnc(["convert", digits.model, ...calib, ...useless]);
    expect(codesIn(stderr)).toEqual(["usage"]);
    expect(code).toBe(1);
  });

  it("of no effect on an ONNX model are told", async () => {
    const { code, stderr } = await snnc(["eval", digits.model, ...measured, "-T", "3"]);
    expect(codesIn(stderr)).toEqual(["timesteps-ignored"]);
    expect(code).toBe(0);
  });

  it("that leave the network analogue are told", async () => {
    const args = ["convert", digits.model, ...calibrated, "--passes", "canonical"];
    const { code, stderr } = await snnc([...args, "-o", at("analogue.snn")]);
    expect(codesIn(stderr)).toContain("not-measured");
    expect(code).toBe(0);
  });
});

describe.concurrent("snnc report", () => {
  it("makes the report of a conversion done before, with a manifest that is right", async () => {
    const args = ["report", at("digits.snn"), "--model", digits.model, ...measured, "-T", "2"];
    const ran = await snnc([...args, "-o", at("later"), "--json"]);
    expect(ran.code).toBe(0);
    expect(jsonOf(ran)).toMatchObject({
      network: at("digits.snn"),
      html: path.join(at("later"), "report.html"),
    });
    const html = await readFile(at("later", "report.html"), "utf8");
    expect(html).not.toMatch(/(src|href)="https?:/);
    const manifest = z
      .object({ files: z.array(z.object({ path: z.string(), bytes: z.number() })) })
      .parse(JSON.parse(await readFile(at("later", "manifest.json"), "utf8")));
    for (const file of manifest.files) {
      expect((await stat(at("later", file.path))).size).toBe(file.bytes);
    }
  });

  it("refuses a model that the network did not come from", async () => {
    const args = ["report", at("digits.snn"), "--model", at("digits.snn"), ...measured];
    const { code, stderr } = await snnc([...args, "-o", at("never")]);
    expect(code).toBe(1);
    expect(codesIn(stderr)).toEqual(["other-model"]);
  });

  it("refuses a model of the same structure with other weights", async () => {
    const bytes = await readFile(digits.model);
    // A tensor's raw data follow its name, with a tag and a length in between.
    const weight = bytes.lastIndexOf("conv1.weight") + 24;
    bytes[weight] = (bytes[weight] ?? 0) ^ 1;
    await writeFile(at("other.onnx"), bytes);
    const args = ["report", at("digits.snn"), "--model", at("other.onnx"), ...measured];
    const { code, stderr } = await snnc([...args, "-o", at("never")]);
    expect(codesIn(stderr)).toEqual(["other-model"]);
    expect(code).toBe(1);
  });
});

describe.concurrent("snnc inspect, diff, passes and ops", () => {
  it("inspect prints the network as text", async () => {
    const { code, stdout } = await snnc(["inspect", at("digits.snn")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^module @digits attributes \{code = "differential", timesteps = 3/);
    // Of five rectifiers, and of the pool before the first linear layer.
    expect(stdout.match(/ = snn\.graded\(/g)).toHaveLength(6);
  });

  it("inspect --json adds the provenance", async () => {
    const found = jsonOf(await snnc(["inspect", at("digits.snn"), "--json"]));
    expect(found).toMatchObject({
      kind: "snn",
      code: "differential",
      timesteps: 3,
      provenance: { model: { file: "digits.onnx" }, calibration: { samples: 40 }, seed: 0 },
    });
  });

  it("diff finds a network equal to itself, and exits 1 where there is a difference", async () => {
    const same = await snnc(["diff", at("digits.snn"), at("digits.snn"), "--json"]);
    expect(same.code).toBe(0);
    expect(jsonOf(same)).toMatchObject({ equal: true, tensors: [], provenance: [] });
    const other = await snnc(["diff", digits.model, at("digits.snn")]);
    expect(other.code).toBe(1);
    expect(other.stdout).toContain("the networks differ");
    expect(other.stdout).toMatch(/^\+ .*snn\.graded/m);
  });

  it("passes lists every pass and pipeline", async () => {
    const found = z
      .object({ pipelines: z.record(z.string(), z.string()) })
      .parse(jsonOf(await snnc(["passes", "--json"])));
    expect(found.pipelines["default"]).toContain("convert-differential");
    const { stdout } = await snnc(["passes"]);
    expect(stdout).toContain("convert-activations");
  });

  it("ops lists what is read and what becomes of it", async () => {
    const { stdout } = await snnc(["ops"]);
    expect(stdout).toMatch(/^ {2}ConvTranspose +1, 11/m);
    expect(stdout).toMatch(/^operators of domain snnc\n {2}SoftLif +1$/m);
    expect(stdout).toMatch(/^ {2}ann\.relu +neuron/m);
  });
});

describe.concurrent("usage errors", () => {
  it.each([
    [["chek", "x"], /unknown command 'chek'\n\(Did you mean check\?\)/],
    [["check"], /missing required argument 'model'\n\(options: snnc check --help\)/],
    [["check", "a", "b"], /too many arguments/],
    [["check", "a", "--jsn"], /unknown option '--jsn'\n\(Did you mean --json\?\)/],
    [["convert", "a", "-T", "0"], /whole number from 1/],
    [["convert", "a", "--passes", "x", "--pipeline", "y"], /cannot be used with/],
    [["convert", "a", "--input-shape", "x"], /NAME=1,3,32,32/],
    [["eval", "a"], /required option '--data <path>'/],
    [
      ["eval", "a", "--data", "b", "--engine", "fast"],
      /Allowed choices are wasm, typed, interpret/,
    ],
    [["convert", digits.model, "--pipeline", "defalt"], /did you mean default\?/],
  ])("%# end in exit code 1 and a short message", async (args, message) => {
    const { code, stdout, stderr } = await snnc(args);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr.split("\n").length).toBeLessThan(8);
  });

  it("with --json a failure is one object too", async () => {
    const ran = await snnc(["check", "nowhere.onnx", "--json"]);
    expect(ran.code).toBe(1);
    const { diagnostics: found } = z.object({ diagnostics }).parse(jsonOf(ran));
    expect(found.map(({ code, severity }) => [code, severity])).toEqual([
      ["file-not-found", "error"],
    ]);
  });
});
