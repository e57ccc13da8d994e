/** Every code has a pipeline that makes it, and options of codes reach the pass that converts. */
import { describe, expect, it } from "vitest";
import { codeTraits, spikingCodes } from "../../ir/module.ts";
import { pipelineOf, stepsOf } from "../../library/convert.ts";
import { codeMadeBy, defaultTimesteps, withBits } from "../../passes/codes.ts";

describe.each(spikingCodes)("code %s", (code) => {
  const { timesteps, hasBits } = codeTraits[code];
  const pipeline = pipelineOf({ code });

  it("is what its pipeline makes, for its timesteps", () => {
    const steps = stepsOf(pipeline);
    expect(codeMadeBy(steps)).toBe(code);
    expect(defaultTimesteps(steps)).toBe(timesteps);
  });

  it("takes bits where it says so, and is the same code then", () => {
    if (!hasBits) return;
    const steps = withBits(stepsOf(pipeline), 3);
    expect(codeMadeBy(steps)).toBe(code);
    expect(steps.some(({ options }) => options["bits"] === 3)).toBe(true);
  });
});

describe("differential code of 8 bits", () => {
  it("is made for two timesteps: there is next to nothing to send after them", () => {
    expect(defaultTimesteps(stepsOf("low-latency"))).toBe(2);
    expect(defaultTimesteps(stepsOf("lif"))).toBe(256);
    expect(defaultTimesteps(stepsOf("differential", { bits: 8 }))).toBe(2);
    expect(defaultTimesteps(stepsOf("low-latency", { bits: 4 }))).toBe(4);
    expect(defaultTimesteps(stepsOf("burst", { bits: 8 }))).toBe(4);
  });
});

describe("a pipeline that converts nothing", () => {
  it("makes no code", () => {
    expect(codeMadeBy(stepsOf("canonical"))).toBeNull();
    expect(defaultTimesteps(stepsOf("canonical"))).toBe(codeTraits.rate.timesteps);
  });
});
