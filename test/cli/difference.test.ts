/** What `snnc diff` compares: all that a module consists of, but its name and how it was made. */
import { describe, expect, it } from "vitest";
import { textOf } from "../../cli/commands/diff.ts";
import { differenceOf } from "../../cli/difference.ts";
import { known } from "../../ir/diagnostic.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { verify } from "../../ir/verify.ts";

/** Two delays in a row, so that what comes out is what came in two timesteps before. */
const base = `module @m attributes {code = "none", timesteps = 4, properties = []} {
  %0 = snn.input() {name = "x"} : real[1, 2]
  %1 = snn.previous() {initial = @rest, domain = "real"} : real[1, 2]
  %2 = snn.previous() {initial = @rest, domain = "real"} : real[1, 2]
  %3 = ann.add(%1, %2) : real[1, 2]
  %4 = ann.add(%0, %3) : real[1, 2]
  snn.carry(%0, %1)
  snn.carry(%1, %2)
  ann.output(%4) {name = "y"}
  ann.output(%3) {name = "sum"}
}
tensors {
  @rest = f32[1, 2] dense<[0, 0]>
}
`;

function moduleOf(text: string, file: string) {
  const module = parseModule(text, { file });
  expect(verify(module)).toEqual([]);
  return module;
}

/** The base and the base with one text for another, as two files. */
function compared(from: string, to: string) {
  expect(base).toContain(from);
  const left = { module: moduleOf(base, "left.snnir"), provenance: null };
  const right = { module: moduleOf(base.replace(from, to), "right.snnir"), provenance: null };
  return differenceOf(left, right);
}

describe("the difference of two networks", () => {
  it.each([
    ["the timesteps", "timesteps = 4", "timesteps = 5", "  timesteps: 4 → 5"],
    [
      "the properties",
      "properties = []",
      'properties = ["canonical"]',
      "  properties: none → canonical",
    ],
    [
      "where a value comes back",
      "snn.carry(%1, %2)",
      "snn.carry(%4, %2)",
      "+ snn.carry(ann.add#2, snn.previous#2)",
    ],
    [
      "the name of an output",
      '{name = "y"}',
      '{name = "z"}',
      '+ ann.output(ann.add#2) {name = "z"}',
    ],
    [
      "the values of outputs",
      'ann.output(%4) {name = "y"}\n  ann.output(%3) {name = "sum"}',
      'ann.output(%3) {name = "y"}\n  ann.output(%4) {name = "sum"}',
      '+ ann.output(ann.add) {name = "y"}',
    ],
    [
      "a second output",
      '\n  ann.output(%3) {name = "sum"}',
      "",
      '- ann.output(ann.add) {name = "sum"}',
    ],
    [
      "the name of an input",
      '{name = "x"}',
      '{name = "u"}',
      '+ snn.input: snn.input = snn.input() {name = "u"} : real[1, 2]',
    ],
    [
      "an operand of several with one name",
      "ann.add(%1, %2)",
      "ann.add(%2, %1)",
      "+ ann.add: ann.add = ann.add(snn.previous#2, snn.previous) : real[1, 2]",
    ],
    [
      "a parameter",
      "dense<[0, 0]>",
      "dense<[0, 2]>",
      "  @rest  f32[1, 2], largest difference 2.00",
    ],
  ])("has %s", (_, from, to, line) => {
    const difference = compared(from, to);
    expect(difference.equal).toBe(false);
    const lines = textOf(difference, false).split("\n");
    expect(lines[0]).toBe("the networks differ");
    expect(lines).toContain(line);
  });

  it("has the code", () => {
    const left = moduleOf(base, "m.snnir");
    const { equal, head } = differenceOf(
      { module: left, provenance: null },
      { module: { ...left, code: "rate" }, provenance: null },
    );
    expect(equal).toBe(false);
    expect(head).toEqual([{ key: "code", left: "none", right: "rate" }]);
  });

  it.each([
    ["the name of the module", "module @m", "module @other"],
    [
      "the order of what comes back",
      "snn.carry(%0, %1)\n  snn.carry(%1, %2)",
      "snn.carry(%1, %2)\n  snn.carry(%0, %1)",
    ],
    ["the place in a text", "  %0 =", "\n\n     %0 ="],
  ])("does not have %s", (_, from, to) => {
    const difference = compared(from, to);
    expect(difference).toMatchObject({ equal: true, head: [], tensors: [] });
    expect(textOf(difference, false)).toBe("the same network");
  });

  it("tells ops of one node apart, and from a node whose name looks like a number of another", () => {
    const place = (name: string): string => ` loc("m.onnx" "${name}" Conv)`;
    const text = base
      .replace(
        '%1 = snn.previous() {initial = @rest, domain = "real"} : real[1, 2]',
        (line) => line + place("c"),
      )
      .replace(
        '%2 = snn.previous() {initial = @rest, domain = "real"} : real[1, 2]',
        (line) => line + place("c"),
      )
      .replace("%3 = ann.add(%1, %2) : real[1, 2]", (line) => line + place("c#2"));
    const module = moduleOf(text, "m.snnir");
    const other = moduleOf(text.replace("ann.add(%1, %2)", "ann.add(%2, %1)"), "m.snnir");
    const { equal, ops } = differenceOf(
      { module, provenance: null },
      { module: other, provenance: null },
    );
    expect(equal).toBe(false);
    const changed = ops.filter(({ side }) => side !== "both").map(({ text: line }) => line);
    expect(known(changed[0], "a line")).toBe("c#2: c#2 = ann.add(c, c#3) : real[1, 2]");
    expect(changed[1]).toBe("c#2: c#2 = ann.add(c#3, c) : real[1, 2]");
  });

  it("calls a tensor by its storage, which may be all that differs", () => {
    const text = (
      stored: string,
    ): string => `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.constant() {value = @w} : real<i8>[3]
  ann.output(%0) {name = "y"}
}
tensors {
  @w = ${stored}[3] dense<[1, -8, 7]>
}
`;
    const sides = ["i8", "i4"].map((stored) => moduleOf(text(stored), "m.snnir"));
    const [left, right] = sides.map((module) => ({ module, provenance: null }));
    const { equal, tensors } = differenceOf(known(left, "a side"), known(right, "a side"));
    expect(equal).toBe(false);
    expect(tensors).toEqual([{ name: "w", left: "i8[3]", right: "i4[3]", largest: null }]);
  });
});
