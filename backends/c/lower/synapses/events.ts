/**
 * Synapses event by event: each word that is not 0 adds its row of weights to the sums of the neurons that it
 * reaches. A silent neuron costs a comparison.
 */
import { type Code, loop, scaled, sumOf } from "../../text/code.ts";
import type { Interval } from "../../../../ir/analysis/interval.ts";
import type { View } from "../views.ts";
import { type Geometry, outputOf, overTaps, tapIndex } from "./geometry.ts";
import type { Weights } from "./weights.ts";

export interface Words {
  readonly view: View;
  readonly interval: Interval;
}

/** Adds (`sign` 1) or takes away what words send through a convolution; weights by `byInput`. */
export function convolveEvents(
  geometry: Geometry,
  words: Words,
  weights: Weights,
  sign: 1 | -1,
): Code {
  const { isTransposed, batch, groups, inputs, outputs, axes, input, output } = geometry;
  const [batchIn = 0, channelIn = 0] = input.strides;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const channels = groups * inputs;
  const reached = axes.map((axis) => ({ axis, ...outputOf(axis, isTransposed) }));
  const group = groups === 1 ? "" : inputs === 1 ? "c" : `c / ${inputs}`;
  // Weights lie by group, tap, input and output.
  const tap = tapIndex(axes);
  const inGroup = groups === 1 ? "c" : inputs === 1 ? "0" : `c % ${inputs}`;
  const rowOf = sumOf([
    group === "" ? "" : scaled(group === "c" ? "c" : `(${group})`, geometry.taps * inputs * outputs),
    tap === "0" ? "" : scaled(tap.includes("+") ? `(${tap})` : tap, inputs * outputs),
    inGroup === "0" ? "" : scaled(inGroup === "c" ? "c" : `(${inGroup})`, outputs),
  ]);
  const target = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    group === "" ? "" : scaled(group === "c" ? "c" : `(${group})`, outputs * channelOut),
    ...reached.map(({ axis, index }) =>
      index === "0" ? "" : scaledIndex(index, axis.outputStep),
    ),
  ]);
  const sums = `${output.array.name}[${sumOf([target, outputs > 1 ? scaled("o", channelOut) : ""])}]`;
  const element = sumOf([rowOf, outputs > 1 ? "o" : ""]);
  const add = addition(sums, weights.at(element), words.interval, sign);
  const each = outputs > 1 ? loop("o", outputs, add) : add;
  const place = sumOf([
    String(input.offset),
    batch > 1 ? scaled("n", batchIn) : "",
    channels > 1 ? scaled("c", channelIn) : "",
    ...axes.map(({ letter, inputStep, input: extent }) =>
      extent > 1 ? scaled(letter, inputStep) : "",
    ),
  ]);
  const event: Code = [
    `const int32_t word = ${input.array.name}[${place}];`,
    "if (word == 0) continue;",
    overTaps(axes, (axis) => reached.find((one) => one.axis === axis)?.lines ?? [], each),
  ];
  // Channels are innermost in memory; where they are not, nothing but the order changes.
  const channel = loop("c", channels, event);
  const plane = axes.reduceRight<Code>(
    (inner, { letter, input: extent }) => loop(letter, extent, inner),
    channel,
  );
  return batch > 1 ? loop("n", batch, plane) : plane;
}

/** The same for rows of a matrix: weights in the order input, output. */
export function multiplyEvents(
  shape: MatrixShape,
  words: Words,
  weights: Weights,
  sign: 1 | -1,
): Code {
  const { rows, inputs, outputs, input, output } = shape;
  const base = rows.count > 1 ? scaled("r", rows.outputStep) : "";
  const sums = sumOf([String(output.offset), base, scaled("o", rows.channelStep)]);
  const add = addition(
    `${output.array.name}[${sums}]`,
    weights.at(sumOf([scaled("i", outputs), "o"])),
    words.interval,
    sign,
  );
  const place = sumOf([
    String(input.offset),
    rows.count > 1 ? scaled("r", rows.inputStep) : "",
    scaled("i", rows.elementStep),
  ]);
  const event: Code = [
    `const int32_t word = ${input.array.name}[${place}];`,
    "if (word == 0) continue;",
    loop("o", outputs, add),
  ];
  const row = loop("i", inputs, event);
  return rows.count > 1 ? loop("r", rows.count, row) : row;
}

export interface MatrixShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly input: View;
  readonly output: View;
  /** Rows that are multiplied one by one, and elements from one to the next. */
  readonly rows: {
    readonly count: number;
    readonly inputStep: number;
    readonly outputStep: number;
    /** Elements from one input of a row to the next, and from one output. */
    readonly elementStep: number;
    readonly channelStep: number;
  };
}

/** `sum += word * weight;`, without the product where every word is 1. */
function addition(sum: string, weight: string, { low, high }: Interval, sign: 1 | -1): string {
  const isSpike = low >= 0 && high <= 1;
  return `${sum} ${sign === 1 ? "+=" : "-="} ${isSpike ? weight : `word * ${weight}`};`;
}

function scaledIndex(index: string, step: number): string {
  return scaled(/[ *+]/.test(index) ? `(${index})` : index, step);
}

