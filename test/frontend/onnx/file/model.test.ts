/** Files that are no model, or a broken one: each gets its own message. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DiagnosticError } from "../../../../ir/diagnostic.ts";
import { readModelFile } from "../../../../frontend/files.ts";
import { floats, graph, model, networks, node, value } from "../../build-model.ts";
import { codesOf, importBytes } from "../../run.ts";

const good = networks["conv-bn-relu-pool-gemm"]?.() ?? new Uint8Array();

function only(bytes: Uint8Array): { code: string; message: string; help: string | null } {
  const result = importBytes(bytes);
  expect(result.module).toBeNull();
  expect(codesOf(result)).toHaveLength(1);
  const [diagnostic] = result.diagnostics;
  return {
    code: diagnostic?.code ?? "",
    message: diagnostic?.message ?? "",
    help: diagnostic?.help ?? null,
  };
}

const x = value("x", [1, 2]);
const y = value("y", [1, 2]);

describe("bytes that are no model", () => {
  it("an empty file", () => {
    expect(only(new Uint8Array())).toEqual({
      code: "empty-file",
      message: "the file is empty",
      help: "export the model again, or download it again",
    });
  });

  it("a text file", () => {
    expect(only(new TextEncoder().encode("hello, world\n"))).toEqual({
      code: "not-onnx",
      message: "this is not an ONNX model: it is a text file",
      help: "name an .onnx model",
    });
  });

  it("a Git LFS pointer", () => {
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    expect(only(new TextEncoder().encode(pointer))).toEqual({
      code: "not-onnx",
      message: "this is not an ONNX model: it is a Git LFS pointer, not the file itself",
      help: "fetch the file: git lfs pull",
    });
  });

  it("a model that was cut off, wherever it was cut", () => {
    for (let length = 1; length < good.length; length++) {
      const result = importBytes(good.subarray(0, length));
      expect(result.module).toBeNull();
      expect(["truncated-model", "not-onnx", "missing-opset"]).toContain(codesOf(result)[0]);
    }
    expect(only(good.subarray(0, good.length - 10))).toEqual({
      code: "truncated-model",
      message: `the model ends in the middle, after ${good.length - 10} bytes`,
      help: "export the model again, or download it again",
    });
  });

  it("protobuf without a graph", () => {
    expect(only(Uint8Array.of(0x08, 0x08))).toMatchObject({
      code: "not-onnx",
      message: "this is not an ONNX model: it holds no graph",
    });
  });

  it("protobuf that states no version", () => {
    expect(only(Uint8Array.of(0x3a, 0x00))).toMatchObject({
      code: "not-onnx",
      message: "this is not an ONNX model: it states no IR version",
    });
  });

  it("random bytes, whatever protobuf makes of them", () => {
    let state = 7;
    for (let run = 0; run < 300; run++) {
      const bytes = Uint8Array.from({ length: 40 }, () => {
        state = (state * 48271) % 2147483647;
        return state & 255;
      });
      expect(importBytes(bytes).module).toBeNull();
    }
  });
});

describe("readModelFile", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "snnc-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const codeOf = (path: string): string => {
    try {
      readModelFile(path);
      return "";
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return error.diagnostics[0]?.code ?? "";
    }
  };

  it("tells a directory, a missing file and a file apart", () => {
    writeFileSync(join(folder, "model.onnx"), good);
    expect(codeOf(folder)).toBe("is-directory");
    expect(codeOf(join(folder, "nothing.onnx"))).toBe("model-not-found");
    expect(codeOf(join(folder, "model.onnx"))).toBe("");
  });
});

describe("graphs that do not hold together", () => {
  it("no opset", () => {
    const bytes = model({ nodes: [], outputs: [y], inputs: [x], opset: 0 });
    expect(only(bytes).code).toBe("missing-opset");
  });

  it("no outputs", () => {
    const bytes = model({ nodes: [node("Relu", ["x"], ["y"])], outputs: [], inputs: [x] });
    expect(only(bytes)).toMatchObject({
      code: "no-outputs",
      message: "the graph declares no outputs",
    });
  });

  it("a value that nothing makes", () => {
    const nodes = [node("Relu", ["z"], ["y"], {}, { name: "r" })];
    expect(only(model({ nodes, outputs: [y], inputs: [x] }))).toMatchObject({
      code: "undefined-input",
      message: 'the value "z" is used but never computed',
    });
  });

  it("an output that nothing makes", () => {
    const nodes = [node("Relu", ["x"], ["z"])];
    expect(only(model({ nodes, outputs: [y], inputs: [x] }))).toMatchObject({
      code: "missing-output",
      message: 'no node computes the output "y"',
    });
  });

  it("nodes in a circle", () => {
    const nodes = [
      node("Add", ["x", "b"], ["a"], {}, { name: "first" }),
      node("Relu", ["a"], ["b"], {}, { name: "second" }),
      node("Relu", ["b"], ["y"], {}, { name: "third" }),
    ];
    expect(only(model({ nodes, outputs: [y], inputs: [x] }))).toMatchObject({
      code: "cyclic-graph",
      message: '3 nodes depend on one another in a cycle: "first", "second", "third"',
    });
  });

  it("names that are defined twice", () => {
    const twice = [node("Relu", ["x"], ["y"]), node("Relu", ["x"], ["y"])];
    expect(only(model({ nodes: twice, outputs: [y], inputs: [x] }))).toMatchObject({
      code: "duplicate-name",
      message: 'the value "y" is defined twice',
    });
    const nodes = [node("Add", ["x", "w"], ["y"])];
    const initializers = [floats("w", [2]), floats("w", [2])];
    expect(only(model({ nodes, outputs: [y], inputs: [x], initializers }))).toMatchObject({
      message: 'the initializer "w" is defined twice',
    });
  });

  it("a node without operator", () => {
    const nodes = [node("", ["x"], ["y"])];
    expect(only(model({ nodes, outputs: [y], inputs: [x] }))).toMatchObject({
      code: "invalid-model",
      message: 'the model breaks the ONNX rules: node 0 ("y") names no operator',
    });
  });

  it("subgraphs within subgraphs without end", () => {
    let inner = graph({ nodes: [node("Identity", ["x"], ["y"])], outputs: [y] });
    for (let depth = 0; depth < 60; depth++) {
      const branches = { then_branch: { graph: inner }, else_branch: { graph: inner } };
      const nodes = [{ ...node("If", ["c"], ["y"], branches), name: `if${depth}` }];
      // One branch only, or the file doubles with each level.
      nodes[0]?.attribute?.pop();
      inner = graph({ nodes, outputs: [y] });
    }
    const bytes = model({
      nodes: inner.node ?? [],
      outputs: [y],
      inputs: [x, value("c", [], "bool")],
    });
    expect(only(bytes).code).toBe("graph-too-large");
  });
});

describe("nodes out of order", () => {
  it("are sorted, and that is said", () => {
    const nodes = [node("Relu", ["a"], ["y"]), node("Neg", ["x"], ["a"])];
    const result = importBytes(model({ nodes, outputs: [y], inputs: [x] }));
    expect(codesOf(result)).toEqual(["unsorted-graph"]);
    expect(result.module?.ops.map(({ kind }) => kind)).toEqual([
      "ann.input",
      "ann.neg",
      "ann.relu",
    ]);
  });
});
