/** Codes and pipelines bear one set of names; former names work, and a wrong one gets the right list. */
import { readFile, readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { codes, spikingCodes } from "../../ir/module.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { pipelineOf, stepsOf } from "../../library/convert.ts";
import { codeMadeBy } from "../../passes/codes.ts";
import { allPasses, pipelineNames, pipelines } from "../../passes/index.ts";
import { aliases, codeNamed, pipelineNamed } from "../../passes/names.ts";

function saidOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map((d) => `${d.code}: ${d.message} | ${d.help ?? ""}`).join("\n");
  }
  throw new Error("it was taken");
}

const code = (name: string): string => codeNamed(name, pipelineNames);
const pipeline = (name: string): string => pipelineNamed(name, pipelineNames);
const allCodes = "rate, signed-rate, burst, differential, few-spikes, ttfs";
const allPipelines = [...pipelines.keys()].join(", ");

describe("names", () => {
  it.each(spikingCodes)("%s is a code and the pipeline that makes it", (name) => {
    expect(codeMadeBy(stepsOf(name))).toBe(name);
    expect(pipelineOf({ code: name })).toBe(name);
    expect(code(name)).toBe(name);
    expect(pipeline(name)).toBe(name);
  });

  it.each([
    ["default", "differential"],
    ["binary", "signed-rate"],
    ["one-spike", "ttfs"],
  ])("%s is a former name of %s, wherever a name is taken", (former, present) => {
    expect(aliases.get(former)).toBe(present);
    expect(code(former)).toBe(present);
    expect(stepsOf(pipeline(former))).toEqual(stepsOf(present));
    expect(pipelines.get(former)).toBe(pipelines.get(present));
    expect(pipelines.has(former)).toBe(true);
    expect([...pipelines.keys()]).not.toContain(former);
  });

  it("are those that files have", () => {
    expect(codes.slice(1)).toEqual(spikingCodes);
    expect(allCodes).toBe(spikingCodes.join(", "));
  });

  it("are no pass and pipeline at once", () => {
    for (const { name } of allPasses) expect(pipelines.has(name)).toBe(false);
  });
});

describe("passes", () => {
  it("are known to calibration by what they declare, and by no name", async () => {
    const folder = new URL("../../calibrate/", import.meta.url);
    const files = (await readdir(folder, { recursive: true })).filter((f) => f.endsWith(".ts"));
    const texts = await Promise.all(files.map((file) => readFile(new URL(file, folder), "utf8")));
    expect(texts.length).toBeGreaterThan(20);
    for (const { name } of allPasses) {
      const quoted = new RegExp(`["'\`]${name}(?=["'\`{,])`);
      expect(files.filter((_, i) => quoted.test(texts[i] ?? ""))).toEqual([]);
    }
  });
});

describe("a wrong name", () => {
  it("of a pipeline gets the pipelines, and the nearest", () => {
    expect(saidOf(() => pipeline("low-latancy"))).toBe(
      `unknown-pipeline: there is no pipeline named "low-latancy" | did you mean low-latency? pipelines: ${allPipelines}`,
    );
    expect(saidOf(() => pipeline("zzzzzz"))).toBe(
      `unknown-pipeline: there is no pipeline named "zzzzzz" | pipelines: ${allPipelines}`,
    );
    expect(saidOf(() => stepsOf("zzzzzz,yyyyyy")).split("\n")[1]).toBe(
      'unknown-pass: there is no pass or pipeline named "yyyyyy" | ' +
        `\`snnc passes\` lists the passes; pipelines: ${allPipelines}`,
    );
    expect(saidOf(() => stepsOf("defualt"))).toBe(
      'unknown-pass: there is no pass or pipeline named "defualt" | did you mean default?',
    );
  });

  it("is known where it is a pass or a pipeline", () => {
    expect(saidOf(() => pipeline("fit-layers"))).toBe(
      `unknown-pipeline: "fit-layers" is a pass, not a pipeline | --passes takes passes; pipelines: ${allPipelines}`,
    );
    expect(saidOf(() => code("sparse"))).toBe(
      `unknown-code: "sparse" is a pipeline, not a code | give it as --pipeline sparse; codes: ${allCodes}`,
    );
    expect(saidOf(() => code("soft-lif"))).toBe(
      `unknown-code: "soft-lif" is a pass, not a code | --passes takes passes; codes: ${allCodes}`,
    );
    expect(saidOf(() => code("signed-rte"))).toBe(
      `unknown-code: there is no code named "signed-rte" | did you mean signed-rate? codes: ${allCodes}`,
    );
  });

  it("is left to the reader of pipelines where it is a list", () => {
    const list = "canonical,fit-layers{weights=false}";
    expect(pipeline(list)).toBe(list);
  });
});
