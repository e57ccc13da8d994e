/** Tensors of a file: every element type, both ways of storing them, and what is wrong with some. */
import type { onnx } from "onnx-proto";
import { describe, expect, it } from "vitest";
import { type Diagnostic, DiagnosticError } from "../../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../../ir/loc.ts";
import type { Tensor } from "../../../../ir/tensor.ts";
import { smallFloatTable } from "../../../../frontend/onnx/file/float8.ts";
import { dataTypes } from "../../../../frontend/onnx/file/proto.ts";
import {
  decodeSparse,
  decodeTensor,
  findNonFinite,
} from "../../../../frontend/onnx/file/tensors.ts";
import { floats, ints } from "../../build-model.ts";

const loc = sourceLoc("test.onnx", "w", "Initializer");

function decode(proto: onnx.ITensorProto, report: (d: Diagnostic) => void = () => {}): Tensor {
  return decodeTensor(proto, "w", { files: null, loc, valueBytes: 2 ** 20, rank: 64, report });
}

function errorOf(run: () => unknown): { code: string; message: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const [diagnostic] = error.diagnostics;
    return { code: diagnostic?.code ?? "", message: diagnostic?.message ?? "" };
  }
  return { code: "", message: "no error" };
}

type Name = (typeof dataTypes)[number];
const typed = (type: Name, dims: number[], rest: onnx.ITensorProto): onnx.ITensorProto => {
  return { name: "w", dims, dataType: dataTypes.indexOf(type), ...rest };
};

/** Bytes at an odd offset, as they lie in a file. */
function unaligned(bytes: ArrayLike<number>): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 1);
  buffer.set(bytes, 1);
  return buffer.subarray(1);
}

describe("raw data", () => {
  it.each<[Name, string, number[], number[]]>([
    ["float", "f32", [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0], [1.5, -2]],
    ["double", "f64", [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
    ["float16", "f16", [0x00, 0x3e, 0x00, 0xc0], [1.5, -2]],
    ["bfloat16", "bf16", [0xc0, 0x3f, 0x00, 0xc0], [1.5, -2]],
    ["int64", "i64", [254, 255, 255, 255, 255, 255, 255, 255], [-2]],
    ["uint64", "u64", [2, 1, 0, 0, 0, 0, 0, 0], [258]],
    ["int32", "i32", [254, 255, 255, 255], [-2]],
    ["uint32", "u32", [254, 255, 255, 255], [4294967294]],
    ["int16", "i16", [254, 255], [-2]],
    ["uint16", "u16", [254, 255], [65534]],
    ["int8", "i8", [254, 3], [-2, 3]],
    ["uint8", "u8", [254, 3], [254, 3]],
    ["bool", "bool", [0, 1, 2], [0, 1, 1]],
    ["int4", "i8", [0x8f, 0x07], [-1, -8, 7]],
    ["uint4", "u8", [0x8f, 0x07], [15, 8, 7]],
    ["float8e4m3fn", "f32", [0x38, 0x7e, 0x81], [1, 448, -(2 ** -9)]],
    ["float8e5m2", "f32", [0x3c, 0x7b], [1, 57344]],
    ["float8e4m3fnuz", "f32", [0x40, 0x7f], [1, 240]],
    ["float8e5m2fnuz", "f32", [0x40, 0x7f], [1, 57344]],
    ["float4e2m1", "f32", [0x72, 0x0b], [1, 6, -1.5]],
  ])("%s", (type, dtype, bytes, values) => {
    const tensor = decode(typed(type, [values.length], { rawData: unaligned(bytes) }));
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([values.length]);
    expect([...tensor.data]).toEqual(values);
  });
});

describe("typed fields", () => {
  it.each<[Name, onnx.ITensorProto, number[]]>([
    ["float", { floatData: [1.5, -2] }, [1.5, -2]],
    ["double", { doubleData: [1.5, -2] }, [1.5, -2]],
    ["float16", { int32Data: [0x3e00, 0xc000] }, [1.5, -2]],
    ["bfloat16", { int32Data: [0x3fc0, 0xc000] }, [1.5, -2]],
    ["int64", { int64Data: [3, -2] }, [3, -2]],
    ["uint64", { uint64Data: [3, 4] }, [3, 4]],
    ["uint32", { uint64Data: [3, 4294967295] }, [3, 4294967295]],
    ["int32", { int32Data: [3, -2] }, [3, -2]],
    ["int8", { int32Data: [3, -2] }, [3, -2]],
    ["bool", { int32Data: [0, 1] }, [0, 1]],
    ["int4", { int32Data: [0x8f] }, [-1, -8]],
    ["float8e4m3fn", { int32Data: [0x38, 0xb8] }, [1, -1]],
  ])("%s", (type, fields, values) => {
    expect([...decode(typed(type, [values.length], fields)).data]).toEqual(values);
  });
});

describe("8-bit floats", () => {
  it("decode as their definitions say at the edges", () => {
    const e4m3 = smallFloatTable("float8e4m3fn");
    expect([e4m3[0x7e], e4m3[0x7f], e4m3[0x01], e4m3[0x80]]).toEqual([448, NaN, 2 ** -9, -0]);
    const e5m2 = smallFloatTable("float8e5m2");
    expect([e5m2[0x7b], e5m2[0x7c], e5m2[0x7d]]).toEqual([57344, Infinity, NaN]);
    const fnuz = smallFloatTable("float8e4m3fnuz");
    expect([fnuz[0x80], fnuz[0x7f]]).toEqual([NaN, 240]);
  });

  it("hold no two codes of one number but zero's", () => {
    for (const name of ["float8e4m3fn", "float8e5m2", "float8e4m3fnuz"] as const) {
      const numbers = [...smallFloatTable(name)].filter((v) => Number.isFinite(v) && v !== 0);
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });
});

describe("tensors that are refused", () => {
  it("text and complex numbers", () => {
    const stringData = [new TextEncoder().encode("a")];
    expect(errorOf(() => decode(typed("string", [1], { stringData })))).toEqual({
      code: "unsupported-tensor",
      message: 'tensor "w" cannot be read: its element type is string',
    });
    expect(errorOf(() => decode(typed("complex64", [1], {}))).code).toBe("unsupported-tensor");
    expect(errorOf(() => decode({ dims: [1], dataType: 99 })).message).toBe(
      'tensor "w" cannot be read: its element type is number 99',
    );
  });

  it("fewer or more data than declared", () => {
    expect(errorOf(() => decode(typed("float", [3], { rawData: new Uint8Array(8) })))).toEqual({
      code: "tensor-size",
      message: 'tensor "w" declares 3 elements (12 bytes) but holds 8 bytes',
    });
    expect(errorOf(() => decode(typed("float", [3], { floatData: [1] })))).toEqual({
      code: "tensor-size",
      message: 'tensor "w" declares 3 elements but holds 1',
    });
    expect(errorOf(() => decode(typed("float", [2], {}))).code).toBe("tensor-size");
  });

  it("sizes that no file can mean, before anything is allocated", () => {
    const huge = typed("float", [2 ** 31, 2 ** 31], { rawData: new Uint8Array(4) });
    expect(errorOf(() => decode(huge)).code).toBe("value-too-large");
    const large = typed("float", [2 ** 17], { rawData: new Uint8Array(4) });
    expect(errorOf(() => decode(large)).code).toBe("tensor-size");
    expect(errorOf(() => decode(typed("float", [-1], {}))).message).toContain("dimensions [-1]");
  });
});

describe("integers beyond 2^53", () => {
  const report = (values: number[]): string[] => {
    const said: string[] = [];
    decode(ints("w", values), (diagnostic) => said.push(diagnostic.code));
    return said;
  };
  it("are reported, but for the sentinels of Slice", () => {
    expect(report([1, 2 ** 53])).toEqual(["large-integer"]);
    expect(report([1, 2 ** 52])).toEqual([]);
    const raw = new Uint8Array(16);
    new DataView(raw.buffer).setBigInt64(0, 2n ** 63n - 1n, true);
    new DataView(raw.buffer).setBigInt64(8, -(2n ** 63n), true);
    const said: string[] = [];
    decode(typed("int64", [2], { rawData: raw }), (d) => said.push(d.code));
    expect(said).toEqual([]);
  });
});

describe("sparse tensors", () => {
  const source = { files: null, loc, valueBytes: 2 ** 20, rank: 64, report: () => {} };
  it("become dense, from linear indices and from one index per axis", () => {
    const values = floats("w", [2], [5, 7]);
    const linear = { values, indices: ints("i", [1, 5]), dims: [2, 3] };
    expect([...decodeSparse(linear, "w", source).data]).toEqual([0, 5, 0, 0, 0, 7]);
    const perAxis = { values, indices: ints("i", [0, 1, 1, 2], [2, 2]), dims: [2, 3] };
    expect([...decodeSparse(perAxis, "w", source).data]).toEqual([0, 5, 0, 0, 0, 7]);
  });
  it("are refused where an index is outside or the whole is too large", () => {
    const values = floats("w", [1], [5]);
    const outside = { values, indices: ints("i", [6]), dims: [2, 3] };
    expect(errorOf(() => decodeSparse(outside, "w", source)).code).toBe("invalid-model");
    const huge = { values, indices: ints("i", [0]), dims: [2 ** 20] };
    expect(errorOf(() => decodeSparse(huge, "w", source)).code).toBe("value-too-large");
  });
});

describe("non-finite weights", () => {
  const found = (values: number[]): string | null => {
    return findNonFinite(decode(floats("w", [values.length], values)), "w", loc)?.message ?? null;
  };
  it("are counted", () => {
    expect(found([1, NaN, Infinity])).toBe('tensor "w" holds 1 NaN and 1 infinite values among 3');
    expect(found([1, 2])).toBeNull();
  });
  it("are allowed in masks and as single bounds", () => {
    expect(found([0, -Infinity, 0])).toBeNull();
    expect(found([Infinity])).toBeNull();
    expect(found([NaN])).not.toBeNull();
  });
});
