/** How the benchmark is told what converts. */
import { describe, expect, it } from "vitest";
import { conversionOf } from "../../../bench/speed/conversion.ts";

describe("conversionOf", () => {
  it("reads a pipeline with the options of convert", () => {
    expect(conversionOf("default")).toEqual({ pipeline: "default" });
    expect(conversionOf("default --integer --bits 6")).toEqual({
      pipeline: "default",
      integer: true,
      bits: 6,
    });
    expect(conversionOf("sparse --integer  --weight-bits 4")).toEqual({
      ...{ pipeline: "sparse", integer: true, weightBits: 4 },
    });
  });

  it.each([
    ["default --integers", /"--integers" is not known here/],
    ["defualt", /defualt/],
    ["default --weight-bits 4", /weight/],
  ])("refuses %s", (text, why) => expect(() => conversionOf(text)).toThrow(why));
});
