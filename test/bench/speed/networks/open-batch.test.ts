/** Models of a frozen batch, made to take any. */
import onnxProto from "onnx-proto";
import { describe, expect, it } from "vitest";
import { fixedBatchOf, openBatch } from "../../../../bench/speed/networks/open-batch.ts";

const { onnx } = onnxProto;

const value = (name: string, shape: readonly (number | string)[]) => ({
  name,
  type: {
    tensorType: {
      elemType: 1,
      shape: {
        dim: shape.map((n) => (typeof n === "string" ? { dimParam: n } : { dimValue: n })),
      },
    },
  },
});

const int64s = (values: readonly number[]): Uint8Array =>
  new Uint8Array(BigInt64Array.from(values, BigInt).buffer);

/** Flattens x by a Reshape, and reshapes a weight that happens to begin with the batch too. */
function frozen(batch: number | string): Uint8Array {
  const shape = { dims: [2], dataType: 7 };
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ version: 13 }],
    graph: {
      name: "frozen",
      input: [value("w", [10, 6]), value("x", [batch, 2, 3])],
      output: [value("y", [batch, 6])],
      valueInfo: [value("flat", [batch, 6])],
      initializer: [
        { name: "w", dims: [6, 10], dataType: 1, rawData: new Uint8Array(240) },
        { name: "to", ...shape, rawData: int64s([Number(batch) || -1, 6]) },
        { name: "toWeight", ...shape, int64Data: [10, 6] },
      ],
      node: [
        { opType: "Reshape", input: ["x", "to"], output: ["flat"] },
        { opType: "Reshape", input: ["w", "toWeight"], output: ["v"] },
        { opType: "Gemm", input: ["flat", "v"], output: ["y"] },
      ],
    },
  }).finish();
}

describe("fixedBatchOf", () => {
  it("is the first extent of the input that is no weight", () => {
    expect(fixedBatchOf(frozen(10))).toBe(10);
    expect(fixedBatchOf(frozen(1))).toBe(1);
  });

  it("is null for a symbolic one", () => {
    expect(fixedBatchOf(frozen("n"))).toBeNull();
  });
});

describe("openBatch", () => {
  const graph = onnx.ModelProto.decode(openBatch(frozen(10))).graph;
  const firstOf = (
    list: typeof graph extends null | undefined ? never : "input" | "output",
    at: number,
  ) => graph?.[list]?.[at]?.type?.tensorType?.shape?.dim?.[0]?.dimParam;

  it("makes the batch symbolic in the input and in the output", () => {
    expect(fixedBatchOf(openBatch(frozen(10)))).toBeNull();
    expect(firstOf("input", 1)).toBe("batch");
    expect(firstOf("output", 0)).toBe("batch");
  });

  it("keeps a value's first extent where it was reshaped to the batch", () => {
    const target = graph?.initializer?.[1]?.rawData ?? new Uint8Array(0);
    expect(new Uint8Array(target)).toEqual(int64s([0, 6]));
  });

  it("leaves weights alone, and forgets shapes that no longer hold", () => {
    expect((graph?.initializer?.[2]?.int64Data ?? []).map(Number)).toEqual([10, 6]);
    expect(graph?.valueInfo).toEqual([]);
  });

  it("changes nothing where there is nothing to open", () => {
    const open = frozen("n");
    expect(openBatch(open)).toBe(open);
  });
});
