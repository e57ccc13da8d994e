/** The grammar of docs/ir.md is the parser's: each takes what the other takes. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import { sourceOf } from "../../ir/text/lex.ts";
import { printModule } from "../../ir/text/print.ts";
import { readModule } from "../../ir/text/syntax.ts";
import { splitGolden } from "../golden/harness.ts";
import { integerNetworks } from "../random/integer.ts";
import { annNetworks, framedNetworks, temporalNetworks } from "../random/module.ts";
import { recogniser } from "./grammar.ts";
import { root, textOf } from "./markdown.ts";

const grammar = known(/^```ebnf\n(.*?)^```$/ms.exec(textOf("docs/ir.md"))?.[1], "the grammar");
const derives = recogniser(grammar, "module");

/** Whether the parser finds nothing wrong in how the text is written. */
function parses(text: string): boolean {
  try {
    readModule(sourceOf(text, "text"));
    return true;
  } catch (error) {
    if (error instanceof DiagnosticError) return false;
    throw error;
  }
}

const folder = join(root, "test/golden");
const goldens = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".snnir"))
  .map((file) => readFileSync(join(folder, file), "utf8"));

/** A number beyond all doubles, a shape beyond memory: what the prose under the grammar says of sizes is not the grammar's. */
const tooLarge = /\de\+?\d{3}|\[\d{15}/i;

/** Every part of the text in many forms. */
const sampler = `module @"a module" attributes {code = "rate", timesteps = 3, properties = ["spiking"]} { // a comment
  %0 = ann.input() {name = "x \\"\\u00e9\\" // no comment"} : real<i8>[1, 2, 3] loc("m.onnx" "/conv 1" Conv)
  %12 = ann.pad(%0) {begin = [0, -1], end = [], mode = "edge", value = -1.5e-7} : real[1, 2] loc("a.snnir":3:14)
  %3 = ann.concat(%0,%12){axis=1} : real[] loc(fused "a pass" loc(fused other) loc("m" "n" "o"))
  %4 = ann.clip(%3) {min = -inf, max = inf, by = nan, w = none, dtype = u8, of = @w/x.y} : current<f16>[0]
  ann.output(%4) {name = "y"}
}
tensors {
  @w/x.y = f32[] dense<-0> @"__ a" = i64[3] dense<[1, 2, 3]>
  @0 = bool[0] dense<[]>
  @h = bf16[3, 4] "sha256:0123456789abcdef" min=-inf max=nan
  @full = u64[9] "sha256:${"0123456789abcdef".repeat(4)}"
}
`;

describe("the grammar of docs/ir.md", () => {
  it("takes what the parser takes of the golden files, and nothing else", () => {
    expect(goldens.length).toBeGreaterThan(100);
    for (const golden of goldens) {
      const { input, expected } = splitGolden(golden);
      if (!tooLarge.test(input)) expect(derives(input), input).toBe(parses(input));
      if (!expected.startsWith("// EXPECT-ERROR")) expect(derives(expected), expected).toBe(true);
    }
    expect(parses(sampler)).toBe(true);
    expect(derives(sampler)).toBe(true);
  });

  const networks = fc.oneof(annNetworks(), temporalNetworks(), framedNetworks(), integerNetworks());

  it("takes every network that is printed", () => {
    fc.assert(
      fc.property(networks, ({ module }) => {
        expect(derives(printModule(module, { locs: "full", hashes: "full" }))).toBe(true);
        expect(derives(printModule(module, { locs: "short" }))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("refuses and takes changed texts as the parser does", () => {
    let refused = 0;
    const place = fc.nat({ max: sampler.length - 1 });
    const what = fc.constantFrom("delete", "double", "swap", ...' \n"\\/@%{}()[]<>=,:-.0e+_aA');
    fc.assert(
      fc.property(fc.array(fc.tuple(place, what), { minLength: 1, maxLength: 2 }), (changes) => {
        const text = changes.reduce((before, [at, how]) => changed(before, at, how), sampler);
        fc.pre(!tooLarge.test(text));
        const fine = parses(text);
        expect(derives(text), text).toBe(fine);
        if (!fine) refused++;
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
  });
});

function changed(text: string, at: number, how: string): string {
  const [before, rest] = [text.slice(0, at), text.slice(at)];
  if (how === "delete") return before + rest.slice(1);
  if (how === "double") return before + rest.charAt(0) + rest;
  if (how === "swap") return before + rest.charAt(1) + rest.charAt(0) + rest.slice(2);
  return before + how + rest.slice(1);
}
