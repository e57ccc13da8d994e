/** Which rows of taps of a window each row of outputs sees inside the grid, and which lie in the halo around it. */
import type { RowsInside, TapSet } from "../../kernels/words/inside.ts";
import type { Lowering } from "../lowering.ts";
import type { WindowDrive } from "./drive.ts";

/** Rows of taps that the bits of a table hold. */
const mostRows = 31;

/** For so many rows of outputs. `startBytes`: of what sums begin at, for one set of taps. */
export function insideOf(
  lowering: Lowering,
  { planes, kernel: [taps], dilation, stride, origin }: WindowDrive,
  name: string,
  outputs: number,
  startBytes: number,
): RowsInside {
  const sets = new Map<string, { readonly set: TapSet; readonly at: number }>();
  const setOf = Array.from({ length: outputs }, (_, output) => {
    const set = Array.from({ length: taps }, (_tap, tap) => {
      const row = origin[0] + output * stride[0] + tap * dilation[0];
      return taps > mostRows || (row >= 0 && row < planes.grid.rows);
    });
    const key = set.join(" ");
    const found = sets.get(key) ?? { set, at: sets.size };
    sets.set(key, found);
    return found;
  });
  const rowSets = [...sets.values()].map(({ set }) => set);
  if (rowSets.length === 1) return { rowSets, table: null };
  const table = lowering.constant(`${name} inside ${startBytes}`, () =>
    Int32Array.from(
      setOf.flatMap(({ set, at }) => {
        const bits = set.reduce((sum, isIn, tap) => sum + (isIn ? 2 ** tap : 0), 0);
        return [bits, at * startBytes];
      }),
    ),
  );
  return { rowSets, table };
}
