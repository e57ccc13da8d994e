/** Units that constants ask for: of tensors that are added, once or at each timestep. */
import { type Grid, gridOf } from "../grid.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import type { UnitSource } from "./table.ts";

/** Constants `held` that are rounded into the units `ids`. */
export function constantSource(ids: Grid, live: Grid, held: Grid, levels: number): UnitSource {
  return {
    ids,
    live,
    levels,
    reach: 0,
    isWhole: () => false,
    row: () => ({ weights: new Float64Array(0), own: null, means: null, variances: null }),
    bias: (k) => held.data[k] ?? 0,
  };
}

/** The largest magnitude in each column of a table [R, …], beside a value of `rank` axes. */
export function largestOfRows({ shape: [, ...rest], data }: Tensor, rank: number): Grid {
  const size = rest.reduce((product, extent) => product * extent, 1);
  const most = new Float64Array(size);
  data.forEach((x, i) => (most[i % size] = Math.max(most[i % size] ?? 0, Math.abs(x))));
  return gridOf({ shape: rest, data: most }, rank);
}
