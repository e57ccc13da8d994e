/** What is asked for of a model, and nothing else: outputs, values of inputs, repeated names. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../../ir/tensor.ts";
import { shared } from "../../models/shared.ts";
import { floats, graph, ints, model, node, value } from "../build-model.ts";
import { codesOf, importBytes, moduleOf, outputsOf } from "../run.ts";

const x = value("x", ["n", 2]);
const y = value("y", ["n", 2]);
const w = floats("w", [2, 2], [1, 2, 3, 4]);

/** A policy: a mean, and the mean with noise. `noisy` says in which order. */
function policy(outputs: readonly string[]): Uint8Array {
  return model({
    inputs: [x],
    outputs: outputs.map((name) => value(name, ["n", 2])),
    nodes: [
      node("MatMul", ["x", "w"], ["mean"], {}, { name: "gemm" }),
      node("RandomNormalLike", ["mean"], ["noise"], {}, { name: "draw" }),
      node("Add", ["mean", "noise"], ["bold"], {}, { name: "sum" }),
      node("Identity", ["w"], ["fixed"], {}, { name: "constant" }),
    ],
    initializers: [w],
  });
}

const namesOf = (bytes: Uint8Array, options = {}): readonly string[] =>
  moduleOf(bytes, options).outputs.map(({ name }) => name);

describe("outputs", () => {
  it("that need random numbers are left out where others do not, aloud", () => {
    const { diagnostics, module, operators } = importBytes(policy(["bold", "mean"]));
    expect(module?.outputs.map(({ name }) => name)).toEqual(["mean"]);
    expect(Object.fromEntries(operators)).toEqual({ MatMul: 1 });
    expect(diagnostics.map(({ code, severity, message }) => [code, severity, message])).toEqual([
      [
        "random-output",
        "warning",
        'output "bold" was dropped, because it depends on random numbers (RandomNormalLike); ' +
          'kept: "mean"',
      ],
      [
        "unneeded-nodes",
        "info",
        "3 nodes were dropped, because no requested output depends on them: " +
          '"draw" (RandomNormalLike), "sum" (Add), "constant" (Identity)',
      ],
    ]);
    const [values] = outputsOf(moduleOf(policy(["bold", "mean"])), [
      tensorOf("f32", [1, 2], [1, 1]),
    ]);
    expect([...(values?.data ?? [])]).toEqual([4, 6]);
  });

  it("that need random numbers are refused where nothing else depends on the input", () => {
    expect(codesOf(importBytes(policy(["bold"])))).toContain("unsupported-op");
    expect(codesOf(importBytes(policy(["bold", "fixed"])))).toContain("unsupported-op");
    const asked = importBytes(policy(["bold", "mean"]), { outputs: ["bold"] });
    expect(asked.unsupported).toMatchObject([{ op: "RandomNormalLike", count: 1 }]);
  });

  it("are those that are named, in that order, or values to cut the model at", () => {
    expect(namesOf(policy(["bold", "mean"]), { outputs: ["mean"] })).toEqual(["mean"]);
    const cut = model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("MatMul", ["x", "w"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("TopK", ["b", "k"], ["y", "at"], {}, { name: "top" }),
      ],
      initializers: [w, ints("k", [1])],
    });
    expect(importBytes(cut).module).toBeNull();
    const outputs = ["b", "a", "b"];
    expect(namesOf(cut, { outputs })).toEqual(["b", "a"]);
    const unknown = importBytes(cut, { outputs: ["c"] });
    expect(unknown.diagnostics.map(({ message }) => message)).toEqual([
      'the model has no output or value "c"; its outputs are "y"',
    ]);
  });

  it("that can be imported are proposed where others cannot", () => {
    const bytes = model({
      inputs: [x],
      outputs: [y, value("a", ["n", 2])],
      nodes: [node("MatMul", ["x", "w"], ["a"]), node("Fancy", ["a"], ["y"], {}, { domain: "d" })],
      domains: { d: 1 },
      initializers: [w],
    });
    const { module, diagnostics } = importBytes(bytes);
    expect(module).toBeNull();
    expect(diagnostics.map(({ code, help }) => [code, help])).toContainEqual([
      "outputs-importable",
      "to convert only these: --model-outputs a",
    ]);
    expect(namesOf(bytes, { outputs: ["a"] })).toEqual(["a"]);
  });

  it("that are listed twice are given once, and that is said", () => {
    const nodes = [node("Relu", ["x"], ["y"])];
    const result = importBytes(model({ inputs: [x], outputs: [y, y], nodes }));
    expect(result.module?.outputs.map(({ name }) => name)).toEqual(["y"]);
    expect(result.diagnostics.map(({ message }) => message)).toEqual([
      'the model lists its output "y" 2 times; it is given once',
    ]);
  });
});

describe("shapes that are missing", () => {
  it("do not hide operators that are not supported", () => {
    const bytes = model({
      domains: { "ai.onnx.ml": 3 },
      inputs: [value("x", ["n", null])],
      outputs: [value("y", null)],
      nodes: [
        node("TreeEnsembleRegressor", ["x"], ["t"], {}, { domain: "ai.onnx.ml" }),
        node("Relu", ["t"], ["y"]),
        node("NonMaxSuppression", ["x"], ["dead"]),
      ],
    });
    const { diagnostics, unsupported } = importBytes(bytes);
    expect(diagnostics.map(({ code }) => code)).toEqual(["unknown-dimension", "unsupported-op"]);
    expect(unsupported.map(({ op }) => op)).toEqual(["TreeEnsembleRegressor"]);
  });
});

describe("axes that an exporter calls ?, -1 or None", () => {
  it.each(["?", "-1", "None"])("%s are not one and the same, and get a shape", (name) => {
    const bytes = model({
      inputs: [value("x", [name, 3, name, name])],
      outputs: [value("y", null)],
      nodes: [node("Relu", ["x"], ["y"])],
    });
    expect(importBytes(bytes).diagnostics.map(({ help }) => help)).toEqual([
      "give the whole shape: --input-shape x=N,3,N,N",
      "give the whole shape: --input-shape x=N,3,N,N",
    ]);
    const inputShapes = new Map([["x", [1, 3, 4, 5]]]);
    expect(codesOf(importBytes(bytes, { inputShapes }))).toEqual([]);
  });
});

describe("what no output depends on", () => {
  it("is not imported, neither in branches nor in functions, output by output", () => {
    const branch = (names: readonly [string, string]) => ({
      graph: graph({
        nodes: [
          node("Relu", ["a"], [names[0]]),
          node("RandomNormalLike", ["a"], [names[1]], {}, { name: "inner" }),
        ],
        outputs: names.map((name) => value(name, null)),
      }),
    });
    const bytes = model({
      inputs: [x, value("unread", ["n", "what"])],
      outputs: [y],
      nodes: [
        node("Unknown", ["x"], ["dead"], {}, { domain: "d" }),
        node("Both", ["x", "dead"], ["a", "unused"], {}, { domain: "local", name: "call" }),
        node("If", ["c"], ["y", "random"], {
          then_branch: branch(["t", "tr"]),
          else_branch: branch(["e", "er"]),
        }),
      ],
      initializers: [{ name: "c", dims: [], dataType: 9, int32Data: [1] }],
      domains: { local: 1, d: 1 },
      functions: [
        {
          name: "Both",
          domain: "local",
          input: ["p", "q"],
          output: ["r", "s"],
          opsetImport: [{ domain: "", version: 17 }],
          node: [
            node("Neg", ["p"], ["r"], {}, { name: "neg" }),
            node("Bernoulli", ["q"], ["s"], {}, { name: "drawn" }),
          ],
        },
      ],
    });
    const { module, diagnostics, operators, inputs } = importBytes(bytes);
    expect(module?.ops.map(({ kind }) => kind)).toEqual(["ann.input", "ann.neg", "ann.relu"]);
    expect(inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(Object.fromEntries(operators)).toEqual({ If: 1, Neg: 1, Relu: 1 });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      'input "unread" was dropped, because no requested output depends on it',
      "3 nodes were dropped, because no requested output depends on them: " +
        '"dead" (Unknown), "drawn" (Bernoulli), "inner" (RandomNormalLike)',
    ]);
  });

  it("of a branch that is not taken is no refusal, though the branch reads it", () => {
    const branch = (name: string, operand: string) => ({
      graph: graph({ nodes: [node("Relu", [operand], [name])], outputs: [value(name, null)] }),
    });
    const bytes = model({
      inputs: [x],
      outputs: [y],
      nodes: [
        node("Unknown", ["x"], ["strange"], {}, { domain: "d" }),
        node("If", ["c"], ["y"], {
          then_branch: branch("t", "x"),
          else_branch: branch("e", "strange"),
        }),
      ],
      initializers: [{ name: "c", dims: [], dataType: 9, int32Data: [1] }],
      domains: { d: 1 },
    });
    expect(moduleOf(bytes).ops.map(({ kind }) => kind)).toEqual(["ann.input", "ann.relu"]);
  });
});

describe("the value of an input", () => {
  const bytes = model({
    inputs: [x, value("rate", [], "int64"), value("gain", ["n", 2])],
    outputs: [y],
    nodes: [
      node("Equal", ["rate", "r16"], ["is16"]),
      node("If", ["is16"], ["z"], {
        then_branch: {
          graph: graph({ nodes: [node("Relu", ["x"], ["t"])], outputs: [value("t", null)] }),
        },
        else_branch: {
          graph: graph({ nodes: [node("Neg", ["x"], ["e"])], outputs: [value("e", null)] }),
        },
      }),
      node("Mul", ["z", "gain"], ["y"]),
    ],
    initializers: [ints("r16", [16], [])],
  });
  const run = (rate: number, gain: readonly number[]): readonly number[] => {
    const inputConstants = new Map([
      ["rate", [rate]],
      ["gain", gain],
    ]);
    const module = moduleOf(bytes, { inputConstants });
    const [out] = outputsOf(module, [tensorOf("f32", [1, 2], [-1, 2])]);
    return [...(out?.data ?? [])].map((v) => v + 0);
  };

  it("chooses the branch; one number fills an input, a list gives each element", () => {
    expect(run(16, [2])).toEqual([0, 4]);
    expect(run(8, [2, 3])).toEqual([2, -6]);
  });

  it("is asked for where an operator needs it", () => {
    const refused = importBytes(bytes).diagnostics.find(({ code }) => code === "not-constant");
    expect(refused).toMatchObject({
      message: 'If needs its input "cond" to be a constant, but it depends on the value of "rate"',
      help: "give it: --input-value rate=VALUE",
    });
  });

  it("must fit the input", () => {
    const messages = (name: string, numbers: readonly number[]): readonly string[] =>
      importBytes(bytes, { inputConstants: new Map([[name, numbers]]) }).diagnostics.map(
        ({ message }) => message,
      );
    expect(messages("rate", [0.5])).toContain(
      'the value given for input "rate" does not fit: 0.5 is no i64',
    );
    expect(messages("gain", [1, 2, 3])).toContain(
      'the value given for input "gain" does not fit: it has 3 elements, the input [1, 2] has 2',
    );
    expect(messages("sr", [1])).toEqual([
      'the model has no input "sr"; it has "x", "rate", "gain"',
    ]);
  });
});

describe("values that are too large", () => {
  it.each([
    ["Resize", ["x", "", "s"], {}, [floats("s", [4], [1, 1, 400, 400])]],
    ["ConvTranspose", ["x", "k"], { strides: [400, 400] }, [floats("k", [3, 3, 2, 2])]],
  ])("are refused before they are made: %s of a small model", (op, inputs, attributes, tensors) => {
    const bytes = model({
      opset: 13,
      inputs: [value("x", [1, 3, 32, 32])],
      outputs: [value("y", null)],
      nodes: [node(op, inputs, ["a"], attributes), node("ReduceMean", ["a"], ["y"])],
      initializers: tensors,
    });
    expect(codesOf(importBytes(bytes))).toEqual(["value-too-large"]);
    expect(importBytes(bytes, { limits: { valueBytes: 2 ** 31 } }).module).not.toBeNull();
  });

  it("are summed up, and the import ends where there are too many bytes", () => {
    // 2²⁶ floats are 256 MiB: one is allowed, and 32 are 8 GiB, which are too.
    const relus = (count: number) =>
      model({
        inputs: [value("x", [1, 1])],
        outputs: [value("y", null)],
        nodes: [
          node("Expand", ["x", "s"], ["v0"]),
          ...Array.from({ length: count }, (_, i) => node("Relu", [`v${i}`], [`v${i + 1}`])),
          node("ReduceMean", [`v${count}`], ["y"]),
        ],
        initializers: [ints("s", [8192, 8192])],
      });
    expect(codesOf(importBytes(relus(30), { batch: null }))).toEqual([]);
    const { diagnostics } = importBytes(relus(40), { batch: null });
    expect(diagnostics.map(({ message }) => message)).toEqual([
      "the values of the model take more than 8589934592 bytes in total up to here",
    ]);
    const limits = { totalBytes: 2 ** 34 };
    expect(codesOf(importBytes(relus(40), { batch: null, limits }))).toEqual([]);
  });

  it("lists in a model cost no more than they are long", () => {
    // 5,000 calls of a function of 20,000 inputs, of which each call gives one.
    const calls = 5000;
    const name = (i: number): string => (i === 0 ? "x" : i === calls ? "y" : `v${i}`);
    const bytes = model({
      inputs: [x],
      outputs: [y],
      domains: { local: 1 },
      nodes: Array.from({ length: calls }, (_, i) => {
        return node("F", [name(i)], [name(i + 1)], {}, { domain: "local" });
      }),
      functions: [
        {
          name: "F",
          domain: "local",
          input: Array.from({ length: 20_000 }, (_, i) => `p${i}`),
          output: ["r"],
          opsetImport: [{ domain: "", version: 17 }],
          node: [node("Relu", ["p0"], ["r"])],
        },
      ],
    });
    const before = process.cpuUsage();
    expect(moduleOf(bytes).ops).toHaveLength(calls + 1);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(10);
  });

  it("errors beyond a thousand are counted", () => {
    const unknown = Array.from({ length: 2000 }, (_, i) => {
      return node(`Op${i}`, [i === 0 ? "x" : `v${i}`], [i === 1999 ? "y" : `v${i + 1}`]);
    });
    const { diagnostics, unsupported } = importBytes(
      model({ inputs: [x], outputs: [y], nodes: unknown }),
    );
    expect(unsupported).toHaveLength(2000);
    expect(diagnostics.at(-1)?.message).toBe("1000 more errors are not listed");
  });
});

describe("repeated names in functions", () => {
  const calling = (fn: object): Uint8Array =>
    model({
      inputs: [x],
      outputs: [y],
      nodes: [node("F", ["x"], ["y"], {}, { domain: "local" })],
      domains: { local: 1 },
      functions: [
        {
          name: "F",
          domain: "local",
          input: ["p"],
          output: ["r"],
          opsetImport: [{ domain: "", version: 17 }],
          ...fn,
        },
      ],
    });
  it("are errors: of values, and of inputs", () => {
    const twice = [node("Relu", ["p"], ["r"]), node("Neg", ["p"], ["r"])];
    expect(importBytes(calling({ node: twice })).diagnostics[0]?.message).toBe(
      'the value "r" is defined twice',
    );
    const inputs = { input: ["p", "p"], node: [node("Relu", ["p"], ["r"])] };
    expect(importBytes(calling(inputs)).diagnostics[0]?.message).toBe(
      'the input "p" is defined twice',
    );
  });
});

describe("BatchNormalization with outputs that nobody reads", () => {
  const parts = ["s", "b", "m", "v"];
  const bn = (opset: number, outputs: number, attributes = {}): Uint8Array =>
    model({
      opset,
      inputs: [value("x", ["n", 2, 3])],
      outputs: [value("y", null)],
      nodes: [
        node(
          "BatchNormalization",
          ["x", ...parts],
          ["y", "a", "b2", "c", "d"].slice(0, outputs),
          attributes,
        ),
      ],
      initializers: parts.map((name) => floats(name, [2], [1, 2])),
    });
  it("says how many channels there are, of one too", () => {
    const bytes = model({
      inputs: [value("x", [1, 1, 3])],
      outputs: [value("y", null)],
      nodes: [node("BatchNormalization", ["x", ...parts], ["y"])],
      initializers: parts.map((name) => floats(name, [2], [1, 2])),
    });
    expect(importBytes(bytes).diagnostics[0]?.message).toMatch(/of shape \[2\] for 1 channel$/);
  });

  // What the specification says of each version, and onnxruntime does.
  it.each([
    [6, 5, { is_test: 1 }, ""],
    [6, 1, {}, "unsupported-form"],
    [7, 1, {}, ""],
    [7, 5, {}, "unsupported-form"],
    [9, 5, {}, "unsupported-form"],
    [13, 3, {}, "unsupported-form"],
    [14, 1, {}, ""],
    [14, 3, {}, ""],
    [14, 3, { training_mode: 1 }, "unsupported-form"],
    [15, 1, { training_mode: 1 }, "unsupported-form"],
  ])("of opset %i, %i outputs, %j: %s", (opset, outputs, attributes, code) => {
    expect(codesOf(importBytes(bn(opset, outputs, attributes)))[0] ?? "").toBe(code);
  });
});

const cases = join(shared, "cases");
describe.runIf(existsSync(cases))("cases that were refused once", () => {
  it.each([
    ["policy-with-noise", {}, ["calm"]],
    ["dead-node", {}, ["y"]],
    ["dead-function-output", {}, ["y"]],
    ["branch-on-rate", { inputConstants: new Map([["rate", [16000]]]) }, ["y"]],
    ["state-taken-for-batch", { dimensions: new Map([["batch", 1]]) }, ["y", "next"]],
  ])("%s", (name, options, outputs) => {
    const bytes = new Uint8Array(readFileSync(join(cases, `${name}.onnx`)));
    expect(namesOf(bytes, options)).toEqual(outputs);
  });
});
