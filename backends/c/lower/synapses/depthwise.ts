/** Convolutions of each channel by itself: all channels of a tap at once. */
import { type Code, loop, scaled, sumOf } from "../../text/code.ts";
import { type Geometry, overTaps, tapIndex } from "./geometry.ts";
import type { Weights } from "./weights.ts";

/** Weights in the order tap, channel. */
export function convolveDepthwise(geometry: Geometry, weights: Weights, sign: 1 | -1): Code {
  const { batch, groups, axes, input, output } = geometry;
  const [batchIn = 0, channelIn = 0] = input.strides;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const tap = tapIndex(axes);
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
    ...axes.map(({ letter, inputStep }) => scaled(`i${letter}`, inputStep)),
    scaled("c", channelIn),
  ]);
  const weight = weights.at(
    sumOf([tap === "0" ? "" : scaled(tap.includes("+") ? `(${tap})` : tap, groups), "c"]),
  );
  const product = `(int32_t)${input.array.name}[${from}] * ${weight}`;
  const add = `${output.array.name}[${target}] ${sign === 1 ? "+=" : "-="} ${product};`;
  const find = (axis: (typeof axes)[number]): readonly Code[] => {
    const { letter, stride, dilation, pad, kernel, input: extent, output: outputs } = axis;
    const terms = sumOf([
      outputs > 1 ? scaled(`o${letter}`, stride) : "",
      kernel > 1 ? scaled(`k${letter}`, dilation) : "",
    ]);
    const most = (outputs - 1) * stride + (kernel - 1) * dilation - pad;
    const checks = [
      ...(pad > 0 ? [`i${letter} < 0`] : []),
      ...(most >= extent ? [`i${letter} >= ${extent}`] : []),
    ];
    return [
      `const int32_t i${letter} = ${pad === 0 ? terms : `${terms} - ${pad}`};`,
      ...(checks.length === 0 ? [] : [`if (${checks.join(" || ")}) continue;`]),
    ];
  };
  const window = overTaps(axes, find, loop("c", groups, add));
  const plane = axes.reduceRight<Code>(
    (inner, { letter, output: extent }) => loop(`o${letter}`, extent, inner),
    window,
  );
  return batch > 1 ? loop("n", batch, plane) : plane;
}

