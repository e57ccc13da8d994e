/**
 * Property tests draw the same examples in each run, so that a change is judged by what it changes.
 * `SNNC_TEST_SEED=N` draws others, `SNNC_TEST_SEED=random` others each time: fast-check prints the seed of a failure.
 */
import fc from "fast-check";

const asked = process.env["SNNC_TEST_SEED"] ?? "1";
if (asked !== "random") {
  const seed = Number(asked);
  if (!Number.isInteger(seed))
    throw new Error(`SNNC_TEST_SEED is a whole number or random, not "${asked}"`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
}
