/** The count of readers while a module is being rebuilt. */
import { describe, expect, it } from "vitest";
import { valueIdOf } from "../../ir/build.ts";
import { interpret } from "../../ir/interpret.ts";
import { scalar, tensorOf } from "../../ir/tensor.ts";
import type { OpKind, ValueId } from "../../ir/op/op.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { verify } from "../../ir/verify.ts";
import { type Graph, prefixOf, rework } from "../../passes/graph.ts";

const module = parseModule(
  `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[2]
  %1 = ann.relu(%0) : real[2]
  %2 = ann.identity(%1) : real[2]
  %3 = ann.neg(%2) : real[2]
  %4 = ann.add(%1, %3) : real[2]
  %5 = ann.abs(%1) : real[2]
  ann.output(%4) {name = "y"}
  ann.output(%1) {name = "z"}
  ann.output(%5) {name = "w"}
}
`,
  { file: "m.snnir" },
);

/** How often the relu is read, as seen at each op that reads it. */
function usesSeen(
  replace: (kind: OpKind, inputs: readonly ValueId[], graph: Graph) => ValueId | null,
): readonly string[] {
  const seen: string[] = [];
  const made = rework(module, (op, graph) => {
    const relu = op.inputs.find((value) => graph.producer(value).kind === "ann.relu");
    if (relu !== undefined) seen.push(`${op.kind} ${graph.uses(relu)}`);
    return replace(op.kind, op.inputs, graph);
  });
  expect(verify(made)).toEqual([]);
  return seen;
}

describe("rework", () => {
  it("counts readers that are there, those to come, and outputs", () => {
    expect(usesSeen(() => null)).toEqual(["ann.identity 4", "ann.add 4", "ann.abs 4"]);
  });

  it("hands the readers of a replaced value to its replacement", () => {
    const dropped = usesSeen((kind, [x]) => (kind === "ann.identity" ? (x ?? null) : null));
    expect(dropped).toEqual(["ann.identity 4", "ann.neg 4", "ann.add 4", "ann.abs 4"]);
  });

  it("forgets the readers that nothing needs any more, all the way up", () => {
    const negated = usesSeen((kind, [left], { builder }) => {
      if (kind !== "ann.add" || left === undefined) return null;
      return builder.add("ann.neg", [left], {}, builder.opOf(left).loc);
    });
    // The sum and the identity are gone, and one more op reads it.
    expect(negated).toEqual(["ann.identity 4", "ann.add 4", "ann.abs 3"]);
  });

  it("gives back the same module where nothing was replaced", () => {
    expect(rework(module, () => null)).toBe(module);
  });
});

describe("prefixOf", () => {
  const x = tensorOf("f32", [2], [-1, 3]);

  it("keeps what the values need, by the ids they had, and makes outputs of them", () => {
    const prefix = prefixOf(module, [valueIdOf(3), valueIdOf(1), valueIdOf(3)]);
    expect(verify(prefix)).toEqual([]);
    expect(prefix.ops.map((op) => op.result)).toEqual([0, 1, 2, 3]);
    expect(prefix.outputs).toEqual([
      { name: "%3", value: 3 },
      { name: "%1", value: 1 },
    ]);
    const { outputs } = interpret(prefix, [x], { timesteps: 1 });
    expect(outputs.map((each) => [...each])).toEqual([
      [-0, -3],
      [0, 3],
    ]);
  });

  it("keeps inputs that the values do not need, and no tensor without a name", () => {
    const two = parseModule(
      `module @m attributes {code = "none", timesteps = 1, properties = ["canonical"]} {
  %0 = ann.input() {name = "x"} : real[2]
  %1 = ann.input() {name = "unused"} : real[2]
  %2 = ann.neg(%0) : real[2]
  %3 = ann.affine(%2) {scale = @s, shift = @s} : real[2]
  ann.output(%3) {name = "y"}
}
tensors {
  @s = f32[] dense<2>
}
`,
      { file: "m.snnir" },
    );
    expect(two.tensors.get("s")).toEqual(scalar("f32", 2));
    const prefix = prefixOf(two, [valueIdOf(2)]);
    expect(verify(prefix)).toEqual([]);
    expect(prefix.ops.map((op) => op.kind)).toEqual(["ann.input", "ann.input", "ann.neg"]);
    expect(prefix.tensors.size).toBe(0);
    expect(prefix.properties.size).toBe(0);
  });
});
