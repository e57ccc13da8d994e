/** The text of a module: its canonical form, and that reading gives back what was printed. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { type Loc, fusedLoc, sourceLoc } from "../../ir/loc.ts";
import type { Module, Property } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";

const file = "m.snnir";

const small = `module @small attributes {code = "rate", timesteps = 8, properties = ["canonical", "spiking"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @fc.w, bias = none} : real[1, 3]
  %2 = snn.if(%1) {threshold = @"my threshold", vInit = @v, amplitude = @"my threshold", reset = "subtract"} : spike[1, 3]
  %3 = snn.readout(%2) {start = 0} : real[1, 3]
  ann.output(%3) {name = "logits"}
}
tensors {
  @fc.w = f32[3, 2] dense<[0.1, -0, 1e-7, 16777216, -2.5, 3]>
  @"my threshold" = f32[] dense<1>
  @v = f32[1, 3] dense<[0.5, 0.5, 0.5]>
}
`;

/** A module whose ids are scattered and whose tensors are in another order than their uses. */
function scattered(locs: readonly [Loc, Loc]): Module {
  const builder = new Builder({ firstId: 40 });
  builder.tensor("unused", tensorOf("f32", [1], [1]));
  const x = builder.input("x", real("f32", [1, 3]), locs[0]);
  const weight = builder.tensor("w", tensorOf("f32", [4, 3], Array(12).keys()));
  const bias = builder.tensor("b", tensorOf("f32", [4], [0.1, 0.2, 0.3, Infinity]));
  const y = builder.add("ann.linear", [x], { weight, bias }, locs[1]);
  return builder.finish({ name: "scattered", outputs: [{ name: "y", value: y }] });
}

const plain = sourceLoc("a.onnx", "/n", "Gemm");

describe("the canonical text", () => {
  it("is a fixed point of reading and printing", () => {
    expect(printModule(parseModule(small, { file }))).toBe(small);
  });

  it("does not depend on layout, comments, order of attributes, or the numbers of values", () => {
    const loose = small
      .replace(
        '{threshold = @"my threshold", vInit = @v,',
        '{vInit = @"v", threshold = @"my threshold" , // aside\n',
      )
      .replaceAll("%3", "%17")
      .replace("@fc.w = f32", "@fc.w =\r\n\tf32");
    expect(printModule(parseModule(loose, { file }))).toBe(small);
  });

  it("gives large tensors by hash and range", () => {
    const text = printModule(scattered([plain, plain]));
    expect(text).toMatch(/@w = f32\[4, 3\] "sha256:[0-9a-f]{16}" min=0 max=11\n/);
    expect(printModule(scattered([plain, plain]), { hashes: "full" })).toMatch(/[0-9a-f]{64}"/);
    expect(text).toContain("@b = f32[4] dense<[0.1, 0.2, 0.3, inf]>");
    expect(text).not.toContain("unused");
  });

  it("does not depend on the order in which tensors and claims were added", () => {
    const module = scattered([plain, plain]);
    const one = tensorOf("f32", [], [1]);
    const there = [...module.tensors];
    const forth = new Map([...there, ["p", one], ["q", one]] as const);
    const back = new Map([["q", one], ["p", one], ...there.toReversed()] as const);
    const print = (tensors: Module["tensors"], claims: readonly Property[]): string =>
      printModule({ ...module, tensors, properties: new Set(claims) });
    expect(print(back, ["spiking", "canonical"])).toBe(print(forth, ["canonical", "spiking"]));
  });

  it("takes two slashes for a comment even behind a name, and quotes names that have them", () => {
    const commented = small.replace("weight = @fc.w,", "weight = @fc.w//aside\n,");
    expect(printModule(parseModule(commented, { file }))).toBe(small);
    const slashes = small.replaceAll("@fc.w", '@"a//b"');
    expect(printModule(parseModule(slashes, { file }))).toBe(slashes);
  });

  it("names source nodes in comments when locations are short", () => {
    const text = printModule(scattered([plain, plain]), { locs: "short" });
    expect(text).toContain(': real[1, 4] // "/n"\n');
  });
});

describe("full locations", () => {
  const odd = sourceLoc('a "b"\n.onnx', "", "Strange Op");
  const fused = fusedLoc("fold-batchnorm", [plain, fusedLoc("merge", [odd, plain]), odd]);
  const text: Loc = { kind: "text", file: "t.snnir", line: 3, column: 9 };

  it("come back as they were", () => {
    const module = scattered([text, fused]);
    const parsed = parseModule(printModule(module, { locs: "full" }), {
      file,
      tensors: module.tensors,
    });
    expect(parsed.ops.map((op) => op.loc)).toEqual([text, fused]);
    expect(printModule(parsed, { locs: "full" })).toBe(printModule(module, { locs: "full" }));
  });

  it("are the places in the text where none are written", () => {
    expect(parseModule(small, { file }).ops[1]?.loc).toEqual({
      kind: "text",
      file,
      line: 3,
      column: 3,
    });
  });

  it("are refused when they are nested without end", () => {
    const deep = "loc(fused p ".repeat(5000);
    expect(
      codesOf(() => parseModule(small.replace("real[1, 2]", `real[1, 2] ${deep}`), { file })),
    ).toEqual(["ir-nesting"]);
  });
});

describe("tensors given by hash", () => {
  const module = scattered([plain, plain]);
  const text = printModule(module);
  const read = (tensors: Module["tensors"]): readonly string[] =>
    codesOf(() => parseModule(text, { file, tensors }));
  const other = (values: Iterable<number>): Module["tensors"] =>
    new Map(module.tensors).set("w", tensorOf("f32", [4, 3], values));

  it("are taken from those at hand", () => {
    const parsed = parseModule(text, { file, tensors: module.tensors });
    expect(parsed.tensors.get("w")).toBe(module.tensors.get("w"));
  });
  it("must be at hand", () => {
    expect(read(new Map())).toEqual(["ir-tensor-data"]);
  });
  it("must have the hash that is written", () => {
    expect(read(other(Array(12).fill(1)))).toEqual(["ir-tensor-differs"]);
  });
  it("must have the range that is written", () => {
    expect(
      codesOf(() =>
        parseModule(text.replace("max=11", "max=12"), { file, tensors: module.tensors }),
      ),
    ).toEqual(["ir-tensor-differs"]);
  });
  it("must have the shape that is written", () => {
    expect(read(new Map(module.tensors).set("w", tensorOf("f32", [12], Array(12).keys())))).toEqual(
      ["ir-tensor-differs"],
    );
  });
});

/** The codes of the diagnostics that `run` fails with. */
function codesOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}
