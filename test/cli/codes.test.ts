/** Every code from the command line: convert, eval, run, report, build, check, with what is told. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { encodeNpy } from "../../calibrate/data/formats/write.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { pseudoRandom } from "../frontend/build-model.ts";
import { type Ran, digits, jsonOf, snnc, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("codes");
const prepared = ["--preprocess", digits.preprocess, "--threads", "1"];
const calibrated = ["--calib", digits.calibration, "--calib-samples", "30", ...prepared];
const measured = ["--data", digits.test, "--limit", "20", ...prepared];
const answer = z.object({
  code: z.string(),
  timesteps: z.number(),
  agreement: z.array(z.number()),
  diagnostics: z.array(z.object({ code: z.string() })),
});

/** Codes of what a command with `--json` told, but for what is said of the data. */
function toldIn(ran: Ran): string[] {
  const told = z
    .object({ diagnostics: z.array(z.object({ code: z.string() })) })
    .parse(jsonOf(ran));
  return told.diagnostics.map(({ code }) => code).filter((code) => code !== "preprocess-recorded");
}

/** What a report in the folder tells, of its layers too. */
async function toldInReport(folder: string): Promise<string[]> {
  const text = await readFile(path.join(at(folder), "report.json"), "utf8");
  const { diagnostics } = z
    .object({ diagnostics: z.array(z.object({ code: z.string() })) })
    .parse(JSON.parse(text));
  return diagnostics.map(({ code }) => code);
}

beforeAll(async () => {
  const args = ["convert", digits.model, ...calibrated, "--code", "few-spikes", "-T", "6"];
  const made = await snnc([...args, "--no-eval", "-o", at("few.snn")]);
  if (made.code !== 0) throw new Error(made.stderr);
  const few = tensorOf("f32", [3, 1, 20, 20], pseudoRandom(1200, "few"));
  await writeFile(at("few.npy"), encodeNpy(few));
});

describe("snnc convert --integer", () => {
  it.each([
    ["differential", [], 0.95],
    ["signed-rate", ["--weight-bits", "6"], 0.85],
  ])("makes integers of %s", async (code, more, least) => {
    const args = ["convert", digits.model, ...calibrated, ...measured, "--code", code];
    const ran = await snnc([...args, "--integer", ...more, "-o", at("int.snn"), "--json"]);
    expect(ran.code).toBe(0);
    expect(answer.parse(jsonOf(ran)).agreement.at(-1)).toBeGreaterThanOrEqual(least);
    const shown = await snnc(["inspect", at("int.snn")]);
    expect(shown.stdout).toContain('"integer"]');
  });

  it("refuses what has no integer form, with a way out", async () => {
    const args = ["convert", digits.model, ...calibrated, "--pipeline", "exact", "--integer"];
    const ran = await snnc([...args, "-o", at("none.snn")]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      "convert with convert-ttfs{resolution=tick}, as --pipeline ttfs does, which rounds times",
    );
  });

  it.each([
    [["--weight-bits", "4"], /--weight-bits 4 has no effect with differential/],
    [
      ["--integer", "--passes", "canonical"],
      /--integer has no effect with --passes: write quantise/,
    ],
    [["--auto", "--weight-bits", "4"], /--weight-bits has no effect without --integer/],
  ])("refuses %j", async (options, message) => {
    const ran = await snnc([
      "convert",
      digits.model,
      ...calibrated,
      ...options,
      "-o",
      at("no.snn"),
    ]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(message);
  });
});

describe("snnc convert --code", () => {
  it.each([
    ["signed-rate", 16, 0.9],
    ["burst", 4, 0.9],
    // Its own number is 4; this network ends where hardly anything more is sent.
    ["differential", 3, 0.95],
    ["few-spikes", 8, 0.95],
    ["ttfs", 255, 0.95],
  ])("%s converts for its own number of timesteps, and reports", async (code, T, least) => {
    const args = ["convert", digits.model, ...calibrated, ...measured, "--code", code, "--json"];
    const ran = await snnc([...args, "-o", at(`${code}.snn`), "--report", at(code)]);
    expect(ran.code).toBe(0);
    const found = answer.parse(jsonOf(ran));
    expect(found).toMatchObject({ code, timesteps: T });
    expect(found.agreement.at(-1)).toBeGreaterThanOrEqual(least);
    expect(await toldInReport(code)).not.toContain("neuron-without-counterpart");
  });

  it("takes bits where spikes have a number of them, and refuses what would have no effect", async () => {
    const args = ["convert", digits.model, ...calibrated, "--no-eval", "-o", at("bits.snn")];
    const bits = await snnc([...args, "--code", "burst", "--bits", "2", "--json"]);
    expect(bits.code).toBe(0);
    const inspected = await snnc(["inspect", at("bits.snn")]);
    expect(inspected.stdout).toContain("bits = 2");
    for (const some of [[], ["--pipeline", "sparse"]]) {
      const { code } = await snnc([...args, ...some, "--bits", "3"]);
      expect(code).toBe(0);
      expect((await snnc(["inspect", at("bits.snn")])).stdout).toContain("bits = 3");
    }
    const refused = [
      ["--passes", "default", "--bits", "2"],
      ["--code", "ttfs", "--bits", "2"],
      ["--pipeline", "rate", "--bits", "2"],
      ["--code", "ttfs", "--pipeline", "max"],
      ["--pipeline", "max", "--bits", "2"],
    ];
    for (const some of refused) {
      const { code, stderr } = await snnc([...args, ...some]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/has no effect/);
    }
  });
});

describe("a network whose frames have a fixed length", () => {
  it("says that -T has no effect, and runs", async () => {
    const ran = await snnc([
      "eval",
      at("few.snn"),
      ...measured,
      "-T",
      "9",
      "--early-exit",
      "0.5",
      "--json",
    ]);
    expect(ran.code).toBe(0);
    expect(toldIn(ran)).toEqual(["frame-is-fixed", "early-exit-ignored"]);
    expect(jsonOf(ran)).toMatchObject({ timesteps: [6], latencyTimesteps: 36 });
    const own = await snnc(["eval", at("few.snn"), ...measured, "-T", "6"]);
    expect(own.stderr).not.toMatch(/frame-is-fixed/);
    expect(own.stdout).toMatch(/T +latency +accuracy/);
  });

  it("gives raw outputs, and what neurons send in a frame", async () => {
    const args = ["run", at("few.snn"), "--input", at("few.npy"), "-o", at("out.npz"), "--json"];
    const ran = await snnc([...args, "--probe", "/Relu", "-T", "4", "--threads", "1"]);
    expect(ran.code).toBe(0);
    expect(toldIn(ran)).toEqual(["frame-is-fixed"]);
    expect(jsonOf(ran)).toMatchObject({
      timesteps: 6,
      arrays: [{ shape: [3, 10] }, { name: "/Relu", shape: [3, 1, 16, 10, 10] }],
    });
  });

  it("is reported on later, and built", async () => {
    const report = ["report", at("few.snn"), "--model", digits.model, ...measured, "-T", "7"];
    const reported = await snnc([...report, "-o", at("report")]);
    expect(reported.code).toBe(0);
    expect(reported.stderr).toContain("frame-is-fixed");
    expect(reported.stdout).toMatch(/T +latency/);
    const build = [
      "build",
      at("few.snn"),
      "--target",
      "wasm",
      "-o",
      at("built"),
      "-T",
      "3",
      "--no-demo",
    ];
    const built = await snnc([...build, "--json"]);
    expect(built.code).toBe(0);
    expect(toldIn(built)).toEqual(["frame-is-fixed"]);
  });
});

describe("a network that rehearses", () => {
  const passes = "canonical,commute-max-pool,convert-activations,balance-mmse,rehearse{steps=3}";

  it("counts the rehearsal among its timesteps, and runs, is reported on and built with it", async () => {
    const args = [
      "convert",
      digits.model,
      ...calibrated,
      ...measured,
      "--passes",
      passes,
      "-T",
      "4",
    ];
    const made = await snnc([...args, "-o", at("two.snn"), "--report", at("two"), "--json"]);
    expect(made.code).toBe(0);
    expect(await toldInReport("two")).toContain("rehearsal-in-means");
    expect(toldIn(made)).toContain("runs-twice");
    const { timesteps, agreement } = answer.parse(jsonOf(made));
    expect(timesteps).toBe(7);
    // There is no answer before the rehearsal is over.
    expect(agreement).toHaveLength(4);
    expect(agreement.at(-1)).toBeGreaterThanOrEqual(0.9);

    const own = await snnc(["eval", at("two.snn"), ...measured, "--json"]);
    expect(toldIn(own)).toEqual([]);
    expect(jsonOf(own)).toMatchObject({ timesteps: [4, 5, 6, 7], latencyTimesteps: 7 });
    const table = (await snnc(["eval", at("two.snn"), ...measured])).stdout;
    expect([...table.matchAll(/^(\d+) +[\d.]+ %/gm)].map(([, t]) => t)).toEqual(["4", "5", "7"]);
    const short = await snnc(["eval", at("two.snn"), ...measured, "-T", "3", "--json"]);
    expect(toldIn(short)).toEqual(["ends-in-rehearsal"]);
    expect(jsonOf(short)).toMatchObject({ timesteps: [1, 2, 3] });
    const longer = await snnc(["eval", at("two.snn"), ...measured, "-T", "4", "--json"]);
    expect(toldIn(longer)).toEqual([]);
    // Any margin will do, and none is looked at before something of the rehearsal was used.
    const early = ["eval", at("two.snn"), ...measured, "--early-exit", "0", "--json"];
    expect(jsonOf(await snnc(early))).toMatchObject({ earlyExit: { every: 1, meanTimesteps: 4 } });

    const report = ["report", at("two.snn"), "--model", digits.model, ...measured];
    expect((await snnc([...report, "-o", at("two-later")])).code).toBe(0);
    const build = ["build", at("two.snn"), "--target", "wasm", "-o", at("two-built"), "--no-demo"];
    const built = await snnc([...build, "--json"]);
    expect(toldIn(built)).toEqual([]);
    expect(built.code).toBe(0);
  });
});

describe("snnc check --code", () => {
  it("answers for that code", async () => {
    const ran = await snnc(["check", digits.model, "--code", "ttfs", "--json"]);
    expect(ran.code).toBe(0);
    expect(jsonOf(ran)).toMatchObject({ code: "ttfs", convertible: true, unsupported: [] });
  });
});

describe("snnc check --integer", () => {
  const refused = { op: "ttfs", domain: "", count: 6 };

  it("says that all becomes integers, with any bits of weights", async () => {
    for (const bits of ["2", "8", "mean:2.5"]) {
      const ran = await snnc(["check", digits.model, "--integer", "--weight-bits", bits, "--json"]);
      expect(ran.code).toBe(0);
      expect(jsonOf(ran)).toMatchObject({ integer: true, convertible: true, unsupported: [] });
    }
    const { stdout } = await snnc(["check", digits.model, "--integer"]);
    expect(stdout).toContain("can be converted to differential code in integers\n");
    const floats = await snnc(["check", digits.model, "--json"]);
    expect(jsonOf(floats)).toMatchObject({ integer: false });
  });

  it("lists what has none once, with its places and a way out", async () => {
    const args = ["check", digits.model, "--pipeline", "exact", "--integer"];
    const { code, stdout } = await snnc(args);
    expect(code).toBe(1);
    expect(stdout).toContain("cannot be converted to ttfs code in integers as it is");
    expect(stdout.match(/ttfs ×6\n.*at \/Relu, \/Relu_1/g)).toHaveLength(1);
    expect(stdout.match(/no integer form/g)).toHaveLength(1);
    expect(stdout).toContain("as --pipeline ttfs does, which rounds times");
    const ran = await snnc([...args, "--json"]);
    expect(jsonOf(ran)).toMatchObject({ convertible: false, unsupported: [refused] });
  });

  it.each([
    [["--weight-bits", "4"], /--weight-bits 4 has no effect with differential/],
    [["--integer", "--weight-bits", "1"], /whole number from 2 to 8/],
    [["--integer", "--weight-bits", "9"], /whole number from 2 to 8/],
    [["--integer", "--weight-bits", "mean:"], /mean:3\.5/],
    [["--integer", "--weight-bits", "mean:8.5"], /number from 2 to 8/],
    [["--integer", "--weight-bits", "four"], /whole number from 2 to 8/],
  ])("refuses %j", async (more, message) => {
    const { code, stderr, stdout } = await snnc(["check", digits.model, ...more]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
  });

  it("refuses both of a network that is converted already", async () => {
    for (const [option, ...value] of [["--integer"], ["--weight-bits", "4"]]) {
      const { code, stderr } = await snnc(["check", at("few.snn"), `${option}`, ...value]);
      expect(code).toBe(1);
      expect(stderr).toContain(`is converted already: ${option} is for ONNX models`);
    }
  });
});

describe("names on the command line", () => {
  it.each([
    ["--code", "binary", "signed-rate"],
    ["--pipeline", "one-spike", "ttfs"],
  ])("%s takes the former name %s", async (option, former, present) => {
    const ran = await snnc(["check", digits.model, option, former, "--json"]);
    expect(ran.code).toBe(0);
    expect(z.object({ code: z.string() }).parse(jsonOf(ran)).code).toBe(present);
  });

  it.each([
    ["check", "--pipeline", "fit-layers", '"fit-layers" is a pass, not a pipeline'],
    ["check", "--code", "sparse", '"sparse" is a pipeline, not a code'],
    ["convert", "--code", "signed", 'there is no code named "signed"'],
    ["convert", "--pipeline", "few-spkes", "did you mean few-spikes?"],
  ])("%s %s %s is refused with what there is", async (command, option, name, said) => {
    const ran = await snnc([command, digits.model, option, name]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(said);
  });
});
