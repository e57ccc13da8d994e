/**
 * Random numbers by counter: each draw is a function of its key alone, so that results do not
 * depend on the order of draws, the threads or the batch. The generator is Philox4x32-10 (Salmon et
 * al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), in 32-bit integer arithmetic that
 * is the same on every machine. Not for secrets.
 */

/** Four 32-bit words, unsigned. */
export type Words = readonly [number, number, number, number];

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
export function philox(counter: Words, keyLow: number, keyHigh: number): Words {
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
