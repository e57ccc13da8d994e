/**
 * Long lists cost what they are long: sizes at which comparing each with each other, copying what
 * grows, or calling op within op would end no test.
 */
import { describe, expect, it } from "vitest";
import { Builder } from "../../ir/build.ts";
import { type Loc, fusedLoc, shortName, sourceLoc, sourcesOf } from "../../ir/loc.ts";
import { type Module, producerOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { real } from "../../ir/type.ts";
import { verify } from "../../ir/verify.ts";
import { isOutput } from "../../ir/analysis/walk.ts";
import { rework } from "../../passes/graph.ts";
import { loc } from "./one-op.ts";

const place = (i: number): Loc => sourceLoc("m.onnx", `/node${i}`, "Add");

describe("places of many ops", () => {
  it("are told apart, in order, without repeats", () => {
    const count = 60_000;
    const from = Array.from({ length: 2 * count }, (_, i) => place(i % count));
    const all = sourcesOf(fusedLoc("merge", from));
    expect(all).toHaveLength(count);
    expect(all.at(-1)).toEqual(place(count - 1));
  });

  it("may be one within the other, and shared", () => {
    let within: Loc = place(0);
    for (let i = 1; i <= 20_000; i++) within = fusedLoc(`pass${i % 7}`, [within, within, place(i)]);
    expect(shortName(within)).toBe("/node0");
    expect(sourcesOf(within)).toHaveLength(20_001);
  });

  it("are not copied whole at each merge of a chain", () => {
    let chain = place(0);
    let copied = 0;
    for (let i = 1; i <= 20_000; i++) {
      chain = fusedLoc("merge", [chain, place(i)]);
      copied += chain.kind === "fused" ? chain.from.length : 0;
    }
    expect(copied).toBeLessThan(40 * 20_000);
    expect(sourcesOf(chain)).toHaveLength(20_001);
  });
});

/** So many outputs, each of an op of its own behind one input; `names` of them differ. */
function wide(count: number, names = count): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1]), loc);
  const outputs = Array.from({ length: count }, (_, i) => ({
    name: `y${i % names}`,
    value: builder.add("ann.relu", [x], {}, loc),
  }));
  return builder.finish({ name: "wide", outputs });
}

/** So many rectifiers, one behind the other. */
function deep(count: number): { module: Module; last: ValueId } {
  const builder = new Builder();
  let last = builder.input("x", real("f32", [1]), loc);
  for (let i = 0; i < count; i++) last = builder.add("ann.relu", [last], {}, loc);
  return { module: builder.finish({ name: "deep", outputs: [{ name: "y", value: last }] }), last };
}

describe("many ops and outputs", () => {
  it("are verified", () => {
    expect(verify(wide(20_000))).toEqual([]);
    expect(verify(wide(20_000, 19_999))).toMatchObject([
      { invariant: 9, message: 'two outputs are called "y0"' },
    ]);
  });

  it("are found by what they make", () => {
    const module = wide(20_000);
    const made = module.outputs.filter(({ value }) => producerOf(module, value).result === value);
    expect(made).toHaveLength(20_000);
    expect(module.ops.filter(({ result }) => isOutput(module, result))).toHaveLength(20_000);
  });

  it("go together when the last of a chain goes", () => {
    const { module, last } = deep(20_000);
    const [input] = module.ops;
    const cut = rework(module, (op) => (op.result === last ? (input?.result ?? null) : null));
    expect(cut.ops.map(({ kind }) => kind)).toEqual(["ann.input"]);
  });
});

describe("a list of ops that grows", () => {
  it("is looked through anew", () => {
    const builder = new Builder();
    const x = builder.input("x", real("f32", [1]), loc);
    const module = builder.finish({ name: "growing", outputs: [{ name: "y", value: x }] });
    expect(producerOf(module, x).kind).toBe("ann.input");
    const y = builder.add("ann.relu", [x], {}, loc);
    expect(producerOf({ ...module, ops: builder.ops }, y).kind).toBe("ann.relu");
  });
});
