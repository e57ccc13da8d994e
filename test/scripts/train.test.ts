/** Training: gradients are right, noise is that of spikes, the model is the network. */
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import { uniform } from "../../ir/random.ts";
import type { SoftLif } from "../../ir/semantics/soft-lif.ts";
import { activations } from "../../scripts/train/activations.ts";
import { onnxModel } from "../../scripts/train/model.ts";
import { Network } from "../../scripts/train/network.ts";
import { normalPair, ripple, spikeNoise } from "../../scripts/train/noise.ts";
import { softLifActivation } from "../../scripts/train/soft-lif.ts";
import { train } from "../../scripts/train/train.ts";
import { moduleOf, outputsOf } from "../frontend/run.ts";
import { f } from "../ir/one-op.ts";
import { crossEntropy, expectGradients } from "./gradients.ts";

const curve: SoftLif = { tauRc: 0.02, tauRef: 0.002, sigma: 0.1, amplitude: 0.01 };
const activation = softLifActivation(curve);
const image = Float32Array.from({ length: 4 }, (_, i) => uniform(3, i, 0, 0));

describe("the network", () => {
  it("has the gradients that finite differences give", () => {
    const network = new Network([4, 6, 5, 3], activation, 7);
    network.forward(image, null);
    network.backward(1);
    const learnt = network.layers.flatMap(({ weight, bias }) => [weight, bias]);
    expectGradients(learnt, () => crossEntropy(network.forward(image, null)));
  });

  it("learns, the same way for the same seed", () => {
    const images = {
      count: 40,
      at: (i: number) => Float32Array.from({ length: 4 }, (_, k) => Number(k === i % 4)),
      labels: Int32Array.from({ length: 40 }, (_, i) => i % 4),
    };
    const run = (seed: number): { losses: number[]; weights: Float32Array } => {
      const losses: number[] = [];
      const network = train(images, {
        sizes: [4, 8, 4],
        activation,
        epochs: 20,
        batch: 8,
        learningRate: 0.02,
        seed,
        disturb: spikeNoise({ amplitude: curve.amplitude, tau: 0.025, share: 1, seed }),
        onEpoch: (_, loss) => losses.push(loss),
      });
      return { losses, weights: known(network.layers[0], "a layer").weight.values };
    };
    const { losses, weights } = run(1);
    expect(known(losses.at(-1), "a loss")).toBeLessThan(0.3 * known(losses[0], "a loss"));
    expect(run(1).weights).toEqual(weights);
    expect(run(2).weights).not.toEqual(weights);
  });

  it.each([{ name: "soft-LIF", ...activation }, ...activations])(
    "is the ONNX model that is written: $name",
    (spelt) => {
      const network = new Network([4, 6, 3], spelt, 5);
      const pixels = Array.from({ length: 16 }, (_, i) => uniform(1, i, 0, 0));
      const pooled = Float32Array.from({ length: 4 }, (_, i) => {
        const at = (i >> 1) * 8 + (i % 2) * 2;
        const four = [at, at + 1, at + 4, at + 5].map((k) =>
          Math.fround(known(pixels[k], "a pixel")),
        );
        return four.reduce((a, b) => a + b, 0) / 4;
      });
      const module = moduleOf(onnxModel(network, 4, spelt));
      const [logits] = outputsOf(module, [f([1, 1, 4, 4], pixels)]);
      network.forward(pooled, null).forEach((z, i) => expect(logits?.data[i]).toBeCloseTo(z, 5));
    },
  );
});

describe("the noise", () => {
  it("is what filtered spikes stray from their mean", () => {
    for (const [rate, tau] of [
      [40, 0.005],
      [40, 0.025],
      [300, 0.005],
    ] as const) {
      // One period in small steps, after the filter has settled.
      const steps = 2000;
      const dt = 1 / rate / steps;
      const values: number[] = [];
      let y = 0;
      for (let n = 0; n < 60 * steps; n++) {
        y *= Math.exp(-dt / tau);
        if (n % steps === 0) y += 1 / tau;
        if (n >= 59 * steps) values.push(y);
      }
      const mean = values.reduce((a, b) => a + b, 0) / steps;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / steps;
      expect(ripple(rate, tau) / Math.sqrt(variance)).toBeCloseTo(1, 2);
    }
    expect(ripple(0, 0.005)).toBe(0);
    expect(ripple(1e6, 0.025)).toBeLessThan(1e5);
  });

  it("is normal", () => {
    const draws = Array.from({ length: 4000 }, (_, i) => normalPair(1, i, 0, 0)).flat();
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + b * b, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.04);
    expect(variance).toBeCloseTo(1, 1);
    expect(draws.filter((x) => Math.abs(x) > 1.96).length / draws.length).toBeCloseTo(0.05, 1);
  });
});
