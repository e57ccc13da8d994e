/**
 * Max-pooling over time of spikes that are all worth the same within a channel: the sums of a window
 * are then counts, the greatest of which grows by one or not at all, so that pools of spikes are
 * spikes too. Masks go in, masks come out.
 */
import { invariant, known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { pointerTo, shareOf } from "../../assembler/memory.ts";
import { type SpikeMasks, pixelBytes, pixelOffset, rowBytes } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";

type Pair = readonly [number, number];

export interface SpikePool {
  readonly from: SpikeMasks;
  readonly to: SpikeMasks;
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly stride: Pair;
  /** Row and column of the first tap of the first window; may lie in the halo, which never spikes. */
  readonly origin: Pair;
  /** Counts as they are carried from chunk to chunk, `countBytes` long; null where there is one. */
  readonly counts: Buffer | null;
}

/** Most taps of a window: their counts stay in registers. */
export const mostPoolTaps = 16;

/** Timesteps that counts of 8 bits can hold. */
export const mostNarrowSteps = 255;

/** Bytes of counts to be carried: 32 bits for each channel of each tap and of the greatest. */
export function countBytes(pool: Pick<SpikePool, "to" | "kernel">): number {
  const { grid, maskBytes } = pool.to;
  return grid.rows * grid.columns * maskBytes * unitCountBytes(pool);
}

/** Bytes of the counts of one byte of channels. */
function unitCountBytes({ kernel }: Pick<SpikePool, "kernel">): number {
  return 32 * (kernel[0] * kernel[1] + 1);
}

/** Emits the loops; threads share rows of windows. */
export function poolSpikes(code: FunctionWriter, pool: SpikePool): void {
  const { i32 } = code.wasm;
  const { from, to, stride } = pool;
  const { rows, columns } = to.grid;
  const share = shareOf(code, rows);
  // Two bytes of channels at once where counts are narrow and there are as many.
  const unit = pool.counts === null && to.maskBytes % 2 === 0 ? 2 : 1;
  const row = code.define("i32", share.from.get());
  const source = pointerTo(code, from.buffer);
  source.advance(i32.mul(row.get(), code.int(stride[0] * rowBytes(from))));
  const target = pointerTo(code, to.buffer);
  target.advance(i32.mul(row.get(), code.int(rowBytes(to))));
  const carried = pool.counts === null ? null : pointerTo(code, pool.counts);
  const perPixel = to.maskBytes * unitCountBytes(pool);
  carried?.advance(i32.mul(row.get(), code.int(columns * perPixel)));
  code.upTo(
    row,
    () => share.to.get(),
    1,
    () => {
      const x = code.define("i32", source.get());
      const y = code.define("i32", target.get());
      code.times(columns, () => {
        const [px, py] = [code.define("i32", x.get()), code.define("i32", y.get())];
        code.times(to.maskBytes / unit, () => {
          if (carried === null) emitNarrow(code, pool, px, py, unit);
          else {
            emitWide(code, pool, px, py, carried);
            carried.step(unitCountBytes(pool));
          }
          px.step(unit);
          py.step(unit);
        });
        x.step(stride[1] * pixelBytes(from));
        y.step(pixelBytes(to));
      });
      source.step(stride[0] * rowBytes(from));
      target.step(rowBytes(to));
    },
  );
}

/** Offsets of the taps of a window from the pointer to it. */
function tapOffsets({ from, kernel, dilation, origin }: SpikePool): readonly number[] {
  const offsets: number[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const place = pixelOffset(
        from,
        origin[0] + row * dilation[0],
        origin[1] + column * dilation[1],
      );
      offsets.push(from.buffer.address + place);
    }
  }
  return offsets;
}

/** All timesteps of one window, 16 channels (or 8) in the bytes of a vector. */
function emitNarrow(code: FunctionWriter, pool: SpikePool, x: Local, y: Local, unit: number): void {
  const { i32, i8x16, i16x8, v128 } = code.wasm;
  const { from, to } = pool;
  invariant(to.steps <= mostNarrowSteps, "more timesteps than a byte counts");
  const offsets = tapOffsets(pool);
  const place = to.buffer.address + pixelOffset(to, 0, 0);
  const bits = Array.from({ length: 16 }, (_, lane) => 2 ** (lane % 8));
  const bytes = Array.from({ length: 16 }, (_, lane) => (lane < 8 ? 0 : 1));
  code.borrow("v128", offsets.length + 3, (locals) => {
    const counts = locals.slice(3);
    const [greatest, before, lanes] = [
      known(locals[0], "the greatest"),
      known(locals[1], "the greatest before"),
      known(locals[2], "lanes"),
    ];
    for (const local of [...counts, greatest]) local.set(zeros(code));
    const [at, out] = [code.define("i32", x.get()), code.define("i32", y.get())];
    code.times(to.steps, () => {
      before.set(greatest.get());
      counts.forEach((count, tap) => {
        const offset = known(offsets[tap], "a tap");
        const mask =
          unit === 2 ? i32.load16_u(offset, 1, at.get()) : i32.load8_u(offset, 1, at.get());
        lanes.set(i16x8.splat(mask));
        const spread = i8x16.shuffle(lanes.get(), lanes.get(), bytes);
        lanes.set(v128.and(spread, v128.const(bits)));
        // All ones, that is −1, where the channel's bit is set.
        count.set(i8x16.sub(count.get(), i8x16.eq(lanes.get(), v128.const(bits))));
        greatest.set(i8x16.max_u(greatest.get(), count.get()));
      });
      const grown = i8x16.bitmask(i8x16.ne(greatest.get(), before.get()));
      code.push(
        unit === 2
          ? i32.store16(place, 1, out.get(), grown)
          : i32.store8(place, 1, out.get(), grown),
      );
      at.step(from.maskBytes);
      out.step(to.maskBytes);
    });
  });
}

function zeros(code: FunctionWriter): Expr {
  return code.wasm.v128.const(new Array<number>(16).fill(0));
}

/** All timesteps of a chunk for one window, 8 channels in two vectors of 32-bit counts. */
function emitWide(code: FunctionWriter, pool: SpikePool, x: Local, y: Local, carried: Local): void {
  const { i32, i32x4, v128 } = code.wasm;
  const { from, to, counts } = pool;
  const offsets = tapOffsets(pool);
  const state = known(counts, "carried counts").address;
  const place = to.buffer.address + pixelOffset(to, 0, 0);
  const bitsOf = (half: number): Expr =>
    v128.const([0, 1, 2, 3].flatMap((lane) => [2 ** (4 * half + lane), 0, 0, 0]));
  // The greatest, then each tap, two halves each.
  const held = code.several(2 * (offsets.length + 1), "v128");
  held.forEach((local, i) => {
    local.set(v128.load(state + 16 * i, 4, carried.get()));
  });
  const [at, out] = [code.define("i32", x.get()), code.define("i32", y.get())];
  const before = code.local("v128");
  const mask = code.local("v128");
  const grown = code.local("i32");
  code.times(to.steps, () => {
    grown.set(code.int(0));
    for (const half of [0, 1]) {
      const greatest = known(held[half], "the greatest");
      before.set(greatest.get());
      offsets.forEach((offset, tap) => {
        const count = known(held[2 * (tap + 1) + half], "a count");
        mask.set(v128.and(i32x4.splat(i32.load8_u(offset, 1, at.get())), bitsOf(half)));
        count.set(i32x4.sub(count.get(), i32x4.eq(mask.get(), bitsOf(half))));
        greatest.set(i32x4.max_s(greatest.get(), count.get()));
      });
      const bits = i32x4.bitmask(i32x4.ne(greatest.get(), before.get()));
      grown.set(i32.or(grown.get(), i32.shl(bits, code.int(4 * half))));
    }
    code.push(i32.store8(place, 1, out.get(), grown.get()));
    at.step(from.maskBytes);
    out.step(to.maskBytes);
  });
  held.forEach((local, i) => {
    code.push(v128.store(state + 16 * i, 4, carried.get(), local.get()));
  });
}
