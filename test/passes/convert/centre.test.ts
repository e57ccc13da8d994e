/** Activations that vary little around a large constant: what is sent is what varies, in every code. */
import { describe, expect, it } from "vitest";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { SampleSource } from "../../../ir/executable.ts";
import { interpret } from "../../../ir/interpret.ts";
import type { Module } from "../../../ir/module.ts";
import { convert } from "../../../library/convert.ts";
import { offsetNetworks, plainNetwork, samplesOf } from "./offset-networks.ts";

const running = { engine: singleThreadEngine, threads: 1 };

function outputsOf(module: Module, samples: SampleSource, timesteps: number): number[][] {
  const size = 4;
  return Array.from({ length: samples.count }, (_, i) => {
    const { outputs } = interpret(module, samples.get(i), { timesteps });
    return [...known(outputs[0], "an output").slice(-size)];
  });
}

/** The mean squared error of outputs, relative to how much what is wanted varies over the samples. */
function relativeError(found: readonly number[][], wanted: readonly number[][]): number {
  let [error, variance] = [0, 0];
  const count = wanted.length;
  known(wanted[0], "a sample").forEach((_, k) => {
    const of = wanted.map((y) => y[k] ?? NaN);
    const mean = of.reduce((a, b) => a + b, 0) / count;
    of.forEach((y, i) => {
      variance += (y - mean) ** 2;
      error += ((found[i]?.[k] ?? NaN) - y) ** 2;
    });
  });
  return error / variance;
}

async function centred(module: Module, samples: SampleSource) {
  const pipeline = "canonical,commute-max-pool,centre-activations";
  const made = await convert(module, samples, running, { timesteps: 1, pipeline });
  const last = known(made.passes.at(-1), "the pass");
  return { module: made.module, changed: last.changed, diagnostics: made.diagnostics };
}

/** What each pipeline may lose: about twice what it loses on a network without constants. */
const limits = {
  differential: [4, 5e-4],
  sparse: [4, 5e-2],
  "low-latency": [2, 5e-4],
  "signed-rate": [16, 0.15],
  rate: [32, 0.1],
  burst: [4, 0.1],
  "few-spikes": [8, 0.05],
  ttfs: [63, 0.05],
  exact: [63, 1e-5],
  lif: [32, 0.4],
  integer: [32, 0.15],
} as const;

/** Those that are tried in every pipeline; the others in one. */
const everywhere = ["a linear layer", "zero padding"];

describe("centre-activations", () => {
  it.each(Object.entries(offsetNetworks))(
    "keeps what a network with %s computes, far from what was seen too",
    async (_, network) => {
      const module = network();
      const {
        module: found,
        changed,
        diagnostics,
      } = await centred(module, samplesOf(module, 16, 1));
      expect(changed).toBe(true);
      expect(diagnostics.map(({ code }) => code)).toEqual(["offset-in-bias"]);
      for (const size of [1, 1000, 100_000]) {
        const samples = samplesOf(module, 4, 2, size);
        const wanted = outputsOf(module, samples, 1).flat();
        const largest = Math.max(...wanted.map(Math.abs), 1000);
        outputsOf(found, samples, 1)
          .flat()
          .forEach((y, i) => {
            expect(Math.abs(y - (wanted[i] ?? NaN))).toBeLessThan(1e-5 * largest);
          });
      }
    },
  );

  it.each(Object.entries(limits))("leaves %s as exact as it is", async (pipeline, [T, limit]) => {
    for (const [name, network] of Object.entries(offsetNetworks)) {
      if (pipeline !== "differential" && !everywhere.includes(name)) continue;
      const module = network();
      const options = { timesteps: T, pipeline };
      const made = await convert(module, samplesOf(module, 32, 1), running, options);
      const samples = samplesOf(module, 12, 2);
      const error = relativeError(
        outputsOf(made.module, samples, T),
        outputsOf(module, samples, 1),
      );
      expect(error, name).toBeLessThan(limit);
    }
  });

  it("leaves a network without constants as it is", async () => {
    const module = plainNetwork();
    expect((await centred(module, samplesOf(module, 32, 1))).changed).toBe(false);
  });

  it("does not guess from few samples, or from samples that are the same", async () => {
    const module = known(offsetNetworks["a linear layer"], "a network")();
    expect((await centred(module, samplesOf(module, 7, 1))).changed).toBe(false);
    const one = samplesOf(module, 1, 1);
    const same = { count: 32, get: () => one.get(0) };
    expect((await centred(module, same)).changed).toBe(false);
  });
});
