/** A growing ONNX graph: nodes, weights and names, written as one file of opset 13. */
import onnxProto, { type onnx } from "onnx-proto";

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
const { DataType } = TensorProto;
const { AttributeType } = AttributeProto;

/** Element types of the tensors that are written, by ONNX's numbers. */
const types = {
  f32: DataType.FLOAT,
  u8: DataType.UINT8,
  i8: DataType.INT8,
  i32: DataType.INT32,
  i64: DataType.INT64,
} as const;

type Numbers = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

export class OnnxGraph {
  private readonly node: onnx.INodeProto[] = [];
  private readonly initializer: onnx.ITensorProto[] = [];
  private made = 0;

  /** Adds a node of one result, whose name is returned. */
  add(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string {
    const name = `${opType}_${this.made++}`;
    const attribute = Object.entries(attributes).map(([key, value]) =>
      typeof value === "number"
        ? { name: key, type: AttributeType.INT, i: value }
        : { name: key, type: AttributeType.INTS, ints: [...value] },
    );
    this.node.push({ name, opType, input: [...input], output: [name], attribute });
    return name;
  }

  /** A constant; the shape is that of a list, unless given. */
  constant(
    type: keyof typeof types,
    data: Numbers,
    dims: readonly number[] = [data.length],
  ): string {
    const name = `constant_${this.made++}`;
    // Typed arrays are little-endian on every machine that Node runs on, as the format is.
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializer.push({ name, dims: [...dims], dataType: types[type], rawData });
    return name;
  }

  scalar(type: "f32" | "u8", value: number): string {
    const data = type === "f32" ? Float32Array.of(value) : Uint8Array.of(value);
    return this.constant(type, data, []);
  }

  int64s(values: readonly number[]): string {
    return this.constant("i64", BigInt64Array.from(values, BigInt));
  }

  /** The file. Shapes have their batch in front: a number, or the name of a free one. */
  finish(
    name: string,
    input: { readonly name: string; readonly shape: readonly (number | string)[] },
    outputs: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[],
  ): Uint8Array {
    return ModelProto.encode({
      irVersion: 8,
      producerName: "snnc bench",
      opsetImport: [{ domain: "", version: 13 }],
      graph: {
        name,
        node: this.node,
        initializer: this.initializer,
        input: [valueOf(input)],
        output: outputs.map(valueOf),
      },
    }).finish();
  }
}

function valueOf(value: {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}): onnx.IValueInfoProto {
  const dim = value.shape.map((extent) =>
    typeof extent === "string" ? { dimParam: extent } : { dimValue: extent },
  );
  return { name: value.name, type: { tensorType: { elemType: types.f32, shape: { dim } } } };
}
