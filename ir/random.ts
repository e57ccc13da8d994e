/**
 * Random numbers by counter: each draw is a function of its key alone, so that results do not
 * depend on the order of draws, the threads or the batch. The generator is Philox4x32-10 (Salmon et
 * al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), in 32-bit integer arithmetic that
 * is the same on every machine. Not for secrets.
 */

/** Four 32-bit words, unsigned. */
export type CounterWords = readonly [number, number, number, number];

const multiplierA = 0xd2511f53;
const multiplierB = 0xcd9e8d57;
/** The golden ratio and √3 − 1, as the paper's key schedule has them. */
const weylA = 0x9e3779b9;
const weylB = 0xbb67ae85;
const rounds = 10;

/** The upper 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carried = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + (carried >>> 16)) >>> 0;
}

/** Philox4x32-10: 128 bits from a counter of 128 bits under a key of 64. */
export function philox(counter: CounterWords, keyLow: number, keyHigh: number): CounterWords {
  let [a, b, c, d] = counter;
  let k = keyLow >>> 0;
  let l = keyHigh >>> 0;
  for (let round = 0; round < rounds; round++) {
    const highA = multiplyHigh(a >>> 0, multiplierA);
    const highC = multiplyHigh(c >>> 0, multiplierB);
    const nextA = (highC ^ b ^ k) >>> 0;
    const nextC = (highA ^ d ^ l) >>> 0;
    b = Math.imul(c, multiplierB) >>> 0;
    d = Math.imul(a, multiplierA) >>> 0;
    a = nextA;
    c = nextC;
    k = (k + weylA) >>> 0;
    l = (l + weylB) >>> 0;
  }
  return [a, b, c, d];
}

/**
 * A number from [0, 1) with 53 random bits, keyed by (seed, a, b, c): for example by (seed, sample,
 * neuron, step). The seed is an integer up to 2^53; a, b and c count modulo 2^32.
 */
export function uniform(seed: number, a: number, b: number, c: number): number {
  const [first, second] = philox([a >>> 0, b >>> 0, c >>> 0, 0], seed, Math.floor(seed / 2 ** 32));
  return ((first >>> 5) * 2 ** 26 + (second >>> 6)) / 2 ** 53;
}

/** 64 bits of content: the low word, then the high one. */
export type ContentKey = readonly [low: number, high: number];

/** What content is hashed under: not a key that a seed makes. */
const contentKeys = [0x636f6e74, 0xffffffff] as const;

/**
 * 64 bits of what an array of float32 values holds: Σ philox(bits of element i, i), modulo 2^32, so that
 * any part of the array may be summed first. 0 and −0 are one, and so are all NaN.
 */
export function contentKey(values: ArrayLike<number>): ContentKey {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    float[0] = values[i] ?? 0;
    const word = Number.isNaN(float[0]) ? 0x7fc00000 : float[0] === 0 ? 0 : (bits[0] ?? 0);
    const [a, b] = philox([word, i, 0, 0], ...contentKeys);
    low = (low + a) >>> 0;
    high = (high + b) >>> 0;
  }
  return [low, high];
}

/**
 * `count` random words of 32 bits, keyed by (seed, content, t): word i is lane i mod 4 of
 * philox(content low, ⌊i/4⌋, t, content high) under the seed, an integer up to 2^53.
 */
export function words(
  seed: number,
  [low, high]: ContentKey,
  count: number,
  t: number,
): Uint32Array {
  const drawn = new Uint32Array(count);
  const keyHigh = Math.floor(seed / 2 ** 32);
  for (let i = 0; i < count; i += 4) {
    const four = philox([low, i / 4, t >>> 0, high], seed, keyHigh);
    drawn.set(four.slice(0, count - i), i);
  }
  return drawn;
}
