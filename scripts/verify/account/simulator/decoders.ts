/**
 * Ops that have a state and are no neurons: decoders, pools over time, biases and synapses that
 * change over time.
 */
import { rounderOf } from "./numbers.ts";
import { rowsOf } from "./neurons.ts";
import type { Cost, Site } from "./operation.ts";
import { maxPool } from "./ops/windows.ts";
import { refuse } from "./refusal.ts";
import { at, sizeOf } from "./types.ts";

export interface Stateful {
  /** `second` is the second operand of an op that has two. */
  readonly step: (x: Float64Array, t: number, second?: Float64Array) => Float64Array;
  readonly cost: Cost;
}

export function statefulOf(site: Site): Stateful | undefined {
  switch (site.op.kind) {
    case "snn.accumulate":
      return accumulate(site);
    case "snn.difference":
      return difference(site);
    case "snn.readout":
      return readout(site, Infinity);
    case "snn.rehearsed-readout":
      return readout(site, site.op.attributes.number("rehearsal"));
    case "snn.max-pool":
      return pool(site, Infinity);
    case "snn.rehearsed-max-pool":
      return pool(site, site.op.attributes.number("rehearsal"));
    case "snn.temporal-bias":
      return temporalBias(site);
    case "snn.low-pass":
      return lowPass(site);
    default:
      return undefined;
  }
}

function accumulate({ op }: Site): Stateful {
  const sum = new Float64Array(sizeOf(op.type.shape));
  return {
    step: (x) => {
      for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] ?? 0) + (x[i] ?? 0);
      return sum.map(Math.fround);
    },
    cost: { additions: sum.length },
  };
}

function difference({ op }: Site): Stateful {
  let last = new Float64Array(sizeOf(op.type.shape));
  const round = rounderOf(op.type.dtype);
  return {
    step: (x) => {
      const result = x.map((value, i) =>
        Object.is(value, last[i]) ? 0 : round(value - (last[i] ?? 0)),
      );
      last = x.slice();
      return result;
    },
    cost: { additions: last.length },
  };
}

function readout({ op }: Site, rehearsal: number): Stateful {
  const size = sizeOf(op.type.shape);
  const start = op.attributes.number("start");
  let whole = new Float64Array(size);
  let late = new Float64Array(size);
  return {
    step: (x, time) => {
      if (time === rehearsal + 1) {
        whole = new Float64Array(size);
        late = new Float64Array(size);
      }
      const t = time > rehearsal ? time - rehearsal : time;
      for (let i = 0; i < size; i += 1) {
        whole[i] = (whole[i] ?? 0) + (x[i] ?? 0);
        if (t > start) late[i] = (late[i] ?? 0) + (x[i] ?? 0);
      }
      return t < 2 * start
        ? whole.map((sum) => Math.fround(sum / t))
        : late.map((sum) => Math.fround(sum / (t - start)));
    },
    cost: { additions: start > 0 ? 2 * size : size, divisions: size },
  };
}

function pool({ op, types }: Site, rehearsal: number): Stateful {
  const source = at(types, 0).shape;
  const { compute, cost } = maxPool(op, source);
  const round = rounderOf(op.type.dtype);
  let sums = new Float64Array(sizeOf(source));
  let before = new Float64Array(sizeOf(op.type.shape));
  return {
    step: (x, t) => {
      if (t === rehearsal + 1) {
        sums = new Float64Array(sums.length);
        before = new Float64Array(before.length);
      }
      sums = sums.map((sum, i) => sum + (x[i] ?? 0));
      const now = compute([sums]);
      const result = now.map((value, i) =>
        Object.is(value, before[i]) ? 0 : round(value - (before[i] ?? 0)),
      );
      before = Float64Array.from(now);
      return result;
    },
    cost: { ...cost, additions: sums.length + before.length },
  };
}

function temporalBias({ op }: Site): Stateful {
  const rows = rowsOf(op, op.attributes.tensor("table"));
  const round = rounderOf(op.type.dtype);
  return {
    step: (x, t) => {
      const row = rows[Math.min(t, rows.length) - 1] ?? refuse("A table without rows.");
      return x.map((value, i) => round(value + (row[i] ?? 0)));
    },
    cost: { additions: sizeOf(op.type.shape) },
  };
}

function lowPass({ op }: Site): Stateful {
  let y = new Float64Array(sizeOf(op.type.shape));
  const decay = op.attributes.number("decay");
  const round = rounderOf(op.type.dtype);
  return {
    step: (x) => {
      y = y.map((value, i) => round(decay * value + (1 - decay) * (x[i] ?? 0)));
      return y.slice();
    },
    cost: { multiplications: 2 * y.length, additions: y.length },
  };
}
