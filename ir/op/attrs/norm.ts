/** Attributes of normalisations. */
import type { TensorRef } from "../../tensor.ts";

export interface NormOps {
  /** (x − mean) / √(variance + epsilon) · scale + bias, each [C], along axis 1. */
  "ann.batchnorm": {
    readonly scale: TensorRef;
    readonly bias: TensorRef;
    readonly mean: TensorRef;
    readonly variance: TensorRef;
    readonly epsilon: number;
  };
  /**
   * (x − mean) / √(variance + epsilon), of all elements along the axes from `axis` on; then · scale +
   * bias, which broadcast to these axes. The variance is divided by n.
   */
  "ann.layernorm": {
    readonly axis: number;
    readonly epsilon: number;
    readonly scale: TensorRef | null;
    readonly bias: TensorRef | null;
  };
  /**
   * (x − mean) / √(variance + epsilon), of all elements of a group of channels of one sample; then ·
   * scale + bias, [C], along axis 1. The variance is divided by n.
   */
  "ann.groupnorm": {
    readonly groups: number;
    readonly epsilon: number;
    readonly scale: TensorRef;
    readonly bias: TensorRef;
  };
  /**
   * Across channels, axis 1: y[c] = x[c] / (bias + alpha/size · Σ x[k]²)^beta, over the channels k from
   * c − ⌊(size − 1)/2⌋ to c + ⌈(size − 1)/2⌉ that there are.
   */
  "ann.lrn": {
    readonly size: number;
    readonly alpha: number;
    readonly beta: number;
    readonly bias: number;
  };
  "ann.softmax": { readonly axis: number };
  "ann.log-softmax": { readonly axis: number };
  "ann.hardmax": { readonly axis: number };
}
