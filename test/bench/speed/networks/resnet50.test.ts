/** The large model is of the size that its name promises, without being built. */
import { describe, expect, it } from "vitest";
import { blocksOfResnet50 } from "../../../../bench/speed/networks/resnet50.ts";

describe("ResNet-50", () => {
  const layers = blocksOfResnet50().flatMap(({ convolutions, projection }) => [
    ...convolutions,
    ...(projection === null ? [] : [projection]),
  ]);

  it("has 53 convolutions with that of the stem", () => {
    expect(layers).toHaveLength(52);
  });

  it("has 25.56 million parameters, as torchvision counts them", () => {
    const stem = 3 * 64 * 7 * 7 + 2 * 64;
    const classifier = 2048 * 1000 + 1000;
    const inside = layers.reduce(
      (sum, layer) =>
        sum + layer.inChannels * layer.outChannels * layer.kernel ** 2 + 2 * layer.outChannels,
      0,
    );
    expect(stem + inside + classifier).toBe(25_557_032);
  });

  it("feeds each layer the channels of the one before", () => {
    let channels = 64;
    for (const { convolutions, projection } of blocksOfResnet50()) {
      for (const { inChannels, outChannels } of convolutions) {
        expect(inChannels).toBe(channels);
        channels = outChannels;
      }
      if (projection !== null) expect(projection.outChannels).toBe(channels);
    }
    expect(channels).toBe(2048);
  });
});
