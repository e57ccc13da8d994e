/** Attributes of the ops that move, copy and stretch. */
import type { Shape } from "../../type.ts";

export interface ShapeOps {
  "ann.reshape": { readonly shape: Shape };
  "ann.transpose": { readonly perm: readonly number[] };
  "ann.concat": { readonly axis: number };
  /** Per axis: element starts[i] + k · steps[i] for k < sizes[i]; steps may be negative. */
  "ann.slice": {
    readonly starts: readonly number[];
    readonly sizes: readonly number[];
    readonly steps: readonly number[];
  };
  /**
   * Per axis; negative pads crop. `value` is used by mode "constant" only, and is 0 where x changes over
   * time. "reflect" goes back and forth without repeating the ends.
   */
  "ann.pad": {
    readonly begin: readonly number[];
    readonly end: readonly number[];
    readonly mode: "constant" | "reflect" | "edge" | "wrap";
    readonly value: number;
  };
  "ann.expand": { readonly shape: Shape };
  "ann.tile": { readonly repeats: readonly number[] };
  /**
   * ONNX's Resize (opset 19; of opset 10 with "asymmetric" and "floor"), axis after axis. `sizes` is the
   * shape of the result, `scales` what coordinates go by: ONNX's length_resized is scale · in, or the
   * size where these differ by 1e-6 of it at most, and "nearest" rounds the coordinate to float32 first.
   */
  "ann.resize": {
    readonly sizes: Shape;
    readonly scales: readonly number[];
    readonly mode: "nearest" | "linear" | "cubic";
    readonly coordinates:
      | "half_pixel"
      | "half_pixel_symmetric"
      | "pytorch_half_pixel"
      | "align_corners"
      | "asymmetric"
      | "tf_crop_and_resize"
      /** Of opsets 11 and 12 only. */
      | "tf_half_pixel_for_nn";
    readonly nearest: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
    readonly cubicCoefficient: number;
    readonly excludeOutside: boolean;
    readonly extrapolation: number;
    readonly antialias: boolean;
    /** Region of interest for tf_crop_and_resize: starts then ends, per axis; else empty. */
    readonly roi: readonly number[];
  };
  /** Keeps the upper (or lower) triangle of the last two axes; `diagonal` shifts it. */
  "ann.trilu": { readonly upper: boolean; readonly diagonal: number };
}
