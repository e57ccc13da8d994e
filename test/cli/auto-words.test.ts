/** What a search says of what it chose. */
import { expect, it } from "vitest";
import { choiceWords } from "../../cli/auto.ts";
import type { AutoResult, Trial } from "../../library/auto/auto.ts";

const trial: Trial = {
  pipeline: "few-spikes",
  bits: null,
  precision: null,
  timesteps: 8,
  code: "few-spikes",
  changedPoints: 0.5,
  boundPoints: 1.5,
  judgedOn: 400,
  latencyTimesteps: 48,
  spikesPerSample: 900,
  energyRatio: 0.4,
};
const task = { name: "classify", reason: "as asked", assumed: false, threshold: null } as const;

function chosen(change: Partial<Trial>): string {
  const best = { ...trial, ...change };
  const result: AutoResult = {
    ...{ chosen: best, trials: [best], calibratedOn: 200, judgedOn: 400 },
    ...{ confidence: 0.95, sharedBy: 24, task },
  };
  return choiceWords(result, 2, "spikes");
}

it("says when the answer is there, which in framed codes is after a frame for each layer", () => {
  const framed = chosen({});
  expect(framed).toContain(
    "chose few-spikes with 48 timesteps (a frame of 8 for each of 6 layers): of the 1 that",
  );
  expect(framed).toContain('the same again: --passes "few-spikes" -T 8');
  expect(chosen({ latencyTimesteps: 8 })).toContain("chose few-spikes with 8 timesteps: of");
});
