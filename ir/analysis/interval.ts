/** Intervals of integers and their arithmetic: what a value stays in, whatever the sample. */
import { rangeOf } from "./range.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { elementCount } from "../type.ts";

/** Both ends are reached by no more than the value; each is an integer. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export function intervalOf(value: Tensor): Interval {
  const { min, max } = rangeOf(value);
  // Of no elements nothing is asked.
  return Number.isNaN(min) ? { low: 0, high: 0 } : { low: min, high: max };
}

/** The intervals of the rows of a table [R, …]. */
export function rowIntervals({ dtype, shape: [rows = 0, ...rest], data }: Tensor): Interval[] {
  const size = elementCount(rest);
  return Array.from({ length: rows }, (_, row) =>
    intervalOf(tensor(dtype, rest, data.slice(row * size, (row + 1) * size))),
  );
}

export function magnitude({ low, high }: Interval): number {
  return Math.max(Math.abs(low), Math.abs(high));
}

export function plus(a: Interval, b: Interval): Interval {
  return { low: a.low + b.low, high: a.high + b.high };
}

export function times(a: Interval, b: Interval): Interval {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  // Adding zero takes the sign off -0.
  return { low: Math.min(...products) + 0, high: Math.max(...products) + 0 };
}

export function withZero({ low, high }: Interval): Interval {
  return { low: Math.min(0, low), high: Math.max(0, high) };
}

export function hullOf(parts: readonly Interval[]): Interval {
  return hull(parts.map(({ low, high }) => [low, high]));
}

export function hull(parts: readonly (readonly [number, number])[]): Interval {
  if (parts.length === 0) return { low: 0, high: 0 };
  return parts.reduce<Interval>(
    ({ low, high }, [a, b]) => ({ low: Math.min(low, a), high: Math.max(high, b) }),
    { low: Infinity, high: -Infinity },
  );
}
