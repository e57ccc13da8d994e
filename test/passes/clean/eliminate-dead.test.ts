/** Dead ops cannot be written in a golden file, as reading one verifies it. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { verify } from "../../../ir/verify.ts";
import { eliminateDead } from "../../../passes/clean/eliminate-dead.ts";
import { apply } from "../laws.ts";

const loc = sourceLoc("m.onnx", "n", "Relu");

describe("eliminate-dead", () => {
  it("takes out chains of dead ops and their tensors, and keeps unused inputs", async () => {
    const builder = new Builder();
    const x = builder.input("x", real("f32", [1, 2]), loc);
    const unused = builder.input("unused", real("f32", [1, 2]), loc);
    const weight = builder.tensor("w", tensorOf("f32", [2, 2], [1, 2, 3, 4]));
    const dead = builder.add("ann.linear", [unused], { weight, bias: null }, loc);
    builder.add("ann.add", [x, dead], {}, loc);
    const y = builder.add("ann.relu", [x], {}, loc);
    const module = builder.finish({ name: "m", outputs: [{ name: "y", value: y }] });
    expect(verify(module)).not.toEqual([]);
    const clean = await apply(eliminateDead, module);
    expect(clean.ops.map((op) => op.result)).toEqual([x, unused, y]);
    expect(clean.tensors.size).toBe(0);
    expect(await apply(eliminateDead, clean)).toBe(clean);
  });
});
