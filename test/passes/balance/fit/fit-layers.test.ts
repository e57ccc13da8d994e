/** Fitting whole networks: less error than thresholds alone give, whatever the order of the samples. */
import { describe, expect, it } from "vitest";
import { DiagnosticError } from "../../../../ir/diagnostic.ts";
import { opsOf } from "../../../../ir/module.ts";
import { convert } from "../../../../library/convert.ts";
import { errorOf, network, running, samples } from "./residual.ts";

const timesteps = 6;

describe("fit-layers", () => {
  it("leaves less error than thresholds do", async () => {
    const signed = "canonical,convert-activations{sign=retract}";
    const thresholds = await errorOf(`${signed},balance-mmse`, timesteps);
    const biases = await errorOf(`${signed},fit-layers{weights=false}`, timesteps);
    const all = await errorOf(`${signed},fit-layers`, timesteps);
    expect(biases).toBeLessThan(thresholds);
    expect(all).toBeLessThan(thresholds);
  });

  it("keeps thresholds that were set before, where only weights are to be fitted", async () => {
    const made = async (passes: string) => {
      const pipeline = `canonical,convert-activations,${passes}`;
      const { module } = await convert(network(), samples(80), running, { timesteps, pipeline });
      const tensorsOf = (refs: readonly string[]) => refs.map((ref) => module.tensors.get(ref));
      return {
        thresholds: tensorsOf(opsOf(module, "snn.if").map(({ attrs }) => attrs.threshold)),
        weights: tensorsOf(opsOf(module, "ann.conv").map(({ attrs }) => attrs.weight)),
      };
    };
    const balanced = await made("balance-mmse");
    const fitted = await made("balance-mmse,fit-layers{neurons=false}");
    expect(fitted.thresholds).toEqual(balanced.thresholds);
    expect(fitted.weights).not.toEqual(balanced.weights);
    const error = await errorOf("canonical,convert-activations,balance-mmse", timesteps);
    const weights = "canonical,convert-activations,balance-mmse,fit-layers{neurons=false}";
    expect(await errorOf(weights, timesteps)).toBeLessThan(error);
  });

  it("does not hang on the order of the samples", async () => {
    const options = { timesteps, pipeline: "signed-rate" };
    const one = await convert(network(), samples(20), running, options);
    const other = await convert(
      network(),
      samples(20, (i) => 19 - i),
      running,
      options,
    );
    expect(other.module.tensors).toEqual(one.module.tensors);
    expect(one.diagnostics.map(({ code }) => code)).toContain("few-samples-to-fit");
  });

  it("looks at more samples where each shows few terms", async () => {
    const made = async (count: number, look: number) => {
      const pipeline = `canonical,convert-activations,fit-layers{samples=${look}}`;
      const { module } = await convert(network(), samples(count), running, {
        timesteps: 3,
        pipeline,
      });
      return module.tensors;
    };
    // 36 places of a sample, 2000 terms.
    expect(await made(70, 5)).toEqual(await made(70, 56));
    expect(await made(40, 5)).not.toEqual(await made(70, 5));
  });

  it("changes nothing but parameters", async () => {
    const options = { timesteps, pipeline: "signed-rate" };
    const { module } = await convert(network(), samples(80), running, options);
    expect(module.code).toBe("signed-rate");
    expect(opsOf(module, "snn.graded")).toHaveLength(4);
    expect(opsOf(module, "ann.conv")).toHaveLength(4);
  });

  it("says so where there is nothing to fit to", async () => {
    const pipeline = "canonical,convert-activations,fit-layers";
    await expect(convert(network(), null, running, { timesteps, pipeline })).rejects.toThrow(
      DiagnosticError,
    );
  });
});
