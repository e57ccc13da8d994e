/**
 * Ops that make spikes of values, from their equations in docs/ir.md. Random words are those of
 * Philox4x32-10, written down with whole numbers of any size.
 */
import type { Stateful } from "./decoders.ts";
import { parameter } from "./neurons.ts";
import type { Cost, Site } from "./operation.ts";
import { sizeOf } from "./types.ts";

const costs: Readonly<Record<string, Cost>> = {
  "snn.poisson-encode": { multiplications: 1, comparisons: 1 },
  "snn.latency-encode": { multiplications: 2, additions: 2, comparisons: 3 },
  "snn.phase-encode": { multiplications: 1, additions: 1, comparisons: 2 },
  "snn.delta-encode": { additions: 2, comparisons: 2 },
};

export const isEncoder = (kind: string): boolean => Object.hasOwn(costs, kind);

export function encoderOf(site: Site): Stateful | undefined {
  const { op } = site;
  const each = costs[op.kind];
  if (each === undefined) return undefined;
  const n = sizeOf(op.type.shape);
  const cost = Object.fromEntries(Object.entries(each).map(([name, count]) => [name, n * count]));
  const amplitude = parameter(op, "amplitude");
  const fire = op.kind === "snn.delta-encode" ? changes(site) : bySize(site);
  return {
    step: (x, t, source) => {
      const worth = fire(x, t, source);
      return x.map((_, i) => Math.fround((amplitude[i] ?? 0) * (worth[i] ?? 0)) + 0);
    },
    cost,
  };
}

type Fire = (x: Float64Array, t: number, source: Float64Array | undefined) => number[];

function changes({ op }: Site): Fire {
  const threshold = parameter(op, "threshold");
  const r = new Float64Array(threshold.length);
  return (x) =>
    [...x].map((value, i) => {
      const step = threshold[i] ?? 0;
      const d = Math.fround(value - (r[i] ?? 0));
      const s = Math.abs(d) >= step ? Math.sign(d) : 0;
      r[i] = Math.fround((r[i] ?? 0) + step * s);
      return s;
    });
}

function bySize({ op }: Site): Fire {
  const gain = parameter(op, "gain");
  const free = op.attributes.text("sign") === "free";
  const worthOf = ruleOf(op);
  return (x, t, source) => {
    const scaled = [...x].map((value, i) => Math.fround((gain[i] ?? 0) * value));
    const u = scaled.map((value) => Math.min(1, free ? Math.abs(value) : Math.max(0, value)));
    const worth = worthOf(u, t, source ?? x);
    return worth.map((value, i) => value * (free && (scaled[i] ?? 0) < 0 ? -1 : 1));
  };
}

/** What each element sends, before amplitude and sign, for sizes from 0 to 1. */
function ruleOf({ kind, attributes }: Site["op"]) {
  return (u: readonly number[], t: number, source: Float64Array): number[] => {
    if (kind === "snn.latency-encode") {
      const N = attributes.number("steps");
      const now = ((t - 1) % N) + 1;
      return u.map((size) => {
        if (size === 0 || size < attributes.number("threshold")) return 0;
        return 1 + Math.floor((N - 1) * (1 - size) + 0.5) === now ? 1 : 0;
      });
    }
    if (kind === "snn.phase-encode") {
      const K = attributes.number("bits");
      const k = (t - 1) % K;
      return u.map((size) => {
        const n = Math.min(Math.floor(size * 2 ** K + 0.5), 2 ** K - 1);
        return n.toString(2).padStart(K, "0")[k] === "1" ? 2 ** -(1 + k) : 0;
      });
    }
    const [low, high] = contentOf(source);
    const seed = BigInt(attributes.number("seed"));
    return u.map((size, i) => {
      const four = philox([low, BigInt(Math.floor(i / 4)), BigInt(t), high], seed);
      return size * 2 ** 32 > Number(four[i % 4]) ? 1 : 0;
    });
  };
}

const word = 0xffffffffn;

/** Four words from four, under a key of 64 bits. */
function philox(counter: readonly bigint[], key: bigint): bigint[] {
  let [a = 0n, b = 0n, c = 0n, d = 0n] = counter;
  let [k, l] = [key & word, key >> 32n];
  for (let round = 0; round < 10; round += 1) {
    const [p, q] = [0xd2511f53n * a, 0xcd9e8d57n * c];
    [a, b, c, d] = [(q >> 32n) ^ b ^ k, q & word, (p >> 32n) ^ d ^ l, p & word];
    [k, l] = [(k + 0x9e3779b9n) & word, (l + 0xbb67ae85n) & word];
  }
  return [a, b, c, d];
}

/** Two words of what a value holds: those of each element's bits and place, added up. */
function contentOf(values: Float64Array): readonly [bigint, bigint] {
  const view = new DataView(new ArrayBuffer(4));
  let [low, high] = [0n, 0n];
  values.forEach((value, i) => {
    view.setFloat32(0, value + 0);
    const bits = Number.isNaN(value) ? 0x7fc00000 : view.getUint32(0);
    const [a = 0n, b = 0n] = philox([BigInt(bits), BigInt(i), 0n, 0n], 0xffffffff636f6e74n);
    low = (low + a) & word;
    high = (high + b) & word;
  });
  return [low, high];
}
