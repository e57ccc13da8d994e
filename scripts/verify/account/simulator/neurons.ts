/**
 * Neurons that fire at every timestep: what they send, and the words of it. Each neuron is written
 * down from its equations in docs/ir.md, with `fl` for the rounding after each +, −, · and /.
 */
import { digitsSet, spread } from "./numbers.ts";
import type { Cost, Site } from "./operation.ts";
import { refuse } from "./refusal.ts";
import { type Op, sizeOf, type Tensor } from "./types.ts";

/** What a neuron op sends at one timestep: values, and of each word the bits, 0 where none is. */
export interface Sent {
  readonly values: Float64Array;
  readonly bits: Float64Array;
}

export interface NeuronCost {
  readonly step: Cost;
  readonly spike: Cost;
  readonly once: Cost;
}

/** Takes the current of timestep t = 1, 2, … and keeps its own state. */
export interface Neuron {
  readonly step: (x: Float64Array, t: number) => Sent;
  /** For one neuron, and for one spike of it. */
  readonly cost: NeuronCost;
}

export const isWhole = (op: Op): boolean => op.type.dtype !== "f32";

/** Arithmetic of the potentials: float32's, or that of 32-bit integers. */
export function arithmeticOf({ op, types }: Site): (x: number) => number {
  const dtype = types[0]?.dtype;
  if (dtype === "f32") return Math.fround;
  return dtype === "i32"
    ? (x) => x | 0
    : refuse(`${op.kind} on ${String(dtype)} is not known here.`);
}

export function parameter(op: Op, name: string): Float64Array {
  const { values, shape } = op.attributes.tensor(name);
  return spread(values, shape, op.type.shape);
}

/** The rows of a table, each spread out to the neurons. */
export function rowsOf(op: Op, { values, shape }: Tensor): Float64Array[] {
  const row = shape.slice(1);
  const n = sizeOf(row);
  return Array.from({ length: shape[0] ?? 0 }, (_, i) =>
    spread(values.subarray(i * n, (i + 1) * n), row, op.type.shape),
  );
}

const all = (values: Float64Array, wanted: number): boolean => values.every((v) => v === wanted);

export function neuronOf(site: Site): Neuron | undefined {
  switch (site.op.kind) {
    case "snn.if":
      return integrateAndFire(site);
    case "snn.rehearsed-if":
      return rehearsed(site);
    case "snn.graded":
      return graded(site);
    case "snn.lif":
      return leaky(site);
    default:
      return undefined;
  }
}

function integrateAndFire(site: Site): Neuron {
  const { op } = site;
  const fl = arithmeticOf(site);
  const [threshold, amplitude] = [parameter(op, "threshold"), parameter(op, "amplitude")];
  const v = parameter(op, "vInit");
  const subtract = op.attributes.text("reset") === "subtract";
  return {
    step: (x) => {
      const bits = new Float64Array(v.length);
      const values = new Float64Array(v.length);
      for (let i = 0; i < v.length; i += 1) {
        const u = fl((v[i] ?? 0) + (x[i] ?? 0));
        const theta = threshold[i] ?? 0;
        v[i] = u;
        if (u >= theta) {
          v[i] = subtract ? fl(u - theta) : 0;
          bits[i] = 1;
          values[i] = amplitude[i] ?? 0;
        }
      }
      return { values, bits };
    },
    cost: {
      step: { additions: 1, comparisons: 1 },
      spike: subtract ? { additions: 1 } : {},
      once: {},
    },
  };
}

function rehearsed(site: Site): Neuron {
  const { op } = site;
  const fl = Math.fround;
  const [threshold, amplitude] = [parameter(op, "threshold"), parameter(op, "amplitude")];
  const start = parameter(op, "vInit");
  const v = start.slice();
  const rehearsal = op.attributes.number("rehearsal");
  const offset = op.attributes.text("rule") === "offset";
  const epsilon = threshold.map((theta) => fl(fl(0.001) * theta));
  const least = new Float64Array(v.length).fill(Infinity);
  const gap = new Float64Array(v.length).fill(Infinity);
  /** The potential to start anew with. */
  const anew = (i: number): number => {
    const [potential, theta, first] = [v[i] ?? 0, threshold[i] ?? 0, start[i] ?? 0];
    if (!offset) return potential <= (epsilon[i] ?? 0) ? -Infinity : first;
    const [e, g] = [least[i] ?? 0, gap[i] ?? 0];
    if (potential < 0 && e < Infinity) return fl(first - Math.max(theta, e));
    if (potential >= theta && g < Infinity) return fl(first + Math.max(theta, g));
    return first;
  };
  return {
    step: (x, t) => {
      const bits = new Float64Array(v.length);
      const values = new Float64Array(v.length);
      for (let i = 0; i < v.length; i += 1) {
        const u = fl((v[i] ?? 0) + (x[i] ?? 0));
        const [theta, margin] = [threshold[i] ?? 0, epsilon[i] ?? 0];
        v[i] = u;
        if (u >= theta) {
          v[i] = fl(u - theta);
          bits[i] = 1;
          values[i] = amplitude[i] ?? 0;
        }
        if (t > rehearsal) continue;
        const after = v[i] ?? 0;
        if (bits[i] === 1) least[i] = Math.min(least[i] ?? 0, fl(after + margin));
        else gap[i] = Math.min(gap[i] ?? 0, fl(fl(theta - after) + margin));
        if (t === rehearsal) v[i] = anew(i);
      }
      return { values, bits };
    },
    cost: {
      step: { additions: 3, comparisons: 2 },
      spike: {},
      once: offset ? { comparisons: 3, additions: 1 } : { comparisons: 1 },
    },
  };
}

/** The largest of `low` and of the smaller of `high` and `x`; NaN stays. */
const within = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));

function graded(site: Site): Neuron {
  const { op } = site;
  const fl = arithmeticOf(site);
  const whole = isWhole(op);
  /** ⌊a/q + ½⌋ */
  const nearest = (a: number, q: number): number =>
    whole ? Math.floor((2 * a + q) / (2 * q)) : Math.floor(fl(fl(a / q) + 0.5));
  const [threshold, amplitude] = [parameter(op, "threshold"), parameter(op, "amplitude")];
  const shares = op.attributes.tensorOrNone("shares");
  const table = shares === undefined ? [] : rowsOf(op, shares);
  const limit = op.attributes.tensorOrNone("ceiling");
  const ceiling = limit === undefined ? undefined : parameter(op, "ceiling");
  const bits = op.attributes.number("bits");
  const schedule = op.attributes.text("schedule");
  const sign = op.attributes.text("sign");
  const power = op.attributes.text("alphabet") === "power";
  const most = 2 ** bits - 1;
  const v = parameter(op, "vInit");
  const r = new Float64Array(v.length);

  const scheduled = (full: number, i: number, t: number): number => {
    if (schedule === "constant") return full;
    if (schedule === "reciprocal") return fl(full / t);
    if (schedule === "halving") return fl(full * Math.max(2 ** -(t - 1), 2 ** -24));
    return fl(full * (table[Math.min(t, table.length) - 1]?.[i] ?? 0));
  };
  const wordFor = (w: number, q: number, i: number): number => {
    const sent = r[i] ?? 0;
    const high =
      ceiling === undefined ? most : Math.min(most, nearest(fl((ceiling[i] ?? 0) - sent), q));
    if (!power) return within(nearest(w, q), sign === "positive" ? 0 : -most, high);
    let low = sign === "positive" ? 0 : -most;
    if (sign === "retract") low = -Math.max(0, Math.min(most, nearest(sent, q)));
    for (let e = bits - 1; e >= 0; e -= 1) {
      const k = w < 0 ? -(2 ** e) : 2 ** e;
      const least = 0.75 * 2 ** e * q;
      if ((whole ? least : fl(least)) <= Math.abs(w) && k >= low && k <= high) return k;
    }
    return 0;
  };
  return {
    step: (x, t) => {
      const set = new Float64Array(v.length);
      const values = new Float64Array(v.length);
      for (let i = 0; i < v.length; i += 1) {
        const q = scheduled(threshold[i] ?? 0, i, t);
        const u = fl((v[i] ?? 0) + (x[i] ?? 0));
        const w = sign === "retract" ? Math.max(u, -(r[i] ?? 0)) : u;
        const k = wordFor(w, q, i);
        const change = fl(k * q);
        v[i] = fl(u - change);
        r[i] = fl((r[i] ?? 0) + change);
        values[i] = fl(k * scheduled(amplitude[i] ?? 0, i, t));
        set[i] = Number.isNaN(k) ? 0 : digitsSet(k);
      }
      return { values, bits: set };
    },
    cost: gradedCost(op),
  };
}

/** Words of several bits on whole numbers: a comparison and an addition for each digit, and no division. */
function wholeWordCost(op: Op): NeuronCost {
  const signed = op.attributes.text("sign") !== "positive" ? 1 : 0;
  const retract = op.attributes.text("sign") === "retract" ? 1 : 0;
  const ceiling = op.attributes.tensorOrNone("ceiling") !== undefined ? 1 : 0;
  const digits = op.attributes.number("bits") + signed;
  const worth = op.attributes.tensorOrNone("shares")?.values ?? new Float64Array();
  const isUnit = all(op.attributes.tensor("amplitude").values, 1);
  const shifts = isUnit && worth.every((x) => Number.isInteger(Math.log2(x)));
  return {
    step: { additions: 2 + digits + ceiling, comparisons: digits + signed + retract + ceiling },
    spike: { additions: retract + ceiling > 0 ? 3 : 2, multiplications: shifts ? 0 : 1 },
    once: {},
  };
}

function gradedCost(op: Op): NeuronCost {
  const bits = op.attributes.number("bits");
  const sign = op.attributes.text("sign");
  const retract = sign === "retract";
  const ceiling = op.attributes.tensorOrNone("ceiling") !== undefined;
  const power = op.attributes.text("alphabet") === "power";
  if (isWhole(op) && !power && bits > 1) return wholeWordCost(op);
  let [additions, comparisons, divisions] = [1, retract ? 1 : 0, 0];
  if (power) {
    comparisons += (sign === "positive" ? 0 : 1) + bits;
    if (retract || ceiling) comparisons += bits;
    if (retract) {
      divisions += 1;
      additions += 1;
      comparisons += 3;
    }
  } else if (bits === 1) {
    comparisons += sign === "positive" ? 1 : 2;
  } else {
    divisions += 1;
    additions += 1;
    comparisons += 3;
  }
  if (ceiling && !power && bits === 1) {
    additions += 1;
    comparisons += 1;
  } else if (ceiling) {
    additions += 2;
    divisions += 1;
    comparisons += 2;
  }
  const severalBits = !power && bits > 1;
  const threshold = op.attributes.tensor("threshold");
  const amplitude = op.attributes.tensor("amplitude");
  const constant = op.attributes.text("schedule") === "constant";
  const free = amplitude === threshold || (all(amplitude.values, 1) && constant);
  return {
    step: { additions, comparisons, divisions },
    spike: {
      additions: retract || ceiling ? 2 : 1,
      multiplications: severalBits ? (free ? 1 : 2) : 0,
    },
    once: {},
  };
}

function leaky(site: Site): Neuron {
  const { op } = site;
  const whole = isWhole(op);
  const round = arithmeticOf(site);
  const [threshold, amplitude] = [parameter(op, "threshold"), parameter(op, "amplitude")];
  const v = parameter(op, "vInit");
  const silence = new Float64Array(v.length);
  const leak = op.attributes.number("leak");
  const refractory = op.attributes.number("refractory");
  const exact = op.attributes.text("spikeTime") === "exact";
  const subtract = op.attributes.text("reset") === "subtract";
  const left = Math.round(leak * 2 ** 16);
  const decayed = (J: number, before: number, part: number): number => {
    if (!whole) return J + (before - J) * Math.exp(part * Math.log(leak));
    return part === 1 ? round(J + Math.trunc(((before - J) * left) / 2 ** 16)) : before;
  };
  /** How long before the end of the timestep the threshold was crossed. */
  const early = (u: number, theta: number, J: number, part: number): number => {
    if (!exact || J <= theta) return 0;
    return Math.min(Math.log1p(Math.max(-1, -(u - theta) / (J - theta))) / Math.log(leak), part);
  };
  return {
    step: (x) => {
      const bits = new Float64Array(v.length);
      const values = new Float64Array(v.length);
      for (let i = 0; i < v.length; i += 1) {
        const [J, theta, wait] = [x[i] ?? 0, threshold[i] ?? 0, silence[i] ?? 0];
        const part = within(1 - wait, 0, 1);
        const u = decayed(J, v[i] ?? 0, part);
        v[i] = round(Math.max(u, 0));
        silence[i] = round(Math.max(wait - 1, 0));
        if (u >= theta && part > 0) {
          v[i] = subtract ? round(u - theta) : 0;
          silence[i] = round(Math.max(refractory - early(u, theta, J, part), 0));
          bits[i] = 1;
          values[i] = amplitude[i] ?? 0;
        }
      }
      return { values, bits };
    },
    cost: leakyCost(whole, refractory, exact, subtract),
  };
}

function leakyCost(
  whole: boolean,
  refractory: number,
  exact: boolean,
  subtract: boolean,
): NeuronCost {
  let [additions, comparisons] = [2, whole ? 3 : 2];
  if (refractory > 0) {
    additions += 1;
    comparisons += whole ? 1 : 2;
  }
  const timed = exact && refractory > 0;
  const broken = timed || !Number.isInteger(refractory);
  const own = timed ? (subtract ? 2 : 3) : 0;
  return {
    step: { additions, comparisons, multiplications: 1 },
    spike: {
      additions: own + (subtract ? 1 : 0),
      functions: (broken ? 1 : 0) + (timed ? 1 : 0),
      multiplications: broken ? 1 : 0,
      divisions: timed ? 2 : 0,
      comparisons: timed ? 4 : 0,
    },
    once: {},
  };
}
