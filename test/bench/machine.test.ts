/** What the benchmark says of the machine. */
import { describe, expect, it } from "vitest";
import { widestVectors } from "../../bench/machine.ts";

describe("the vectors of a processor", () => {
  it.each([
    ["fpu sse2 avx avx2 bmi2", "AVX2"],
    ["avx2 avx512f avx512bw", "AVX-512"],
    ["avx2 avx512f avx512_vnni", "AVX-512 VNNI"],
    ["avx2 avx_vnni", "AVX VNNI"],
    ["fp asimd", null],
  ])("are the widest that its flags name: %s", (flags, name) => {
    expect(widestVectors(flags)).toBe(name);
  });
});
