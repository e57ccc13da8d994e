/** Zeros around masks of spikes, for windows that reach over the grid. */
import { onFirstThread } from "../../assembler/memory.ts";
import type { FunctionWriter } from "../../assembler/code.ts";
import { type SpikeMasks, maskBuffers } from "../../memory/spikes.ts";
import type { Buffer } from "../../memory/view.ts";

/** Zeros around the masks, by the first thread. */
export function clearMaskHalo(code: FunctionWriter, masks: SpikeMasks): void {
  const { halo } = masks;
  if (halo.top + halo.left + halo.bottom + halo.right === 0) return;
  onFirstThread(code, () => {
    for (const buffer of maskBuffers(masks)) clearAround(code, masks, buffer);
  });
}

function clearAround(code: FunctionWriter, masks: SpikeMasks, buffer: Buffer): void {
  const { wasm } = code;
  const { halo, grid } = masks;
  const pixel = masks.steps * masks.maskBytes;
  const row = pixel * (halo.left + grid.columns + halo.right);
  const arena = wasm.global.get("arena", code.assembler.typeOf("i32"));
  const start = code.define("i32", wasm.i32.add(arena, code.int(buffer.address)));
  const fill = (at: () => number, offset: number, bytes: number): void => {
    if (bytes === 0) return;
    code.push(wasm.memory.fill(wasm.i32.add(at(), code.int(offset)), code.int(0), code.int(bytes)));
  };
  fill(() => start.get(), 0, row * halo.top);
  fill(() => start.get(), row * (halo.top + grid.rows), row * halo.bottom);
  const at = code.define("i32", wasm.i32.add(start.get(), code.int(row * halo.top)));
  code.times(grid.rows, () => {
    fill(() => at.get(), 0, pixel * halo.left);
    fill(() => at.get(), pixel * (halo.left + grid.columns), pixel * halo.right);
    at.step(row);
  });
}
