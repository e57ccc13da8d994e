/** What a timestep's words are worth, as kernels multiply a sum by it. */
import type { Worth } from "../../kernels/words/form.ts";
import type { Lowering } from "../lowering.ts";

/** Null where all shares are 1. */
export function worthOfShares(lowering: Lowering, shares: readonly number[]): Worth | null {
  if (shares.every((share) => share === 1)) return null;
  const isShift = shares.every((share) => Number.isInteger(Math.log2(share)));
  const values = shares.map((share) => (isShift ? Math.log2(share) : share));
  const name = `worth ${isShift ? "by shift" : "by product"} ${values.join(" ")}`;
  const buffer = lowering.constant(name, () => Int32Array.from(values));
  const table = { buffer, rows: shares.length, bytesPerRow: 4 };
  return { table, factors: values, isShift };
}
