/** What is measured of growth, and the networks that it is measured on. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../../backends/typed/single.ts";
import { drawGrowth } from "../../../../bench/speed/suites/growth-page.ts";
import { plansOf } from "../../../../bench/speed/suites/growth.ts";
import { growthNetwork, peerCnn, peerMlp } from "../../../../bench/speed/networks/networks.ts";
import { fillUniform } from "../../../../bench/speed/networks/noise.ts";
import { f32 } from "../../../../ir/tensor.ts";
import { verify } from "../../../../ir/verify.ts";

describe("plansOf", () => {
  it("varies one thing at a time, from its smallest on", () => {
    for (const { axis, settings } of plansOf(false, 6)) {
      const fixed = settings.map(({ label, x, work, ...rest }) => {
        expect(label).toBe(`${axis} ${x}`);
        expect(work === null || work > 0).toBe(true);
        return rest;
      });
      const varying = Object.keys(fixed[0] ?? {}).filter(
        (key) =>
          new Set(fixed.map((each) => Object.entries(each).find(([k]) => k === key)?.[1])).size > 1,
      );
      expect(varying).toHaveLength(1);
      const xs = settings.map(({ x }) => x);
      expect(xs).toEqual([...xs].sort((a, b) => a - b));
    }
  });

  it("counts work as linear growth has it", () => {
    const workOf = (axis: string): (number | null)[] =>
      plansOf(false, 4)
        .filter((plan) => plan.axis === axis)
        .flatMap(({ settings }) => settings.map(({ work }) => work));
    expect(workOf("timesteps")).toEqual([4, 8, 16, 32, 64]);
    expect(workOf("width").slice(0, 2)).toEqual([64 ** 2, 128 ** 2]);
    expect(workOf("threads")).toEqual([1, 1 / 2, 1 / 4]);
  });
});

describe("networks", () => {
  it("are valid", () => {
    const spiking = growthNetwork({ width: 16, firingRate: 0.1, timesteps: 4 });
    for (const module of [spiking, peerMlp(0), peerCnn(0)]) expect(verify(module)).toEqual([]);
  });

  it("fire about as often as they are asked to", async () => {
    const width = 128;
    const timesteps = 32;
    for (const firingRate of [0.03, 0.1]) {
      const module = growthNetwork({ width, firingRate, timesteps });
      const executable = await singleThreadEngine.load(module, { threads: 1 });
      let spikes = 0;
      const get = (index: number) => {
        const data = new Float32Array(width);
        fillUniform(data, index + 1, 0, 1);
        return [f32([1, width], data)];
      };
      await executable.run({ count: 4, get }, { timesteps }, (result) => {
        for (const count of result.spikes) spikes += count;
      });
      const rate = spikes / (4 * 3 * width * timesteps);
      expect(rate / firingRate).toBeGreaterThan(0.6);
      expect(rate / firingRate).toBeLessThan(1.6);
    }
  });
});

describe("the page of plots", () => {
  it("draws a curve of two points, and lists one of a single point", async () => {
    const point = { x: 4, milliseconds: 1, linear: 1 };
    const page = await drawGrowth(
      [
        {
          axis: "timesteps",
          metric: "ms/image",
          linearIn: "x",
          points: [point, { ...point, x: 8 }],
        },
        { axis: "threads", metric: "ms/run", linearIn: "x", points: [point] },
      ],
      "snnc <test>",
    );
    expect(page.match(/<svg/g)).toHaveLength(1);
    expect(page).toContain("Time against timesteps");
    expect(page).toContain("snnc &lt;test&gt;");
  });
});
