/** Neurons with numbers of their own, more of them than a call may have operands. */
import { expect, it } from "vitest";
import { opsOf } from "../../../ir/module.ts";
import { known } from "../../../ir/diagnostic.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { tensor } from "../../../ir/tensor.ts";
import { graded } from "../../../passes/quantise/neurons/graded.ts";

const count = 300_000;

it("makes integers of graded neurons with steps of their own", () => {
  const module = parseModule(
    `module @m attributes {code = "differential", timesteps = 2, properties = ["spiking", "balanced"]} {
  %0 = ann.input() {name = "x"} : real[1, ${count}]
  %1 = snn.difference(%0) : current[1, ${count}]
  %2 = snn.graded(%1) {threshold = @t, vInit = @v, amplitude = @t, ceiling = none, bits = 4, alphabet = "word", sign = "positive", schedule = "table", shares = @s} : spike[1, ${count}]
  %3 = snn.accumulate(%2) : real[1, ${count}]
  ann.output(%3) {name = "y"}
}
tensors {
  @t = f32[] dense<1>
  @v = f32[] dense<0>
  @s = f32[2] dense<[1, 0.5]>
}`,
    { file: "m.snnir" },
  );
  const shares = new Float32Array(2 * count).fill(1);
  shares.fill(0.25, count);
  const form = graded(
    known(opsOf(module, "snn.graded")[0], "the neurons"),
    (ref) =>
      ref === "s" ? tensor("f32", [2, 1, count], shares) : known(module.tensors.get(ref), ref),
    2,
    true,
  );
  expect(form.worth.data.length).toBe(count);
  expect(form.worth.data.every((each) => each === 0.25)).toBe(true);
});
