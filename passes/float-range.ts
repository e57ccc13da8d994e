/**
 * Ranges of neurons that float32 has room for: thresholds are parts of them, potentials multiples, and
 * neither may become 0 or infinite.
 */
import { fail } from "../ir/diagnostic.ts";
import { type Loc, shortName } from "../ir/loc.ts";
import { diagnose } from "./diagnostics.ts";

/** About 8e-34: parts of it down to 2⁻¹⁶ are normal numbers still. */
const least = 2 ** -110;
/** About 1e36: sums of 2⁸ such values are finite still. */
const most = 2 ** 120;

/**
 * The ranges of a layer's channels with none below what float32 has room for; 0, nothing seen, stays.
 * A channel's range may be widened, as what it is wider by is nothing beside the layer's others. Fails
 * with a `DiagnosticError` where the layer's largest range is itself too small or too large.
 */
export function inFloatRange(ranges: readonly number[], loc: Loc): readonly number[] {
  const largest = ranges.reduce((x, range) => Math.max(x, range), 0);
  if (largest > most || (largest > 0 && largest < least)) {
    fail(diagnose("range-beyond-float", loc, { name: shortName(loc), largest }));
  }
  return ranges.map((range) => (range > 0 ? Math.max(range, least) : range));
}
