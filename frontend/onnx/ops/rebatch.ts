/**
 * Takes a fixed batch N out of shapes that the model holds as constants. Only shapes that begin
 * with N are meant, and only where the caller finds that N fits nothing else.
 */
import { diagnose } from "../diagnostics.ts";
import type { NodeContext } from "../context.ts";

/** `shape`, beginning with 1 where it began with the batch that was removed from the inputs. */
export function unbatched(
  node: NodeContext,
  what: string,
  shape: readonly number[],
  applies: (batch: number) => boolean,
): number[] {
  const batch = node.services.removedBatch;
  if (batch === null || shape[0] !== batch || !applies(batch)) return [...shape];
  const corrected = [1, ...shape.slice(1)];
  const [from, to] = [`[${shape.join(", ")}]`, `[${corrected.join(", ")}]`];
  node.report(diagnose("rebatched-constant", node.loc, { what, from, to }));
  return corrected;
}
