/** Convolutions of each channel by itself: all channels of a tap at once. */
import { type Code, loop, scaled, sumOf } from "../../text/code.ts";
import { type Geometry, inputOf, leaving, overTaps, stepped, tapIndex } from "./geometry.ts";
import type { Weights } from "./weights.ts";

/** Weights in the order tap, channel. */
export function convolveDepthwise(geometry: Geometry, weights: Weights, sign: 1 | -1): Code {
  const { batch, groups, axes, input, output } = geometry;
  const [batchIn = 0, channelIn = 0] = input.strides;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const found = axes.map((axis) => ({ axis, ...inputOf(axis) }));
  const target = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    ...axes.map(({ letter, outputStep, output: extent }) =>
      extent > 1 ? scaled(`o${letter}`, outputStep) : "",
    ),
    scaled("c", channelOut),
  ]);
  const from = sumOf([
    String(input.offset),
    batch > 1 ? scaled("n", batchIn) : "",
    ...found.map(({ axis, index }) => stepped(index, axis.inputStep)),
    scaled("c", channelIn),
  ]);
  const weight = weights.at(sumOf([stepped(tapIndex(axes), groups), "c"]));
  const product = `(int32_t)${input.array.name}[${from}] * ${weight}`;
  const add = `${output.array.name}[${target}] ${sign === 1 ? "+=" : "-="} ${product};`;
  const find = (axis: (typeof axes)[number]): readonly Code[] => {
    const own = found.find((each) => each.axis === axis);
    return own === undefined ? [] : [...own.lines, ...leaving(own.outside)];
  };
  const window = overTaps(axes, find, loop("c", groups, add));
  const plane = axes.reduceRight<Code>(
    (inner, { letter, output: extent }) => loop(`o${letter}`, extent, inner),
    window,
  );
  return batch > 1 ? loop("n", batch, plane) : plane;
}
