/**
 * Takes a fixed batch N out of what the model holds as constants: shapes, and initial states. Where
 * N stands is told by what fits: it begins the shape, or it is the one extent without which the
 * elements come out right.
 */
import { type Tensor, allocate } from "../../../ir/tensor.ts";
import { diagnose } from "../diagnostics.ts";
import type { NodeContext } from "../context.ts";

/** `shape`, with 1 in the place of the batch that was removed from the inputs. */
export function unbatched(
  node: NodeContext,
  what: string,
  shape: readonly number[],
  applies: (batch: number, axis: number) => boolean,
): number[] {
  const [first] = shape;
  if (first !== undefined && first > 1) node.services.noteLeading(first);
  const batch = node.services.removedBatch;
  const axis = shape.findIndex((extent, i) => extent === batch && applies(extent, i));
  if (batch === null || axis < 0) return [...shape];
  const corrected = shape.with(axis, 1);
  const [from, to] = [`[${shape.join(", ")}]`, `[${corrected.join(", ")}]`];
  node.report(diagnose("rebatched-constant", node.loc, { what, from, to }));
  return corrected;
}

/**
 * A constant state [directions, N, size] for one sample, [directions, 1, size], where all N are the
 * same; null where they are not.
 */
export function stateOfOne(state: Tensor): Tensor | null {
  const [directions = 0, batch = 0, size = 0] = state.shape;
  const data = allocate(state.dtype, directions * size);
  for (let d = 0; d < directions; d++) {
    for (let n = 0; n < batch; n++) {
      for (let i = 0; i < size; i++) {
        const value = state.data[(d * batch + n) * size + i] ?? 0;
        if (n === 0) data[d * size + i] = value;
        else if (data[d * size + i] !== value) return null;
      }
    }
  }
  return { dtype: state.dtype, shape: [directions, 1, size], data };
}
