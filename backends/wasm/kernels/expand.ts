/** Spikes as numbers: what one is worth where its bit is set, less that for −1, zero elsewhere. */
import { type GridView } from "./neurons/population-form.ts";
import { invariant } from "../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../assembler/memory.ts";
import { type SpikeMasks, pixelBytes, pixelOffset, rowBytes, signsOf } from "../memory/spikes.ts";
import type { Parameters } from "./neurons/firing.ts";
import { adderOf } from "./lanes.ts";

/**
 * Writes every timestep of `masks` into `target`; amplitudes are not padded. Eight channels at a
 * time, the bits of one byte. Threads share rows.
 */
export function expandSpikes(
  code: FunctionWriter,
  masks: SpikeMasks,
  amplitude: Parameters,
  target: GridView,
): void {
  const { i32 } = code.wasm;
  invariant(target.view.element !== "f64", "spikes as doubles");
  const { grid } = masks;
  const share = shareOf(code, grid.rows);
  const row = code.define("i32", share.from.get());
  const places = signsOf(masks).map(({ buffer }) => ({
    bits: code.local("v128"),
    address: buffer.address + pixelOffset(masks, 0, 0),
  }));
  code.upTo(
    row,
    () => share.to.get(),
    1,
    () => {
      const from = pointerTo(code, masks.buffer);
      from.advance(i32.mul(row.get(), code.int(rowBytes(masks))));
      const to = pointerTo(code, target.view.buffer);
      to.advance(i32.mul(row.get(), code.int(4 * target.rowStride)));
      const worth = pointerTo(code, amplitude.buffer);
      worth.advance(i32.mul(row.get(), code.int(amplitude.pixelStride * grid.columns)));
      code.times(grid.columns, () => {
        const out = code.define("i32", to.get());
        const mask = code.define("i32", from.get());
        code.times(masks.steps, () => {
          const [y, a] = [code.define("i32", out.get()), code.define("i32", worth.get())];
          const byte = code.define("i32", mask.get());
          const emit = (channels: number): void => {
            emitByte(code, places, amplitude, target, { byte, y, a }, channels);
            byte.step(1);
            y.step(4 * channels);
            a.step(4 * channels);
          };
          code.times(Math.floor(grid.channels / 8), () => {
            emit(8);
          });
          if (grid.channels % 8 > 0) emit(grid.channels % 8);
          out.step(4 * target.view.lead);
          mask.step(masks.maskBytes);
        });
        to.step(4 * target.columnStride);
        worth.step(amplitude.pixelStride);
        from.step(pixelBytes(masks));
      });
    },
  );
}

/** Masks of one sign: where they are, and the byte at hand in all lanes. */
interface Signed {
  readonly address: number;
  readonly bits: Local;
}

interface ExpandPointers {
  readonly byte: Local;
  readonly y: Local;
  readonly a: Local;
}

/** The first `channels` of the eight in one byte. */
function emitByte(
  code: FunctionWriter,
  signs: readonly Signed[],
  amplitude: Parameters,
  target: GridView,
  { byte, y, a }: ExpandPointers,
  channels: number,
): void {
  const { i32, i32x4, v128 } = code.wasm;
  for (const { bits, address } of signs) {
    bits.set(i32x4.splat(i32.load8_u(address, 1, byte.get())));
  }
  const subtract = adderOf(code, target.view.element === "f32" ? "f32" : "i32", -1);
  for (let first = 0; first < channels; first += 4) {
    const lanes = [0, 1, 2, 3].flatMap((lane) => [2 ** (first + lane), 0, 0, 0]);
    const worth = ({ bits }: Signed): Expr => {
      const set = i32x4.eq(v128.and(bits.get(), v128.const(lanes)), v128.const(lanes));
      return v128.and(set, v128.load(amplitude.buffer.address + 4 * first, 4, a.get()));
    };
    storeLanes(
      code,
      placeOf(target.view, first),
      () => y.get(),
      () => signs.map(worth).reduce(subtract),
      Math.min(4, channels - first),
    );
  }
}
