/** Layers that suite `kernel` times by themselves: what they count is what their spikes meet. */
import { expect, it } from "vitest";
import { compileLayer, kernelSteps, runLayer } from "../../../../bench/speed/kernels/kernel-run.ts";

const layer = { inputs: 8, outputs: 16, extent: 0, kernel: 1 };

it.each(["f32", "i16"] as const)(
  "counts a weight for each output a spike reaches, in %s",
  async (arithmetic) => {
    const { operations, rate, run } = runLayer(await compileLayer(layer, arithmetic, null), 0.5, 4);
    expect(rate).toBeGreaterThan(0.3);
    expect(operations).toBeCloseTo(rate * layer.inputs * kernelSteps * layer.outputs, 6);
    run();
  },
);
