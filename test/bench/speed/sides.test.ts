/** What is said of how far two engines' outputs are apart. */
import { describe, expect, it } from "vitest";
import { agreementNote } from "../../../bench/speed/sides.ts";

describe("agreementNote", () => {
  it.each([
    [0, "the same outputs"],
    [2e-7, "outputs within 1e-6 of the largest"],
    [9e-5, "outputs within 1e-4 of the largest"],
    [0.25, "outputs differ by 0.25 of the largest"],
    [Infinity, "outputs that are no numbers"],
  ])("of %d", (difference, note) => expect(agreementNote(difference)).toBe(note));
});
