/**
 * The models that fuzzing starts from: the tests' small networks, graphs that make the importer
 * fold, inline and reason about shapes, and the examples.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  floats,
  graph,
  ints,
  model,
  networks,
  node,
  value,
} from "../../test/frontend/build-model.ts";

const x = value("x", ["batch", 2, 4, 4]);
const y = value("y", null);

const folding: Readonly<Record<string, () => Uint8Array>> = {
  /** Constants through every operator that can make them large. */
  sizes: () =>
    model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("ConstantOfShape", ["two"], ["a"]),
        node("Expand", ["a", "three"], ["b"]),
        node("Tile", ["b", "ones"], ["c"]),
        node("Range", ["zero", "limit", "one"], ["d"]),
        node("ReduceSum", ["c"], ["e"], { keepdims: 0 }),
        node("Cast", ["e"], ["f"], { to: 7 }),
        node("Unsqueeze", ["f", "axis"], ["g"]),
        node("Concat", ["g", "d"], ["h"], { axis: 0 }),
        node("Slice", ["h", "axis", "one1"], ["i"]),
        node("Concat", ["i", "rest"], ["target"], { axis: 0 }),
        node("Reshape", ["x", "target"], ["y"]),
      ],
      initializers: [
        ints("two", [1, 1]),
        ints("three", [1, 1, 1]),
        ints("ones", [1, 1, 1]),
        ints("zero", [0], []),
        ints("limit", [4], []),
        ints("one", [1], []),
        ints("one1", [1]),
        ints("axis", [0]),
        ints("rest", [-1]),
      ],
    }),
  moves: () =>
    model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("Pad", ["x", "pads"], ["a"], { mode: "reflect" }),
        node("Slice", ["a", "starts", "ends", "axes", "steps"], ["b"]),
        node("Transpose", ["b"], ["c"], { perm: [0, 2, 3, 1] }),
        node("Gather", ["c", "index"], ["d"], { axis: 1 }),
        node("DepthToSpace", ["x4"], ["dts"], { blocksize: 2 }),
        node("Squeeze", ["d"], ["e"]),
        node("Tile", ["e", "repeats"], ["f"]),
        node("Flatten", ["f"], ["g"], { axis: 1 }),
        node("CumSum", ["g", "axis"], ["h"]),
        node("ArgMax", ["h"], ["i"], { axis: 1 }),
        node("OneHot", ["i", "depth", "values"], ["y"]),
      ],
      initializers: [
        ints("pads", [0, 0, 1, 1, 0, 0, 1, 1]),
        ints("starts", [0, -1]),
        ints("ends", [3, -9]),
        ints("axes", [2, 3]),
        ints("steps", [1, -2]),
        ints("index", [1, 0]),
        floats("x4", [1, 4, 2, 2]),
        ints("repeats", [1, 2, 2]),
        ints("axis", [1], []),
        ints("depth", [9], []),
        floats("values", [2], [0, 1]),
      ],
    }),
  products: () =>
    model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("Einsum", ["x", "m"], ["a"], { equation: "bchw,wk->bchk" }),
        node("MatMul", ["a", "m"], ["b"]),
        node("LayerNormalization", ["b", "scale"], ["c"], { axis: -1 }),
        node("Softmax", ["c"], ["d"], { axis: 1 }),
        node("ReduceMean", ["d"], ["e"], { axes: [2, 3], keepdims: 1 }),
        node("LRN", ["b"], ["l"], { size: 3 }),
        node("Mul", ["l", "e"], ["f"]),
        node("GroupNormalization", ["f", "two", "two"], ["g"], { num_groups: 2 }),
        node("LpPool", ["g"], ["h"], { kernel_shape: [2, 2], p: 2 }),
        node("AveragePool", ["h"], ["i"], { kernel_shape: [2, 2], ceil_mode: 1, strides: [2, 2] }),
        node("Where", ["mask", "i", "i"], ["y"]),
      ],
      opset: 18,
      initializers: [
        floats("m", [4, 4]),
        floats("scale", [4]),
        floats("two", [2]),
        { name: "mask", dims: [1], dataType: 9, int32Data: [1] },
      ],
    }),
  quantised: () =>
    model({
      opset: 21,
      inputs: [x],
      outputs: [y],
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], ["a"]),
        node("ConvInteger", ["a", "w", "z"], ["b"], { pads: [1, 1, 1, 1] }),
        node("Cast", ["b"], ["c"], { to: 1 }),
        node("DynamicQuantizeLinear", ["c"], ["d", "e", "f"]),
        node("DequantizeLinear", ["d", "e", "f"], ["g"]),
        node("DequantizeLinear", ["w", "blocks"], ["wf"], { axis: 1, block_size: 1 }),
        node("Conv", ["g", "wf"], ["y"]),
      ],
      initializers: [
        floats("s", [], [0.1]),
        { name: "z", dims: [], dataType: 2, int32Data: [3] },
        { name: "w", dims: [2, 2, 3, 3], dataType: 2, int32Data: new Array<number>(36).fill(5) },
        floats("blocks", [2, 2, 3, 3]),
      ],
    }),
  recurrent: () =>
    model({
      inputs: [value("x", [3, 1, 2])],
      outputs: [y],
      nodes: [
        node("LSTM", ["x", "w", "r", "b", "", "h", "h", "p"], ["a", "ah"], { hidden_size: 2 }),
        node("Squeeze", ["a", "axis"], ["b1"]),
        node("GRU", ["b1", "wg", "rg"], ["c"], { linear_before_reset: 1 }),
        node("SplitToSequence", ["c"], ["s"], { axis: 0 }),
        node("SequenceAt", ["s", "axis0"], ["t"]),
        node("Loop", ["rounds", "", "t"], ["y"], {
          body: {
            graph: graph({
              nodes: [node("Identity", ["k"], ["k2"]), node("Add", ["v", "v"], ["v2"])],
              inputs: [value("i", []), value("k", []), value("v", null)],
              outputs: [value("k2", []), value("v2", null)],
            }),
          },
        }),
      ],
      initializers: [
        floats("w", [1, 8, 2]),
        floats("r", [1, 8, 2]),
        floats("b", [1, 16]),
        floats("h", [1, 1, 2]),
        floats("p", [1, 6]),
        floats("wg", [1, 6, 2]),
        floats("rg", [1, 6, 2]),
        ints("axis", [1]),
        ints("axis0", [1], []),
        ints("rounds", [3], []),
      ],
    }),
  calls: () => {
    const out = value("out", null);
    const branch = (opType: string) => ({
      graph: graph({ nodes: [node(opType, ["a"], ["out"])], outputs: [out] }),
    });
    return model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("Twice", ["x"], ["a"], { alpha: { float: 0.1 } }, { domain: "local" }),
        node("If", ["c"], ["y"], { then_branch: branch("Relu"), else_branch: branch("Neg") }),
      ],
      initializers: [{ name: "c", dims: [], dataType: 9, int32Data: [1] }],
      domains: { local: 1 },
      functions: [
        {
          name: "Twice",
          domain: "local",
          input: ["p"],
          output: ["r"],
          attribute: ["alpha"],
          opsetImport: [{ domain: "", version: 17 }],
          node: [
            node("LeakyRelu", ["p"], ["q"], { alpha: { reference: "alpha", type: 1 } }),
            node("Elu", ["q"], ["r"]),
          ],
        },
      ],
    });
  },
};

/** All seeds by name, in a fixed order. `examples` is the folder of examples, if there is one. */
export function seeds(examples: string): readonly { name: string; bytes: Uint8Array }[] {
  const built = Object.entries({ ...networks, ...folding }).map(([name, build]) => {
    return { name, bytes: new Uint8Array(build()) };
  });
  return [...built, ...exampleModels(examples)];
}

/** Models of the examples; larger ones would only slow the search. */
const largestExample = 2 ** 18;

function exampleModels(folder: string): readonly { name: string; bytes: Uint8Array }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".onnx"))
    .toSorted()
    .map((path) => ({ name: path, bytes: new Uint8Array(readFileSync(join(folder, path))) }))
    .filter(({ bytes }) => bytes.length <= largestExample);
}
