/**
 * Parts of octaves, the same on every JavaScript engine: `2 ** x` with a fraction is not, as the language leaves
 * its last digit open, and a network must not depend on who converts it.
 */

/** The finest part that there is. */
const finest = 32;

/**
 * 2^(i/32) for i = 0 … 31, of square roots and products alone: IEEE 754 says each of their digits. The error is a few
 * units in the last place.
 */
const withinOctave: readonly number[] = Array.from({ length: finest }, (_, i) => {
  let root = Math.SQRT2;
  let power = 1;
  for (let part = finest / 2; part >= 1; part /= 2) {
    if (Math.floor(i / part) % 2 === 1) power *= root;
    root = Math.sqrt(root);
  }
  return power;
});

/** 2^(n/parts) for a whole n, where 32 is a multiple of `parts`. */
export function twoToThe(n: number, parts: number): number {
  const thirtySeconds = n * (finest / parts);
  const octave = Math.floor(thirtySeconds / finest);
  return (withinOctave[thirtySeconds - octave * finest] ?? NaN) * 2 ** octave;
}
