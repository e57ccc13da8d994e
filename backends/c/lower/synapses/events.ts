/**
 * Synapses event by event: each word that is not 0 adds its row of weights to the sums of the neurons that it
 * reaches. A silent neuron costs a comparison.
 */
import { stridedIndices } from "../../../../ir/semantics/semantics.ts";
import type { Interval } from "../../../../ir/analysis/interval.ts";
import { type Code, loop, scaled, sumOf } from "../../text/code.ts";
import type { View } from "../views.ts";
import { type Geometry, outputOf, overTaps, stepped, tapIndex } from "./geometry.ts";
import type { Weights } from "./weights.ts";

export interface Words {
  readonly view: View;
  readonly interval: Interval;
}

/** Adds (`sign` 1) or takes away what words send through any convolution; weights by `byInput`. */
export function convolveEvents(
  geometry: Geometry,
  words: Words,
  weights: Weights,
  sign: 1 | -1,
): Code {
  const { isTransposed, batch, groups, inputs, outputs, axes, output } = geometry;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const reached = axes.map((axis) => ({ axis, ...outputOf(axis, isTransposed) }));
  const [group, inGroup] =
    groups === 1 ? ["0", "c"] : inputs === 1 ? ["c", "0"] : [`(c / ${inputs})`, `(c % ${inputs})`];
  // Weights lie by group, tap, input and output.
  const row = sumOf([
    stepped(group, geometry.taps * inputs * outputs),
    stepped(tapIndex(axes), inputs * outputs),
    stepped(inGroup, outputs),
  ]);
  const target = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    stepped(group, outputs * channelOut),
    ...reached.map(({ axis, index }) => stepped(index, axis.outputStep)),
  ]);
  const sums = `${output.array.name}[${sumOf([target, outputs > 1 ? scaled("o", channelOut) : ""])}]`;
  const weight = weights.at(sumOf([row, outputs > 1 ? "o" : ""]));
  const add = addition(sums, weight, words, output, sign);
  const each = outputs > 1 ? loop("o", outputs, add) : add;
  const taps = overTaps(
    axes,
    (axis) => reached.find((one) => one.axis === axis)?.lines ?? [],
    each,
  );
  return overWords(geometry, words, output, [], taps);
}

/**
 * Whether sums that a word reaches along the innermost axis lie behind each other in memory, so that they meet a
 * run of weights.
 */
export function hasRuns({ isTransposed, groups, outputs, axes, output }: Geometry): boolean {
  const last = axes.at(-1);
  const [, channelOut = 0] = output.strides;
  if (last === undefined || isTransposed || groups > 1) return false;
  const isBehind = last.output === 1 || last.outputStep === outputs;
  return last.stride <= 2 && last.dilation === 1 && isBehind && (outputs === 1 || channelOut === 1);
}

/**
 * Where in the weight tensor each weight is, in the order input, tap of the outer axes, and along the innermost
 * axis as runs of sums meet them: backwards, and of stride 2 the even taps before the odd ones.
 */
export function inRuns({ inputs, outputs, axes, taps }: Geometry): Int32Array {
  const last = axes.at(-1);
  const kernel = last?.kernel ?? 1;
  const along = Array.from({ length: kernel }, (_, k) => kernel - 1 - k);
  const parts =
    last?.stride === 2
      ? [along.filter((k) => k % 2 === 0), along.filter((k) => k % 2 === 1)]
      : [along];
  const order = parts.flat();
  const outer = taps / kernel;
  const base = stridedIndices([inputs, outer, kernel, outputs], [taps, kernel, 0, inputs * taps]);
  return base.map((at, i) => at + (order[Math.floor(i / outputs) % kernel] ?? 0));
}

/** `convolveEvents` for geometries that have runs; weights `inRuns`. */
export function convolveRuns(
  geometry: Geometry,
  words: Words,
  weights: Weights,
  sign: 1 | -1,
): Code {
  const { batch, outputs, axes, output, taps } = geometry;
  const outer = axes.slice(0, -1);
  const last = axes.at(-1);
  if (last === undefined) return [];
  const { input, output: extent, kernel, stride, pad } = last;
  const [batchOut = 0] = output.strides;
  const x = input > 1 ? "x" : "0";
  const right = sumOf([x, pad === 0 ? "" : String(pad)]);
  // The outermost tap that falls on a sum, and how many taps there are, of even and of odd ones.
  const even = Math.ceil(kernel / 2);
  const odd = kernel - even;
  const lines: Code[] =
    stride === 1
      ? [
          `const int32_t last = ${right} < ${extent - 1} ? ${right} : ${extent - 1};`,
          `const int32_t first = ${right} < ${kernel - 1} ? 0 : ${right} - ${kernel - 1};`,
          `const int32_t run = (last - first + 1) * ${outputs};`,
          `const int32_t tap = ${kernel - 1} - (${right} - first);`,
        ]
      : [
          `const int32_t end = (${right}) / 2, odd = (${right}) % 2, count = odd ? ${odd} : ${even};`,
          `const int32_t last = end < ${extent - 1} ? end : ${extent - 1};`,
          "const int32_t first = end < count - 1 ? 0 : end - (count - 1);",
          `const int32_t run = (last - first + 1) * ${outputs};`,
          `const int32_t tap = (odd ? ${even} : 0) + count - 1 - (end - first);`,
        ];
  const reached = outer.map((axis) => ({ axis, ...outputOf(axis, false) }));
  const row = sumOf([scaled("c", taps * outputs), stepped(tapIndex(outer), kernel * outputs)]);
  const target = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    ...reached.map(({ axis, index }) => stepped(index, axis.outputStep)),
    extent === 1 ? "" : scaled("first", outputs),
  ]);
  const sums = `${output.array.name}[${sumOf([target, "i"])}]`;
  const weight = weights.at(sumOf([row, scaled("tap", outputs), "i"]));
  const add = loop("i", "run", addition(sums, weight, words, output, sign));
  const all = overTaps(outer, (axis) => reached.find((one) => one.axis === axis)?.lines ?? [], add);
  return overWords(geometry, words, output, lines, all);
}

/** Loops over all words that are not 0, channels innermost; `before` is said once for all channels of a place. */
function overWords(
  { batch, groups, inputs, axes, input }: Geometry,
  words: Words,
  output: View,
  before: readonly Code[],
  body: Code,
): Code {
  const [batchIn = 0, channelIn = 0] = input.strides;
  const place = sumOf([
    String(input.offset),
    batch > 1 ? scaled("n", batchIn) : "",
    scaled("c", channelIn),
    ...axes.map(({ letter, inputStep, input: extent }) =>
      extent > 1 ? scaled(letter, inputStep) : "",
    ),
  ]);
  const event: Code = [word(words, place, output), "if (word == 0) continue;", body];
  const plane = axes.reduceRight<Code>(
    (inner, { letter, input: extent }) => (extent > 1 ? loop(letter, extent, inner) : inner),
    [...before, loop("c", groups * inputs, event)],
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
  const weight = weights.at(sumOf([scaled("i", outputs), "o"]));
  const add = addition(`${output.array.name}[${sums}]`, weight, words, output, sign);
  const place = sumOf([
    String(input.offset),
    rows.count > 1 ? scaled("r", rows.inputStep) : "",
    scaled("i", rows.elementStep),
  ]);
  const event: Code = [
    word(words, place, output),
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

/** The word at a place, as narrow as it is: products of 16 bits are what vectors have. */
function word({ view, interval: { low, high } }: Words, place: string, output: View): string {
  const isShort = low >= -(2 ** 15) && high < 2 ** 15;
  const type = isShort || output.array.type === "int16_t" ? "int16_t" : "int32_t";
  return `const ${type} word = ${view.array.name}[${place}];`;
}

/** `sum += word * weight;`, without the product where every word is 1. */
function addition(
  sum: string,
  weight: string,
  { interval: { low, high } }: Words,
  output: View,
  sign: 1 | -1,
): string {
  const isSpike = low >= 0 && high <= 1;
  const product = isSpike ? weight : `word * ${weight}`;
  const change = `${sum} ${sign === 1 ? "+" : "-"} ${product}`;
  if (output.array.type === "int16_t") return `${sum} = (int16_t)(${change});`;
  return `${sum} ${sign === 1 ? "+=" : "-="} ${product};`;
}
