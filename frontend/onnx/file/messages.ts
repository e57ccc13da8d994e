/**
 * The messages of onnx.proto as far as they are read here, in types of our own: onnx-proto's
 * declarations name a global `Long`, which a user of our declarations does not have. Each field may
 * be absent, null, or on the decoder's prototype as a default; proto.ts reads what is loose.
 */

/** A 64-bit field: a number, or the decoder's two halves of one. */
export type WideInteger = number | { toNumber(): number };

export interface StringStringEntryProto {
  readonly key?: string | null;
  readonly value?: string | null;
}

export interface OperatorSetIdProto {
  readonly domain?: string | null;
  readonly version?: WideInteger | null;
}

export interface TensorProto {
  readonly dims?: readonly WideInteger[] | null;
  readonly dataType?: number | null;
  readonly segment?: object | null;
  readonly floatData?: readonly number[] | null;
  readonly int32Data?: readonly number[] | null;
  readonly stringData?: readonly Uint8Array[] | null;
  readonly int64Data?: readonly WideInteger[] | null;
  readonly name?: string | null;
  readonly rawData?: Uint8Array | null;
  readonly externalData?: readonly StringStringEntryProto[] | null;
  readonly dataLocation?: number | null;
  readonly doubleData?: readonly number[] | null;
  readonly uint64Data?: readonly WideInteger[] | null;
}

export interface SparseTensorProto {
  readonly values?: TensorProto | null;
  readonly indices?: TensorProto | null;
  readonly dims?: readonly WideInteger[] | null;
}

export interface DimensionProto {
  readonly dimValue?: WideInteger | null;
  readonly dimParam?: string | null;
}

export interface TensorTypeProto {
  readonly elemType?: number | null;
  readonly shape?: { readonly dim?: readonly DimensionProto[] | null } | null;
}

/** One of its fields is set; of those that no network's input can have, only whether they are. */
export interface TypeProto {
  readonly tensorType?: TensorTypeProto | null;
  readonly sequenceType?: object | null;
  readonly mapType?: object | null;
  readonly optionalType?: object | null;
  readonly sparseTensorType?: object | null;
}

export interface ValueInfoProto {
  readonly name?: string | null;
  readonly type?: TypeProto | null;
}

export interface AttributeProto {
  readonly name?: string | null;
  readonly refAttrName?: string | null;
  readonly type?: number | null;
  readonly f?: number | null;
  readonly i?: WideInteger | null;
  readonly s?: Uint8Array | null;
  readonly t?: TensorProto | null;
  readonly g?: GraphProto | null;
  readonly sparseTensor?: SparseTensorProto | null;
  readonly floats?: readonly number[] | null;
  readonly ints?: readonly WideInteger[] | null;
  readonly strings?: readonly Uint8Array[] | null;
  readonly graphs?: readonly GraphProto[] | null;
}

export interface NodeProto {
  readonly input?: readonly string[] | null;
  readonly output?: readonly string[] | null;
  readonly name?: string | null;
  readonly opType?: string | null;
  readonly domain?: string | null;
  readonly attribute?: readonly AttributeProto[] | null;
}

export interface GraphProto {
  readonly node?: readonly NodeProto[] | null;
  readonly name?: string | null;
  readonly initializer?: readonly TensorProto[] | null;
  readonly sparseInitializer?: readonly SparseTensorProto[] | null;
  readonly input?: readonly ValueInfoProto[] | null;
  readonly output?: readonly ValueInfoProto[] | null;
  readonly valueInfo?: readonly ValueInfoProto[] | null;
}

export interface FunctionProto {
  readonly name?: string | null;
  readonly domain?: string | null;
  readonly input?: readonly string[] | null;
  readonly output?: readonly string[] | null;
  readonly attribute?: readonly string[] | null;
  readonly node?: readonly NodeProto[] | null;
  readonly opsetImport?: readonly OperatorSetIdProto[] | null;
}

export interface ModelProto {
  readonly irVersion?: WideInteger | null;
  readonly opsetImport?: readonly OperatorSetIdProto[] | null;
  readonly producerName?: string | null;
  readonly producerVersion?: string | null;
  readonly graph?: GraphProto | null;
  readonly functions?: readonly FunctionProto[] | null;
}
