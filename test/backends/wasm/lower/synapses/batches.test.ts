/** Windows over spikes of several images at once, which are no grids of pixels by channels. */
import { describe, expect, it } from "vitest";
import { known } from "../../../../../ir/diagnostic.ts";
import { parseModule } from "../../../../../ir/text/parse.ts";
import { tensorOf } from "../../../../../ir/tensor.ts";
import { wasmEngine } from "../../../../../backends/wasm/engine.ts";
import { interpretEngine } from "../../../../../backends/interpret/engine.ts";
import { runOn } from "../../compare.ts";

const window = "strides = [1, 1], padsBegin = [0, 0], padsEnd = [0, 0], dilations = [1, 1]";

/** As many channels as columns: what is one may be taken for the other. */
function behindSpikes(kind: string, attributes: string, type: string): string {
  return `module @m attributes {code = "rate", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[2, 2, 1, 2]
  %1 = snn.if(%0) {threshold = @one, vInit = @zero, amplitude = @one, reset = "subtract"} : spike[2, 2, 1, 2]
  %2 = ${kind}(%1) {${window}, ${attributes}} : ${type}
  %3 = snn.readout(%2) {start = 0} : real${type.slice(type.indexOf("["))}
  ann.output(%3) {name = "y"}
}
tensors {
  @one = f32[] dense<1>
  @zero = f32[] dense<0>
  @each = f32[2, 1, 1, 1] dense<[1, 2]>
  @all = f32[2, 2, 1, 1] dense<[1, 2, 4, 8]>
}
`;
}

// Spikes at [0, 0, 0, 0] and [1, 1, 0, 0].
const spikes = [1, 0, 0, 0, 0, 0, 1, 0];

describe("windows over spikes of two images", () => {
  it.each([
    [
      "ann.conv",
      "weight = @each, bias = none, groups = 2",
      "current[2, 2, 1, 2]",
      [1, 0, 0, 0, 0, 0, 2, 0],
    ],
    [
      "ann.conv",
      "weight = @all, bias = none, groups = 1",
      "current[2, 2, 1, 2]",
      [1, 0, 4, 0, 2, 0, 8, 0],
    ],
    [
      "ann.average-pool",
      "kernel = [1, 2], ceilMode = false, countIncludePad = false",
      "current[2, 2, 1, 1]",
      [0.5, 0, 0, 0.5],
    ],
    ["snn.max-pool", "kernel = [1, 2], ceilMode = false", "spike[2, 2, 1, 1]", [1, 0, 0, 1]],
  ])("are those of each by itself: %s, %s", async (kind, attributes, type, wanted) => {
    const module = parseModule(behindSpikes(kind, attributes, type), { file: "test" });
    const x = tensorOf("f32", [2, 2, 1, 2], spikes);
    for (const engine of [interpretEngine, wasmEngine]) {
      const { sample } = await runOn(engine, module, [x], { timesteps: 1 });
      expect(Array.from(known(sample.outputs[0], "an output"))).toEqual(wanted);
    }
  });
});
