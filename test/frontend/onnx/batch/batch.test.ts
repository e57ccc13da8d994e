/** Which axis is the batch: one decision over inputs, outputs and states, that can be overruled. */
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../../../ir/tensor.ts";
import { floats, graph, ints, model, node, pseudoRandom, value } from "../../build-model.ts";
import { codesOf, importBytes, moduleOf, outputsOf } from "../../run.ts";

type Dims = readonly (number | string | null)[];

function shapesOf(bytes: Uint8Array, options = {}): readonly (readonly number[])[] {
  const module = moduleOf(bytes, options);
  return module.ops.flatMap((op) => (op.kind === "ann.input" ? [op.type.shape] : []));
}

/** A model of an input and a state, of which it gives back both. */
function withState(input: Dims, state: Dims): Uint8Array {
  return model({
    inputs: [value("x", input), value("state", state)],
    outputs: [value("y", input), value("next", state)],
    nodes: [node("Relu", ["x"], ["y"]), node("Neg", ["state"], ["next"])],
  });
}

describe("an open batch", () => {
  it.each<[string, Dims, Dims, readonly (readonly number[])[]]>([
    [
      "by its name on any axis",
      ["batch", 6],
      [2, "batch", 4],
      [
        [1, 6],
        [2, 1, 4],
      ],
    ],
    [
      "by the symbol that another input begins with",
      ["n", 6],
      [2, "n", 4],
      [
        [1, 6],
        [2, 1, 4],
      ],
    ],
    [
      "not by a state's first axis",
      ["batch", 6],
      [2, 1, 4],
      [
        [1, 6],
        [2, 1, 4],
      ],
    ],
    [
      "without a name, first",
      [null, 6],
      [null, 4],
      [
        [1, 6],
        [1, 4],
      ],
    ],
  ])("is found %s", (_, input, state, shapes) => {
    expect(shapesOf(withState(input, state))).toEqual(shapes);
  });

  it("named batch on the second axis leaves the first to be given", () => {
    const bytes = withState(["time", "batch", 3], [2, "batch", 4]);
    expect(importBytes(bytes).diagnostics[0]?.message).toBe(
      'dimension 0 of input "x" is "time", but shapes must be known',
    );
    expect(shapesOf(bytes, { dimensions: new Map([["time", 5]]) })).toEqual([
      [5, 1, 3],
      [2, 1, 4],
    ]);
  });

  it("may be given as 1, and a state [2, batch, n] is not a batch of 2 then", () => {
    const bytes = withState(["batch", 6], [2, "batch", 4]);
    expect(shapesOf(bytes, { dimensions: new Map([["batch", 1]]) })).toEqual([
      [1, 6],
      [2, 1, 4],
    ]);
  });

  it.each([[[64, 4]], [[64, -1]]])("and Reshape to %j of a traced one", (target) => {
    const bytes = model({
      inputs: [value("x", ["batch", 2, 2])],
      outputs: [value("y", null)],
      nodes: [node("Reshape", ["x", "to"], ["a"]), node("MatMul", ["a", "w"], ["y"])],
      initializers: [ints("to", target), floats("w", [4, 3])],
    });
    const module = moduleOf(bytes);
    expect(module.ops.at(-1)?.type.shape).toEqual([1, 3]);
  });
});

describe("a fixed batch", () => {
  it("of inputs and states is one, wherever it stands", () => {
    expect(shapesOf(withState([8, 6], [2, 8, 4]))).toEqual([
      [1, 6],
      [2, 1, 4],
    ]);
    expect(shapesOf(withState([1, 6], [2, 1, 4]))).toEqual([
      [1, 6],
      [2, 1, 4],
    ]);
    // Not a batch of 2, nor one of 8 that the other lacks.
    expect(shapesOf(withState([1, 6], [2, 8, 4]))[1]).toEqual([2, 8, 4]);
  });

  it("is overruled by an axis, by none, and by a shape", () => {
    const bytes = withState([8, 6], [2, 8, 4]);
    const kept = [
      [8, 6],
      [2, 8, 4],
    ];
    expect(shapesOf(bytes, { batchAxis: null })).toEqual(kept);
    const axes = new Map([
      ["x", 0],
      ["state", null],
    ]);
    expect(shapesOf(bytes, { batchAxis: axes })).toEqual([
      [1, 6],
      [2, 8, 4],
    ]);
    const second = withState([6, 8], [2, 8, 4]);
    expect(shapesOf(second, { batchAxis: 1 })).toEqual([
      [6, 1],
      [2, 1, 4],
    ]);
    expect(shapesOf(second, { batchAxis: new Map([["x", 1]]) })).toEqual([
      [6, 1],
      [2, 1, 4],
    ]);
    const inputShapes = new Map([["x", [6, 1]]]);
    expect(shapesOf(second, { inputShapes })).toEqual([
      [6, 1],
      [2, 1, 4],
    ]);
    const given = { inputShapes: new Map([["x", [8, 6]]]) };
    expect(shapesOf(bytes, given)[0]).toEqual([8, 6]);
  });

  it("that is asked for must be there", () => {
    const bytes = withState([8, 6], [2, 7, 4]);
    expect(importBytes(bytes, { batchAxis: 1 }).diagnostics[0]?.message).toBe(
      'the batch axis that was given does not fit: its extents differ: 6 in "x", 7 in "state"',
    );
    const axes = new Map([["x", 2]]);
    expect(importBytes(bytes, { batchAxis: axes }).diagnostics[0]?.message).toBe(
      'the batch axis that was given does not fit: input "x" has no axis 2, but 2 axes',
    );
  });
});

describe("what looks like a batch", () => {
  const of = (nodes: readonly ReturnType<typeof node>[], out: Dims = [3, 4]): Uint8Array =>
    model({
      inputs: [value("x", [3, 4])],
      outputs: [value("y", out)],
      nodes,
      initializers: [ints("one", [1]), ints("zero", [0]), floats("w", [4, 4])],
    });
  const last = (op: string): string => `${op} does not treat all of it alike`;

  // The right values are those of the model as it is: [3, 4] is one sample.
  it.each<[string, Uint8Array, string]>([
    ["Softmax along it", of([node("Softmax", ["x"], ["y"], { axis: 0 })]), last("y")],
    ["sums along it", of([node("CumSum", ["x", "zero"], ["y"])]), last("y")],
    [
      "a mean over it",
      of([
        node("ReduceMean", ["x"], ["m"], { axes: [0], keepdims: 1 }, { name: "mean" }),
        node("Sub", ["x", "m"], ["y"]),
      ]),
      last("mean"),
    ],
    [
      "products that sum over it",
      of([
        node("Transpose", ["x"], ["t"]),
        node("MatMul", ["t", "x"], ["p"], {}, { name: "products" }),
        node("MatMul", ["x", "p"], ["y"]),
      ]),
      last("products"),
    ],
    [
      "numbers of rows",
      of([node("EyeLike", ["x"], ["e"], {}, { name: "eye" }), node("Add", ["x", "e"], ["y"])]),
      last("eye"),
    ],
    [
      "one row chosen",
      of([
        node("Gather", ["x", "one"], ["g"], { axis: 0 }, { name: "row" }),
        node("Add", ["x", "g"], ["y"]),
      ]),
      last("row"),
    ],
    [
      "rows in the opposite order",
      of([
        node("Slice", ["x", "from", "to", "zero", "by"], ["y"], {}, { name: "flip" }),
        node("Constant", [], ["from"], { value_ints: [-1] }),
        node("Constant", [], ["to"], { value_ints: [-4] }),
        node("Constant", [], ["by"], { value_ints: [-1] }),
      ]),
      last("flip"),
    ],
  ])("is none where samples meet: %s", (_, bytes, why) => {
    const result = importBytes(bytes);
    const kept = result.diagnostics.find(({ code }) => code === "batch-kept");
    expect(kept?.message).toBe(
      `axis 0 of input "x" (3) looks like a batch, but cannot be removed (${why}); a sample has all 3`,
    );
    expect(shapesOf(bytes)).toEqual([[3, 4]]);
    // Who says that it is one is believed.
    expect(shapesOf(bytes, { batchAxis: 0 })).toEqual([[1, 4]]);
  });

  it("is said to meet where it is open too, and each sample is what the model gives for it alone", () => {
    const open = (nodes: Parameters<typeof of>[0], batch = "n"): Uint8Array =>
      model({
        inputs: [value("x", [batch, 4])],
        outputs: [value("y", [batch, null])],
        nodes,
        initializers: [ints("zero", [0]), floats("w", [4, 4])],
      });
    const meeting = {
      softmax: open([node("Softmax", ["x"], ["y"], { axis: 0 })]),
      sums: open([node("CumSum", ["x", "zero"], ["y"])]),
      mean: open([
        node("ReduceMean", ["x"], ["m"], { axes: [0], keepdims: 1 }),
        node("Sub", ["x", "m"], ["y"]),
      ]),
      normalisation: open([
        node("MeanVarianceNormalization", ["x"], ["y"], { axes: [0, 1] }, { name: "norm" }),
      ]),
      products: open([node("Transpose", ["x"], ["t"]), node("MatMul", ["x", "t"], ["y"])]),
    };
    for (const [name, bytes] of Object.entries(meeting)) {
      expect(codesOf(importBytes(bytes)), name).toEqual(["samples-meet"]);
      // The mean of one sample is the sample: what is left of it is 0.
      if (name !== "mean") continue;
      const x = tensorOf("f32", [1, 4], [1, 2, 3, 4]);
      expect([...(outputsOf(moduleOf(bytes), [x])[0]?.data ?? [])]).toEqual([0, 0, 0, 0]);
    }
    const apart = open([
      node("MatMul", ["x", "w"], ["a"]),
      node("Transpose", ["a"], ["t"]),
      node("Softmax", ["t"], ["s"], { axis: 0 }),
      node("Transpose", ["s"], ["y"]),
    ]);
    expect(codesOf(importBytes(apart))).toEqual([]);
  });

  it("is one where each sample goes its own way", () => {
    const bytes = of([
      node("MatMul", ["x", "w"], ["a"]),
      node("Softmax", ["a"], ["b"], { axis: 1 }),
      node("ReduceMean", ["b"], ["m"], { axes: [1], keepdims: 1 }),
      node("Sub", ["b", "m"], ["y"]),
    ]);
    expect(shapesOf(bytes)).toEqual([[1, 4]]);
  });
});

describe("a recurrent network for a fixed batch", () => {
  const weights = [floats("W", [1, 16, 3]), floats("R", [1, 16, 4]), ints("zero", [0])];
  const parts = (first: Dims, transposed: boolean, state = false) => ({
    inputs: [value("x", first)],
    outputs: [value("y", [8, 4])],
    nodes: [
      ...(transposed ? [node("Transpose", ["x"], ["t"], { perm: [1, 0, 2] })] : []),
      node(
        "LSTM",
        [transposed ? "t" : "x", "W", "R", ...(state ? ["", "", "h0", "c0"] : [])],
        ["", "h"],
        { hidden_size: 4 },
        { name: "lstm" },
      ),
      node("Squeeze", ["h", "zero"], ["y"]),
    ],
    initializers: [
      ...weights,
      ...(state ? [floats("h0", [1, 8, 4], new Array<number>(32).fill(0.5))] : []),
      ...(state ? [floats("c0", [1, 8, 4], new Array<number>(32).fill(0))] : []),
    ],
  });
  const sample = tensorOf("f32", [1, 6, 3], pseudoRandom(18, "sample"));

  it("takes one sample, batch first or time first, with what the batch of 8 gives for it", () => {
    // One row of the batch is the sample; the whole batch is the oracle, by an import that keeps it.
    const batch = parts([8, 6, 3], true);
    const rows = pseudoRandom(8 * 18, "batch");
    const whole = outputsOf(moduleOf(model(batch), { batchAxis: null }), [
      tensorOf("f32", [8, 6, 3], [...rows.slice(0, 18 * 3), ...sample.data, ...rows.slice(18 * 4)]),
    ]);
    const row = [...(whole[0]?.data.slice(12, 16) ?? [])];
    const first = outputsOf(moduleOf(model(batch)), [sample]);
    expect([...(first[0]?.data ?? [])]).toEqual(row);
    const timeFirst = moduleOf(model(parts([6, 8, 3], false)));
    const second = outputsOf(timeFirst, [{ ...sample, shape: [6, 1, 3] }]);
    expect([...(second[0]?.data ?? [])]).toEqual(row);
  });

  it("takes the batch out of constant initial states too, where all samples have the same", () => {
    const module = moduleOf(model(parts([8, 6, 3], true, true)));
    expect(module.ops[0]?.type.shape).toEqual([1, 6, 3]);
    const bytes = model({
      ...parts([8, 6, 3], true, true),
      initializers: [...weights, floats("h0", [1, 8, 4]), floats("c0", [1, 8, 4])],
    });
    expect(codesOf(importBytes(bytes))).toEqual(["batch-kept"]);
  });

  it("does not take its steps for a batch", () => {
    const bytes = model({
      ...parts([6, 1, 3], false),
      outputs: [value("y", [1, 4])],
    });
    expect(shapesOf(bytes)).toEqual([[6, 1, 3]]);
    const sequence = model({
      inputs: [value("x", [6, 1, 3])],
      outputs: [value("s", [6, 1, 1, 4])],
      nodes: [node("LSTM", ["x", "W", "R"], ["s"], { hidden_size: 4 })],
      initializers: weights,
    });
    expect(shapesOf(sequence)).toEqual([[6, 1, 3]]);
  });

  it("is seen in a branch of If", () => {
    const { nodes, initializers } = parts([6, 8, 3], false);
    const branch = graph({ nodes, outputs: [value("y", [8, 4])] });
    const bytes = model({
      inputs: [value("x", [6, 8, 3])],
      outputs: [value("z", [8, 4])],
      nodes: [
        node("If", ["c"], ["z"], {
          then_branch: { graph: branch },
          else_branch: { graph: branch },
        }),
      ],
      initializers: [...initializers, { name: "c", dims: [], dataType: 9, int32Data: [1] }],
    });
    expect(shapesOf(bytes)).toEqual([[6, 1, 3]]);
  });
});
