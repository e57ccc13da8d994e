/** What drives each value of a network, worked out by hand. */
import { describe, expect, it } from "vitest";
import { drivesOf } from "../../../ir/account/drive.ts";
import { parseModule } from "../../../ir/text/parse.ts";

const neuron = (operand: string, attrs: string): string =>
  `snn.graded(${operand}) {threshold = @one, vInit = @zero, amplitude = @one, ceiling = none, ${attrs}}`;
const unit = `bits = 1, alphabet = "word", sign = "free", schedule = "constant", shares = none`;
const word = `bits = 4, alphabet = "word", sign = "free", schedule = "halving", shares = none`;

const pool = `strides = [1], padsBegin = [0], padsEnd = [0], dilations = [1], kernel = [2], ceilMode = false`;

const text = `module @m attributes {code = "differential", timesteps = 2, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2, 4]
  %1 = snn.difference(%0) : current[1, 2, 4]
  %2 = ${neuron("%1", unit)} : spike[1, 2, 4]
  %3 = ${neuron("%1", word)} : spike[1, 2, 4]
  %4 = ann.transpose(%2) {perm = [0, 2, 1]} : spike[1, 4, 2]
  %5 = ann.add(%2, %3) : current[1, 2, 4]
  %6 = ann.affine(%3) {scale = @one, shift = @zero} : current[1, 2, 4]
  %7 = ann.affine(%3) {scale = @one, shift = @one} : current[1, 2, 4]
  %8 = ann.linear(%3) {weight = @w, bias = none} : current[1, 2, 4]
  %9 = ann.add(%3, %8) : current[1, 2, 4]
  %10 = ann.concat(%3, %8) {axis = 1} : current[1, 4, 4]
  %11 = snn.max-pool(%2) {${pool}} : spike[1, 2, 3]
  %12 = snn.max-pool(%3) {${pool}} : spike[1, 2, 3]
  %13 = snn.accumulate(%8) : real[1, 2, 4]
  %14 = ann.constant() {value = @nothing} : real[1, 2, 4]
  %15 = snn.difference(%14) : current[1, 2, 4]
  %16 = ann.concat(%3, %15) {axis = 1} : current[1, 4, 4]
  ann.output(%13) {name = "y"}
}
tensors {
  @one = f32[] dense<[1]>
  @zero = f32[] dense<[0]>
  @nothing = f32[1, 2, 4] dense<[0, 0, 0, 0, 0, 0, 0, 0]>
  @w = f32[4, 4] dense<[${new Array<number>(16).fill(1).join(", ")}]>
}
`;

describe("what drives a value", () => {
  it("is spikes as far as words go, and a current from the first sum of products on", () => {
    const module = parseModule(text, { file: "m" });
    expect([...drivesOf(module)].map(([value, drive]) => `%${value} ${drive}`)).toEqual([
      "%0 still",
      "%1 current",
      "%2 units",
      "%3 spikes",
      "%4 units",
      "%5 spikes",
      "%6 spikes",
      "%7 current",
      "%8 current",
      "%9 current",
      "%10 current",
      "%11 units",
      "%12 current",
      "%13 current",
      "%14 still",
      "%15 still",
      "%16 spikes",
    ]);
  });
});

/** A network of two channels, whose neurons have this amplitude, with a pool behind them. */
function pooled(amplitude: string): string {
  return `module @m attributes {code = "rate", timesteps = 2, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2, 4]
  %1 = snn.if(%0) {threshold = @one, vInit = @zero, amplitude = @sizes, reset = "subtract"} : spike[1, 2, 4]
  %2 = snn.max-pool(%1) {${pool}} : spike[1, 2, 3]
  %3 = ann.linear(%2) {weight = @w, bias = none} : current[1, 2, 1]
  %4 = snn.readout(%3) {start = 0} : real[1, 2, 1]
  ann.output(%4) {name = "y"}
}
tensors {
  @one = f32[] dense<1>
  @zero = f32[] dense<0>
  @w = f32[1, 3] dense<[1, 1, 1]>
  @sizes = ${amplitude}
}
`;
}

describe("units of one size for each channel", () => {
  it.each([
    ["f32[] dense<2>", "units"],
    ["f32[2, 1] dense<[1, 2]>", "units"],
    ["f32[1, 2, 1] dense<[1, 2]>", "units"],
    ["f32[4] dense<[1, 2, 3, 4]>", "spikes"],
    ["f32[1, 4] dense<[1, 2, 3, 4]>", "spikes"],
    ["f32[1, 1, 4] dense<[1, 2, 3, 4]>", "spikes"],
  ])("by where an amplitude %s lies along the value", (amplitude, wanted) => {
    const drives = drivesOf(parseModule(pooled(amplitude), { file: "m" }));
    const found = [...drives].map(([, drive]) => drive).slice(1, 3);
    expect(found).toEqual([wanted, wanted === "units" ? "units" : "current"]);
  });
});
