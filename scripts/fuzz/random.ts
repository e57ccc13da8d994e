/** Draws for fuzzing: a stream of numbers from a seed and a run's number, the same everywhere. */
import { uniform } from "../../ir/random.ts";

export class Draws {
  private readonly seed: number;
  private readonly run: number;
  private count = 0;

  constructor(seed: number, run: number) {
    this.seed = seed;
    this.run = run;
  }

  /** From [0, 1). */
  real(): number {
    return uniform(this.seed, this.run, this.count++, 0);
  }

  /** From 0 … bound − 1. */
  below(bound: number): number {
    return Math.floor(this.real() * bound);
  }

  chance(probability: number): boolean {
    return this.real() < probability;
  }

  /** One of the items; undefined where there is none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}
