/** `--check-numerics` as a function. */
import { describe, expect, it } from "vitest";
import { numericsCheck } from "../../../cli/options/numerics.ts";
import { tensor } from "../../../ir/tensor.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { sourceOf } from "../../passes/convert/networks.ts";

describe("the comparison before and after a pass", () => {
  it("takes outputs of any size", async () => {
    // More than a call may have operands.
    const size = 300_000;
    const network = (kind: string) =>
      parseModule(
        `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, ${size}]
  %1 = ann.${kind}(%0) : real[1, ${size}]
  ann.output(%1) {name = "y"}
}
tensors {}`,
        { file: "m.snnir" },
      );
    const x = tensor("f32", [1, size], new Float32Array(size).fill(-2));
    const compare = numericsCheck(sourceOf([[x]]), 1);
    expect(await compare({ before: network("abs"), after: network("abs") })).toBeNull();
    expect(await compare({ before: network("abs"), after: network("relu") })).toContain("moved by");
  });
});
