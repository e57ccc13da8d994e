/** What holds of networks in differential, few-spikes and first-spike code, whatever they are made of. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accountOf } from "../../../../ir/account/account.ts";
import { DiagnosticError, known } from "../../../../ir/diagnostic.ts";
import type { Probe } from "../../../../ir/executable.ts";
import { interpret } from "../../../../ir/interpret.ts";
import { type Module, isFramed, opsOf, tensorAt } from "../../../../ir/module.ts";
import { broadcastIndices } from "../../../../ir/semantics/semantics.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { elementCount } from "../../../../ir/type.ts";
import { verify } from "../../../../ir/verify.ts";
import {
  awkwardNetworks,
  converted,
  type Convertible,
  convertibleNetworks,
  sourceOf,
} from "../networks.ts";

/** The largest difference between the outputs of both networks, as a share of the largest output. */
function errorOf(ann: Module, snn: Module, sample: readonly Tensor[], timesteps: number): number {
  const wanted = known(interpret(ann, sample, { timesteps: 1 }).outputs[0], "an output");
  const run = known(interpret(snn, sample, { timesteps }).outputs[0], "an output");
  const found = run.subarray(run.length - wanted.length);
  const largest = wanted.reduce((most, y) => Math.max(most, Math.abs(y)), 1);
  return (
    wanted.reduce((worst, y, i) => Math.max(worst, Math.abs((found[i] ?? NaN) - y)), 0) / largest
  );
}

async function meanError(
  networks: readonly Convertible[],
  passes: string,
  T: number,
): Promise<number> {
  let sum = 0;
  for (const { module, samples } of networks) {
    const { snn, ann } = await converted(module, sourceOf(samples), passes, T);
    sum += errorOf(ann, snn, known(samples[0], "a sample"), T);
  }
  return sum / networks.length;
}

describe("a network in differential code", () => {
  it("comes closer by half with each timestep where steps halve", async () => {
    const networks = fc.sample(convertibleNetworks(8), { numRuns: 30, seed: 7 });
    const passes = "convert-differential,balance-max";
    const errors = [];
    for (const T of [2, 6, 10]) errors.push(await meanError(networks, passes, T));
    const [at2 = NaN, at6 = NaN, at10 = NaN] = errors;
    expect(at2).toBeLessThan(0.1);
    expect(at6).toBeLessThan(at2 / 8);
    expect(at10).toBeLessThan(at6 / 8);
    expect(at10).toBeLessThan(5e-4);
  });

  it("comes closer with steps of 1/t and with powers of two, too", async () => {
    const networks = fc.sample(convertibleNetworks(6), { numRuns: 15, seed: 8 });
    for (const options of ["schedule=reciprocal", "alphabet=power", "bits=1"]) {
      const passes = `convert-differential{${options}},balance-max`;
      const few = await meanError(networks, passes, 4);
      const many = await meanError(networks, passes, 16);
      expect(many).toBeLessThan(few / 2);
    }
  });
});

describe("a network in few-spikes code", () => {
  it("has neurons that send the nearest of 2^K values", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(), fc.integer({ min: 1, max: 8 }), async (made, K) => {
        const { module, samples } = made;
        const passes = "convert-few-spikes,balance-max";
        const { snn } = await converted(module, sourceOf(samples), passes, K);
        const neurons = opsOf(snn, "snn.few-spikes");
        const probes = neurons.flatMap(({ inputs: [x], result }): Probe[] => [
          { value: known(x, "an operand"), keep: "trace" },
          { value: result, keep: "trace" },
        ]);
        const run = interpret(snn, known(samples[0], "a sample"), { timesteps: K, probes });
        neurons.forEach(({ attrs, type: { shape } }, n) => {
          const size = elementCount(shape);
          // A frame counts as one timestep: what is kept of it is its sum.
          const sumOf = (probe: number, i: number): number => run.probes[probe]?.[i] ?? NaN;
          const amplitude = tensorAt(snn, attrs.amplitude);
          const start = tensorAt(snn, attrs.vInit);
          const starts = [...broadcastIndices(start.shape, shape)];
          const last = [...broadcastIndices(amplitude.shape.slice(1), shape)].map(
            (at) => amplitude.data[(amplitude.data.length / K) * (K - 1) + at] ?? NaN,
          );
          for (let i = 0; i < size; i++) {
            const q = last[i] ?? NaN;
            const v = sumOf(2 * n, i) + (start.data[starts[i] ?? 0] ?? NaN);
            const y = sumOf(2 * n + 1, i) / q;
            expect(Math.abs(y - Math.round(y))).toBeLessThan(1e-3);
            const wanted = Math.min(2 ** K - 1, Math.max(0, v / q));
            expect(Math.abs(y - wanted)).toBeLessThan(0.5 + 1e-3);
          }
        });
      }),
      { numRuns: 60 },
    );
  });

  it("comes closer by half with each spike", async () => {
    const networks = fc.sample(convertibleNetworks(8), { numRuns: 30, seed: 9 });
    const few = await meanError(networks, "convert-few-spikes,balance-max", 5);
    const many = await meanError(networks, "convert-few-spikes,balance-max", 10);
    expect(few).toBeLessThan(0.1);
    expect(many).toBeLessThan(few / 16);
  });
});

describe("a network in first-spike code", () => {
  it("is the analogue one where spikes fall between ticks and the window is wide enough", async () => {
    await fc.assert(
      fc.asyncProperty(
        convertibleNetworks(),
        fc.constantFrom("layer", "channel", "neuron"),
        async ({ module, samples }, scope) => {
          const passes = `convert-ttfs{resolution=continuous},balance-max{headroom=1,scope=${scope}}`;
          const { snn, ann } = await converted(module, sourceOf(samples), passes, 4);
          expect(errorOf(ann, snn, known(samples[0], "a sample"), 4)).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("comes closer with more ticks", async () => {
    const networks = fc.sample(convertibleNetworks(8), { numRuns: 30, seed: 10 });
    const few = await meanError(networks, "convert-ttfs,balance-max", 15);
    const many = await meanError(networks, "convert-ttfs,balance-max", 255);
    expect(few).toBeLessThan(0.1);
    expect(many).toBeLessThan(few / 8);
  });

  it("has neurons that fire at most once", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(), async ({ module, samples }) => {
        const { snn } = await converted(module, sourceOf(samples), "convert-ttfs,balance-max", 8);
        const neurons = opsOf(snn, "snn.ttfs");
        const probes = neurons.map(({ result }): Probe => ({ value: result, keep: "trace" }));
        const run = interpret(snn, known(samples[0], "a sample"), { timesteps: 8, probes });
        neurons.forEach((_, n) => {
          expect(run.spikes[n]).toBe(run.probes[n]?.filter((y) => y !== 0).length);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe.each([
  "convert-differential",
  "convert-few-spikes",
  "convert-ttfs",
  "convert-activations{sign=retract,analogue=decode}",
  "convert-activations{bits=4,analogue=decode}",
])("%s", (pass) => {
  it("makes a valid network of any, or refuses it: no promise is broken", async () => {
    const codes = new Set<string>();
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        awkwardNetworks(),
        fc.constantFrom("", "canonical,commute-max-pool,"),
        fc.constantFrom("balance-max", "balance-mmse", "balance-percentile", "balance-local"),
        async ({ module, samples }, before, balance) => {
          try {
            const passes = `${before}${pass},${balance}`;
            const { snn } = await converted(module, sourceOf(samples), passes);
            expect(verify(snn)).toEqual([]);
            // No weights meet a current.
            expect(accountOf(snn).realLayers).toEqual([]);
            const timesteps = isFramed(snn.code) ? snn.timesteps : 2;
            interpret(snn, known(samples[0], "a sample"), { timesteps });
            made++;
          } catch (error) {
            if (!(error instanceof DiagnosticError)) throw error;
            for (const { code } of error.diagnostics) codes.add(code);
          }
        },
      ),
      { numRuns: 100 },
    );
    expect(made).toBeGreaterThan(40);
    codes.delete("value-not-finite");
    codes.delete("constant-not-finite");
    codes.delete("no-activation");
    expect([...codes]).toEqual([]);
  });
});
