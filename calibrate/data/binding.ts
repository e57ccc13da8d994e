/** How one array of a data set meets one input of a model, whether it changes over time or not. */
import { fail } from "../../ir/diagnostic.ts";
import { type Tensor, allocate, roundTo, tensor } from "../../ir/tensor.ts";
import { type Shape, type Type, elementCount, isFloat, sameShape } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import type { Dataset, Field } from "./dataset.ts";
import type { Preprocess } from "./preprocess.ts";

export interface ModelInput {
  readonly name: string;
  /** Of one frame, where the input changes over time. */
  readonly type: Type;
  /** Whether a sample is [frames, …shape], a frame for each timestep. */
  readonly overTime?: boolean;
}

export interface SourceOptions {
  /** Let NaN and infinities through: for running a network, never for calibrating one. */
  readonly allowNonFinite?: boolean;
  /** Bytes of memory that preparing a sample may take: 2 GiB unless said. */
  readonly maxDataBytes?: number | undefined;
  /** Frames that are made of a sample, where an input changes over time: those that a run reads. All unless said. */
  readonly mostFrames?: number | undefined;
}

export interface Binding {
  readonly name: string;
  /** Number of samples, or null where the array is an input whole. */
  readonly count: number | null;
  readonly get: (index: number) => Tensor;
  /** Of an input over time, how many frames a sample has, whether they are made or not; null of any other. */
  readonly framesOf: ((index: number) => number) | null;
}

export interface Pairing {
  readonly dataset: Dataset;
  readonly field: Field;
  readonly input: ModelInput;
  readonly steps: Preprocess | null;
  readonly options: SourceOptions;
}

export type Fit = "same" | "whole" | "transposed" | "reshaped" | "other";

export function fitOf(sample: Shape, stored: Shape, wanted: Shape): Fit {
  const squeeze = (shape: Shape): number[] => shape.filter((extent) => extent !== 1);
  const a = squeeze(sample);
  const b = squeeze(wanted);
  if (sameShape(a, b)) return "same";
  if (sameShape(stored, wanted)) return "whole";
  if (elementCount(sample) !== elementCount(wanted)) return "other";
  // Axes in another order hold the elements in another order too: reshaping would scramble them.
  const ascending = (shape: Shape): number[] => [...shape].sort((x, y) => x - y);
  return sameShape(ascending(a), ascending(b)) ? "transposed" : "reshaped";
}

/** A prepared sample in the input's element type and `shape`: the input's, or frames of it. */
export function asInput(
  prepared: Tensor,
  pairing: Pairing,
  index: number,
  shape: Shape = pairing.input.type.shape,
): Tensor {
  const { dataset, input, options } = pairing;
  const { dtype } = input.type;
  const file = dataset.name;
  const same = prepared.dtype === dtype;
  const data = same ? prepared.data : allocate(dtype, prepared.data.length);
  if (!same) {
    prepared.data.forEach((value, i) => {
      const rounded = roundTo(dtype, value);
      if (rounded !== value && !isFloat(dtype)) {
        fail(
          diagnose("data-not-representable", null, {
            file,
            index,
            value,
            input: input.name,
            dtype,
          }),
        );
      }
      data[i] = rounded;
    });
  }
  if (isFloat(dtype) && options.allowNonFinite !== true) {
    for (const value of data) {
      if (!Number.isFinite(value)) {
        fail(diagnose("data-not-finite", null, { file, index, value: String(value) }));
      }
    }
  }
  return tensor(dtype, shape, data);
}
