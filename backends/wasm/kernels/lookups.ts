/**
 * Spikes through tables: eight channels' spikes are one byte, and for each of its 256 values the sum
 * of the weight rows that it stands for is there already. A timestep of a window costs one look-up
 * per byte, whatever has fired: no walk over bits and no branch that could be guessed wrong.
 */
import { known } from "../../../ir/diagnostic.ts";
import type { Code, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";
import { type SpikeMasks, pixelBytes, pixelOffset, rowBytes, signsOf } from "../memory/spikes.ts";
import { tableRows, tablesPerGroup } from "../memory/tables.ts";
import type { Buffer } from "../memory/view.ts";
import { type Sums, adderOf, lanesPerVector, weightBytes } from "./lanes.ts";

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
  code: Code,
  window: TableWindow,
  pointer: Local,
  block: Local,
  sums: Sums,
): void {
  const offset = pixelOffset(window.masks, ...window.origin);
  for (const { buffer, sign } of signsOf(window.masks)) {
    const combine = adderOf(code, sums.mode, sign);
    emitWindow(code, window, buffer.address + offset, pointer, block, { ...sums, combine });
  }
}

/** Sums, and what looked up rows do to them. */
interface SignedSums extends Sums {
  readonly combine: (a: Expr, b: Expr) => Expr;
}

function emitWindow(
  code: Code,
  window: TableWindow,
  base: number,
  pointer: Local,
  block: Local,
  sums: SignedSums,
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
  const tap = (at: Local, offset: number, table: number): void => {
    for (let byte = 0; byte < bytes; byte++) {
      lookUp(code, window, at, base + offset + byte, tables, table + byte * oneTable, sums);
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

function lookUp(
  code: Code,
  window: TableWindow,
  mask: Local,
  place: number,
  tables: Local,
  table: number,
  sums: SignedSums,
): void {
  const { i32, v128 } = code.wasm;
  const row = sums.locals.length * lanesPerVector(sums.mode) * weightBytes(sums.mode);
  code.borrow("i32", 1, ([entry]) => {
    const at = known(entry, "an address");
    // Rows are powers of two long.
    const index = i32.shl(i32.load8_u(place, 1, mask.get()), code.int(Math.log2(row)));
    at.set(i32.add(tables.get(), index));
    sums.locals.forEach((sum, k) => {
      const offset = window.tables.address + table + 16 * k;
      sum.set(sums.combine(sum.get(), v128.load(offset, 4, at.get())));
    });
  });
}
