/** Looking around in a graph: producers, consumers, and what is needed. */
import { describe, expect, it } from "vitest";
import { makeOp, valueIdOf } from "../../../ir/build.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Op } from "../../../ir/op/op.ts";
import { real } from "../../../ir/type.ts";
import { consumers, isOutput, producers, reachable } from "../../../ir/analysis/walk.ts";

const type = real("f32", [1]);
const loc = sourceLoc("net.onnx", "n", "Op");
const id = valueIdOf;

function op(result: number, ...inputs: readonly number[]): Op {
  return makeOp("ann.max", id(result), inputs.map(id), {}, type, loc);
}

/** 0 → 1 → 3, and 0 → 2 → 3 twice over; 4 leads nowhere. */
const diamond = [op(0), op(1, 0), op(2, 0), op(3, 1, 2, 2), op(4, 1)];
const outputs = [{ name: "y", value: id(3) }];

describe("uses", () => {
  it("finds the op that makes a value", () => {
    expect(producers({ ops: diamond }).get(id(2))).toBe(diamond[2]);
  });
  it("counts each use, and leaves outputs to isOutput", () => {
    const uses = consumers({ ops: diamond });
    expect(uses.get(id(2))).toEqual([diamond[3], diamond[3]]);
    expect(uses.get(id(1))).toEqual([diamond[3], diamond[4]]);
    expect(uses.get(id(3))).toEqual([]);
    expect(isOutput({ outputs }, id(3))).toBe(true);
    expect(isOutput({ outputs }, id(1))).toBe(false);
  });
  it("finds what the outputs need", () => {
    expect([...reachable({ ops: diamond, outputs, carries: [] })].sort()).toEqual([0, 1, 2, 3]);
  });
});
