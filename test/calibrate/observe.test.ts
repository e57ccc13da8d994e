/** Which values are looked at while calibrating, and by which channels. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { activationOperands, observe } from "../../calibrate/observe.ts";
import { Builder } from "../../ir/build.ts";
import { sourceLoc } from "../../ir/loc.ts";
import { zeros } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { network, samplesOf } from "./networks.ts";

const layer = { weight: [[1], [-1]], threshold: [1], vInit: [0] };

describe("observing", () => {
  it("gathers the distribution of each activation's operand, per channel", async () => {
    const executable = await interpretEngine.load(network("ann", [layer], [[1, 1]]), {
      threads: 1,
    });
    const { samples, values } = await observe(executable, samplesOf([[1], [3]]));
    expect(samples).toBe(2);
    const [found] = [...values.values()];
    expect(found?.channels.map(({ min, max, mean }) => [min, max, mean])).toEqual([
      [1, 3, 2],
      [-3, -1, -2],
    ]);
  });

  it("looks at an operand once, however many activations it has", () => {
    const b = new Builder();
    const loc = sourceLoc("t.onnx", "n", "Op");
    const x = b.input("x", real("f32", [1, 4, 2, 2]), loc);
    const weight = b.tensor("w", zeros("f32", [3, 4, 1, 1]));
    const ones = { strides: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0], dilations: [1, 1] };
    const conv = b.add("ann.conv", [x], { ...ones, weight, bias: null, groups: 1 }, loc);
    const a = b.add("ann.relu", [conv], {}, loc);
    const c = b.add("ann.clip", [conv], { min: 0, max: 6 }, loc);
    const y = b.add("ann.add", [a, c], {}, loc);
    const module = b.finish({ name: "t", outputs: [{ name: "y", value: y }] });
    expect(activationOperands(module)).toEqual([{ value: conv, scope: "channel", axis: 1 }]);
    expect(activationOperands(module, "layer")[0]?.scope).toBe("layer");
  });
});
