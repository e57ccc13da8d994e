/** The names that people probe by: of neurons, whatever passes put behind them. */
import { isNeuron, neuronsOf } from "../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { shortName, sourceLoc } from "../../ir/loc.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { opNamed } from "../../ir/analysis/walk.ts";
import { convert } from "../../library/convert.ts";
import { networkNamed, samplesFor } from "../backends/wasm/spiking-twin.ts";
import { running } from "./network.ts";

/** Neurons whose spikes another op needs in other units: the rescaling has the places of both. */
const rescaled = `module @m attributes {code = "rate", timesteps = 2, properties = ["spiking", "integer"]} {
  %0 = ann.input() {name = "x"} : real<i32>[1, 2] loc("m.onnx" "x" Input)
  %1 = snn.if(%0) {threshold = @one, vInit = @one, amplitude = @spike, reset = "subtract"} : spike<i8>[1, 2] loc("m.onnx" "act" Relu)
  %2 = ann.affine(%1) {scale = @spike, shift = @one} : current<i32>[1, 2] loc(fused quantise loc("m.onnx" "act" Relu) loc("m.onnx" "sum" Add))
  %3 = snn.if(%2) {threshold = @one, vInit = @one, amplitude = @spike, reset = "subtract"} : spike<i8>[1, 2] loc("m.onnx" "last" Relu)
  %4 = snn.readout(%3) {start = 0} : real[1, 2] loc("m.onnx" "last" Relu)
  ann.output(%4) {name = "y"}
}
tensors {
  @one = i32[] dense<[1]>
  @spike = i8[] dense<[1]>
}
`;

describe("the op that a name stands for", () => {
  it("is the neurons, and not what rescales their spikes for another op", () => {
    const module = parseModule(rescaled, { file: "test" });
    expect(opNamed(module, "act")?.kind).toBe("snn.if");
    expect(opNamed(module, "last")?.kind).toBe("snn.if");
    // Of positive and negative neurons it is what they amount to.
    const both = module.ops.map((op) => ({ ...op, loc: sourceLoc("m.onnx", "signed", "Tanh") }));
    expect(opNamed({ ops: both }, "signed")?.kind).toBe("snn.readout");
    expect(opNamed(module, "nothing")).toBeUndefined();
  });

  it("is neurons in an integer network that was written and read again", async () => {
    const reference = networkNamed("residual-add");
    const { module } = await convert(reference, samplesFor(reference, 4), running, {
      timesteps: 8,
      pipeline: "integer",
    });
    const read = decodePackage(encodePackage({ module, provenance: {} }), "integer.snn").module;
    const names = neuronsOf(read).map(({ loc }) => shortName(loc));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      const op = opNamed(read, name);
      expect([name, op !== undefined && isNeuron(op)]).toEqual([name, true]);
    }
  });
});
