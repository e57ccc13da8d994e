/** Words as values: what each is worth, as i32. */
import type { FunctionWriter } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import {
  type WordPlanes,
  wordOffset,
  wordPixelBytes,
  wordPlaneBytes,
  wordRowBytes,
} from "../../memory/words.ts";
import type { GridView } from "../neurons/population-form.ts";
import type { Rows } from "./form.ts";

/** Writes every timestep of `words` into `target`, four channels at a time; threads share rows. */
export function expandWords(
  code: FunctionWriter,
  words: WordPlanes,
  worth: Rows,
  target: GridView,
): void {
  const { i32, i32x4, v128 } = code.wasm;
  const { grid, bytes, bias } = words;
  const share = shareOf(code, grid.rows);
  const time = code.define("i32", code.int(0));
  const row = code.local("i32");
  code.times(words.steps, () => {
    const when = code.define("i32", i32.add(code.parameter(2).get(), time.get()));
    code.when(i32.gt_s(when.get(), code.int(worth.rows - 1)), () => {
      when.set(code.int(worth.rows - 1));
    });
    const scale = code.define("i32", i32.mul(when.get(), code.int(worth.bytesPerRow)));
    row.set(share.from.get());
    code.upTo(
      row,
      () => share.to.get(),
      1,
      () => {
        const from = pointerTo(code, words.buffer);
        from.advance(i32.mul(row.get(), code.int(wordRowBytes(words))));
        from.advance(i32.mul(time.get(), code.int(wordPlaneBytes(words))));
        const to = pointerTo(code, target.view.buffer);
        to.advance(i32.mul(row.get(), code.int(4 * target.rowStride)));
        to.advance(i32.mul(time.get(), code.int(4 * target.view.lead)));
        code.times(grid.columns, () => {
          const [w, y, s] = [from, to, scale].map((local) => code.define("i32", local.get()));
          if (w === undefined || y === undefined || s === undefined) return;
          const emit = (lanes: number): void => {
            const at = words.buffer.address + wordOffset(words, 0, 0);
            const four = (): number => {
              if (bytes === 2) return v128.load16x4_s(at, 1, w.get());
              // A group of four bytes, each to 32 bits.
              const short = code.wasm.i16x8.extend_low_i8x16_u(v128.load32_zero(at, 1, w.get()));
              return i32x4.extend_low_i16x8_u(short);
            };
            const word = i32x4.sub(four(), i32x4.splat(code.int(bias)));
            const value = code.define(
              "v128",
              i32x4.mul(word, v128.load(worth.buffer.address, 4, s.get())),
            );
            storeLanes(
              code,
              placeOf(target.view),
              () => y.get(),
              () => value.get(),
              lanes,
            );
            w.step(4 * bytes);
            y.step(4 * lanes);
            s.step(16);
          };
          code.times(Math.floor(grid.channels / 4), () => {
            emit(4);
          });
          if (grid.channels % 4 > 0) emit(grid.channels % 4);
          from.step(wordPixelBytes(words));
          to.step(4 * target.columnStride);
        });
      },
    );
    time.step(1);
  });
}
