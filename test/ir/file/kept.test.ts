/** Files that earlier versions wrote: every later version reads them, and writes the same bytes. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodePackage, encodePackage } from "../../../ir/file/package.ts";
import { readSafetensors } from "../../../ir/file/safetensors.ts";
import { specs } from "../../../ir/op/table.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { printModule } from "../../../ir/text/print.ts";

const kept = (name: string): Buffer => readFileSync(new URL(`kept/${name}`, import.meta.url));

const textWith = (
  weight: string,
): string => `module @kept attributes {code = "rate", timesteps = 4, properties = ["spiking"]} {
  %0 = ann.input() {name = "x"} : real<i8>[1, 3]
  %1 = ann.linear(%0) {weight = @w, bias = @b} : real<i32>[1, 4]
  %2 = snn.if(%1) {threshold = @t, vInit = @t, amplitude = @one, reset = "subtract"} : spike<i8>[1, 4]
  %3 = snn.readout(%2) {start = 0} : real[1, 4]
  ann.output(%3) {name = "y"}
}
tensors {
  @w = ${weight} min=-8 max=7
  @b = i32[4] dense<[1, 2, -3, 0]>
  @t = i32[] dense<16>
  @one = i8[] dense<1>
}
`;

describe("a kept file", () => {
  it.each([
    ["1", 'i8[4, 3] "sha256:c7c26ea0505f8fc4"'],
    ["2", 'i4[4, 3] "sha256:b9323412b9547646"'],
  ])("of format %s is read as it was written", (version, weight) => {
    const bytes = kept(`format-${version}.snn`);
    const { module, provenance } = decodePackage(bytes, "kept.snn");
    expect(printModule(module)).toBe(textWith(weight));
    expect([...(module.tensors.get("w")?.data ?? [])]).toEqual([
      1, -2, 3, 7, -7, 0, 2, 1, -1, 5, -8, 4,
    ]);
    expect(provenance).toEqual({ tool: { name: "snnc", version: "0.1.0" } });
    expect(Buffer.from(encodePackage({ module, provenance }))).toEqual(bytes);
  });
});

describe("integers that are weighted by 16 bits", () => {
  it("are of format 3", () => {
    const { module } = decodePackage(kept("format-1.snn"), "kept.snn");
    const w = tensorOf("i16", [4, 3], [300, -2, 3, 7, -7, 0, 2, 1, -1, 5, -8, 4]);
    const wide = { ...module, tensors: new Map([...module.tensors, ["w", w]]) };
    const bytes = encodePackage({ module: wide, provenance: {} });
    expect(readSafetensors(bytes, "wide.snn").metadata.get("snnc.format")).toBe("3");
    expect(decodePackage(bytes, "wide.snn").module.tensors.get("w")).toEqual(w);
  });
});

describe("a kind of op", () => {
  it("is of format 1 only if it was there when that was new", () => {
    const first = Object.entries(specs).filter(([, { traits }]) => traits.since === 1);
    const kinds = first.map(([kind]) => kind).sort();
    expect(kinds).toEqual(kept("format-1-kinds.txt").toString().trimEnd().split("\n"));
  });
});
