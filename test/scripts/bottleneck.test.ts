/** The network of inverted bottlenecks: gradients are right, it learns, the model is the network. */
import { describe, expect, it } from "vitest";
import { known } from "../../ir/diagnostic.ts";
import { uniform } from "../../ir/random.ts";
import { BottleneckNetwork, type Shape } from "../../scripts/train/bottleneck.ts";
import { Convolution, Pointwise } from "../../scripts/train/stages/convolution.ts";
import { Depthwise } from "../../scripts/train/stages/depthwise.ts";
import { learn } from "../../scripts/train/train.ts";
import { moduleOf, outputsOf } from "../frontend/run.ts";
import { f } from "../ir/one-op.ts";
import { crossEntropy, expectGradients } from "./gradients.ts";

/** Each kind of block: without an expansion, with a residual, with a stride; an odd number of pixels. */
const shape: Shape = {
  size: 5,
  stem: 3,
  blocks: [
    { expansion: 1, channels: 2, stride: 1 },
    { expansion: 3, channels: 2, stride: 1 },
    { expansion: 2, channels: 5, stride: 2 },
  ],
  head: 4,
  classes: 3,
};
const pixels = shape.size ** 2;
const image = (n: number): Float32Array =>
  Float32Array.from({ length: pixels }, (_, i) => uniform(3, i, n, 0));

/** A network whose biases are not 0, so that no current lies just where a rectifier bends. */
function disturbed(seed: number): BottleneckNetwork {
  const network = new BottleneckNetwork(shape, seed);
  network.learnt.forEach(({ values }, n) => {
    values.forEach((value, i) => (values[i] = value + 0.2 * uniform(9, i, n, 0)));
  });
  return network;
}

describe("a start from data", () => {
  const input = { height: 3, width: 3, channels: 2 };
  const start = { seed: 2, layer: 0, gain: 1 };
  it.each([
    ["1×1", new Pointwise(input, 3, start)],
    ["3×3", new Convolution(input, 3, 2, start)],
    ["3×3 of each channel", new Depthwise(input, 1, start)],
  ])("gives each channel of a convolution the mean 0 and one deviation: %s", (_, stage) => {
    const xs = [0, 1, 2].map((n) =>
      Float32Array.from({ length: 18 }, (_x, i) => uniform(4, i, n, 0)),
    );
    const results = stage.settle(xs, 2);
    const { channels } = stage.output;
    for (let c = 0; c < channels; c++) {
      const own = results.flatMap((result) => [...result].filter((_y, i) => i % channels === c));
      const mean = own.reduce((sum, y) => sum + y, 0) / own.length;
      expect(mean).toBeCloseTo(0, 5);
      const variance = own.reduce((sum, y) => sum + (y - mean) ** 2, 0) / own.length;
      expect(Math.sqrt(variance)).toBeCloseTo(2, 4);
    }
    xs.forEach((x, n) => {
      stage.forward(x).forEach((y, i) => expect(y).toBeCloseTo(known(results[n]?.[i], "one"), 4));
    });
  });

  it("goes through the network, sums included", () => {
    const network = new BottleneckNetwork(shape, 3);
    const before = network.forward(image(0)).slice();
    network.settle([image(0), image(1), image(2), image(3)]);
    const logits = network.forward(image(0));
    expect([...logits].every(Number.isFinite)).toBe(true);
    expect(logits).not.toEqual(before);
  });
});

describe("the network of inverted bottlenecks", () => {
  it("has the gradients that finite differences give", () => {
    const network = disturbed(7);
    // So that some activations are cut off above, which small weights would never reach.
    const [stem] = network.learnt;
    known(stem, "weights").values.forEach((w, i, values) => (values[i] = 8 * w));
    const x = image(0);
    network.forward(x);
    network.backward(1);
    const largest = expectGradients(network.learnt, () => crossEntropy(network.forward(x)));
    expect(largest).toBeGreaterThan(0.3);
  });

  it("learns, the same way for the same seed", () => {
    const images = {
      count: 24,
      at: image,
      labels: Int32Array.from({ length: 24 }, (_, i) => i % 3),
    };
    const run = (seed: number): { losses: number[]; weights: Float32Array[] } => {
      const losses: number[] = [];
      const network = new BottleneckNetwork(shape, seed);
      learn(network, images, {
        epochs: 60,
        batch: 8,
        learningRate: 0.02,
        seed,
        disturb: null,
        onEpoch: (_, loss) => losses.push(loss),
      });
      return { losses, weights: network.learnt.map(({ values }) => values) };
    };
    const { losses, weights } = run(1);
    expect(known(losses.at(-1), "a loss")).toBeLessThan(0.7 * known(losses[0], "a loss"));
    expect(run(1).weights).toEqual(weights);
    expect(run(2).weights).not.toEqual(weights);
  });

  it("is the ONNX model that is written", () => {
    const network = disturbed(5);
    const module = moduleOf(network.onnx());
    const [logits] = outputsOf(module, [f([1, 1, shape.size, shape.size], [...image(1)])]);
    const own = [...network.forward(image(1))];
    expect(Math.max(...own) - Math.min(...own)).toBeGreaterThan(0.05);
    own.forEach((z, i) => expect(logits?.data[i]).toBeCloseTo(z, 5));
  });
});
