/** The small networks of build-model.ts: they import, verify, and have the shapes they declare. */
import { describe, expect, it } from "vitest";
import { tensor } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { networks, pseudoRandom } from "./build-model.ts";
import { importBytes, outputsOf } from "./run.ts";

describe.each(Object.entries(networks))("%s", (name, build) => {
  it("imports without a word, and gives finite values of the declared shape", () => {
    const result = importBytes(build());
    expect(result.diagnostics).toEqual([]);
    const module = result.module;
    if (module === null) throw new Error("no module");
    expect(verify(module)).toEqual([]);
    const [input] = result.inputs;
    const shape = input?.type.shape ?? [];
    const x = tensor("f32", shape, Float32Array.from(pseudoRandom(elementCount(shape), name)));
    const [y] = outputsOf(module, [x]);
    const [output] = module.outputs;
    const type = module.ops.find((op) => op.result === output?.value)?.type;
    expect(y?.shape).toEqual(type?.shape);
    expect([...(y?.data ?? [])].every(Number.isFinite)).toBe(true);
  });

  it("imports to the same module every time", () => {
    expect(importBytes(build()).module).toEqual(importBytes(build()).module);
  });
});
