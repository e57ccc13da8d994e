/**
 * What of the planes of words has to be there before any is stored: the halo of bytes of 0, or of what is added to
 * words. The words themselves are all stored, unless timesteps are left out: then all is cleared.
 */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { pointerTo } from "../../assembler/memory.ts";
import {
  type WordPlanes,
  wordOffset,
  wordPixelBytes,
  wordPlaneBytes,
  wordRowBytes,
} from "../../memory/words.ts";

/** Bytes between two rows up to which they are written by stores: above, memory is filled. */
const mostStored = 256;

/** Sets the halo of all timesteps, and what is read behind the last word. */
export function clearWords(code: FunctionWriter, planes: WordPlanes): void {
  const { i32, memory } = code.wasm;
  const { buffer, grid, bias, steps } = planes;
  const [pixel, row, plane] = [
    wordPixelBytes(planes),
    wordRowBytes(planes),
    wordPlaneBytes(planes),
  ];
  const fill = (from: number, to: number): void => {
    if (to <= from) return;
    const start = i32.add(at.get(), code.int(buffer.address + from));
    code.push(memory.fill(start, code.int(bias), code.int(to - from)));
  };
  const at = pointerTo(code, buffer);
  const first = wordOffset(planes, 0, 0);
  const end = wordOffset(planes, grid.rows - 1, grid.columns);
  const gap = row - grid.columns * pixel;
  // Of a buffer that is little else than halo there is nothing to be left out.
  if (gap > mostStored || grid.columns === 1) {
    fill(0, buffer.bytes);
    return;
  }
  code.times(steps, () => {
    fill(0, first);
    if (gap > 0 && grid.rows > 1) clearBetweenRows(code, planes, at, gap);
    fill(end, plane);
    at.step(plane);
  });
  fill(0, buffer.bytes - steps * plane);
}

/** Sets the bytes between the last pixel of each row but the last and the first of the next. */
function clearBetweenRows(
  code: FunctionWriter,
  planes: WordPlanes,
  plane: Local,
  gap: number,
): void {
  const { v128, i8x16 } = code.wasm;
  const { buffer, grid, bias } = planes;
  const value = code.define("v128", i8x16.splat(code.int(bias)));
  const at = code.define("i32", plane.get());
  const first = buffer.address + wordOffset(planes, 0, grid.columns);
  code.times(grid.rows - 1, () => {
    let done = 0;
    for (; done + 16 <= gap; done += 16) {
      code.push(v128.store(first + done, 1, at.get(), value.get()));
    }
    // Pixels are whole blocks of eight channels.
    if (done < gap) code.push(v128.store64_lane(first + done, 1, 0, at.get(), value.get()));
    at.step(wordRowBytes(planes));
  });
}
