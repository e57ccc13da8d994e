/**
 * Synapses of values that are seldom 0: each sum is a product of two rows, of a window's values and of
 * weights. Windows are put in order first, with zeros where they hang over the edge, so that the innermost
 * loop is one that compilers make vectors of.
 */
import { type Code, block, loop, scaled, sumOf } from "../../text/code.ts";
import type { CArray } from "../arrays.ts";
import type { MatrixShape } from "./events.ts";
import {
  type Axis,
  type Geometry,
  type InputIndex,
  inputOf,
  minus,
  overTaps,
  stepped,
  tapIndex,
} from "./geometry.ts";
import type { Weights } from "./weights.ts";

/**
 * Windows that are taken together, and rows of weights: eight sums in registers of four, as many as the
 * oldest x86 has beside what they are made of. Windows share the weights, which have to be widened.
 */
const together = [
  { windows: 4, rows: 2 },
  { windows: 2, rows: 4 },
] as const;

/** Of a window alone four rows: more would be more to read than to save. */
const alone = { windows: 1, rows: 4 } as const;

/** How many windows of `count` are taken together. */
export function windowsTogether(count: number): number {
  return together.find(({ windows }) => count % windows === 0)?.windows ?? alone.windows;
}

function rowsFor(windows: number): number {
  return together.find((each) => each.windows === windows)?.rows ?? alone.rows;
}

/** Values of a window as they are put in order: whole vectors of eight where that adds little. */
export function paddedSize(size: number): number {
  return size > 16 ? Math.ceil(size / 8) * 8 : size;
}

export interface Windows {
  /** `count` windows, each of `size` values. */
  readonly array: CArray;
  readonly count: number;
  readonly size: number;
}

/** Whether the results of a channel lie evenly, so that they can be numbered. */
export function isNumbered({ isTransposed, axes }: Geometry): boolean {
  return (
    !isTransposed &&
    axes.every(({ outputStep, output }, i) => {
      const next = axes[i + 1];
      return next === undefined || output === 1 || outputStep === stepOf(axes.slice(i + 1));
    })
  );
}

/** Elements from one index of the axis before `axes` to the next, where all lie evenly. */
function stepOf(axes: readonly Axis[]): number {
  const varying = axes.filter(({ output }) => output > 1);
  const innermost = varying.at(-1)?.outputStep ?? axes.at(-1)?.outputStep ?? 1;
  return varying.reduce((product, { output }) => product * output, Math.max(1, innermost));
}

/**
 * A convolution whose windows are put in order, of results that are numbered (`isNumbered`); weights by output, in rows of
 * `windows.size`.
 */
export function convolveDense(
  geometry: Geometry,
  weights: Weights,
  windows: Windows,
  sign: 1 | -1,
): Code {
  const { batch, groups, inputs, outputs, axes, taps, output } = geometry;
  const { array, count, size } = windows;
  const [batchOut = 0, channelOut = 0] = output.strides;
  const step = axes.findLast((axis) => axis.output > 1)?.outputStep ?? 0;
  const results = axes.reduce((product, axis) => product * axis.output, 1);
  const each = Array.from({ length: count }, (_, p) => p);
  const base = sumOf([
    String(output.offset),
    batch > 1 ? scaled("n", batchOut) : "",
    groups > 1 ? scaled("g", outputs * channelOut) : "",
    results > 1 ? scaled("pixel", step) : "",
  ]);
  const sums = each.map((p) => sumOf([base, p === 0 ? "" : String(p * step)]));
  const operands = each.map(
    (p) => `${array.name}[${sumOf([p === 0 ? "" : String(p * size), "k"])}]`,
  );
  const body: Code = [
    gathered(geometry, windows),
    `${array.type} any = 0;`,
    loop("k", count * size, `any = (${array.type})(any | ${array.name}[k]);`),
    "if (any == 0) continue;",
    products(
      {
        size,
        outputs,
        weights,
        from: groups > 1 ? `g * ${outputs * size}` : "",
        operands,
        sum: (p, o) => `${output.array.name}[${sumOf([sums[p] ?? "", scaled(o, channelOut)])}]`,
        sign,
      },
      rowsFor(count),
    ),
  ];
  const grouped = groups > 1 ? loop("g", groups, body) : body;
  const head = `for (int32_t pixel = 0; pixel < ${results}; pixel += ${count})`;
  const plane = count === 1 ? loop("pixel", results, grouped) : block(head, grouped);
  const whole = batch > 1 ? loop("n", batch, plane) : plane;
  const isPadded = size > taps * inputs;
  return isPadded ? [loop("k", count * size, `${array.name}[k] = 0;`), whole] : whole;
}

/** Whether the values of a window along the innermost axis lie behind each other, channels and all. */
function hasRows({ groups, inputs, axes, input }: Geometry): boolean {
  const last = axes.at(-1);
  const [, channelIn = 0] = input.strides;
  if (last === undefined || groups > 1 || last.dilation > 1) return false;
  return (inputs === 1 || channelIn === 1) && (last.input === 1 || last.inputStep === inputs);
}

/** The windows behind the current one in the order of taps and inputs; 0 where they hang over the edge. */
function gathered(geometry: Geometry, windows: Windows): Code {
  const { batch, groups, inputs, axes, input } = geometry;
  const { array, count, size } = windows;
  const [batchIn = 0, channelIn = 0] = input.strides;
  const at = new Map(axes.map((axis): [typeof axis, InputIndex] => [axis, inputOf(axis)]));
  const indexOf = (axis: Axis): string => stepped(at.get(axis)?.index ?? "0", axis.inputStep);
  const from = (inner: readonly string[], along: readonly Axis[]): string =>
    sumOf([
      String(input.offset),
      batch > 1 ? scaled("n", batchIn) : "",
      groups > 1 ? scaled("g", inputs * channelIn) : "",
      ...along.map(indexOf),
      ...inner,
    ]);
  const to = (inner: readonly string[], along: readonly Axis[], step: number): string =>
    sumOf([count > 1 ? scaled("p", size) : "", stepped(tapIndex(along), step), ...inner]);
  const last = axes.at(-1);
  const lines = (axis: Axis): readonly Code[] => at.get(axis)?.lines ?? [];
  const outside = (along: readonly Axis[]): string =>
    along.flatMap((axis) => at.get(axis)?.outside ?? []).join(" || ");
  let window: Code;
  if (last !== undefined && hasRows(geometry)) {
    const outer = axes.slice(0, -1);
    const length = last.input * inputs;
    const missing = outside(outer);
    const begin = minus(
      last.output > 1 ? scaled(`o${last.letter}`, last.stride * inputs) : "0",
      last.pad * inputs,
    );
    const place = to([], outer, last.kernel * inputs);
    const row = from([], outer);
    const target = place === "0" ? array.name : `&${array.name}[${place}]`;
    const source = row === "0" ? input.array.name : `&${input.array.name}[${row}]`;
    const call = (of: string, values: number): string =>
      `row_of_${input.array.type}(${target}, ${of}, ${begin}, ${last.kernel * inputs}, ${values});`;
    const take: Code =
      missing === ""
        ? call(source, length)
        : [
            block(`if (${missing})`, call(input.array.name, 0)),
            block("else", call(source, length)),
          ];
    window = overTaps(outer, lines, take);
  } else {
    const missing = outside(axes);
    const inner = inputs > 1 ? ["c"] : [];
    const target = `${array.name}[${to(inner, axes, inputs)}]`;
    const put = (value: string): Code => {
      const line = `${target} = ${value};`;
      return inputs > 1 ? loop("c", inputs, line) : line;
    };
    const copy = put(
      `${input.array.name}[${from(inputs > 1 ? [scaled("c", channelIn)] : [], axes)}]`,
    );
    const take: Code =
      missing === "" ? copy : [block(`if (${missing})`, put("0")), block("else", copy)];
    window = overTaps(axes, lines, take);
  }
  const pixel = count > 1 ? "(pixel + p)" : "pixel";
  const located = [...locating(axes, pixel), window];
  return count > 1 ? loop("p", count, located) : located;
}

/** The indices along each axis of the result that has this number. */
function locating(axes: readonly Axis[], pixel: string): readonly Code[] {
  let behind = axes.reduce((product, { output }) => product * output, 1);
  const all = behind;
  return axes.flatMap(({ letter, output }) => {
    const before = behind;
    behind /= output;
    if (output === 1) return [];
    const within = before === all ? pixel : `${pixel} % ${before}`;
    const index = behind === 1 ? within : `${within} / ${behind}`;
    return [`const int32_t o${letter} = ${index};`];
  });
}

/** Whether a program with these windows copies rows by the helper for their type. */
export function rowHelper(geometry: Geometry): string | null {
  return hasRows(geometry) ? `row_of_${geometry.input.array.type}` : null;
}

/** Rows of a matrix: weights in the order output, input. */
export function multiplyDense(shape: MatrixShape, weights: Weights, sign: 1 | -1): Code {
  const { rows, inputs, outputs, input, output } = shape;
  const place = sumOf([
    String(input.offset),
    rows.count > 1 ? scaled("r", rows.inputStep) : "",
    scaled("k", rows.elementStep),
  ]);
  const sums = sumOf([String(output.offset), rows.count > 1 ? scaled("r", rows.outputStep) : ""]);
  const body = products(
    {
      size: inputs,
      outputs,
      weights,
      from: "",
      operands: [`${input.array.name}[${place}]`],
      sum: (_, o) => `${output.array.name}[${sumOf([sums, scaled(o, rows.channelStep)])}]`,
      sign,
    },
    alone.rows,
  );
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

/** Products of each operand with all rows of weights, `atOnce` rows at a time and the rest one by one. */
function products(of: Products, atOnce: number): Code {
  const { outputs } = of;
  const inBlocks = outputs - (outputs % atOnce);
  const blocks: Code[] = [];
  if (inBlocks > 0) {
    const head = `for (int32_t o = 0; o < ${inBlocks}; o += ${atOnce})`;
    blocks.push(block(head, rowsTogether(of, "o", atOnce)));
  }
  if (inBlocks < outputs) {
    const head = `for (int32_t o = ${inBlocks}; o < ${outputs}; o++)`;
    blocks.push(block(head, rowsTogether(of, "o", 1)));
  }
  return blocks;
}

function rowsTogether(of: Products, o: string, count: number): Code {
  const { size, weights, from, operands, sign } = of;
  const rows = Array.from({ length: count }, (_, j) => j);
  const name = (p: number, j: number): string => `s${operands.length > 1 ? p : ""}${j}`;
  const names = operands.flatMap((_, p) => rows.map((j) => name(p, j)));
  const first = sumOf([from, scaled(o, size)]);
  const weight = (j: number): string =>
    weights.at(sumOf([first, j === 0 ? "" : String(j * size), "k"]));
  return [
    `int32_t ${names.map((each) => `${each} = 0`).join(", ")};`,
    loop("k", size, [
      rows.map((j) => `const int32_t w${j} = ${weight(j)};`),
      operands.flatMap((operand, p) => rows.map((j) => `${name(p, j)} += ${operand} * w${j};`)),
    ]),
    operands.flatMap((_, p) =>
      rows.map((j) => {
        const target = of.sum(p, j === 0 ? o : `(${o} + ${j})`);
        return `${target} ${sign === 1 ? "+=" : "-="} ${name(p, j)};`;
      }),
    ),
  ];
}
