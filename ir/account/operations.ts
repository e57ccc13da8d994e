/** Operations by kind: what a network's arithmetic is counted in, before it is weighed by energy. */

/** How many of each kind. Moves, reads and writes are none. */
export interface Operations {
  /** Products that are added to a sum. */
  readonly multiplyAccumulates: number;
  readonly multiplications: number;
  /** Additions and subtractions. */
  readonly additions: number;
  /** Comparisons, minima and maxima, signs, selections, and roundings to whole numbers. */
  readonly comparisons: number;
  /** Divisions and remainders. */
  readonly divisions: number;
  /** Roots, powers, exponentials, logarithms, and what is made of them as one: tanh, erf, sin … */
  readonly functions: number;
}

export const operationKinds = [
  "multiplyAccumulates",
  "multiplications",
  "additions",
  "comparisons",
  "divisions",
  "functions",
] as const satisfies readonly (keyof Operations)[];

/** Operations of the kinds given, and none of the others. */
export function operations(some: Partial<Operations>): Operations {
  return { ...noOperations, ...some };
}

export const noOperations: Operations = {
  multiplyAccumulates: 0,
  multiplications: 0,
  additions: 0,
  comparisons: 0,
  divisions: 0,
  functions: 0,
};

/** a + factor · b, kind by kind. */
export function plus(a: Operations, b: Operations, factor = 1): Operations {
  const of = (kind: keyof Operations): number => a[kind] + factor * b[kind];
  return {
    multiplyAccumulates: of("multiplyAccumulates"),
    multiplications: of("multiplications"),
    additions: of("additions"),
    comparisons: of("comparisons"),
    divisions: of("divisions"),
    functions: of("functions"),
  };
}
