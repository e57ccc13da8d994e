/**
 * The arrays of a program: constants, what is kept from timestep to timestep, and scratch that layers share
 * one after another. Nothing is allocated at run time: scratch of a type is one array, in which each
 * user has its place, and places of arrays that are needed at the same time do not overlap.
 */
import { invariant } from "../../../ir/diagnostic.ts";
import { type CType, bytesOf } from "../text/types.ts";

export type ArrayKind = "constant" | "kept" | "scratch" | "given";

export interface CArray {
  /** Unique in the program. */
  readonly name: string;
  readonly type: CType;
  /** Elements; of packed constants bytes. */
  readonly length: number;
  readonly kind: ArrayKind;
  /** What it is, for people. */
  readonly what: string;
  /** An array that it may lie in from its beginning: what is written there is never read again. */
  readonly within?: CArray;
}

/** A constant's bytes are exact: elements of its type. */
export interface ConstantArray extends CArray {
  readonly kind: "constant";
  readonly data: ArrayLike<number>;
}

export function bytesOfArray({ type, length }: CArray): number {
  return bytesOf[type] * length;
}

/** When a program does something: once for each sample, at each timestep, or to read it out. */
export type Phase = "begin" | "step" | "output";

/** What one part of the program uses, in the order in which parts run. */
export interface Use {
  readonly phase: Phase;
  readonly arrays: ReadonlySet<CArray>;
}

export interface MemoryPlan {
  /** Kept from one call to the next: state, and scratch that crosses phases. */
  readonly kept: readonly CArray[];
  /** Elements of the shared scratch of each type. */
  readonly pools: ReadonlyMap<CType, number>;
  /** Where in its pool each scratch array begins, in elements. */
  readonly places: ReadonlyMap<CArray, number>;
}

/** Gives every array its memory. Arrays of `uses` that are neither kept nor scratch are not planned. */
export function planMemory(uses: readonly Use[]): MemoryPlan {
  const spans = new Map<CArray, { first: number; last: number; phases: Set<Phase> }>();
  uses.forEach(({ phase, arrays }, at) => {
    for (const array of arrays) {
      const span = spans.get(array) ?? { first: at, last: at, phases: new Set() };
      span.last = at;
      span.phases.add(phase);
      spans.set(array, span);
    }
  });
  const kept: CArray[] = [];
  const pools = new Map<CType, number>();
  const places = new Map<CArray, number>();
  const scratch: { array: CArray; first: number; last: number }[] = [];
  for (const [array, { first, last, phases: in_ }] of spans) {
    if (array.kind === "kept" || (array.kind === "scratch" && in_.size > 1)) kept.push(array);
    else if (array.kind === "scratch") scratch.push({ array, first, last });
  }
  // The largest first: small ones fit into what is left between them. Those that lie within another one follow it.
  const bySize = scratch.toSorted((a, b) => b.array.length - a.array.length || a.first - b.first);
  const isHeld = (array: CArray): boolean => scratch.some((each) => each.array === array.within);
  const hosts = bySize.filter(({ array }) => !isHeld(array));
  const placed: typeof scratch = [];
  const put = (each: (typeof scratch)[number], at: number): void => {
    const { array } = each;
    places.set(array, at);
    pools.set(array.type, Math.max(pools.get(array.type) ?? 0, at + array.length));
    placed.push(each);
    for (const guest of bySize) if (guest.array.within === array) put(guest, at);
  };
  for (const each of hosts) {
    const taken = placed
      .filter(({ array, first, last }) => {
        const until = lastWith(each, bySize);
        const overlaps = first <= until && last >= each.first;
        return array.type === each.array.type && overlaps;
      })
      .map(({ array }) => ({ from: placeOf(array, places), length: array.length }))
      .toSorted((a, b) => a.from - b.from);
    let at = 0;
    for (const { from, length } of taken) {
      if (at + each.array.length <= from) break;
      at = Math.max(at, aligned(from + length));
    }
    put(each, at);
  }
  return { kept, pools, places };
}

interface Span {
  readonly array: CArray;
  readonly first: number;
  readonly last: number;
}

/** The last use of an array and of all that lies within it. */
function lastWith(span: Span, all: readonly Span[]): number {
  const guests = all.filter(({ array }) => array.within === span.array);
  return guests.reduce((last, guest) => Math.max(last, lastWith(guest, all)), span.last);
}

/** Places begin where vectors of 16 bytes may, whatever the type. */
function aligned(elements: number): number {
  return Math.ceil(elements / 16) * 16;
}

function placeOf(array: CArray, places: ReadonlyMap<CArray, number>): number {
  const place = places.get(array);
  invariant(place !== undefined, `a place for ${array.name}`);
  return place;
}
