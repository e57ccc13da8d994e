/**
 * 3 × 3 convolution with fewer multiplications: F(2 × 2, 3 × 3) of Lavin and Gray (2016). Tiles of
 * 4 × 4 inputs are transformed, multiplied channel by channel as 16 small matrix products, and
 * transformed back to 2 × 2 outputs: 16 products instead of 36. The products are convolve.ts's, with
 * the 16 positions as groups; here are the transforms.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf } from "../../assembler/memory.ts";
import type { Buffer, View } from "../../memory/view.ts";
import type { Epilogue } from "./convolve.ts";

/** Positions of a transformed tile. */
export const positions = 16;

/** The tiles of an image. Strides are in elements. */
export interface TileGrid {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly steps: number;
}

/** An image by pixel, channels as neighbours. */
export interface PixelView {
  readonly view: View;
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * G g Gᵀ of the 3 × 3 kernel at `from` of `weights`, row-major; position k goes to
 * `into[to + k · stride]`. G has the rows (1, 0, 0), (½, ½, ½), (½, −½, ½), (0, 0, 1).
 */
export function transformKernel(
  weights: ArrayLike<number>,
  from: number,
  into: Float32Array,
  to: number,
  stride: number,
): void {
  for (let row = 0; row < 4; row++) {
    const a = along(weights[from] ?? 0, weights[from + 3] ?? 0, weights[from + 6] ?? 0, row);
    const b = along(weights[from + 1] ?? 0, weights[from + 4] ?? 0, weights[from + 7] ?? 0, row);
    const c = along(weights[from + 2] ?? 0, weights[from + 5] ?? 0, weights[from + 8] ?? 0, row);
    for (let column = 0; column < 4; column++) {
      into[to + (4 * row + column) * stride] = along(a, b, c, column);
    }
  }
}

/** Row `row` of G times (a, b, c). */
function along(a: number, b: number, c: number, row: number): number {
  if (row === 0) return a;
  if (row === 3) return c;
  return row === 1 ? (a + b + c) / 2 : (a - b + c) / 2;
}

/**
 * Bᵀ d B of each tile into `tiles` [row, column, position, channel]. The input's offset is that of
 * the first tile's first element; all 4 × 4 patches lie in its buffer. Threads share rows of tiles.
 */
export function transformInput(
  code: FunctionWriter,
  input: PixelView,
  tiles: View,
  grid: TileGrid,
): void {
  const { v128, i32, f32x4 } = code.wasm;
  const { channels } = grid;
  const share = shareOf(code, grid.rows);
  const tileBytes = 4 * positions * channels;
  const [start, target] = [pointerTo(code, input.view.buffer), pointerTo(code, tiles.buffer)];
  start.advance(i32.mul(share.from.get(), code.int(8 * input.rowStride)));
  target.advance(i32.mul(share.from.get(), code.int(tileBytes * grid.columns)));
  const d = code.several(positions, "v128");
  const at = (row: number, column: number): Local => known(d[4 * row + column], "an element");
  code.times(grid.steps, () => {
    const from = code.define("i32", start.get());
    const to = code.define("i32", target.get());
    const row = code.define("i32", share.from.get());
    code.upTo(
      row,
      () => share.to.get(),
      1,
      () => {
        const x = code.define("i32", from.get());
        code.times(grid.columns, () => {
          const pointer = code.define("i32", x.get());
          code.times(channels / 4, () => {
            for (let r = 0; r < 4; r++) {
              for (let c = 0; c < 4; c++) {
                const place = placeOf(input.view, r * input.rowStride + c * input.columnStride);
                at(r, c).set(v128.load(place, 4, pointer.get()));
              }
            }
            for (let c = 0; c < 4; c++)
              emitAlong(
                code,
                [0, 1, 2, 3].map((r) => at(r, c)),
              );
            for (let r = 0; r < 4; r++)
              emitAlong(
                code,
                [0, 1, 2, 3].map((c) => at(r, c)),
              );
            d.forEach((value, k) => {
              code.push(v128.store(placeOf(tiles, k * channels), 4, to.get(), value.get()));
            });
            pointer.step(16);
            to.step(16);
          });
          to.step(tileBytes - 4 * channels);
          x.step(8 * input.columnStride);
        });
        from.step(8 * input.rowStride);
      },
    );
    start.step(4 * input.view.lead);
    target.step(4 * tiles.lead);
  });

  /** Bᵀ along one line: (d0 − d2, d1 + d2, d2 − d1, d1 − d3). */
  function emitAlong(_: FunctionWriter, line: readonly Local[]): void {
    const [a, b, c, e] = line.map((value) => known(value, "an element"));
    if (a === undefined || b === undefined || c === undefined || e === undefined) return;
    code.borrow("v128", 1, ([spare]) => {
      const sum = known(spare, "a temporary");
      a.set(f32x4.sub(a.get(), c.get()));
      e.set(f32x4.sub(b.get(), e.get()));
      sum.set(f32x4.add(b.get(), c.get()));
      c.set(f32x4.sub(c.get(), b.get()));
      b.set(sum.get());
    });
  }
}

/** The image that tiles are transformed back to. */
export interface TileOutput extends PixelView {
  readonly height: number;
  readonly width: number;
  /** Per channel. */
  readonly bias: Buffer;
  readonly epilogue: Epilogue;
}

/** Aᵀ m A of each tile [row, column, position, channel], plus bias and epilogue, into the output. */
export function transformOutput(
  code: FunctionWriter,
  tiles: View,
  output: TileOutput,
  grid: TileGrid,
): void {
  const { v128, i32, f32x4, f32 } = code.wasm;
  const { channels } = grid;
  const { add, min, max } = output.epilogue;
  const share = shareOf(code, grid.rows);
  const tileBytes = 4 * positions * channels;
  const start = pointerTo(code, tiles.buffer);
  start.advance(i32.mul(share.from.get(), code.int(tileBytes * grid.columns)));
  const target = pointerTo(code, output.view.buffer);
  target.advance(i32.mul(share.from.get(), code.int(8 * output.rowStride)));
  const other = add === null ? null : pointerTo(code, add.view.buffer);
  other?.advance(i32.mul(share.from.get(), code.int(8 * (add?.rowStride ?? 0))));
  const m = code.several(positions, "v128");
  const bias = code.local("v128");
  const at = (row: number, column: number): Local => known(m[4 * row + column], "an element");

  /** Aᵀ along one line: (m0 + m1 + m2, m1 − m2 − m3), left in its first two. */
  const emitAlong = (a: Local, b: Local, c: Local, e: Local): void => {
    a.set(f32x4.add(f32x4.add(a.get(), b.get()), c.get()));
    b.set(f32x4.sub(f32x4.sub(b.get(), c.get()), e.get()));
  };
  const emitTile = (
    height: number,
    width: number,
    from: Local,
    to: Local,
    plus: Local | null,
  ): void => {
    const x = code.define("i32", from.get());
    const y = code.define("i32", to.get());
    const z = plus === null ? null : code.define("i32", plus.get());
    const channel = code.define("i32", code.int(0));
    code.times(channels / 4, () => {
      m.forEach((value, k) => {
        value.set(v128.load(placeOf(tiles, k * channels), 4, x.get()));
      });
      bias.set(v128.load(output.bias.address, 4, channel.get()));
      for (let c = 0; c < 4; c++) emitAlong(at(0, c), at(1, c), at(2, c), at(3, c));
      for (let r = 0; r < height; r++) emitAlong(at(r, 0), at(r, 1), at(r, 2), at(r, 3));
      for (let r = 0; r < height; r++) {
        for (let c = 0; c < width; c++) {
          const value = at(r, c);
          value.set(f32x4.add(value.get(), bias.get()));
          if (add !== null && z !== null) {
            const place = placeOf(add.view, r * add.rowStride + c * add.columnStride);
            value.set(f32x4.add(value.get(), v128.load(place, 4, z.get())));
          }
          const bound = (limit: number): Expr => f32x4.splat(f32.const(limit));
          if (min !== -Infinity) value.set(f32x4.pmax(value.get(), bound(min)));
          if (max !== Infinity) value.set(f32x4.pmin(value.get(), bound(max)));
          const place = placeOf(output.view, r * output.rowStride + c * output.columnStride);
          code.push(v128.store(place, 4, y.get(), value.get()));
        }
      }
      for (const pointer of [x, y, z, channel]) pointer?.step(16);
    });
  };
  code.times(grid.steps, () => {
    const from = code.define("i32", start.get());
    const to = code.define("i32", target.get());
    const plus = other === null ? null : code.define("i32", other.get());
    const row = code.define("i32", share.from.get());
    const emitRow = (height: number): void => {
      const y = code.define("i32", to.get());
      const z = plus === null ? null : code.define("i32", plus.get());
      const advance = (): void => {
        from.step(tileBytes);
        y.step(8 * output.columnStride);
        z?.step(8 * (add?.columnStride ?? 0));
      };
      code.times(Math.floor(output.width / 2), () => {
        emitTile(height, 2, from, y, z);
        advance();
      });
      if (output.width % 2 === 1) {
        emitTile(height, 1, from, y, z);
        advance();
      }
      to.step(8 * output.rowStride);
      plus?.step(8 * (add?.rowStride ?? 0));
    };
    code.upTo(
      row,
      () => share.to.get(),
      1,
      () => {
        if (output.height % 2 === 0) emitRow(2);
        else {
          const whole = i32.lt_s(row.get(), code.int(Math.floor(output.height / 2)));
          code.when(
            whole,
            () => {
              emitRow(2);
            },
            () => {
              emitRow(1);
            },
          );
        }
      },
    );
    start.step(4 * tiles.lead);
    target.step(4 * output.view.lead);
    other?.step(4 * (add?.view.lead ?? 0));
  });
}
