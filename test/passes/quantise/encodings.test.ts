/** What the input of an integer network is rounded to, worked out by hand. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { known } from "../../../ir/diagnostic.ts";
import { opsOf, tensorAt } from "../../../ir/module.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { convert } from "../../../library/convert.ts";

const network = parseModule(
  `module @in attributes {code = "rate", timesteps = 4, properties = ["spiking", "balanced"]} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real[1, 4]
  %2 = snn.if(%1) {threshold = @t, vInit = @v, amplitude = @t, reset = "subtract"} : spike[1, 4]
  %3 = snn.readout(%2) {start = 0} : real[1, 4]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = f32[4, 4] dense<[1, 0, 0.5, 0, 0, 1, 0, 0.5, 0.25, 0, 1, 0, 0, 0.25, 0, 1]>
  @t = f32[] dense<1>
  @v = f32[] dense<0.5>
}
`,
  { file: "in.snnir" },
);

/** The network in integers with inputs of 12 bits, on samples of the numbers that `numberOf` gives to 0, 1, 2 … */
async function encoded(numberOf: (index: number) => number) {
  const samples = Array.from({ length: 10 }, (_, sample) =>
    tensorOf(
      "f32",
      [1, 4],
      [0, 1, 2, 3].map((i) => numberOf(4 * sample + i)),
    ),
  );
  const source = { count: samples.length, get: (i: number) => [known(samples[i], "a sample")] };
  const running = { engine: interpretEngine, threads: 1 };
  const options = { timesteps: 4, pipeline: "quantise{input=12}" };
  const { module, diagnostics } = await convert(network, source, running, options);
  const op = known(opsOf(module, "ann.quantize-linear")[0], "an encoder");
  const unit = known(
    module.ops.find(({ result }) => result === op.inputs[1]),
    "a unit",
  );
  const value = unit.kind === "ann.constant" ? tensorAt(module, unit.attrs.value).data[0] : NaN;
  return { to: op.attrs.to, unit: value, codes: diagnostics.map(({ code }) => code) };
}

describe("the encoder of inputs", () => {
  it("takes bytes where that loses nothing, as of pixels", async () => {
    const { to, unit, codes } = await encoded((i) => Math.fround(((i * 37) % 256) / 255));
    expect(to).toBe("u8");
    expect(unit).toBe(Math.fround(1 / 255));
    expect(codes).toContain("input-in-bytes");
  });

  it("takes bytes with a sign", async () => {
    const { to, unit } = await encoded((i) => ((i * 5) % 17) / 8 - 1);
    expect(to).toBe("i8");
    expect(unit).toBe(0.125);
  });

  it("takes all bits that it is given where values have an offset", async () => {
    const { to, codes } = await encoded((i) => Math.fround((((i * 37) % 256) / 255 - 0.47) / 0.21));
    expect(to).not.toBe("i8");
    expect(codes).not.toContain("input-in-bytes");
  });
});
