/** Where the bias of neurons goes: into weights of the same channels, or nowhere. */
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { type Module, opsOf } from "../../ir/module.ts";
import { isOp } from "../../ir/op/op.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { withBias } from "../../passes/bias.ts";

/** Neurons of three channels on a convolution of some channels and a second input. */
function sum(channels: number, order: "synapse first" | "synapse last") {
  const pair = order === "synapse first" ? "%3, %1" : "%1, %3";
  return parseModule(
    `module @m attributes {code = "rate", timesteps = 3, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 1, 2, 2]
  %1 = ann.input() {name = "y"} : real[1, 3, 2, 2]
  %2 = snn.if(%0) {threshold = @one, vInit = @one, amplitude = @one, reset = "subtract"} : spike[1, 1, 2, 2]
  %3 = ann.conv(%2) {strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1], weight = @w, bias = none, groups = 1} : current[1, ${channels}, 2, 2]
  %4 = ann.add(${pair}) {} : current[1, 3, 2, 2]
  %5 = snn.if(%4) {threshold = @one, vInit = @one, amplitude = @one, reset = "subtract"} : spike[1, 3, 2, 2]
  %6 = snn.readout(%5) {start = 0} : real[1, 3, 2, 2]
  ann.output(%6) {name = "out"}
}
tensors {
  @one = f32[] dense<[1]>
  @w = f32[${channels}, 1, 1, 1] dense<[${Array(channels).fill(1).join(", ")}]>
}
`,
    { file: "test" },
  );
}

/** The kinds of the ops that the bias of the second neurons is in, which is 1, 2 and so on in `shape`. */
function placesOf(module: Module, shape: Shape): readonly string[] {
  const [, neurons] = opsOf(module, "snn.if");
  const data = Array.from({ length: elementCount(shape) }, (_, i) => i + 1);
  const places = {
    pass: "test",
    into: ["ann.conv", "ann.linear"],
    otherwise: "snn.temporal-bias",
  } as const;
  const moved = withBias(module, known(neurons, "neurons"), { shape, data }, places);
  return moved.ops
    .filter(
      (op) => isOp(op, "snn.temporal-bias") || (isOp(op, "ann.conv") && op.attrs.bias !== null),
    )
    .map(({ kind }) => kind);
}

describe("the synapse that takes in a bias", () => {
  const shape = [1, 3, 1, 1];

  it.each(["synapse first", "synapse last"] as const)(
    "is found through a sum that leaves its shape (%s)",
    (order) => {
      expect(placesOf(sum(3, order), shape)).toEqual(["ann.conv"]);
    },
  );

  it.each(["synapse first", "synapse last"] as const)(
    "is none where the sum spreads its one channel over all (%s)",
    (order) => {
      expect(placesOf(sum(1, order), shape)).toEqual(["snn.temporal-bias"]);
    },
  );

  it("is none where its channels are along another axis", () => {
    expect(placesOf(sum(3, "synapse first"), [1, 1, 1, 2])).toEqual(["snn.temporal-bias"]);
  });
});
