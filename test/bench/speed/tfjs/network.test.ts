/** What TensorFlow.js cannot run is said before it is tried. What it can is compared by the benchmark. */
import { expect, it } from "vitest";
import { tfObstacles } from "../../../../bench/speed/tfjs/network.ts";
import { Builder } from "../../../../ir/build.ts";
import { sourceLoc } from "../../../../ir/loc.ts";
import { f32 } from "../../../../ir/tensor.ts";
import { real } from "../../../../ir/type.ts";

const at = sourceLoc("net", "layer", "test");
const window = { strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0] };

/** Four channels in `groups`, then an average over windows of 2 × 2 with `pad` around. */
function obstaclesOf(groups: number, pad: number, activation: "ann.relu" | "ann.sigmoid") {
  const builder = new Builder();
  let x = builder.input("x", real("f32", [1, 4, 4, 4]), at);
  const weights = f32([4, 4 / groups, 1, 1], new Float32Array(16 / groups));
  const weight = builder.tensor("w", weights);
  x = builder.add("ann.conv", [x], { ...window, weight, bias: null, groups }, at);
  x = builder.add(activation, [x], {}, at);
  const pads = { padsBegin: [pad, pad], padsEnd: [pad, pad] };
  const pool = { ...window, ...pads, kernel: [2, 2], ceilMode: false, countIncludePad: true };
  const value = builder.add("ann.average-pool", [x], pool, at);
  return tfObstacles(builder.finish({ name: "net", outputs: [{ name: "y", value }] }));
}

it("finds no obstacle in plain, and in depthwise, convolutions", () => {
  expect(obstaclesOf(1, 0, "ann.relu")).toEqual([]);
  expect(obstaclesOf(4, 0, "ann.relu")).toEqual([]);
});

it("names what it cannot build", () => {
  expect(obstaclesOf(2, 1, "ann.sigmoid")).toEqual([
    "ann.conv of groups of channels",
    "ann.sigmoid is not built",
    "ann.average-pool with pads",
  ]);
});
