/** Weights of few bits, rounded layer by layer, in a network with a shortcut and a depthwise layer. */
import { describe, expect, it } from "vitest";
import type { SampleSource } from "../../../ir/executable.ts";
import { known } from "../../../ir/diagnostic.ts";
import { uniform } from "../../../ir/random.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { evaluatePair } from "../../../library/assess.ts";
import { convert } from "../../../library/convert.ts";
import { network, running } from "../balance/fit/residual.ts";

/** Samples whose pixels vary together, as those of pictures do: waves of a few lengths. */
function waves(count: number, first: number): SampleSource {
  return {
    count,
    get(index) {
      const draw = (k: number): number => uniform(11, first + index, k, 0);
      const at = (i: number): number => {
        const [x, y, channel] = [i % 6, Math.floor(i / 6) % 6, Math.floor(i / 36)];
        const wave = Math.sin((draw(0) * x + draw(1) * y) / 2 + 6 * draw(2));
        return draw(3) * wave + 0.5 * draw(4 + channel);
      };
      return [
        tensorOf(
          "f32",
          [1, 2, 6, 6],
          Array.from({ length: 72 }, (_, i) => at(i)),
        ),
      ];
    },
  };
}

/** The relative squared error of the outputs on samples that were not seen. */
async function errorOf(pipeline: string, timesteps: number): Promise<number> {
  const calibration = waves(96, 0);
  const options = { timesteps, pipeline };
  const { module, reference } = await convert(network(), calibration, running, options);
  const ann = known(reference, "a reference");
  const test = { samples: waves(48, 1000), labels: null };
  const { snn } = await evaluatePair(ann, module, test, running, timesteps);
  return known(snn.relativeLogitError?.at(-1), "an error");
}

const codes = {
  differential: ["canonical,convert-differential,balance-mmse", 2],
  rate: ["canonical,convert-activations,balance-mmse", 24],
  "few-spikes": ["canonical,convert-few-spikes,balance-mmse", 8],
} as const;

describe("quantise", () => {
  it.each(Object.entries(codes))(
    "loses less of code %s where weights make up for each other",
    async (_, [passes, timesteps]) => {
      const error = (method: string): Promise<number> =>
        errorOf(`${passes},quantise{bits=3,method=${method}}`, timesteps);
      const [nearest, mmse, gptq] = [
        await error("nearest"),
        await error("mmse"),
        await error("gptq"),
      ];
      expect(gptq).toBeLessThan(0.5 * Math.min(nearest, mmse));
    },
  );
});
