/** What a module of integers may not have. */
import { describe, expect, it } from "vitest";
import { parseModule } from "../../../ir/text/parse.ts";
import { breachesOf } from "../../../passes/properties.ts";

function reasons(neuron: string, tensors: string): string[] {
  const module = parseModule(
    `module @m attributes {code = "rate", timesteps = 4, properties = []} {
${neuron}
  %3 = snn.readout(%2) {start = 0} : real[1, 1]
  %4 = ann.tanh(%3) : real[1, 1]
  ann.output(%4) {name = "y"}
}
tensors {
${tensors}
}
`,
    { file: "m.snnir" },
  );
  return breachesOf(module, "integer").map(({ reason }) => reason);
}

const integer = `  %0 = ann.input() {name = "x"} : real<i32>[1, 1]
  %1 = ann.neg(%0) : real<i32>[1, 1]
  %2 = snn.if(%1) {threshold = @t, vInit = @t, amplitude = @a, reset = "subtract"} : spike<i8>[1, 1]`;

describe("the property integer", () => {
  it("holds where integers flow between neurons, whatever is behind the read-out", () => {
    expect(reasons(integer, "  @t = i32[] dense<3>\n  @a = i8[] dense<1>")).toEqual([]);
  });

  it("asks for spikes of 1", () => {
    expect(reasons(integer, "  @t = i32[] dense<3>\n  @a = i8[] dense<2>")).toEqual([
      "a spike is not 1",
    ]);
  });

  it("has no floats over time", () => {
    const float = `  %0 = ann.input() {name = "x"} : real[1, 1]
  %1 = ann.neg(%0) : real[1, 1]
  %2 = snn.if(%1) {threshold = @t, vInit = @t, amplitude = @t, reset = "subtract"} : spike[1, 1]`;
    expect(reasons(float, "  @t = f32[] dense<3>")).toEqual(["snn.if makes f32 over time"]);
  });
});
