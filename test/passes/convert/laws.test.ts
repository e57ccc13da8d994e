/** What holds of every converted network: charge is conserved, and the answer converges. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import type { Probe } from "../../../ir/executable.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, producerOf, tensorAt } from "../../../ir/module.ts";
import { broadcastIndices } from "../../../ir/semantics/semantics.ts";
import type { Shape } from "../../../ir/type.ts";
import { deviations } from "./deviation.ts";
import { awkwardNetworks, converted, convertibleNetworks, sourceOf } from "./networks.ts";

/** A parameter spread over a value: one number per neuron. */
function spread(module: Module, ref: string, shape: Shape): number[] {
  const held = tensorAt(module, ref);
  return [...broadcastIndices(held.shape, shape)].map((i) => known(held.data[i], "an element"));
}

describe("a converted network", () => {
  it("conserves charge in every neuron: Σ input = θ · Σ spikes + v[T] − v[0]", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(), async ({ module, samples }) => {
        const T = 16;
        const passes = "convert-activations,balance-max{scope=layer}";
        const { snn } = await converted(module, sourceOf(samples), passes, T);
        const neurons = opsOf(snn, "snn.if");
        const probes = neurons.flatMap(({ inputs: [operand], result }): Probe[] => [
          { value: known(operand, "an operand"), keep: "trace" },
          { value: result, keep: "trace" },
          { value: result, keep: "state" },
        ]);
        const run = interpret(snn, known(samples[0], "a sample"), { timesteps: T, probes });
        neurons.forEach((neuron, i) => {
          const [x, y, v] = [0, 1, 2].map((k) => known(run.probes[3 * i + k], "a probe"));
          const { shape } = neuron.type;
          const threshold = spread(snn, neuron.attrs.threshold, shape);
          const start = spread(snn, neuron.attrs.vInit, shape);
          threshold.forEach((theta, k) => {
            let charge = 0;
            let spikes = 0;
            let flow = 0;
            for (let t = 0; t < T; t++) {
              const current = x?.[t * threshold.length + k] ?? NaN;
              charge += current;
              flow += Math.abs(current);
              if (y?.[t * threshold.length + k] !== 0) spikes++;
            }
            const end = v?.[(T - 1) * threshold.length + k] ?? NaN;
            const kept = theta * spikes + end - (start[k] ?? NaN);
            expect(Math.abs(charge - kept)).toBeLessThanOrEqual(1e-5 * (flow + theta * (T + 1)));
          });
        });
      }),
      { numRuns: 60 },
    );
  });

  it("is never further from the analogue one than its neurons' deviation over T", async () => {
    await fc.assert(
      fc.asyncProperty(
        convertibleNetworks(),
        fc.constantFrom("layer", "channel", "neuron"),
        async ({ module, samples }, scope) => {
          const passes = `convert-activations,balance-max{scope=${scope}}`;
          const { snn, ann } = await converted(module, sourceOf(samples), passes);
          const sample = known(samples[0], "a sample");
          const T = 40;
          const bound = deviations(snn);
          const wanted = interpret(ann, sample, { timesteps: 1 }).outputs;
          const found = interpret(snn, sample, { timesteps: T }).outputs;
          snn.outputs.forEach(({ value }, o) => {
            const y = known(wanted[o], "an output");
            const readout = producerOf(snn, value);
            const charge = known(bound.get(known(readout.inputs[0], "a value")), "its bound");
            const slack =
              1e-4 * y.reduce((most, v, i) => Math.max(most, Math.abs(v), charge[i] ?? 0), 1);
            for (const t of [1, 2, 5, 16, T]) {
              y.forEach((v, i) => {
                const now = found[o]?.[(t - 1) * y.length + i] ?? NaN;
                expect(Math.abs(now - v)).toBeLessThanOrEqual((charge[i] ?? NaN) / t + slack);
              });
            }
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is made of any network, or the network is refused: no promise is broken", async () => {
    const codes = new Set<string>();
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        awkwardNetworks(),
        fc.constantFrom("", "canonical,commute-max-pool,"),
        fc.constantFrom("refuse", "decode"),
        async ({ module, samples }, before, analogue) => {
          const passes = `${before}convert-activations{analogue=${analogue}},balance-local`;
          try {
            const { snn } = await converted(module, sourceOf(samples), passes);
            interpret(snn, known(samples[0], "a sample"), { timesteps: 2 });
            made++;
          } catch (error) {
            if (!(error instanceof DiagnosticError)) throw error;
            for (const { code } of error.diagnostics) codes.add(code);
          }
        },
      ),
      { numRuns: 100 },
    );
    expect(made).toBeGreaterThan(20);
    codes.delete("value-not-finite");
    codes.delete("no-activation");
    expect([...codes]).toEqual(["no-spiking-form"]);
  });

  it("comes closer with more timesteps, and close with many", async () => {
    const networks = fc.sample(convertibleNetworks(6), { numRuns: 20, seed: 5 });
    let few = 0;
    let many = 0;
    for (const { module, samples } of networks) {
      const passes = "convert-activations,balance-max";
      const { snn, ann } = await converted(module, sourceOf(samples), passes);
      const sample = known(samples[0], "a sample");
      const y = known(interpret(ann, sample, { timesteps: 1 }).outputs[0], "an output");
      const run = known(interpret(snn, sample, { timesteps: 512 }).outputs[0], "an output");
      const largest = y.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
      const errorAt = (t: number): number =>
        y.reduce((worst, v, i) => {
          const now = run[(t - 1) * y.length + i] ?? NaN;
          return Math.max(worst, Math.abs(now - v) / largest);
        }, 0);
      few += errorAt(32) / networks.length;
      many += errorAt(512) / networks.length;
    }
    expect(many).toBeLessThan(0.005);
    expect(many).toBeLessThan(few / 8);
  });
});
