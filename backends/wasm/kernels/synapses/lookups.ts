/**
 * Spikes through tables: eight channels' spikes are one byte, and for each of its 256 values the sum
 * of the weight rows that it stands for is there already. A timestep of a window costs one look-up
 * per byte, whatever has fired: no walk over bits and no branch that could be guessed wrong.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import {
  type SpikeMasks,
  maskBuffers,
  pixelBytes,
  pixelOffset,
  rowBytes,
} from "../../memory/spikes.ts";
import { tableRows, tablesPerGroup } from "../../memory/tables.ts";
import type { Buffer } from "../../memory/view.ts";
import { type LaneSums, adderOf, lanesPerVector, weightBytes } from "../lanes.ts";

/** A window of spikes that slides over a grid, and the tables of its weights. */
export interface TableWindow {
  readonly kind: "tables";
  readonly masks: SpikeMasks;
  readonly kernel: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly origin: readonly [number, number];
  /** [block, tap, byte of channels, value of the byte, lane]; one tap for all where shared. */
  readonly tables: Buffer;
  readonly sharedTaps: boolean;
}

/** Above this many look-ups of a window, taps become a loop of the generated code. */
const unrolledLookUps = 40;

/** Adds the spikes of one timestep. `pointer` is at the first window's pixel (0, 0) and timestep. */
export function emitLookUps(
  code: FunctionWriter,
  window: TableWindow,
  pointer: Local,
  block: Local,
  sums: LaneSums,
): void {
  const { i32 } = code.wasm;
  const { masks, kernel, dilation } = window;
  const bytes = tablesPerGroup(masks.grid.channels);
  const row = sums.locals.length * lanesPerVector(sums.mode) * weightBytes(sums.mode);
  const taps = kernel[0] * kernel[1];
  const oneTable = tableRows(masks.grid.channels) * row;
  const tapBytes = bytes * oneTable;
  const blockBytes = (window.sharedTaps ? 1 : taps) * tapBytes;
  const tables = code.define("i32", i32.mul(block.get(), code.int(blockBytes)));
  const [rowStep, columnStep] = [dilation[0] * rowBytes(masks), dilation[1] * pixelBytes(masks)];
  const origin = pixelOffset(masks, ...window.origin);
  const tap = (at: Local, offset: number, table: number): void => {
    for (let byte = 0; byte < bytes; byte++) {
      const place = origin + offset + byte;
      lookUp(code, window, at, place, tables, table + byte * oneTable, sums);
    }
  };
  if (taps * bytes <= unrolledLookUps) {
    for (let index = 0; index < taps; index++) {
      const [r, c] = [Math.floor(index / kernel[1]), index % kernel[1]];
      tap(pointer, r * rowStep + c * columnStep, window.sharedTaps ? 0 : index * tapBytes);
    }
    return;
  }
  const atRow = code.define("i32", pointer.get());
  code.times(kernel[0], () => {
    if (kernel[1] * bytes <= unrolledLookUps) {
      for (let c = 0; c < kernel[1]; c++) {
        tap(atRow, c * columnStep, window.sharedTaps ? 0 : c * tapBytes);
      }
      if (!window.sharedTaps) tables.step(kernel[1] * tapBytes);
    } else {
      const at = code.define("i32", atRow.get());
      code.times(kernel[1], () => {
        tap(at, 0, 0);
        at.step(columnStep);
        if (!window.sharedTaps) tables.step(tapBytes);
      });
    }
    atRow.step(rowStep);
  });
}

/** Adds the rows of one byte of channels: that of +1 less that of −1, so that sums wait only once. */
function lookUp(
  code: FunctionWriter,
  window: TableWindow,
  mask: Local,
  place: number,
  tables: Local,
  table: number,
  sums: LaneSums,
): void {
  const { i32, v128 } = code.wasm;
  const row = sums.locals.length * lanesPerVector(sums.mode) * weightBytes(sums.mode);
  const [add, subtract] = [adderOf(code, sums.mode, 1), adderOf(code, sums.mode, -1)];
  const buffers = maskBuffers(window.masks);
  code.borrow("i32", buffers.length, (entries) => {
    entries.forEach((entry, i) => {
      const { address } = known(buffers[i], "masks");
      // Rows are powers of two long.
      const byte = i32.load8_u(address + place, 1, mask.get());
      entry.set(i32.add(tables.get(), i32.shl(byte, code.int(Math.log2(row)))));
    });
    sums.locals.forEach((sum, k) => {
      const offset = window.tables.address + table + 16 * k;
      const rows = entries.map((entry) => v128.load(offset, 4, entry.get()));
      sum.set(add(sum.get(), rows.reduce(subtract)));
    });
  });
}
