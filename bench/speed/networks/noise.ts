/**
 * Numbers that look random and come from a seed, fast enough for the weights of large networks. For
 * benchmarks only: `ir/random.ts` is what results may depend on.
 */

/** Fills `data` with uniform numbers from [low, high). The same seed, the same numbers. */
export function fillUniform(data: Float32Array, seed: number, low: number, high: number): void {
  // xorshift32 (Marsaglia 2003); its state must not be 0.
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  const scale = (high - low) / 2 ** 32;
  for (let i = 0; i < data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = low + (state >>> 0) * scale;
  }
}

/** Weights of He's initialisation: zero mean, variance 2 / fanIn, uniformly distributed. */
export function heWeights(length: number, fanIn: number, seed: number): Float32Array {
  const bound = Math.sqrt(6 / fanIn);
  const data = new Float32Array(length);
  fillUniform(data, seed, -bound, bound);
  return data;
}
