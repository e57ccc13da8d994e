/** Steps of whole networks: less error than fixed schedules leave, and a dial for spikes. */
import { describe, expect, it } from "vitest";
import { known } from "../../../../ir/diagnostic.ts";
import { opsOf, tensorAt } from "../../../../ir/module.ts";
import { interpret } from "../../../../ir/interpret.ts";
import { parseModule } from "../../../../ir/text/parse.ts";
import { tensorOf } from "../../../../ir/tensor.ts";
import { lastFinerStep } from "../../../../ir/run/sending.ts";
import { convert } from "../../../../library/convert.ts";
import * as residual from "./residual.ts";
import { network, running, samples } from "./residual.ts";

const before = "canonical,convert-differential,balance-mmse";

/** Steps are few numbers: they need few samples. */
const errorOf = (pipeline: string, timesteps: number): Promise<number> =>
  residual.errorOf(pipeline, timesteps, 64);

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
    const errors = [await errorOf(`${before},fit-steps`, 4)];
    for (const precision of [6, 4]) {
      errors.push(await errorOf(`${before},fit-steps{precision=${precision}}`, 4));
    }
    expect(errors).toEqual([...errors].sort((a, b) => a - b));
    expect(new Set(errors).size).toBe(3);
  });

  it("goes with powers of two, and with one timestep", async () => {
    const powers = before.replace("differential", "differential{alphabet=power}");
    const halved = await errorOf(powers, 6);
    expect(await errorOf(`${powers},fit-steps`, 6)).toBeLessThan(halved);
    const one = await errorOf(before, 1);
    expect(await errorOf(`${before},fit-steps`, 1)).toBeLessThan(1.5 * one);
  });

  it("does not hang on the order of the samples", async () => {
    const options = { timesteps: 3, pipeline: "differential" };
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

  it("has steps that are powers of two, alike in a layer, for little more error", async () => {
    const options = { timesteps: 4, pipeline: `${before},fit-steps{steps=power}` };
    const { module } = await convert(network(), samples(40), running, options);
    for (const { attrs } of opsOf(module, "snn.graded")) {
      const { shape, data } = tensorAt(module, known(attrs.shares ?? undefined, "shares"));
      expect(shape.slice(1)).toEqual([1, 1, 1, 1]);
      expect([...data].map((share) => Math.log2(share)).every(Number.isInteger)).toBe(true);
    }
    const free = await errorOf(`${before},fit-steps`, 4);
    expect(await errorOf(`${before},fit-steps{steps=power}`, 4)).toBeLessThan(2 * free);
  });

  it("has powers of two of each channel's own", async () => {
    const options = { timesteps: 4, pipeline: `${before},fit-steps{steps=power-by-channel}` };
    const { module } = await convert(network(), samples(40), running, options);
    for (const { attrs } of opsOf(module, "snn.graded")) {
      const { shape, data } = tensorAt(module, known(attrs.shares ?? undefined, "shares"));
      expect(shape.slice(1)).toEqual([1, 6, 1, 1]);
      expect([...data].map((share) => Math.log2(share)).every(Number.isInteger)).toBe(true);
    }
  });

  it("ends where hardly anything more is sent", async () => {
    const options = { timesteps: 6, pipeline: "differential" };
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

  it("gives neurons of either sign finer steps where they are to have them", async () => {
    const finest = async (extra: number): Promise<Record<string, number>> => {
      const pipeline = `canonical,convert-differential,balance-mmse,fit-steps{precision=4,extra=${extra}}`;
      const module = parseModule(bottleneck, { file: "bottleneck" });
      const data = {
        count: 64,
        get: (i: number) => [
          tensorOf(
            "f32",
            [1, 3],
            [0, 1, 2].map((k) => Math.sin(7 * i + k)),
          ),
        ],
      };
      const made = await convert(module, data, running, { timesteps: 4, pipeline });
      const steps = opsOf(made.module, "snn.graded").map(({ attrs }) => {
        const shares = tensorAt(made.module, known(attrs.shares ?? undefined, "shares"));
        const [size] = [shares.data.length / known(shares.shape[0], "rows")];
        const last = Math.min(...shares.data.filter((_, i) => i % size === 0));
        return [attrs.sign, last / 15] as const;
      });
      return Object.fromEntries(steps);
    };
    const [plain, finer] = [await finest(0), await finest(6)];
    expect(plain["free"]).toBeGreaterThanOrEqual(2 ** -4 / 1.001);
    expect(finer["free"]).toBeLessThan(2 ** -4);
    expect(finer["retract"]).toBe(plain["retract"]);
  });
});

/** A linear bottleneck: one layer of weights right behind another. */
const bottleneck = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 3]
  %1 = ann.linear(%0) {weight = @wide, bias = none} : real[1, 4]
  %2 = ann.relu(%1) : real[1, 4]
  %3 = ann.linear(%2) {weight = @narrow, bias = none} : real[1, 1]
  %4 = ann.linear(%3) {weight = @tall, bias = none} : real[1, 3]
  ann.output(%4) {name = "y"}
}
tensors {
  @wide = f32[4, 3] dense<[${[1, -1, 0.5, 0.25, 1, -1, 2, 0.5, -0.5, 1, 1, 1].join(", ")}]>
  @narrow = f32[1, 4] dense<[1, -2, 0.5, 0.75]>
  @tall = f32[3, 1] dense<[1, -1, 0.5]>
}
`;
