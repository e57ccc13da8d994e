/** Which units weights have to themselves, so that others may be tried. */
import { describe, expect, it } from "vitest";
import { uniformGrid } from "../../../passes/quantise/grid.ts";
import { type UnitSource, UnitTable } from "../../../passes/quantise/units/table.ts";

function source(id: number, levels: number): UnitSource {
  return {
    ids: uniformGrid(1, id),
    live: uniformGrid(1, 1),
    levels,
    reach: 1,
    isWhole: () => false,
    row: () => ({ weights: Float64Array.of(1), own: null, means: null, variances: null }),
    bias: () => 0,
  };
}

describe("a unit", () => {
  it("is of one row of weights where only shortcuts are added, whose 16 bits fit any", () => {
    const table = new UnitTable();
    const [weights, shortcut, others] = [table.fresh(), table.fresh(), table.fresh()];
    table.feed(source(weights, 7));
    table.feed(source(shortcut, 2 ** 15 - 1));
    table.unite(weights, shortcut);
    expect(table.isAlone(shortcut)).toBe(true);
    table.feed(source(others, 7));
    table.unite(others, weights);
    expect(table.isAlone(weights)).toBe(false);
  });
});
