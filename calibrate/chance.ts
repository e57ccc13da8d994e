/** When an accuracy says nothing: a network that is right about as often as somebody who guesses. */

/**
 * Whether `accuracy` of this many samples is about that of guessing one of `classes`: up to one and a half
 * times as much, or of two classes within two standard errors (2 points at least). Few samples show nothing.
 */
export function isAtChance(accuracy: number, classes: number, samples: number): boolean {
  if (classes < 2 || samples < 10 * classes) return false;
  if (classes > 2) return accuracy <= 1.5 / classes;
  return Math.abs(accuracy - 0.5) <= Math.max(0.02, 1 / Math.sqrt(samples));
}
