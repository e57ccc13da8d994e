/** Pipelines as text: reading, printing, and what is said about mistakes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import { type AnyPass, definePass } from "../../../passes/pass.ts";
import {
  type PipelineNames,
  parsePipeline,
  printPipeline,
  step,
  writtenOut,
} from "../../../passes/pipeline.ts";

function passNamed(name: string, options: AnyPass["options"] = {}): AnyPass {
  return definePass({
    name,
    role: "balance",
    summary: "",
    requires: [],
    establishes: [],
    breaks: [],
    preservesOutputs: true,
    options,
    run: (module) => module,
  });
}

const fold = passNamed("fold");
const balance = passNamed("balance", {
  levels: { kind: "integer", default: 16, min: 2, max: 256, help: "" },
  share: { kind: "number", default: 0.5, min: 0, max: 1, help: "" },
  scope: { kind: "choice", default: "layer", of: ["layer", "channel"], help: "" },
  signed: { kind: "flag", default: false, help: "" },
});
const names: PipelineNames = {
  passes: [fold, balance],
  pipelines: new Map([["all", [step(fold), step(balance, { levels: 4 })]]]),
};

/** What is said about a pipeline, with the way out. */
function saidOf(text: string): readonly string[] {
  try {
    parsePipeline(text, names);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map((d) => (d.help === null ? d.message : `${d.message} | ${d.help}`));
  }
  return [];
}

describe("the text of a pipeline", () => {
  it("names passes and gives options; what is not given has its default", () => {
    const [first, second] = parsePipeline("fold, balance{levels=32, scope=channel, signed}", names);
    expect(first?.pass).toBe(fold);
    expect(first?.options).toEqual({});
    expect(second?.options).toEqual({ levels: 32, share: 0.5, scope: "channel", signed: true });
  });

  it("knows which options were written", () => {
    const [first, second] = parsePipeline("fold,balance{levels=4}", names);
    expect([...(first?.chosen ?? [])]).toEqual([]);
    expect([...(second?.chosen ?? [])]).toEqual(["levels"]);
    expect(parsePipeline("all", names)[1]?.chosen).toBeUndefined();
  });

  it("may name a pipeline for its steps", () => {
    expect(printPipeline(parsePipeline("all,fold", names))).toBe("fold,balance{levels=4},fold");
  });

  it("prints options that are not the default, or all of them", () => {
    const steps = parsePipeline("balance{share=0.25,levels=16}", names);
    expect(printPipeline(steps)).toBe("balance{share=0.25}");
    expect(printPipeline(steps, { full: true })).toBe(
      "balance{levels=16,share=0.25,scope=layer,signed=false}",
    );
  });

  it("comes back from its print as it was", () => {
    const options = fc.record({
      levels: fc.integer({ min: 2, max: 256 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0),
      scope: fc.constantFrom("layer", "channel"),
      signed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(options, { minLength: 1, maxLength: 4 }), fc.boolean(), (all, full) => {
        const steps = all.flatMap((given) => [step(fold), step(balance, given)]);
        const read = parsePipeline(printPipeline(steps, { full }), names);
        expect(read.map(({ pass, options }) => ({ pass, options }))).toEqual(steps);
      }),
    );
  });
});

describe("mistakes in a pipeline", () => {
  it.each([
    ["", "column 1: expected the name of a pass, found the end"],
    ["fold,,fold", 'column 6: expected the name of a pass, found ","'],
    ["fold}", 'column 5: expected a comma or the end, found "}"'],
    ["balance{levels=}", 'column 16: expected a value, found "}"'],
    ["balance{levels=3", "column 17: expected a comma or }, found the end"],
  ])("are pointed at: %s", (text, said) => {
    expect(saidOf(text)).toEqual([
      `in pipeline "${text}", ${said} | write it as name,name{option=value,option=value}`,
    ]);
  });

  it("begin with a pipeline where they are written out with one", () => {
    const all = [step(fold), step(balance, { levels: 4 })];
    const longer = new Map([...names.pipelines, ["longer", [...all, step(fold)]]]);
    longer.set("all", all);
    expect(writtenOut("longer", longer)).toBe("all,fold");
    expect(writtenOut("all", longer)).toBe("fold,balance{levels=4}");
  });

  it("are all told at once, with the nearest name or the bounds", () => {
    expect(saidOf("fol,all{x=1},balance{level=3},balance{levels=1,share=x,scope=chanel}")).toEqual([
      'there is no pass or pipeline named "fol" | did you mean fold?',
      '"all" is a pipeline, which takes no options | write its passes out with --passes, and give options to ' +
        "the pass that has them: fold,balance{levels=4}",
      'pass balance has no option "level" | did you mean levels?',
      'option "levels" of pass balance is 1, outside 2 … 256',
      'option "share" of pass balance takes a number, not "x"',
      'option "scope" of pass balance cannot be "chanel" | one of layer, channel; did you mean channel?',
    ]);
    expect(saidOf("fold{x}")).toEqual(['pass fold has no option "x" | it takes no options']);
    expect(saidOf("balance{levels=2.5}")).toEqual([
      'option "levels" of pass balance takes a whole number, not "2.5"',
    ]);
    expect(saidOf("balance{signed=yes,signed=true}")).toEqual([
      'option "signed" of pass balance is given twice',
    ]);
    expect(saidOf("balance{signed=yes}")).toEqual([
      'option "signed" of pass balance is true or false, not "yes"',
    ]);
    expect(saidOf("zzz")).toEqual([
      'there is no pass or pipeline named "zzz" | `snnc passes` lists the passes; pipelines: all',
    ]);
  });
});
