/** What the inputs of random networks are, and values for them. */
import { uniform } from "../../ir/random.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { type Type, elementCount } from "../../ir/type.ts";

export interface SketchInput {
  readonly type: Type;
  readonly seed: number;
  /** Null where the value is the same at every timestep. */
  readonly frames: number | null;
}

/** Values for the inputs of a sketch: eighths between −1 and 1, and few spikes, some of them of two. */
export function inputTensors(sketch: {
  readonly inputs: readonly SketchInput[];
}): readonly Tensor[] {
  return sketch.inputs.map(({ type: { domain, dtype, shape }, seed, frames }, i) => {
    const extents = frames === null ? shape : [frames, ...shape];
    const at = (k: number): number => uniform(seed, k, i, 1);
    const spike = (x: number): number => (x < 0.7 ? 0 : x < 0.8 ? 1 : x < 0.9 ? -1 : 3);
    const numbers = Array.from({ length: elementCount(extents) }, (_, k) =>
      domain === "spike" ? spike(at(k)) : Math.round(at(k) * 16 - 8) / 8,
    );
    return tensorOf(dtype, extents, numbers);
  });
}
