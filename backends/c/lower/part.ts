/** A part of the program: what one layer does at one time, with the arrays that it touches. */
import type { Code } from "../text/code.ts";
import type { CArray, Phase } from "./arrays.ts";
import type { View } from "./views.ts";

export interface Part {
  /** An identifier, unique in the program. */
  readonly name: string;
  readonly phase: Phase;
  /** What it does, for people: a line each. */
  readonly about: readonly string[];
  readonly arrays: ReadonlySet<CArray>;
  readonly body: Code;
  /** Whether it asks which timestep it is. */
  readonly usesTime: boolean;
  /** Whether most of the time goes by in it: a synapse is in it. */
  readonly isHeavy: boolean;
}

/** Puts a part together: whoever writes code that touches an array says so. */
export class PartBuilder {
  readonly arrays = new Set<CArray>();
  readonly body: Code[] = [];
  usesTime = false;
  isHeavy = false;

  uses(...touched: readonly (CArray | View | null)[]): void {
    for (const each of touched) {
      if (each === null) continue;
      this.arrays.add("array" in each ? each.array : each);
    }
  }

  add(code: Code): void {
    this.body.push(code);
  }
}
