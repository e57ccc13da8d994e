/**
 * What commands print with `--json`: as the published schema has it, nothing else, and with the values
 * that the same commands printed before they shared a shape.
 */
import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { codeLines, textOf } from "../docs/markdown.ts";
import { digits, jsonOf, snnc, temporaryFolder } from "./snnc.ts";

const at = temporaryFolder("results");
const page = textOf("docs/json.md");
const schema = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(textOf("docs/result.schema.json")));
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

type Results = Readonly<Record<string, Record<string, unknown>>>;
let results: Results = {};
let before: Results = {};

beforeAll(async () => {
  const one = ["--threads", "1", "--json"];
  const prepared = ["--preprocess", digits.preprocess, ...one];
  const few = ["--data", digits.test, "--limit", "20"];
  const network = at("digits.snn");
  const calibrated = ["--calib", digits.calibration, "--calib-samples", "40", "-T", "4"];
  const made = ["-o", network];
  const printed = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await snnc(args);
    if (ran.code !== 0) throw new Error(ran.stderr);
    return jsonOf(ran);
  };
  const [line = ""] = codeLines(page, "sh");
  const places = new Map([
    ["digits.snn", network],
    ["test.npz", digits.test],
  ]);
  const [, ...shown] = line.split(" ").map((word) => places.get(word) ?? word);
  results = {
    convert: await printed("convert", digits.model, ...calibrated, ...few, ...prepared, ...made),
    eval: await printed(...shown),
    evalModel: await printed("eval", digits.model, ...few, ...prepared),
    run: await printed(
      "run",
      network,
      "--input",
      digits.test,
      "--limit",
      "2",
      "-o",
      at("o.npz"),
      ...one,
    ),
    report: await printed(
      "report",
      network,
      "--model",
      digits.model,
      ...few,
      ...one,
      "-o",
      at("later"),
    ),
  };
  const file = new URL("results-before.json", import.meta.url);
  before = z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .parse(JSON.parse(await readFile(file, "utf8")));
});

describe.each(["convert", "eval", "evalModel", "run", "report"])("%s --json", (name) => {
  it("is what the schema has, and nothing else", () => {
    expect(validate(results[name]), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...results[name], another: 1 })).toBe(false);
  });

  it("keeps the keys and values that it had", () => {
    expect(results[name]).toMatchObject(before[name] ?? { missing: true });
  });
});

it("convert --report names its files in place of advice", () => {
  const { advice, ...rest } = results["convert"] ?? {};
  expect(advice).toBeDefined();
  expect(validate({ ...rest, report: { html: "report.html", json: "report.json" } })).toBe(true);
});

describe("the blocks of results", () => {
  it("say with what a network was made, then and later", () => {
    const passes = z.array(
      z.object({ pass: z.string(), options: z.record(z.string(), z.unknown()) }),
    );
    const then = passes.parse(results["convert"]?.["passes"]);
    expect(then.find(({ pass }) => pass === "convert-differential")?.options).toMatchObject({
      bits: 4,
    });
    expect(passes.parse(results["eval"]?.["passes"])).toEqual(then);
    expect(results["evalModel"]?.["passes"]).toEqual([]);
  });

  it("have the same figures, whichever command measures", () => {
    const snn = results["convert"]?.["snn"];
    // Operations by kind are of the network that was converted, whose max pools have moved.
    const ann = { accuracy: [0.95], multiplyAccumulates: [2089984], conversionLoss: null };
    for (const name of ["convert", "report", "evalModel"]) {
      expect(results[name]).toMatchObject({ ann });
    }
    expect(snn).toMatchObject({
      conversionLoss: { points: [0, 0, 0], standardError: [0, 0, 0] },
      agreement: [1, 1, 1],
    });
    const costs = z.object({ spikes: z.array(z.number()), operations: z.unknown() });
    expect(costs.parse(results["eval"]?.["snn"])).toEqual(costs.parse(snn));
    expect(costs.parse(results["report"]?.["snn"])).toEqual(costs.parse(snn));
    expect(results["eval"]?.["ann"]).toBeNull();
  });

  it("of a run have costs, and no accuracy", async () => {
    const two = ["eval", at("digits.snn"), "--data", digits.test, "--limit", "2", "--threads", "1"];
    const { snn } = jsonOf(await snnc([...two, "--json"]));
    const costs = z.object({ events: z.array(z.number()), operations: z.unknown() });
    expect(costs.parse(results["run"]?.["snn"])).toEqual(costs.parse(snn));
    expect(results["run"]).toMatchObject({ snn: { accuracy: null, task: null } });
  });

  it("are as docs/json.md shows them", () => {
    const shown: unknown = JSON.parse(codeLines(page, "json").join("\n"));
    expect(results["eval"]).toMatchObject(z.record(z.string(), z.unknown()).parse(shown));
  });
});
