/** A row of the list of public models, and the inputs that its model is tried on. */
import { z } from "zod";
import { type Module, inputsOf } from "../../../ir/module.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, allocate } from "../../../ir/tensor.ts";
import { elementCount, isFloat } from "../../../ir/type.ts";

export const row = z.object({
  repository: z.string(),
  path: z.string(),
  commit: z.string(),
  sha256: z.string(),
  exporter: z.string(),
  /** "imports", or the code that it is refused with. */
  expected: z.string(),
  outputs: z.array(z.string()).optional(),
  dimensions: z.record(z.string(), z.number()).optional(),
  inputShapes: z.record(z.string(), z.array(z.number())).optional(),
  inputConstants: z.record(z.string(), z.array(z.number())).optional(),
});
export type CorpusRow = z.infer<typeof row>;

/** Inputs from 0 to 1, and small whole numbers where an input takes those. */
export function drawn(module: Module, sample: number): readonly Tensor[] {
  return inputsOf(module).map(({ type }, input) => {
    const data = allocate(type.dtype, elementCount(type.shape));
    for (let i = 0; i < data.length; i++) {
      const value = uniform(1, sample, input, i);
      data[i] = isFloat(type.dtype) ? value : Math.floor(2 * value);
    }
    return { dtype: type.dtype, shape: type.shape, data };
  });
}
