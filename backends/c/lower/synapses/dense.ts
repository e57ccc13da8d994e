/**
 * Synapses of values that are seldom 0: each sum is a product of two rows, of a window's values and of
 * weights. Windows are put in order first, with zeros where they hang over the edge, so that the innermost
 * loop is one that compilers make vectors of.
 */
import { type Code, block, loop, scaled, sumOf } from "../../text/code.ts";
import type { CArray } from "../arrays.ts";
import type { Axis, Geometry } from "./geometry.ts";
import { overTaps, tapIndex } from "./geometry.ts";
import type { MatrixShape } from "./events.ts";
import type { Weights } from "./weights.ts";

/** Sums that are worked out together: as many registers of four as a processor has to spare. */
const together = { pixels: 4, outputs: 4 } as const;

/** How many pixels of an axis of `extent` are taken together. */
export function pixelsTogether(extent: number): number {
  return [together.pixels, 2].find((count) => extent % count === 0) ?? 1;
}

/** A convolution whose windows are put in order in `column`, which holds those of `pixels`; weights by `byOutput`. */
export function convolveDense(
  geometry: Geometry,
  weights: Weights,
  column: CArray,
  pixels: number,
  sign: 1 | -1,
): Code {
  const { batch, groups, inputs, outputs, axes, taps, output } = geometry;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const last = axes.at(-1);
  const size = taps * inputs;
  const columns = Array.from({ length: pixels }, (_, p) => p);
  const gather = columns.map((p) => gathered(geometry, column, p, size));
  const base = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    groups > 1 ? scaled("g", outputs * channelOut) : "",
    ...axes.map(({ letter, outputStep, output: extent }) =>
      extent > 1 ? scaled(`o${letter}`, outputStep) : "",
    ),
  ]);
  const sums = columns.map((p) => sumOf([base, p === 0 ? "" : String(p * (last?.outputStep ?? 0))]));
  const body: Code = [
    gather,
    products({
      size,
      outputs,
      weights,
      from: groups > 1 ? `g * ${outputs * size}` : "",
      operands: columns.map((p) => `${column.name}[${sumOf([p === 0 ? "" : String(p * size), "k"])}]`),
      sum: (p, o) => `${output.array.name}[${sumOf([sums[p] ?? "", scaledOf(o, channelOut)])}]`,
      sign,
    }),
  ];
  const grouped = groups > 1 ? loop("g", groups, body) : body;
  const plane = axes.reduceRight<Code>((inner, axis) => {
    const { letter, output: extent } = axis;
    if (axis !== last || pixels === 1) return loop(`o${letter}`, extent, inner);
    const head = `for (int32_t o${letter} = 0; o${letter} < ${extent}; o${letter} += ${pixels})`;
    return block(head, inner);
  }, grouped);
  return batch > 1 ? loop("n", batch, plane) : plane;
}

/** The window of pixel `p` behind the current one, in the order of taps and inputs. */
function gathered(
  { batch, groups, inputs, axes, input }: Geometry,
  column: CArray,
  p: number,
  size: number,
): Code {
  const [batchIn = 0, channelIn = 0] = input.strides;
  const last = axes.at(-1);
  const tap = tapIndex(axes);
  const placeOf = (axis: Axis): string => {
    const { letter, stride, dilation, pad, kernel } = axis;
    const pixel = axis === last && p > 0 ? `(o${letter} + ${p})` : `o${letter}`;
    const terms = sumOf([
      axis.output > 1 ? scaled(pixel, stride) : "",
      kernel > 1 ? scaled(`k${letter}`, dilation) : "",
    ]);
    return pad === 0 ? terms : `${terms} - ${pad}`;
  };
  const inside = axes.flatMap((axis) => {
    const { letter, input: extent, output, kernel, stride, dilation, pad } = axis;
    const most = (output - 1) * stride + (kernel - 1) * dilation - pad;
    return [
      ...(pad > 0 ? [`i${letter} >= 0`] : []),
      ...(most >= extent ? [`i${letter} < ${extent}`] : []),
    ];
  });
  const from = sumOf([
    String(input.offset),
    batch > 1 ? scaled("n", batchIn) : "",
    groups > 1 ? scaled("g", inputs * channelIn) : "",
    ...axes.map(({ letter, inputStep }) => scaled(`i${letter}`, inputStep)),
    inputs > 1 ? scaled("c", channelIn) : "",
  ]);
  const to = sumOf([
    p === 0 ? "" : String(p * size),
    tap === "0" ? "" : scaled(tap.includes("+") ? `(${tap})` : tap, inputs),
    inputs > 1 ? "c" : "",
  ]);
  const element = `${input.array.name}[${from}]`;
  const put = (value: string): Code => {
    const one = `${column.name}[${to}] = ${value};`;
    return inputs > 1 ? loop("c", inputs, one) : one;
  };
  const copy: Code =
    inside.length === 0
      ? put(element)
      : [block(`if (${inside.join(" && ")})`, put(element)), block("else", put("0"))];
  return overTaps(axes, (axis) => [`const int32_t i${axis.letter} = ${placeOf(axis)};`], copy);
}

/** Rows of a matrix: weights in the order output, input. */
export function multiplyDense(
  shape: MatrixShape,
  weights: Weights,
  sign: 1 | -1,
): Code {
  const { rows, inputs, outputs, input, output } = shape;
  const place = sumOf([
    String(input.offset),
    rows.count > 1 ? scaled("r", rows.inputStep) : "",
    scaled("k", rows.elementStep),
  ]);
  const sums = sumOf([String(output.offset), rows.count > 1 ? scaled("r", rows.outputStep) : ""]);
  const body = products({
    size: inputs,
    outputs,
    weights,
    from: "",
    operands: [`${input.array.name}[${place}]`],
    sum: (_, o) => `${output.array.name}[${sumOf([sums, scaledOf(o, rows.channelStep)])}]`,
    sign,
  });
  return rows.count > 1 ? loop("r", rows.count, body) : body;
}

interface Products {
  readonly size: number;
  readonly outputs: number;
  readonly weights: Weights;
  /** Where the weights begin. */
  readonly from: string;
  /** Element k of each row that the weights are multiplied with. */
  readonly operands: readonly string[];
  sum(p: number, o: string): string;
  readonly sign: 1 | -1;
}

/** Products of each operand with all rows of weights, some rows at a time and the rest one by one. */
function products(of: Products): Code {
  const { outputs } = of;
  const inBlocks = outputs - (outputs % together.outputs);
  const blocks: Code[] = [];
  if (inBlocks > 0) {
    const head = `for (int32_t o = 0; o < ${inBlocks}; o += ${together.outputs})`;
    blocks.push(block(head, rowsTogether(of, "o", together.outputs)));
  }
  if (inBlocks < outputs) {
    const head = `for (int32_t o = ${inBlocks}; o < ${outputs}; o++)`;
    blocks.push(block(head, rowsTogether(of, "o", 1)));
  }
  return blocks;
}

function rowsTogether(
  { size, weights, from, operands, sum, sign }: Products,
  o: string,
  count: number,
): Code {
  const rows = Array.from({ length: count }, (_, j) => j);
  const name = (p: number, j: number): string => `s${operands.length > 1 ? p : ""}${j}`;
  const names = operands.flatMap((_, p) => rows.map((j) => name(p, j)));
  const first = sumOf([from, scaled(o, size)]);
  return [
    `int32_t ${names.map((each) => `${each} = 0`).join(", ")};`,
    loop("k", size, [
      rows.map((j) => {
        const at = sumOf([first, j === 0 ? "" : String(j * size), "k"]);
        return `const int32_t w${j} = ${weights.at(at)};`;
      }),
      operands.flatMap((operand, p) => rows.map((j) => `${name(p, j)} += ${operand} * w${j};`)),
    ]),
    operands.flatMap((_, p) =>
      rows.map((j) => {
        const target = sum(p, j === 0 ? o : `(${o} + ${j})`);
        return `${target} ${sign === 1 ? "+=" : "-="} ${name(p, j)};`;
      }),
    ),
  ];
}

function scaledOf(index: string, stride: number): string {
  return scaled(index, stride);
}
