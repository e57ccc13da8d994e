/**
 * Dense convolution and everything that is one: linear layers and products with a fixed matrix.
 * Register-blocked: a tile of output pixels by vectors of output channels stays in registers while
 * inputs are splat against rows of packed weights. Each output sums its taps in one fixed order,
 * whatever the tile, the thread or the timestep.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import type { Buffer, View } from "../../memory/view.ts";
import { addShorts } from "./shorts.ts";

/** What is done to a sum before it is stored. */
export interface Epilogue {
  /** Added after the bias, by output pixel; its channels are neighbours. */
  readonly add: Addend | null;
  readonly min: number;
  readonly max: number;
}

/** A view of as many pixels as the output, with strides of its own, in elements. */
export interface Addend {
  readonly view: View;
  readonly rowStride: number;
  readonly columnStride: number;
}

export const plainEpilogue: Epilogue = { add: null, min: -Infinity, max: Infinity };

/** One axis along which windows slide. Strides are in elements. */
export interface SpatialAxis {
  readonly kernel: number;
  /** Windows, that is outputs. */
  readonly count: number;
  /** Elements of the input between neighbouring windows, and between neighbouring taps. */
  readonly windowStride: number;
  readonly tapStride: number;
  readonly outputStride: number;
}

/**
 * A convolution as strides, two spatial axes (extent 1 where there are fewer). The input's offset is
 * that of the first tap of the first window; all taps lie inside its buffer.
 */
export interface Convolution {
  readonly input: View;
  readonly output: View;
  readonly rows: SpatialAxis;
  readonly columns: SpatialAxis;
  readonly groups: number;
  /** Per group. */
  readonly inputChannels: number;
  readonly outputChannels: number;
  readonly inputChannelStride: number;
  /** Timesteps (or samples) to do. */
  readonly steps: number;
  /** As `packWeights`, or `packShorts` where inputs are short, lays them out for the tile that `tileOf` names. */
  readonly weights: Buffer;
  /** Whether all inputs and weights are integers of 16 bits: see `takesShorts`. */
  readonly areShort: boolean;
  readonly bias: Buffer;
  readonly epilogue: Epilogue;
}

/** Output pixels by vectors of four output channels that are summed at once. */
export interface Tile {
  readonly pixels: number;
  readonly vectors: number;
}

/** The tile for rows of `pixels` outputs: measured in docs/kernels.md. */
export function tileOf(pixels: number, outputChannels: number): Tile {
  const vectors = Math.ceil(outputChannels / 4);
  if (pixels >= 4) return { pixels: 4, vectors: Math.min(2, vectors) };
  if (pixels >= 2) return { pixels, vectors: Math.min(4, vectors) };
  return { pixels: 1, vectors: Math.min(8, vectors) };
}

/** Output channels in blocks of the tile's width; the last one may have fewer vectors. */
export function blocksOf(outputChannels: number, vectors: number): readonly number[] {
  const total = Math.ceil(outputChannels / 4);
  const blocks: number[] = [];
  for (let at = 0; at < total; at += vectors) blocks.push(Math.min(vectors, total - at));
  return blocks;
}

/**
 * Weights [group, block, tap row, tap column, input channel, lane], zero beyond the last channel.
 * `weightOf(output channel, input channel of the group, row, column)`.
 */
export function packWeights(
  shape: {
    readonly groups: number;
    readonly outputChannels: number;
    readonly inputChannels: number;
    readonly rows: number;
    readonly columns: number;
  },
  vectors: number,
  into: "f32" | "i32",
  weightOf: (output: number, input: number, row: number, column: number) => number,
): Float32Array | Int32Array {
  const { groups, outputChannels, inputChannels, rows, columns } = shape;
  const blocks = blocksOf(outputChannels, vectors);
  const lanes = blocks.reduce((sum, block) => sum + 4 * block, 0);
  const length = groups * lanes * rows * columns * inputChannels;
  const packed = into === "f32" ? new Float32Array(length) : new Int32Array(length);
  let at = 0;
  for (let group = 0; group < groups; group++) {
    let first = 0;
    for (const block of blocks) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          for (let input = 0; input < inputChannels; input++) {
            for (let lane = 0; lane < 4 * block; lane++, at++) {
              const output = first + lane;
              if (output >= outputChannels) continue;
              packed[at] = weightOf(group * outputChannels + output, input, row, column);
            }
          }
        }
      }
      first += 4 * block;
    }
  }
  return packed;
}

/** Emits the loops. The bias is packed as the weights are: per group, whole vectors. */
export function convolve(code: FunctionWriter, conv: Convolution): void {
  const { i32 } = code.wasm;
  const tile = tileOf(conv.columns.count, conv.outputChannels);
  const width = 4 * tile.vectors;
  const fullBlocks = Math.floor(conv.outputChannels / width);
  const lanesLeft = conv.outputChannels - fullBlocks * width;
  const rowsOfWeights = conv.rows.kernel * weightRowsOf(conv);
  // Rows go to threads; blocks of channels do where there is one row only.
  const byRows = conv.rows.count > 1;
  const share = shareOf(code, byRows ? conv.rows.count : fullBlocks + (lanesLeft > 0 ? 1 : 0));

  const emitBlock = (at: Cursor, index: Local, lanes: number): void => {
    const vectors = Math.ceil(lanes / 4);
    if (byRows) {
      const rows = at.copy();
      rows.skip(share.from, conv.rows, conv.epilogue.add?.rowStride ?? 0);
      const row = code.define("i32", share.from.get());
      code.upTo(
        row,
        () => share.to.get(),
        1,
        () => {
          emitRow(code, conv, rows.copy(), { tile, vectors, lanes });
          rows.move(1, conv.rows, conv.epilogue.add?.rowStride ?? 0);
        },
      );
    } else {
      const mine = i32.and(
        i32.ge_s(index.get(), share.from.get()),
        i32.lt_s(index.get(), share.to.get()),
      );
      code.when(mine, () => {
        emitRow(code, conv, at.copy(), { tile, vectors, lanes });
      });
    }
    at.step(0, 4 * lanes, 4 * lanes);
    at.weights.step(16 * vectors * rowsOfWeights);
    at.bias.step(16 * vectors);
    index.step(1);
  };

  const outer = Cursor.atStart(code, conv);
  code.times(conv.steps, () => {
    const group = outer.copy();
    code.times(conv.groups, () => {
      const block = group.copy();
      const index = code.define("i32", code.int(0));
      code.times(fullBlocks, () => {
        emitBlock(block, index, width);
      });
      if (lanesLeft > 0) emitBlock(block, index, lanesLeft);
      group.weights.set(block.weights.get());
      group.bias.set(block.bias.get());
      const outputs = 4 * conv.outputChannels;
      group.step(4 * conv.inputChannels * conv.inputChannelStride, outputs, outputs);
    });
    const added = conv.epilogue.add?.view.lead ?? 0;
    outer.step(4 * conv.input.lead, 4 * conv.output.lead, 4 * added);
  });
}

/** Pointers into everything a convolution touches, moved together. */
class Cursor {
  readonly input: Local;
  readonly output: Local;
  readonly add: Local | null;
  readonly weights: Local;
  readonly bias: Local;
  private readonly code: FunctionWriter;

  private constructor(
    code: FunctionWriter,
    pointers: Omit<Cursor, "copy" | "step" | "move" | "skip">,
  ) {
    this.code = code;
    this.input = pointers.input;
    this.output = pointers.output;
    this.add = pointers.add;
    this.weights = pointers.weights;
    this.bias = pointers.bias;
  }

  static atStart(code: FunctionWriter, conv: Convolution): Cursor {
    const { add } = conv.epilogue;
    return new Cursor(code, {
      input: pointerTo(code, conv.input.buffer),
      output: pointerTo(code, conv.output.buffer),
      add: add === null ? null : pointerTo(code, add.view.buffer),
      weights: pointerTo(code, conv.weights),
      bias: pointerTo(code, conv.bias),
    });
  }

  copy(): Cursor {
    const { code } = this;
    return new Cursor(code, {
      input: code.define("i32", this.input.get()),
      output: code.define("i32", this.output.get()),
      add: this.add === null ? null : code.define("i32", this.add.get()),
      weights: code.define("i32", this.weights.get()),
      bias: code.define("i32", this.bias.get()),
    });
  }

  /** Moves by bytes. */
  step(input: number, output: number, add: number): void {
    this.input.step(input);
    this.output.step(output);
    this.add?.step(add);
  }

  /** Moves by windows along an axis, a number known now. */
  move(windows: number, axis: SpatialAxis, addStride: number): void {
    const bytes = 4 * windows;
    this.step(bytes * axis.windowStride, bytes * axis.outputStride, bytes * addStride);
  }

  /** Moves by windows along an axis, a number that a local holds. */
  skip(windows: Local, axis: SpatialAxis, addStride: number): void {
    const { code } = this;
    const bytes = (stride: number): Expr => code.wasm.i32.mul(windows.get(), code.int(4 * stride));
    this.input.advance(bytes(axis.windowStride));
    this.output.advance(bytes(axis.outputStride));
    this.add?.advance(bytes(addStride));
  }
}

interface RowShape {
  readonly tile: Tile;
  readonly vectors: number;
  readonly lanes: number;
}

/**
 * One row of outputs for one block of channels; `at` is used up. A row that tiles do not fill ends
 * with a tile that computes some outputs again: a narrower one would take as long.
 */
function emitRow(code: FunctionWriter, conv: Convolution, at: Cursor, shape: RowShape): void {
  const { pixels } = shape.tile;
  const { columns } = conv;
  const addStride = conv.epilogue.add?.columnStride ?? 0;
  code.times(Math.floor(columns.count / pixels), () => {
    emitTile(code, conv, at, pixels, shape);
    at.move(pixels, columns, addStride);
  });
  const rest = columns.count % pixels;
  if (rest === 0) return;
  at.move(rest - pixels, columns, addStride);
  emitTile(code, conv, at, pixels, shape);
}

/** The sums of `pixels` neighbouring outputs. */
function emitTile(
  code: FunctionWriter,
  conv: Convolution,
  at: Cursor,
  pixels: number,
  { vectors, lanes }: RowShape,
): void {
  const { v128, i32 } = code.wasm;
  const float = conv.input.element === "f32";
  const unit = float ? code.wasm.f32x4 : code.wasm.i32x4;
  code.borrow("v128", pixels * vectors, (sums) => {
    const sumOf = (pixel: number, vector: number): Local =>
      known(sums[pixel * vectors + vector], "an accumulator");
    for (let vector = 0; vector < vectors; vector++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        sumOf(pixel, vector).set(v128.load(conv.bias.address + 16 * vector, 4, at.bias.get()));
      }
    }
    code.borrow("i32", 4, ([input, weights, end, row]) => {
      const [x, w, stop, start] = [
        known(input, "x"),
        known(weights, "w"),
        known(end, "end"),
        known(row, "row"),
      ];
      start.set(at.input.get());
      w.set(at.weights.get());
      code.times(conv.rows.kernel, () => {
        for (const run of runsOf(conv)) {
          if (conv.areShort) {
            x.set(i32.add(start.get(), code.int(4 * run.offset)));
            const shape = { pixels, vectors, windowStride: conv.columns.windowStride };
            addShorts(code, { ...conv, ...shape, length: run.length }, sums, x, w);
            continue;
          }
          x.set(i32.add(start.get(), code.int(4 * run.offset)));
          stop.set(i32.add(x.get(), code.int(4 * run.length * run.stride)));
          const unroll = run.length % 4 === 0 ? 4 : run.length <= 12 ? run.length : 1;
          const multiply = (): void => {
            for (let u = 0; u < unroll; u++) {
              emitTap(u, run.stride, x, w);
            }
          };
          const body = (): void => {
            // One pixel reads each weight once: memory is what it waits for, and zeros need none.
            if (pixels === 1 && unroll === 4 && run.stride === 1) {
              const four = v128.load(placeOf(conv.input), 4, x.get());
              const zeros = v128.const(new Array<number>(16).fill(0));
              const { f32x4, i32x4 } = code.wasm;
              const isZero = float ? f32x4.eq(four, zeros) : i32x4.eq(four, zeros);
              code.when(i32.eqz(i32x4.all_true(isZero)), multiply);
            } else multiply();
            x.step(4 * unroll * run.stride);
            w.step(16 * vectors * unroll);
          };
          if (unroll === run.length) body();
          else code.repeat(body, () => i32.lt_u(x.get(), stop.get()));
        }
        start.step(4 * conv.rows.tapStride);
      });
    });

    /** One element of each pixel's window against one row of weights. */
    function emitTap(u: number, stride: number, x: Local, w: Local): void {
      code.borrow("v128", vectors + 1, (temporaries) => {
        const splat = known(temporaries[vectors], "a temporary");
        for (let vector = 0; vector < vectors; vector++) {
          const row = known(temporaries[vector], "a temporary");
          row.set(v128.load(conv.weights.address + 16 * (vectors * u + vector), 4, w.get()));
        }
        for (let pixel = 0; pixel < pixels; pixel++) {
          const element = placeOf(conv.input, u * stride + pixel * conv.columns.windowStride);
          splat.set(v128.load32_splat(element, 4, x.get()));
          for (let vector = 0; vector < vectors; vector++) {
            const sum = sumOf(pixel, vector);
            const row = known(temporaries[vector], "a temporary");
            sum.set(unit.add(sum.get(), unit.mul(splat.get(), row.get())));
          }
        }
      });
    }

    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let vector = 0; vector < vectors; vector++) {
        const sum = sumOf(pixel, vector);
        emitEpilogue(code, conv, at, sum, pixel, vector);
        storeLanes(
          code,
          placeOf(conv.output, pixel * conv.columns.outputStride + 4 * vector),
          () => at.output.get(),
          () => sum.get(),
          Math.min(4, lanes - 4 * vector),
        );
      }
    }
  });
}

function emitEpilogue(
  code: FunctionWriter,
  conv: Convolution,
  at: Cursor,
  sum: Local,
  pixel: number,
  vector: number,
): void {
  const { v128, f32x4, i32x4, f32 } = code.wasm;
  const { add, min, max } = conv.epilogue;
  if (add !== null && at.add !== null) {
    const place = placeOf(add.view, pixel * add.columnStride + 4 * vector);
    const other = v128.load(place, 4, at.add.get());
    const unit = conv.input.element === "f32" ? f32x4 : i32x4;
    sum.set(unit.add(sum.get(), other));
  }
  // The order that keeps NaN: pmax(a, b) is a unless a < b.
  if (min !== -Infinity) sum.set(f32x4.pmax(sum.get(), f32x4.splat(f32.const(min))));
  if (max !== Infinity) sum.set(f32x4.pmin(sum.get(), f32x4.splat(f32.const(max))));
}

/** Vectors of weights of a row of taps, for each vector of outputs. */
function weightRowsOf(conv: Convolution): number {
  const runs = runsOf(conv);
  return runs.reduce(
    (sum, { length }) => sum + (conv.areShort ? Math.ceil(length / 2) : length),
    0,
  );
}

interface TapRun {
  /** Elements from the first tap of the row. */
  readonly offset: number;
  readonly length: number;
  readonly stride: number;
}

/** The taps of one kernel row as runs of equally spaced inputs: one run where they join up. */
export function runsOf(
  conv: Pick<Convolution, "inputChannels" | "inputChannelStride" | "columns">,
): readonly TapRun[] {
  const { inputChannels: channels, inputChannelStride: stride, columns } = conv;
  if (columns.kernel === 1 || columns.tapStride === channels * stride) {
    return [{ offset: 0, length: columns.kernel * channels, stride }];
  }
  if (channels === 1) return [{ offset: 0, length: columns.kernel, stride: columns.tapStride }];
  return Array.from({ length: columns.kernel }, (_, tap) => ({
    offset: tap * columns.tapStride,
    length: channels,
    stride,
  }));
}
