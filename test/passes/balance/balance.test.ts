/**
 * What every balance pass must do, on random networks: choose by its rule from what the calibration
 * set really held, write parameters of the scope's shape, and not care how samples came.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { channelAxisOf } from "../../../ir/analysis/channels.ts";
import { known } from "../../../ir/diagnostic.ts";
import { interpret } from "../../../ir/interpret.ts";
import { type Module, opsOf, producerOf, tensorAt } from "../../../ir/module.ts";
import { addStatisticsData, statisticsToData } from "../../../ir/run/observe.ts";
import type { OpOf } from "../../../ir/op/op.ts";
import type { Scope } from "../../../ir/run/stats.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { type Shape, stridesOf } from "../../../ir/type.ts";
import { calibrationOn } from "../../../library/measure.ts";
import { rectifierCeiling } from "../../../passes/convert/spiking-form.ts";
import { converted, convertibleNetworks, sourceOf } from "../convert/networks.ts";

const scopes = fc.constantFrom<Scope>("layer", "channel", "neuron");

interface Site {
  readonly neuron: OpOf<"snn.if">;
  readonly threshold: Tensor;
  /** For each threshold: what the activation was given, unsorted. */
  readonly data: readonly (readonly number[])[];
  readonly ceiling: number;
}

/** Every neuron op beside the exact values that its threshold was chosen from. */
function sitesOf(
  snn: Module,
  ann: Module,
  samples: readonly (readonly Tensor[])[],
  scope: Scope,
): Site[] {
  return opsOf(snn, "snn.if").map((neuron) => {
    const activation = producerOf(ann, neuron.result);
    const operand = known(activation.inputs[0], "an operand");
    const { shape } = neuron.type;
    const axis = channelAxisOf(ann, operand);
    const groupOf = (k: number): number => {
      if (scope === "neuron") return k;
      return scope === "layer" ? 0 : indexAlong(shape, axis, k);
    };
    const groups = new Map<number, number[]>();
    for (const sample of samples) {
      const probes = [{ value: operand, keep: "mean" as const }];
      const [values] = interpret(ann, sample, { timesteps: 1, probes }).probes;
      values?.forEach((x, k) => {
        const group = groups.get(groupOf(k)) ?? [];
        groups.set(groupOf(k), group);
        group.push(x);
      });
    }
    const data = [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
    const threshold = tensorAt(snn, neuron.attrs.threshold);
    return { neuron, threshold, data, ceiling: known(rectifierCeiling(activation), "a ceiling") };
  });
}

function indexAlong(shape: Shape, axis: number, k: number): number {
  return Math.floor(k / (stridesOf(shape)[axis] ?? 1)) % (shape[axis] ?? 1);
}

/** Checks thresholds by a rule on the exact values: `check(θ, values)`; the dead take the largest. */
function expectRule(
  site: Site,
  check: (threshold: number, values: readonly number[]) => void,
): void {
  const { threshold, data, ceiling } = site;
  expect(threshold.data.length).toBe(data.length);
  const largest = Math.max(...threshold.data);
  data.forEach((values, i) => {
    const theta = known(threshold.data[i], "a threshold");
    const alive = values.some((x) => x > 0);
    if (alive) check(theta, values);
    else if (data.some((others) => others.some((x) => x > 0))) expect(theta).toBe(largest);
    else expect(theta).toBe(Math.min(1, Math.fround(ceiling)));
  });
}

describe("balance-max", () => {
  it("takes the largest value that was seen, to the bit, up to the ceiling", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(8, 3), scopes, async ({ module, samples }, scope) => {
        const passes = `convert-activations,balance-max{scope=${scope}}`;
        const { snn, ann } = await converted(module, sourceOf(samples), passes);
        for (const site of sitesOf(snn, ann, samples, scope)) {
          expectRule(site, (theta, values) => {
            expect(theta).toBe(Math.min(site.ceiling, Math.max(...values)));
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it("gives larger scopes larger thresholds", async () => {
    await fc.assert(
      fc.asyncProperty(convertibleNetworks(6, 2), async ({ module, samples }) => {
        const measure = calibrationOn(sourceOf(samples), { engine: interpretEngine, threads: 1 });
        const largest = async (scope: Scope): Promise<number[]> => {
          const passes = `convert-activations,balance-max{scope=${scope}}`;
          const { snn } = await converted(module, measure, passes);
          return opsOf(snn, "snn.if").map((op) =>
            Math.max(...tensorAt(snn, op.attrs.threshold).data),
          );
        };
        const layer = await largest("layer");
        expect(await largest("channel")).toEqual(layer);
        expect(await largest("neuron")).toEqual(layer);
      }),
      { numRuns: 20 },
    );
  });
});

describe("balance-percentile", () => {
  it("is within 1.1 % of the exact percentile of the activations", async () => {
    await fc.assert(
      fc.asyncProperty(
        convertibleNetworks(8, 4),
        scopes,
        fc.integer({ min: 0, max: 100 }),
        async ({ module, samples }, scope, p) => {
          const passes = `convert-activations,balance-percentile{scope=${scope},p=${p}}`;
          const { snn, ann } = await converted(module, sourceOf(samples), passes);
          for (const site of sitesOf(snn, ann, samples, scope)) {
            expectRule(site, (theta, values) => {
              const sorted = values.toSorted((a, b) => a - b);
              const at = Math.max(0, Math.ceil((p / 100) * sorted.length) - 1);
              const exact = known(sorted[at], "a percentile");
              // Where most values are not positive, the percentile is no threshold.
              const wanted = Math.min(site.ceiling, exact > 0 ? exact : Math.max(...values));
              expect(Math.abs(theta - wanted) / wanted).toBeLessThanOrEqual(0.011);
            });
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe.each(["balance-max", "balance-percentile", "balance-mmse", "balance-local"])(
  "%s",
  (pass) => {
    it("writes parameters of the scope's shape and keeps the share of v[0]", async () => {
      await fc.assert(
        fc.asyncProperty(
          convertibleNetworks(6, 2),
          scopes,
          fc.constantFrom(0, 0.25, 0.5, 1),
          async ({ module, samples }, scope, share) => {
            const passes =
              `convert-activations,set-initial-potential{share=${share}},` +
              `${pass}{scope=${scope}}`;
            const { snn, ann } = await converted(module, sourceOf(samples), passes);
            for (const { neuron, threshold, ceiling } of sitesOf(snn, ann, samples, scope)) {
              const { shape } = neuron.type;
              const axis = channelAxisOf(ann, known(producerOf(ann, neuron.result).inputs[0], "x"));
              const wanted: Shape = {
                layer: [],
                channel: shape.map((extent, i) => (i === axis ? extent : 1)),
                neuron: shape,
              }[scope];
              expect(threshold.shape).toEqual(wanted);
              expect(tensorAt(snn, neuron.attrs.amplitude)).toEqual(threshold);
              const vInit = tensorAt(snn, neuron.attrs.vInit);
              expect(vInit.shape).toEqual(wanted);
              expect([...vInit.data]).toEqual(
                [...threshold.data].map((theta) => Math.fround(theta * share)),
              );
              for (const theta of threshold.data) {
                expect(theta).toBeGreaterThan(0);
                expect(theta).toBeLessThanOrEqual(Math.fround(ceiling));
              }
            }
          },
        ),
        { numRuns: 25 },
      );
    });

    it("gives the same bytes whatever the samples' order and parts", async () => {
      await fc.assert(
        fc.asyncProperty(
          convertibleNetworks(6, 5),
          fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
          fc.integer({ min: 1, max: 4 }),
          async ({ module, samples }, order, cut) => {
            const passes = `convert-activations,${pass}`;
            const running = { engine: interpretEngine, threads: 1 };
            const at = (indices: readonly number[]) =>
              calibrationOn(sourceOf(indices.map((i) => known(samples[i], "a sample"))), running);
            const [left, right] = [at(order.slice(0, cut)), at(order.slice(cut))];
            const inParts: typeof left = {
              ...left,
              measure: async (...asked) =>
                addStatisticsData(
                  await right.measure(...asked),
                  statisticsToData(await left.measure(...asked)),
                ),
            };
            const { snn: whole } = await converted(module, sourceOf(samples), passes);
            const { snn: parts } = await converted(module, inParts, passes);
            expect(parts.tensors).toEqual(whole.tensors);
          },
        ),
        { numRuns: 15 },
      );
    });
  },
);
