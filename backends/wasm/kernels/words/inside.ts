/**
 * Which rows of taps of a window lie inside the grid: those in the halo around it meet words of 0, and are left
 * out for the rows of outputs that see them there. A table says which these are.
 */
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { pointerTo } from "../../assembler/memory.ts";
import type { Buffer } from "../../memory/view.ts";

/** Whether each row of taps is inside. */
export type TapSet = readonly boolean[];

export interface RowsInside {
  /** What rows of outputs see: all sets there are. */
  readonly rowSets: readonly TapSet[];
  /** For each row of outputs: its set as bits, and where its sums begin, in bytes; null where there is one set. */
  readonly table: Buffer | null;
}

/** What a row of outputs sees, at run time; null where all rows see the same. */
export interface RowInside {
  readonly bits: Local;
  /** Bytes. */
  readonly starts: Local;
}

/** What the table says of a row. */
export function openInside(
  code: FunctionWriter,
  { table }: RowsInside,
  row: Local,
): RowInside | null {
  if (table === null) return null;
  const { i32 } = code.wasm;
  const at = pointerTo(code, table);
  at.advance(i32.shl(row.get(), code.int(3)));
  return {
    bits: code.define("i32", i32.load(table.address, 4, at.get())),
    starts: code.define("i32", i32.load(table.address + 4, 4, at.get())),
  };
}

/** Writes `then` for rows of outputs that see the row of taps, and `otherwise` for those that do not. */
export function whenRowInside(
  code: FunctionWriter,
  { rowSets }: RowsInside,
  inside: RowInside | null,
  tapRow: number,
  then: () => void,
  otherwise: () => void,
): void {
  const { i32 } = code.wasm;
  const seen = rowSets.map((set) => set[tapRow] === true);
  if (seen.every((each) => each)) then();
  else if (inside === null || !seen.some((each) => each)) otherwise();
  else code.when(i32.and(inside.bits.get(), code.int(2 ** tapRow)), then, otherwise);
}
