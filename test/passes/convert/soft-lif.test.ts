/** Leaky neurons in place of activations: their rates are those that they stand for. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, tensorAt } from "../../../ir/module.ts";
import { lifRate } from "../../../ir/semantics/soft-lif.ts";
import { ChannelStatistics } from "../../../ir/run/stats.ts";
import { type Shape, real } from "../../../ir/type.ts";
import { convert } from "../../../library/convert.ts";
import { fitTuning } from "../../../passes/convert/curves/tuning.ts";
import { f, loc } from "../../ir/one-op.ts";
import { convertibleNetworks, sourceOf } from "./networks.ts";

const running = { engine: interpretEngine, threads: 1 };
const times = { tauRc: 0.02, tauRef: 0.002 };

/** One soft-LIF activation, with almost no rounded corner. */
function activation(shape: Shape): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", shape), loc);
  const attrs = { ...times, sigma: 0.001, amplitude: 0.01 };
  const value = builder.add("ann.soft-lif", [x], attrs, loc);
  return builder.finish({
    name: "m",
    outputs: [{ name: "y", value }],
    properties: new Set(["batchnorm-free"]),
  });
}

async function spiking(module: Module, timesteps: number, options = ""): Promise<Module> {
  const pipeline = `soft-lif{${options}}`;
  return (await convert(module, null, running, { timesteps, pipeline })).module;
}

describe("a soft-LIF activation as neurons", () => {
  const currents = fc.array(
    fc.oneof(
      fc.double({ min: -2, max: 0.99, noNaN: true }),
      fc.double({ min: 1.05, max: 40, noNaN: true }),
    ),
    { minLength: 1, maxLength: 12 },
  );

  it("fires its rate, to one spike in the whole run", async () => {
    await fc.assert(
      fc.asyncProperty(currents, fc.constantFrom(0.5, 1, 2), async (values, step) => {
        const timesteps = 200;
        const shape = [1, values.length];
        const snn = await spiking(activation(shape), timesteps, `step=${step}`);
        const { outputs } = interpret(snn, [f(shape, values)], { timesteps });
        const seconds = (timesteps * step) / 1000;
        values.forEach((current, i) => {
          const mean = outputs[0]?.[(timesteps - 1) * values.length + i] ?? NaN;
          const spikes = (mean / 0.01) * seconds;
          const due = lifRate(Math.fround(current), times) * seconds;
          expect(Math.abs(spikes - due)).toBeLessThanOrEqual(1.001);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("starts from potentials that differ along channels and along places", async () => {
    const snn = await spiking(activation([1, 16, 12, 12]), 10);
    const [neuron] = opsOf(snn, "snn.lif");
    const v = [...tensorAt(snn, known(neuron, "neurons").attrs.vInit).data];
    expect(v.every((each) => each >= 0 && each < 1)).toBe(true);
    const spread = (at: readonly number[]): void => {
      const sorted = at.toSorted((a, b) => a - b);
      const gaps = sorted.map((x, i) => (sorted[i + 1] ?? 1) - x);
      expect(Math.max(...gaps)).toBeLessThan(4 / at.length);
    };
    spread(v.slice(0, 144));
    spread(Array.from({ length: 16 }, (_, c) => v[c * 144 + 7] ?? 0));
    expect(new Set(v.map((each) => each.toFixed(4))).size).toBeGreaterThan(v.length / 2);
    expect(v.reduce((a, b) => a + b, 0) / v.length).toBeCloseTo(0.5, 2);
  });
});

describe("fitting a rectifier", () => {
  const masses = (values: readonly number[]): ReturnType<ChannelStatistics["masses"]> => {
    const statistics = new ChannelStatistics();
    statistics.add(values, 0, 1, values.length);
    return statistics.masses();
  };
  const even = masses(Array.from({ length: 201 }, (_, i) => i / 100 - 1));

  /** Root mean square of what is left, as a share of the largest activation. */
  function residue(rate: number, tauRef: number, ceiling = Infinity): number {
    const neuron = { tauRc: 0.02, tauRef };
    const { gain, bias, amplitude } = fitTuning(
      even,
      { largest: Math.min(1, ceiling), ceiling, rate },
      neuron,
    );
    let square = 0;
    let count = 0;
    for (const mass of even) {
      const y = Math.min(ceiling, Math.max(0, mass.value));
      const rateAt = lifRate(gain * mass.value + bias, neuron);
      square += mass.count * (amplitude * rateAt - y) ** 2;
      count += mass.count;
    }
    return Math.sqrt(square / count);
  }

  it("comes near it, nearer at higher rates where no refractory period bends the curve", () => {
    expect(residue(200, 0.002)).toBeLessThan(0.035);
    const residues = [25, 50, 100, 200, 400, 800].map((rate) => residue(rate, 0));
    residues.slice(1).forEach((each, i) => expect(each).toBeLessThan(residues[i] ?? 0));
    expect(residues.at(-1)).toBeLessThan(0.005);
  });

  it("lets the largest activation fire at the rate asked for", () => {
    const { gain, bias } = fitTuning(even, { largest: 1, ceiling: Infinity, rate: 150 }, times);
    expect(lifRate(gain + bias, times)).toBeCloseTo(150, 6);
  });

  it("does not depend on the unit of the activations", () => {
    const large = masses(Array.from({ length: 201 }, (_, i) => i * 5 - 500));
    const a = fitTuning(even, { largest: 1, ceiling: Infinity, rate: 200 }, times);
    const b = fitTuning(large, { largest: 500, ceiling: Infinity, rate: 200 }, times);
    expect(b.gain * 500).toBeCloseTo(a.gain, 6);
    expect(b.bias).toBeCloseTo(a.bias, 6);
    // Masses are in buckets, which lie otherwise in another unit.
    expect(b.amplitude / 500 / a.amplitude).toBeCloseTo(1, 2);
  });

  it("takes the ceiling for the largest activation", () => {
    expect(residue(200, 0.002, 0.5)).toBeLessThan(0.05);
  });

  it("gives a channel without activations a finite tuning", () => {
    const { gain, bias, amplitude } = fitTuning(
      masses([-3, -2]),
      { largest: 4, ceiling: Infinity, rate: 200 },
      times,
    );
    expect([gain, bias, amplitude].every(Number.isFinite)).toBe(true);
    expect(lifRate(-2 * gain + bias, times)).toBe(0);
    expect(amplitude * 200).toBeCloseTo(4, 6);
  });
});

describe("networks of rectifiers", () => {
  it("convert wherever convert-activations does, and merge, whatever they are made of", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(), async ({ module, samples }) => {
        const pipeline = "canonical,soft-lif,merge-linear,delay-readout";
        const timesteps = 4;
        const { module: snn } = await convert(module, sourceOf(samples), running, {
          timesteps,
          pipeline,
        });
        expect(snn.code).toBe("rate");
        const run = interpret(snn, known(samples[0], "a sample"), { timesteps });
        expect(run.outputs.every((y) => y.every(Number.isFinite))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
