/** Steps of whole networks: less error than fixed schedules leave, and a dial for spikes. */
import { describe, expect, it } from "vitest";
import { known } from "../../../../ir/diagnostic.ts";
import { opsOf, tensorAt } from "../../../../ir/module.ts";
import { interpret } from "../../../../ir/interpret.ts";
import { lastFinerStep } from "../../../../ir/sending.ts";
import { convert } from "../../../../library/convert.ts";
import { errorOf, network, running, samples } from "./residual.ts";

const before = "canonical,convert-differential,balance-mmse";

/** Spikes of one bit: there is something to send at every timestep. */
const fine =
  "canonical,commute-max-pool,convert-differential{bits=1},balance-mmse,fit-steps{precision=24}";

describe("fit-steps", () => {
  it("leaves a fraction of the error of steps that are halved", async () => {
    const fraction = async (timesteps: number): Promise<number> =>
      (await errorOf(`${before},fit-steps`, timesteps)) / (await errorOf(before, timesteps));
    expect(await fraction(2)).toBeLessThan(0.75);
    expect(await fraction(4)).toBeLessThan(0.75);
  });

  it("leaves more with less precision", async () => {
    const errors: number[] = [];
    for (const precision of [10, 6, 4]) {
      errors.push(await errorOf(`${before},fit-steps{precision=${precision}}`, 4));
    }
    expect(errors).toEqual([...errors].sort((a, b) => a - b));
  });

  it("goes with powers of two, and with one timestep", async () => {
    const powers = before.replace("differential", "differential{alphabet=power}");
    const halved = await errorOf(powers, 6);
    expect(await errorOf(`${powers},fit-steps`, 6)).toBeLessThan(halved);
    const one = await errorOf(before, 1);
    expect(await errorOf(`${before},fit-steps`, 1)).toBeLessThan(1.5 * one);
  });

  it("does not hang on the order of the samples", async () => {
    const options = { timesteps: 3, pipeline: "default" };
    const one = await convert(network(), samples(40), running, options);
    const reversed = samples(40, (i) => 39 - i);
    const other = await convert(network(), reversed, running, options);
    expect(other.module.tensors).toEqual(one.module.tensors);
  });

  it("looks at more samples where each shows few neurons", async () => {
    const made = async (count: number, look: number) => {
      const pipeline = `${before},fit-steps{samples=${look}}`;
      const { module } = await convert(network(), samples(count), running, {
        timesteps: 2,
        pipeline,
      });
      return module.tensors;
    };
    expect(await made(60, 10)).toEqual(await made(60, 60));
    expect(await made(10, 10)).not.toEqual(await made(60, 10));
  });

  it("has steps for eight timesteps at most", async () => {
    const options = { timesteps: 12, pipeline: fine };
    const { module } = await convert(network(), samples(10), running, options);
    expect(module.timesteps).toBe(12);
    for (const { attrs } of opsOf(module, "snn.graded")) {
      expect(tensorAt(module, known(attrs.shares ?? undefined, "shares")).shape[0]).toBe(8);
    }
  });

  it("gives each timestep a row, which never grows", async () => {
    const options = { timesteps: 5, pipeline: fine };
    const { module } = await convert(network(), samples(40), running, options);
    for (const { attrs } of opsOf(module, "snn.graded")) {
      const { shape, data } = tensorAt(module, known(attrs.shares ?? undefined, "shares"));
      expect(shape).toEqual([5, 1, 6, 1, 1]);
      for (let channel = 0; channel < 6; channel++) {
        const column = [0, 1, 2, 3, 4].map((t) => data[t * 6 + channel] ?? NaN);
        expect(column[0]).toBe(1);
        expect(column).toEqual([...column].sort((a, b) => b - a));
      }
    }
  });

  it("ends where hardly anything more is sent", async () => {
    const options = { timesteps: 6, pipeline: "default" };
    const { module, diagnostics } = await convert(network(), samples(40), running, options);
    const end = module.timesteps;
    expect(end).toBeLessThan(6);
    expect(diagnostics.map(({ code }) => code)).toContain("ends-early");
    expect(lastFinerStep(module)).toBeLessThanOrEqual(end);
    const spikesBy = (timesteps: number): number => {
      const { spikes } = interpret(module, samples(40).get(0), { timesteps });
      return spikes.reduce((sum, count) => sum + count, 0);
    };
    expect(spikesBy(1)).toBeLessThan(0.95 * spikesBy(end));
    expect(spikesBy(6)).toBeLessThanOrEqual(1.02 * spikesBy(end));
  });
});
