/** The messages about options of passes and targets, and about how they are written. */
import { catalogue } from "./diagnostic.ts";
import { wayOut } from "./text/nearest.ts";

interface UnknownName {
  readonly name: string;
  readonly near: string | null;
  readonly known: readonly string[];
}

export const diagnose = catalogue({
  "pipeline-syntax": {
    severity: "error",
    message: (p: { what: string; text: string; column: number; expected: string; found: string }) =>
      `in ${p.what} "${p.text}", column ${p.column}: expected ${p.expected}, found ${p.found}`,
    help: (p: { what: string }) =>
      `write it as ${p.what === "pipeline" ? "name," : ""}name{option=value,option=value}`,
  },
  "unknown-option": {
    severity: "error",
    message: (p: UnknownName & { taker: string }) => `${p.taker} has no option "${p.name}"`,
    help: (p: UnknownName) => wayOut(p.near, p.known, "options"),
  },
  "repeated-option": {
    severity: "error",
    message: (p: { taker: string; option: string }) =>
      `option "${p.option}" of ${p.taker} is given twice`,
  },
  "option-not-a-number": {
    severity: "error",
    message: (p: { taker: string; option: string; value: string; whole: boolean }) =>
      `option "${p.option}" of ${p.taker} takes ${p.whole ? "a whole number" : "a number"}, ` +
      `not "${p.value}"`,
  },
  "option-out-of-range": {
    severity: "error",
    message: (p: { taker: string; option: string; value: number; min: number; max: number }) =>
      `option "${p.option}" of ${p.taker} is ${p.value}, outside ${p.min} … ${p.max}`,
  },
  "option-not-a-choice": {
    severity: "error",
    message: (p: UnknownName & { taker: string; option: string }) =>
      `option "${p.option}" of ${p.taker} cannot be "${p.name}"`,
    help: (p: UnknownName) =>
      `one of ${p.known.join(", ")}` + (p.near === null ? "" : `; did you mean ${p.near}?`),
  },
  "option-not-a-flag": {
    severity: "error",
    message: (p: { taker: string; option: string; value: string }) =>
      `option "${p.option}" of ${p.taker} is true or false, not "${p.value}"`,
  },
  "option-not-an-identifier": {
    severity: "error",
    message: (p: { taker: string; option: string; value: string }) =>
      `option "${p.option}" of ${p.taker} cannot be "${p.value}"`,
    help: "a name of at most 40 small letters, digits and underscores that begins with a letter",
  },
});
