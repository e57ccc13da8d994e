/**
 * The memory plan: gives each buffer an address before any code is written, so that running
 * allocates nothing. Scratch buffers that are never needed at the same time share bytes: first fit
 * by falling size over lifetimes counted in steps.
 */
import type { Buffer } from "./view.ts";

/** A buffer, and the first and last step that touch it. */
export interface Lifetime {
  readonly buffer: Buffer;
  readonly first: number;
  readonly last: number;
}

export interface MemoryPlan {
  /** Bytes of constants, from address 0. */
  readonly constantBytes: number;
  /** Bytes of one thread's states and scratch. */
  readonly arenaBytes: number;
}

/** Buffers start at cache lines; a few bytes more keep vector loads at the end inside. */
const alignment = 64;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** Sets the address of every buffer. Address 0 stays unused. */
export function planMemory(
  constants: readonly Buffer[],
  states: readonly Buffer[],
  scratch: readonly Lifetime[],
): MemoryPlan {
  let constantBytes = alignment;
  for (const buffer of constants) {
    buffer.address = constantBytes;
    constantBytes += aligned(buffer.bytes);
  }
  let arenaBytes = 0;
  for (const buffer of states) {
    buffer.address = arenaBytes;
    arenaBytes += aligned(buffer.bytes);
  }
  const base = arenaBytes;
  const placed = new Placed();
  const bySize = scratch.toSorted((a, b) => b.buffer.bytes - a.buffer.bytes || a.first - b.first);
  for (const each of bySize) {
    const beside = placed.beside(each).sort((a, b) => a.buffer.address - b.buffer.address);
    let address = base;
    for (const { buffer } of beside) {
      if (address + aligned(each.buffer.bytes) <= buffer.address) break;
      address = Math.max(address, buffer.address + aligned(buffer.bytes));
    }
    each.buffer.address = address;
    placed.add(each);
    arenaBytes = Math.max(arenaBytes, address + aligned(each.buffer.bytes));
  }
  return { constantBytes, arenaBytes: arenaBytes + alignment };
}

/** Steps that are looked up together. */
const stepsTogether = 64;

/** Lifetimes by the stretches of steps that they touch, so that few are compared with each. */
class Placed {
  private readonly stretches = new Map<number, Lifetime[]>();

  add(lifetime: Lifetime): void {
    for (const stretch of stretchesOf(lifetime)) {
      const there = this.stretches.get(stretch);
      if (there === undefined) this.stretches.set(stretch, [lifetime]);
      else there.push(lifetime);
    }
  }

  /** Those that are needed at some step at which `lifetime` is. */
  beside(lifetime: Lifetime): Lifetime[] {
    const found = new Set<Lifetime>();
    for (const stretch of stretchesOf(lifetime)) {
      for (const other of this.stretches.get(stretch) ?? []) {
        if (other.first <= lifetime.last && lifetime.first <= other.last) found.add(other);
      }
    }
    return [...found];
  }
}

function* stretchesOf({ first, last }: Lifetime): Generator<number> {
  const end = Math.floor(last / stepsTogether);
  for (let stretch = Math.floor(first / stepsTogether); stretch <= end; stretch++) yield stretch;
}
