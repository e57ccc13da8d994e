/** What framed neurons share: the sum of a frame. */
import { known } from "../../diagnostic.ts";
import { type Tensor, tensorOf } from "../../tensor.ts";

/** Σ over the timesteps of a frame, in double precision, rounded once. */
export function frameSum(frame: readonly Tensor[]): Tensor {
  const { dtype, shape, data } = known(frame[0], "a timestep");
  const sums = new Float64Array(data.length);
  for (const each of frame) {
    each.data.forEach((x, i) => {
      sums[i] = (sums[i] ?? 0) + x;
    });
  }
  return tensorOf(dtype, shape, sums);
}
