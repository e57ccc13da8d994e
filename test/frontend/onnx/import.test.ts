/** Import as a whole: inputs and batches, constants, functions and branches, and what is refused. */
import op from "onnx-proto";
import { describe, expect, it } from "vitest";
import { formatType } from "../../../ir/type.ts";
import { tensor, tensorOf } from "../../../ir/tensor.ts";
import { verify } from "../../../ir/verify.ts";
import { floats, graph, ints, model, networks, node, value } from "../build-model.ts";
import { codesOf, importBytes, moduleOf, outputsOf } from "../run.ts";

const x = value("x", ["batch", 4]);
const y = value("y", ["batch", 4]);

describe("inputs", () => {
  it("take a symbolic batch as 1", () => {
    const bytes = model({ inputs: [x], outputs: [y], nodes: [node("Relu", ["x"], ["y"])] });
    const result = importBytes(bytes);
    expect(result.inputs).toMatchObject([
      { name: "x", declared: ["batch", 4], type: { shape: [1, 4] } },
    ]);
    expect(result.opset).toBe(17);
    expect(Object.fromEntries(result.operators)).toEqual({ Relu: 1 });
  });

  it("want numbers for other symbols, all at once", () => {
    const inputs = [value("image", ["n", 3, "height", null])];
    const nodes = [node("Relu", ["image"], ["y"])];
    const bytes = model({ inputs, outputs: [value("y", null)], nodes });
    const { diagnostics, module } = importBytes(bytes);
    expect(module).toBeNull();
    expect(diagnostics.map(({ message, help }) => [message, help])).toEqual([
      [
        'dimension 2 of input "image" is "height", but shapes must be known',
        "give it a number: --dim height=N",
      ],
      [
        'dimension 3 of input "image" is not given, but shapes must be known',
        "give the whole shape: --input-shape image=n,3,height,N",
      ],
    ]);
    const dimensions = new Map([["height", 5]]);
    expect(codesOf(importBytes(bytes, { dimensions }))).toEqual(["unknown-dimension"]);
    const inputShapes = new Map([["image", [1, 3, 5, 6]]]);
    expect(moduleOf(bytes, { inputShapes }).ops[0]?.type.shape).toEqual([1, 3, 5, 6]);
  });

  it("refuse shapes that do not fit, and names that are not there", () => {
    const bytes = model({ inputs: [x], outputs: [y], nodes: [node("Relu", ["x"], ["y"])] });
    const wrong = importBytes(bytes, { inputShapes: new Map([["x", [1, 5]]]) });
    expect(wrong.diagnostics[0]?.message).toBe(
      'input "x" was given the shape [1, 5], but the model declares [batch, 4]',
    );
    const unknown = importBytes(bytes, { inputShapes: new Map([["z", [1, 5]]]) });
    expect(unknown.diagnostics[0]?.message).toBe('the model has no input "z"; it has "x"');
  });

  it("refuse text", () => {
    const inputs = [value("x", [1], "string")];
    const bytes = model({ inputs, outputs: [y], nodes: [node("Identity", ["x"], ["y"])] });
    expect(importBytes(bytes).diagnostics[0]).toMatchObject({
      code: "unsupported-input",
      message: 'input "x" is a tensor of string',
    });
  });

  it("leave out those that are initializers, as before IR 4", () => {
    const bytes = model({
      irVersion: 3,
      inputs: [x, value("w", [4])],
      outputs: [y],
      nodes: [node("Add", ["x", "w"], ["y"])],
      initializers: [floats("w", [4], [1, 2, 3, 4])],
    });
    const module = moduleOf(bytes);
    expect(module.ops.map(({ kind }) => kind)).toEqual(["ann.input", "ann.constant", "ann.add"]);
  });
});

describe("a fixed batch", () => {
  const fixed = (target: number[]): Uint8Array =>
    model({
      inputs: [value("x", [10, 2, 3])],
      outputs: [value("y", [10, 6])],
      nodes: [node("Reshape", ["x", "target"], ["a"]), node("Relu", ["a"], ["y"])],
      initializers: [ints("target", target)],
    });

  it("is taken out, of the constant targets of Reshape too, and that is said", () => {
    const result = importBytes(fixed([10, 6]));
    expect(result.diagnostics.map(({ message }) => message)).toEqual([
      'input "x" has a fixed batch of 10; the module takes one sample',
      "the batch was removed from the target of Reshape: [10, 6] became [1, 6]",
    ]);
    expect(result.module?.ops.map(({ type }) => formatType(type))).toEqual([
      "real[1, 2, 3]",
      "real[1, 6]",
      "real[1, 6]",
    ]);
  });

  it("is taken out of a target with -1", () => {
    expect(moduleOf(fixed([10, -1])).ops.at(-1)?.type.shape).toEqual([1, 6]);
    expect(codesOf(importBytes(fixed([-1, 6])))).toEqual(["rebatched"]);
  });

  it("stays where it is asked for", () => {
    const module = moduleOf(fixed([10, 6]), { batch: null });
    expect(module.ops.at(-1)?.type.shape).toEqual([10, 6]);
  });

  it("is not seen in a vector of features, nor where the outputs carry none", () => {
    const vector = model({
      inputs: [value("x", [10])],
      outputs: [value("y", [10])],
      nodes: [node("Relu", ["x"], ["y"])],
    });
    expect(moduleOf(vector).ops[0]?.type.shape).toEqual([10]);
    const image = model({
      inputs: [value("x", [3, 4, 4])],
      outputs: [value("y", [1, 48])],
      nodes: [node("Flatten", ["x"], ["y"], { axis: 0 })],
    });
    expect(moduleOf(image).ops[0]?.type.shape).toEqual([3, 4, 4]);
  });

  it("stays, with a warning, where it sits in what cannot be corrected", () => {
    const bytes = model({
      inputs: [value("x", [10, 4])],
      outputs: [value("y", [10, 4])],
      nodes: [node("Add", ["x", "w"], ["y"])],
      initializers: [floats("w", [10, 4])],
    });
    const { module, diagnostics } = importBytes(bytes);
    expect(module?.ops[0]?.type.shape).toEqual([10, 4]);
    expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([
      [
        "batch-kept",
        'axis 0 of input "x" (10) looks like a batch, but cannot be removed ' +
          '(output "y" would have the shape [10, 4]); a sample has all 10',
      ],
    ]);
    expect(codesOf(importBytes(bytes, { batchAxis: null }))).toEqual([]);
    expect(importBytes(bytes, { batchAxis: 0 }).diagnostics.at(-1)?.message).toBe(
      'with one sample, output "y" has shape [10, 4] instead of [1, 4]',
    );
  });
});

describe("constants", () => {
  it("fold where an operator needs them, and leave nothing behind", () => {
    const bytes = networks["dynamic-reshape"]?.() ?? new Uint8Array();
    const module = moduleOf(bytes);
    expect(module.ops.map(({ kind }) => kind)).toEqual([
      "ann.input",
      "ann.relu",
      "ann.reshape",
      "ann.linear",
      "ann.constant",
      "ann.add",
    ]);
    expect(verify(module)).toEqual([]);
  });

  it("give quantised weights as they are dequantised", () => {
    const module = moduleOf(networks["quantised-weights"]?.() ?? new Uint8Array());
    const [weight] = module.tensors.values();
    const code = (i: number): number => ((i * 37) % 255) - 127;
    expect(weight?.data[0]).toBeCloseTo(code(0) * 0.01, 6);
    expect(weight?.data[20]).toBeCloseTo(code(20) * 0.02, 6);
    expect(module.ops.map(({ kind }) => kind)).toEqual(["ann.input", "ann.conv", "ann.relu"]);
  });

  it("may be given for an input, which then holds for that value only", () => {
    const bytes = model({
      inputs: [value("x", [1, 4]), value("shape", [2], "int64")],
      outputs: [value("y", [2, 2])],
      nodes: [node("Reshape", ["x", "shape"], ["y"], {}, { name: "r" })],
    });
    const refused = importBytes(bytes);
    expect(refused.diagnostics[0]?.message).toBe(
      'Reshape needs its input "shape" to be a constant, but it depends on the value of "shape"',
    );
    expect(refused.diagnostics[0]?.help).toBe("give it: --input-value shape=VALUE");
    expect(refused.unsupported).toMatchObject([{ op: "Reshape", count: 1, nodes: ["r"] }]);
    const inputValues = new Map([["shape", tensorOf("i64", [2], [2, 2])]]);
    const result = importBytes(bytes, { inputValues });
    expect(codesOf(result)).toEqual(["input-specialised"]);
    expect(result.module?.ops.at(-1)?.type.shape).toEqual([2, 2]);
  });

  it("of a NaN weight are an error that names it", () => {
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("Add", ["x", "w"], ["y"])],
      initializers: [floats("w", [4], [1, NaN, 2, 3])],
    });
    expect(importBytes(bytes).diagnostics).toMatchObject([
      { code: "nan-weight", message: 'tensor "w" holds 1 NaN and 0 infinite values among 4' },
    ]);
  });

  it("too large to hold are refused before they are made", () => {
    const sized = (opType: string, inputs: string[], shape: number[]): string => {
      const bytes = model({
        inputs: [],
        outputs: [value("y", null)],
        nodes: [node(opType, inputs, ["y"])],
        initializers: [ints("shape", shape), floats("one", [1], [1])],
      });
      return codesOf(importBytes(bytes))[0] ?? "";
    };
    const huge = [2 ** 20, 2 ** 20, 2 ** 20];
    expect(sized("ConstantOfShape", ["shape"], huge)).toBe("value-too-large");
    expect(sized("Expand", ["one", "shape"], huge)).toBe("value-too-large");
    expect(sized("Tile", ["one", "shape"], [2 ** 40])).toBe("value-too-large");
    expect(sized("Expand", ["one", "shape"], [10, 10])).toBe("");
    const numbers = [ints("a", [0], []), ints("b", [2 ** 50], []), ints("c", [1], [])];
    const range = model({
      inputs: [],
      outputs: [value("y", null)],
      nodes: [node("Range", ["a", "b", "c"], ["y"])],
      initializers: numbers,
    });
    expect(codesOf(importBytes(range))).toEqual(["too-much-memory"]);
  });

  it("that would take long to fold are refused", () => {
    const bytes = model({
      inputs: [value("x", [1, 4])],
      outputs: [value("y", null)],
      nodes: [
        node("ConstantOfShape", ["big"], ["a"]),
        node("ReduceSum", ["a"], ["b"]),
        node("Cast", ["b"], ["c"], { to: 7 }),
        node("Expand", ["x", "c"], ["y"]),
      ],
      initializers: [ints("big", [2 ** 20])],
    });
    const limits = { foldedBytes: 2 ** 20 };
    expect(codesOf(importBytes(bytes, { limits }))).toEqual(["too-much-memory"]);
  });
});

describe("what is not supported", () => {
  const bytes = model({
    inputs: [x],
    outputs: [y],
    nodes: [
      node("TopK", ["x"], ["a"], {}, { name: "top1" }),
      node("Relu", ["a"], ["b"], {}, { name: "after" }),
      node("TopK", ["b"], ["c"], {}, { name: "top2" }),
      node("Fancy", ["c"], ["d"], {}, { name: "own", domain: "org.example" }),
      node("Conv", ["x", "x"], ["e"], {}, { name: "dynamic" }),
      node("Add", ["d", "e"], ["y"], {}, { name: "sum" }),
    ],
    domains: { "org.example": 1 },
  });

  it("is listed all at once, each kind once, with its places and a way out", () => {
    const { unsupported, module } = importBytes(bytes);
    expect(module).toBeNull();
    expect(unsupported.map(({ op, domain, count, nodes }) => [op, domain, count, nodes])).toEqual([
      ["TopK", "", 2, ["top1", "top2"]],
      ["Fancy", "org.example", 1, ["own"]],
      ["Conv", "", 1, ["dynamic"]],
    ]);
    for (const { help } of unsupported) expect(help).not.toBe("");
  });

  it("gives one message for a kind, and none for what depends on it", () => {
    const { diagnostics } = importBytes(bytes);
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "operator TopK (opset 17) is not supported",
      "operator Fancy of domain org.example is not supported",
      'Conv needs its input "W" to be a constant, but it depends on the data',
    ]);
    expect(diagnostics[0]?.notes).toEqual(['2 of this kind; also "top2"']);
  });

  it("names operators of a newer opset as such", () => {
    const old = model({
      opset: 9,
      inputs: [x],
      outputs: [y],
      nodes: [node("Gelu", ["x"], ["y"])],
    });
    expect(importBytes(old).unsupported[0]?.help).toBe(
      "Gelu exists from opset 20 on, the model says opset 9",
    );
  });

  it("warns of attributes that no operator has", () => {
    const odd = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("Relu", ["x"], ["y"], { threshold: 3 })],
    });
    const { diagnostics, module } = importBytes(odd);
    expect(module).not.toBeNull();
    expect(diagnostics[0]?.message).toBe(
      "attribute threshold of Relu is not in the ONNX specification and was ignored",
    );
  });

  it("tells which shapes do not fit", () => {
    const wrong = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("MatMul", ["x", "w"], ["y"], {}, { name: "fc" })],
      initializers: [floats("w", [5, 4])],
    });
    const [diagnostic] = importBytes(wrong).diagnostics;
    expect(diagnostic).toMatchObject({ code: "shape-mismatch", loc: { name: "fc" } });
    expect(diagnostic?.notes).toEqual(["operand 0 is real[1, 4]"]);
  });

  it("warns of an opset that is newer than the table", () => {
    const next = model({
      opset: 99,
      inputs: [x],
      outputs: [y],
      nodes: [node("Relu", ["x"], ["y"])],
    });
    expect(codesOf(importBytes(next))).toEqual(["newer-opset"]);
  });
});

describe("If with a constant condition", () => {
  const branch = (opType: string): { graph: ReturnType<typeof graph> } => {
    return {
      graph: graph({ nodes: [node(opType, ["x"], ["out"])], outputs: [value("out", null)] }),
    };
  };
  it.each([
    [1, "ann.relu"],
    [0, "ann.neg"],
  ])("of %i takes its branch alone", (condition, kind) => {
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("If", ["c"], ["y"], { then_branch: branch("Relu"), else_branch: branch("Neg") }),
      ],
      initializers: [{ name: "c", dims: [], dataType: 9, int32Data: [condition] }],
    });
    expect(moduleOf(bytes).ops.map((op) => op.kind)).toEqual(["ann.input", kind]);
  });
});

describe("functions of the model", () => {
  const opsetImport = [{ domain: "", version: 17 }];
  const leaky = {
    name: "Slope",
    domain: "local",
    input: ["a"],
    output: ["b"],
    attribute: ["slope"],
    opsetImport,
    node: [
      node(
        "LeakyRelu",
        ["a"],
        ["b"],
        { alpha: { reference: "slope", type: 1 } },
        { name: "inner" },
      ),
    ],
  };

  it("are put in place of their calls, with the call's attributes", () => {
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("Slope", ["x"], ["y"], { slope: { float: 0.25 } }, { domain: "local", name: "call" }),
      ],
      functions: [leaky],
      domains: { local: 1 },
    });
    const module = moduleOf(bytes);
    expect(module.ops.map(({ kind }) => kind)).toEqual(["ann.input", "ann.leaky-relu"]);
    expect(module.ops[1]).toMatchObject({ attrs: { alpha: 0.25 }, loc: { name: "call/inner" } });
    const input = tensor("f32", [1, 4], Float32Array.of(-4, -2, 0, 3));
    expect([...(outputsOf(module, [input])[0]?.data ?? [])]).toEqual([-1, -0.5, 0, 3]);
  });

  it("may have default attributes, which onnx-proto does not know", () => {
    const without = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("Slope", ["x"], ["y"], {}, { domain: "local" })],
      domains: { local: 1 },
    });
    const field = (tag: number[], content: Uint8Array): Uint8Array => {
      return Uint8Array.of(...tag, (content.length & 127) | 128, content.length >> 7, ...content);
    };
    const alpha = op.onnx.AttributeProto.encode({ name: "slope", type: 1, f: 0.5 }).finish();
    const body = op.onnx.FunctionProto.encode(leaky).finish();
    // FunctionProto.attribute_proto is field 11, ModelProto.functions is field 25.
    const fn = Uint8Array.of(...body, ...field([0x5a], alpha));
    const bytes = Uint8Array.of(...without, ...field([0xca, 0x01], fn));
    expect(moduleOf(bytes).ops[1]).toMatchObject({ attrs: { alpha: 0.5 } });
  });

  it("may not share a name", () => {
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("Slope", ["x"], ["y"], {}, { domain: "local" })],
      domains: { local: 1 },
      functions: [leaky, leaky],
    });
    expect(importBytes(bytes).diagnostics[0]?.message).toBe(
      'the function "Slope" is defined twice',
    );
  });

  it("may not call themselves", () => {
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("Self", ["x"], ["y"], {}, { domain: "local" })],
      functions: [
        {
          name: "Self",
          domain: "local",
          input: ["a"],
          output: ["b"],
          opsetImport: [...opsetImport, { domain: "local", version: 1 }],
          node: [node("Self", ["a"], ["b"], {}, { domain: "local" })],
        },
      ],
      domains: { local: 1 },
    });
    expect(importBytes(bytes).diagnostics[0]?.message).toBe("the model function Self calls itself");
  });

  it("may not grow without end", () => {
    const functions = Array.from({ length: 30 }, (_, i) => ({
      name: `F${i}`,
      domain: "local",
      input: ["a"],
      output: ["c"],
      opsetImport: [...opsetImport, { domain: "local", version: 1 }],
      node:
        i === 29
          ? [node("Relu", ["a"], ["c"])]
          : [
              node(`F${i + 1}`, ["a"], ["b"], {}, { domain: "local" }),
              node(`F${i + 1}`, ["b"], ["c"], {}, { domain: "local" }),
            ],
    }));
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [node("F0", ["x"], ["y"], {}, { domain: "local" })],
      functions,
      domains: { local: 1 },
    });
    const result = importBytes(bytes, { limits: { nodes: 1000 } });
    expect(result.diagnostics.map(({ message }) => message)).toEqual([
      "the graph is too large: more than 1000 nodes after inlining",
    ]);
  });
});

describe("numbers beyond 32 bits", () => {
  const refusal = (kind: string, attributes: Parameters<typeof node>[3]): readonly string[] => {
    const nodes = [node(kind, ["x"], ["y"], attributes)];
    const parts = { inputs: [value("x", [1, 4, 8, 8])], outputs: [value("y", null)], nodes };
    const { module, diagnostics } = importBytes(model(parts));
    expect(module).toBeNull();
    return diagnostics.map(({ code, message }) => `${code}: ${message}`);
  };

  it.each([
    ["LRN", { size: 2 ** 40 }, "its size would be 1099511627776, beyond 32 bits"],
    ["LRN", { size: 2 ** 31 }, "its size would be 2147483648, beyond 32 bits"],
    ["LRN", { size: -(2 ** 31) - 1 }, "its size would be -2147483649, beyond 32 bits"],
    ["MaxPool", { kernel_shape: [2 ** 33, 2] }, "kernel_shape holds 8589934592"],
  ])("in %s with %j are refused, and make no module that is not valid", (kind, attributes, why) => {
    expect(refusal(kind, attributes)).toEqual([
      `invalid-node: ${kind} breaks its operator's rules: ${why}`,
    ]);
  });
});
