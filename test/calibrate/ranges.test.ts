/** Warnings about what is not the conversion's fault: other scales, shifted labels, networks at chance. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { chanceWarnings, isAtChance, labelShiftOf } from "../../calibrate/chance.ts";
import { type Evaluation, evaluate } from "../../calibrate/evaluate.ts";
import { inputRanges, rangeWarnings } from "../../calibrate/ranges.ts";
import type { SampleSource } from "../../ir/executable.ts";
import { uniform } from "../../ir/random.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { network, samplesOf } from "./networks.ts";

/** Samples of 16 values between 0 and 1 about a brightness of their own, as `change` makes them. */
function samples(count: number, seed: number, change: (x: number) => number): SampleSource {
  return {
    count,
    get: (index) => {
      const bright = uniform(seed, index, 99, 0);
      const values = Array.from({ length: 16 }, (_, k) =>
        change(0.5 * bright + 0.5 * uniform(seed, index, k, 1)),
      );
      return [tensorOf("f32", [1, 16], values)];
    },
  };
}

function warned(a: SampleSource, b: SampleSource): string[] {
  const [calibration, data] = [a, b].map((set, i) => ({
    name: ["calib", "test"][i] ?? "",
    ranges: inputRanges(set, 1),
  }));
  if (calibration === undefined || data === undefined) return ["nothing"];
  return rangeWarnings(["x"], calibration, data).map(({ message }) => message);
}

describe("ranges of inputs", () => {
  const calibration = samples(64, 1, (x) => x);

  it("are compared: a factor and a mean are told, with both ranges", () => {
    const [factor] = warned(
      calibration,
      samples(64, 2, (x) => 255 * x),
    );
    expect(factor).toMatch(
      /^input "x" has other values in test \(\d.* to 2\d\d, .*\) than in the calibration data calib \(0\.\d+ to 0\.9\d+, mean 0\.5\d* ± 0\.2\d*\)$/,
    );
    expect(
      warned(
        calibration,
        samples(64, 2, (x) => x - 0.5),
      ),
    ).toHaveLength(1);
    expect(
      warned(
        calibration,
        samples(64, 2, (x) => x / 255),
      ),
    ).toHaveLength(1);
  });

  it("are left alone where samples differ by themselves, or are few", () => {
    for (const count of [8, 16, 64, 300]) {
      for (const seed of [2, 3, 4]) {
        expect(
          warned(
            calibration,
            samples(count, seed, (x) => x),
          ),
        ).toEqual([]);
      }
    }
    expect(
      warned(
        calibration,
        samples(7, 2, (x) => 255 * x),
      ),
    ).toEqual([]);
  });
});

const identity = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

/** Of three classes; each sample is of class `index % 3`. */
async function measured(labels: (index: number) => number): Promise<Evaluation> {
  const ann = network("ann", [{ weight: identity, threshold: [1], vInit: [0] }], identity);
  const executable = await interpretEngine.load(ann, { threads: 1 });
  const rows = Array.from({ length: 60 }, (_, i) => [0, 1, 2].map((k) => (k === i % 3 ? 1 : 0)));
  const given = Int32Array.from(rows, (_, i) => labels(i));
  return evaluate(executable, samplesOf(rows), given, { timesteps: 1 });
}

describe("a network that is not right", () => {
  it("may be so because every label is one off", async () => {
    // Labels 1 and 2 for classes 0 and 1: as read by somebody who counts from 1.
    const from1 = await measured((i) => (i % 3 === 2 ? 0 : (i % 3) + 1));
    expect(labelShiftOf(from1)).toEqual({ by: -1, accuracy: 2 / 3 });
    expect(chanceWarnings(from1).map(({ message }) => message)).toEqual([
      "the accuracy of the network is 0.00 %; it would be 66.67 % if every label were one less",
    ]);
    const late = await measured((i) => (i % 3 === 0 ? 1 : (i % 3) - 1));
    expect(labelShiftOf(late)).toEqual({ by: 1, accuracy: 2 / 3 });
  });

  it("is at chance", async () => {
    const guessed = await measured((i) => Math.floor(i / 3) % 3);
    expect(labelShiftOf(guessed)).toBeNull();
    expect(chanceWarnings(guessed).map(({ code }) => code)).toEqual(["at-chance"]);
    expect(chanceWarnings(await measured((i) => i % 3))).toEqual([]);
  });

  it("of two classes is at chance near a half alone", () => {
    expect([0.52, 0.75, 0.1].map((share) => isAtChance(share, 2, 1000))).toEqual([
      true,
      false,
      false,
    ]);
    expect([0.14, 0.16].map((share) => isAtChance(share, 10, 1000))).toEqual([true, false]);
    expect(isAtChance(0.1, 10, 50)).toBe(false);
  });
});
