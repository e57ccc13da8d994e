/** The layout of a `.snn` file is the one that docs/ir.md describes. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { opened } from "./snn-file.ts";

describe("the layout of a file", () => {
  const names = ["__metadata__", "__metadata___", "half", "flags", "whole", "large"];
  const tensors = [
    tensorOf("f32", [2], [0.5, -0]),
    tensorOf("f32", [], [1]),
    tensorOf("bf16", [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 0.1]),
    tensorOf("bool", [9], [1, 0, 1, 1, 0, 0, 0, 0, 1]),
    tensorOf("i64", [2, 5], [1, -1, 2 ** 53, 0, 0, 0, 0, 0, 0, 3]),
    tensorOf("f16", [9], [1, 2, 3, 4, 5, 6, 7, 8, 0.1]),
  ];
  const refs = names.map(
    (name, i) => `  %${i} = ann.constant() {value = @${name}} : real${typeOf(i)}`,
  );
  const outputs = names.map((_, i) => `  ann.output(%${i}) {name = "y${i}"}`);
  const table = names.map((name, i) => `  @${name} = ${hashed(i)}`);
  const head = 'module @m attributes {code = "none", timesteps = 1, properties = []} {';
  const text = [head, ...refs, ...outputs, "}", "tensors {", ...table, "}"].join("\n");

  function typeOf(i: number): string {
    const { dtype, shape } = known(tensors[i], "a tensor");
    return `${dtype === "f32" ? "" : `<${dtype}>`}[${shape.join(", ")}]`;
  }

  /** By the page: the type as ASCII, then the elements; 16-bit floats as float32, 64-bit integers as float64. */
  function hashed(i: number): string {
    const { dtype, shape, data } = known(tensors[i], "a tensor");
    const wide = dtype === "i64" ? Float64Array.from(data) : data;
    const floats32 = dtype === "bf16" || dtype === "f16" ? Float32Array.from(data) : wide;
    const bytes = new Uint8Array(floats32.buffer, floats32.byteOffset, floats32.byteLength);
    const hash = createHash("sha256")
      .update(`${dtype}[${shape.join(",")}]`)
      .update(bytes);
    return `${dtype}[${shape.join(", ")}] "sha256:${hash.digest("hex")}"`;
  }

  it("is the one that is described: names, hashes, offsets", () => {
    const given = new Map(names.map((name, i) => [name, known(tensors[i], name)]));
    // A hash that were another one would be refused here.
    const module = parseModule(text, { file: "text", tensors: given });
    const bytes = encodePackage({ module, provenance: {} });
    const file = opened(bytes);
    expect(file.length % 8).toBe(0);
    expect(file.text("snnc.provenance")).toBe("{}");
    expect([...file.tensors.keys()].sort()).toEqual(
      ["__metadata___", "__metadata____", "half", "flags", "whole", "large"].sort(),
    );
    const offsets = [...file.tensors.values()].map((entry) => entry.get("data_offsets"));
    const ends = offsets.map((pair) => (Array.isArray(pair) ? Number(pair[1]) : NaN));
    expect(Math.max(...ends)).toBe(file.data.length);
    expect(file.tensors.get("flags")?.get("dtype")).toBe("BOOL");
    expect(decodePackage(bytes, "m.snn").module.tensors).toEqual(module.tensors);
  });
});
