/** What is used of TensorFlow.js. Its packages are no dependencies, so their types are not at hand. */

/** A tensor of TensorFlow.js, in the memory of its backend until disposed of. */
export interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

/** Activations that its fused kernels know. */
export type TfActivation = "linear" | "relu" | "relu6";

/** Pads of images [N, H, W, C], begin and end by axis. */
export type TfPad = readonly (readonly [number, number])[];

export interface TfConvolution {
  readonly x: TfTensor;
  readonly filter: TfTensor;
  readonly strides: readonly number[];
  readonly pad: TfPad;
  readonly dilations: readonly number[];
  readonly bias?: TfTensor;
  readonly activation: TfActivation;
}

export interface Tf {
  readonly version_core: string;
  env(): { set(flag: string, value: boolean): void };
  setBackend(name: string): Promise<boolean>;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  /** Disposes of all tensors that `work` makes but for its result. */
  tidy(work: () => TfTensor): TfTensor;
  readonly fused: {
    conv2d(how: TfConvolution): TfTensor;
    depthwiseConv2d(how: TfConvolution): TfTensor;
    matMul(how: {
      readonly a: TfTensor;
      readonly b: TfTensor;
      readonly bias?: TfTensor;
      readonly activation: TfActivation;
    }): TfTensor;
  };
  add(a: TfTensor, b: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  clipByValue(x: TfTensor, min: number, max: number): TfTensor;
  maxPool(x: TfTensor, size: readonly number[], strides: readonly number[], pad: TfPad): TfTensor;
  avgPool(x: TfTensor, size: readonly number[], strides: readonly number[], pad: "valid"): TfTensor;
  pad(x: TfTensor, pads: TfPad): TfTensor;
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor;
  stridedSlice(
    x: TfTensor,
    begin: readonly number[],
    end: readonly number[],
    strides: readonly number[],
  ): TfTensor;
  concat(tensors: readonly TfTensor[], axis: number): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, perm: readonly number[]): TfTensor;
  softmax(x: TfTensor, axis: number): TfTensor;
}

export function isTf(module: unknown): module is Tf {
  return (
    typeof module === "object" && module !== null && "fused" in module && "setBackend" in module
  );
}
