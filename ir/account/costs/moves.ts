/** What sources, moves and selections cost: nothing, but for what they combine or interpolate. */
import { known } from "../../diagnostic.ts";
import type { OpOf } from "../../op/op.ts";
import { resizeTaps } from "../../semantics/values/resize.ts";
import type { SelectKind } from "../../op/families/select.ts";
import type { ShapeKind } from "../../op/families/shape.ts";
import type { SourceKind } from "../../op/families/source.ts";
import { type Type, elementCount } from "../../type.ts";
import { type Operations, noOperations } from "../operations.ts";
import { type CostTable, nothing, perElement, times } from "./rule.ts";

export const sourceCosts: CostTable<SourceKind> = {
  "ann.input": nothing,
  "ann.constant": nothing,
  "snn.input": nothing,
  "snn.previous": nothing,
};

export const shapeCosts: CostTable<ShapeKind> = {
  "ann.reshape": nothing,
  "ann.transpose": nothing,
  "ann.concat": nothing,
  "ann.slice": nothing,
  "ann.pad": nothing,
  "ann.expand": nothing,
  "ann.tile": nothing,
  "ann.trilu": nothing,
  "ann.resize": {
    rule: "one multiply-accumulate for each tap, one axis after the other; nearest: nothing",
    count: ({ attrs }, operands) => {
      if (attrs.mode === "nearest") return noOperations;
      const { shape } = known(operands[0], "an operand");
      const extents = [...shape];
      let taps = 0;
      for (const axis of shape.keys()) {
        const table = resizeTaps(attrs, shape, axis);
        extents[axis] = attrs.sizes[axis] ?? 1;
        if (table === "identity") continue;
        const along = table.reduce((all, each) => all + (each?.length ?? 0), 0);
        taps += along * elementCount(extents.toSpliced(axis, 1));
      }
      return times(taps, { multiplyAccumulates: 1 });
    },
  },
};

const scattered = {
  rule: "for each element of the updates what the reduction does: one addition, multiplication or comparison; none: nothing",
  count(
    { attrs }: OpOf<"ann.scatter-elements" | "ann.scatter-nd">,
    operands: readonly Type[],
  ): Operations {
    const updates = elementCount(known(operands[2], "updates").shape);
    switch (attrs.reduction) {
      case "none":
        return noOperations;
      case "add":
        return times(updates, { additions: 1 });
      case "mul":
        return times(updates, { multiplications: 1 });
      case "max":
      case "min":
        return times(updates, { comparisons: 1 });
    }
  },
};

export const selectCosts: CostTable<SelectKind> = {
  "ann.gather": nothing,
  "ann.gather-elements": nothing,
  "ann.gather-nd": nothing,
  "ann.scatter-elements": scattered,
  "ann.scatter-nd": scattered,
  "ann.where": perElement("one comparison (selection)", { comparisons: 1 }),
  "ann.one-hot": perElement("one comparison", { comparisons: 1 }),
};
