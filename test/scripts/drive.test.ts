/** A short run of `npm run verify -- drive`: what it finds in a network in which sums feed weights. */
import { expect, it } from "vitest";
import { parseModule } from "../../ir/text/parse.ts";
import { driveIn } from "../../scripts/verify/drive.ts";

const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.relu(%0) : real[1, 2]
  %2 = ann.linear(%1) {weight = @w, bias = @b} : real[1, 2]
  %3 = ann.add(%1, %2) : real[1, 2]
  %4 = ann.linear(%3) {weight = @u, bias = none} : real[1, 1] loc("m.onnx" "/last" Gemm)
  ann.output(%4) {name = "y"}
}
tensors {
  @w = f32[2, 2] dense<[1, -1, 2, 1]>
  @b = f32[2] dense<[0.5, -2]>
  @u = f32[1, 2] dense<[1, 2]>
}
`;

it("finds currents at weights where neurons have no sign, and nowhere else", async () => {
  const ann = parseModule(text, { file: "m" });
  for (const pipeline of ["differential", "signed-rate"]) {
    const { share, realLayers, fault } = await driveIn(ann, pipeline);
    expect([pipeline, share, realLayers, fault]).toEqual([pipeline, 0, [], false]);
  }
  const { share, realLayers, fault } = await driveIn(ann, "rate");
  expect([realLayers, fault]).toEqual([["/last"], false]);
  expect(share).toBeGreaterThan(0);
});
