/**
 * Windows that keep channels apart, four channels to a vector: depthwise convolution and the sums of
 * average pools. Taps on the halo read zeros, so no bounds are checked.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import type { Buffer, View } from "../../memory/view.ts";
import type { SpatialAxis } from "./convolve.ts";

/** A window over each channel by itself; both views have their channels as neighbours. */
export interface Channelwise {
  /** Its offset is that of the first tap of the first window. */
  readonly input: View;
  readonly output: View;
  readonly rows: SpatialAxis;
  readonly columns: SpatialAxis;
  readonly channels: number;
  readonly steps: number;
  /** [tap, channel], with whole vectors of channels. */
  readonly weights: Buffer;
  readonly bias: Buffer;
  readonly min: number;
  readonly max: number;
}

/** Output pixels of one channel vector that share loaded weights. */
const tilePixels = 4;

export function slideChannelwise(code: FunctionWriter, window: Channelwise): void {
  const { i32 } = code.wasm;
  const { rows, columns, channels } = window;
  const share = shareOf(code, rows.count);
  const [input, output] = [
    pointerTo(code, window.input.buffer),
    pointerTo(code, window.output.buffer),
  ];
  input.advance(i32.mul(share.from.get(), code.int(4 * rows.windowStride)));
  output.advance(i32.mul(share.from.get(), code.int(4 * rows.outputStride)));
  code.times(window.steps, () => {
    const x = code.define("i32", input.get());
    const y = code.define("i32", output.get());
    const row = code.define("i32", share.from.get());
    code.upTo(
      row,
      () => share.to.get(),
      1,
      () => {
        const tile = (pixels: number, px: Local, py: Local): void => {
          const channel = code.define("i32", code.int(0));
          const emit = (lanes: number): void => {
            emitTile(code, window, pixels, lanes, channel, px, py);
            channel.step(16);
          };
          code.times(Math.floor(channels / 4), () => {
            emit(4);
          });
          if (channels % 4 > 0) emit(channels % 4);
        };
        const px = code.define("i32", x.get());
        const py = code.define("i32", y.get());
        code.times(Math.floor(columns.count / tilePixels), () => {
          tile(tilePixels, px, py);
          px.step(4 * tilePixels * columns.windowStride);
          py.step(4 * tilePixels * columns.outputStride);
        });
        if (columns.count % tilePixels > 0) tile(columns.count % tilePixels, px, py);
        x.step(4 * rows.windowStride);
        y.step(4 * rows.outputStride);
      },
    );
    input.step(4 * window.input.lead);
    output.step(4 * window.output.lead);
  });
}

function emitTile(
  code: FunctionWriter,
  window: Channelwise,
  pixels: number,
  lanes: number,
  channel: Local,
  px: Local,
  py: Local,
): void {
  const { v128, i32, f32x4, i32x4, f32 } = code.wasm;
  const { rows, columns, weights, bias, input, output } = window;
  const unit = input.element === "f32" ? f32x4 : i32x4;
  const lanesOfRow = 16 * Math.ceil(window.channels / 4);
  code.borrow("v128", pixels + 1, (locals) => {
    const weight = known(locals[pixels], "a weight");
    const sums = locals.slice(0, pixels);
    code.borrow("i32", 3, ([at, from, taps]) => {
      const [x, row, w] = [known(at, "x"), known(from, "row"), known(taps, "w")];
      w.set(channel.get());
      row.set(i32.add(px.get(), channel.get()));
      for (const sum of sums) sum.set(v128.load(bias.address, 4, channel.get()));
      const tap = (offset: number, slot: number): void => {
        weight.set(v128.load(weights.address + slot * lanesOfRow, 4, w.get()));
        sums.forEach((sum, pixel) => {
          const place = placeOf(input, offset + pixel * columns.windowStride);
          const value = v128.load(place, 4, x.get());
          sum.set(unit.add(sum.get(), unit.mul(value, weight.get())));
        });
      };
      code.times(rows.kernel, () => {
        x.set(row.get());
        if (columns.kernel <= 8) {
          for (let column = 0; column < columns.kernel; column++) {
            tap(column * columns.tapStride, column);
          }
          w.step(columns.kernel * lanesOfRow);
        } else {
          code.times(columns.kernel, () => {
            tap(0, 0);
            x.step(4 * columns.tapStride);
            w.step(lanesOfRow);
          });
        }
        row.step(4 * rows.tapStride);
      });
    });
    sums.forEach((sum, pixel) => {
      const { min, max } = window;
      if (min !== -Infinity) sum.set(f32x4.pmax(sum.get(), f32x4.splat(f32.const(min))));
      if (max !== Infinity) sum.set(f32x4.pmin(sum.get(), f32x4.splat(f32.const(max))));
      const pointer = (): Expr => i32.add(py.get(), channel.get());
      storeLanes(
        code,
        placeOf(output, pixel * columns.outputStride),
        pointer,
        () => sum.get(),
        lanes,
      );
    });
  });
}
