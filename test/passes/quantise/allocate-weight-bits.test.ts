/** Bits of weights by layer: within the budget, where they matter most, and kept up to the integers. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { decodePackage, encodePackage } from "../../../ir/file/package.ts";
import { known } from "../../../ir/diagnostic.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { convert } from "../../../library/convert.ts";

/** Two layers of 16 weights; what the second sends matters a hundred times as much in the end. */
const text = `module @m attributes {code = "none", timesteps = 1, properties = ["batchnorm-free"]} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.linear(%0) {weight = @a, bias = none} : real[1, 4]
  %2 = ann.relu(%1) : real[1, 4]
  %3 = ann.linear(%0) {weight = @b, bias = none} : real[1, 4]
  %4 = ann.relu(%3) : real[1, 4]
  %5 = ann.concat(%2, %4) {axis = 1} : real[1, 8]
  %6 = ann.linear(%5) {weight = @sum, bias = none} : real[1, 1]
  ann.output(%6) {name = "y"}
}
tensors {
  @a = f32[4, 4] dense<[0.9, -0.5, 0.31, 0.74, 0.25, 0.83, -0.62, 0.5, 0.11, 0.6, 0.47, -0.3, 0.8, 0.21, 0.4, 0.97]>
  @b = f32[4, 4] dense<[0.9, -0.5, 0.31, 0.74, 0.25, 0.83, -0.62, 0.5, 0.11, 0.6, 0.47, -0.3, 0.8, 0.21, 0.4, 0.97]>
  @sum = f32[1, 8] dense<[0.01, 0.01, 0.01, 0.01, 1, 1, 1, 1]>
}
`;
const running = { engine: interpretEngine, threads: 1 };
const samples = {
  count: 12,
  get: (index: number) => [
    tensorOf(
      "f32",
      [1, 4],
      [0, 1, 2, 3].map((k) => 2 * uniform(7, index, k, 0) - 0.5),
    ),
  ],
};
const before = "convert-differential,balance-mmse";

async function made(passes: string, from: Module = parseModule(text, { file: "m.snnir" })) {
  return convert(from, samples, running, { pipeline: passes, timesteps: 2 });
}

/** The bits of each layer's weights, in order. */
function bitsIn(module: Module): readonly (number | undefined)[] {
  return opsOf(module, "ann.linear").map(({ result }) => module.weightBits?.get(result));
}

/** The largest magnitude of each layer's integers. */
function largestIn(module: Module): readonly number[] {
  return opsOf(module, "ann.linear").map(({ attrs }) =>
    Math.max(...Array.from(tensorAt(module, attrs.weight).data, Math.abs)),
  );
}

describe("allocate-weight-bits", () => {
  it("gives bits where they matter, within the budget, and says which", async () => {
    const { module, diagnostics } = await made(`${before},allocate-weight-bits{budget=5}`);
    const [a = 0, b = 0, sum = 0] = bitsIn(module);
    expect(b).toBeGreaterThan(a);
    expect(16 * a + 16 * b + 8 * sum).toBeLessThanOrEqual(5 * 40);
    const said = known(
      diagnostics.find(({ code }) => code === "weight-bits-allocated"),
      "a remark",
    );
    expect(said.message).toContain(`${((16 * a + 16 * b + 8 * sum) / 40).toFixed(2)} on average`);
  });

  it("gives all of the fewest where there is no more", async () => {
    expect(bitsIn((await made(`${before},allocate-weight-bits{budget=2}`)).module)).toEqual([
      2, 2, 2,
    ]);
  });

  it("is what quantise makes integers by, also through a file", async () => {
    const { module } = await made(`${before},allocate-weight-bits{budget=5}`);
    const bytes = encodePackage({ module, provenance: {} });
    const read = decodePackage(bytes, "m.snn").module;
    expect(bitsIn(read)).toEqual(bitsIn(module));
    expect(encodePackage({ module: read, provenance: {} })).toEqual(bytes);
    const through = await made("quantise", read);
    const levels = bitsIn(module).map((bits) => 2 ** (known(bits, "bits") - 1) - 1);
    largestIn(through.module).forEach((most, i) => {
      expect(most).toBeLessThanOrEqual(known(levels[i], "levels"));
    });
    // Full use is made of the most bits.
    expect(Math.max(...largestIn(through.module))).toBeGreaterThan(3);
    expect(largestIn((await made(`${before},quantise{bits=8}`)).module)[0]).toBeGreaterThan(63);
  });
});
