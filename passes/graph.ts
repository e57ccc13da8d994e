/**
 * What a pass needs to know around an op while it rebuilds a module: who uses a value, what made
 * it, and whether it is a constant. `rework` is `rewrite` of ir/build.ts with these at hand and
 * with the ops that nothing uses any more taken out. Decides nothing about any op kind.
 */
import { type Builder, rewrite } from "../ir/build.ts";
import { type Loc, fusedLoc } from "../ir/loc.ts";
import type { Module } from "../ir/module.ts";
import { type Op, type ValueId, isInput } from "../ir/op/op.ts";
import { reachable } from "../ir/analysis/walk.ts";
import { tensorRefsOf } from "../ir/op/table.ts";
import type { Tensor } from "../ir/tensor.ts";

/** The half-built module as a transform sees it. */
export class Graph {
  readonly builder: Builder;
  private readonly counts: Map<ValueId, number>;

  constructor(builder: Builder, counts: Map<ValueId, number>) {
    this.builder = builder;
    this.counts = counts;
  }

  /** The op that makes `value`. */
  producer(value: ValueId): Op {
    return this.builder.opOf(value);
  }

  /** How often live ops and outputs, built already or still to come, read `value`. */
  uses(value: ValueId): number {
    return this.counts.get(value) ?? 0;
  }

  /** What `value` holds where it is a constant. */
  constant(value: ValueId): Tensor | null {
    const op = this.producer(value);
    return op.kind === "ann.constant" ? this.builder.tensorAt(op.attrs.value) : null;
  }

  /** A constant's only element, if all its elements are equal; null for anything else. */
  uniform(value: ValueId): number | null {
    const held = this.constant(value);
    return held === null ? null : uniformValue(held);
  }

  /** The place of an op made of all these. */
  loc(pass: string, ...ops: readonly Op[]): Loc {
    return fusedLoc(
      pass,
      ops.map((op) => op.loc),
    );
  }

  /** Books that `op` went and `added` came, with `replacement` standing for its result. */
  replaced(op: Op, added: readonly Op[], replacement: ValueId): void {
    for (const one of added) for (const value of one.inputs) this.use(value, 1);
    if (replacement !== op.result) {
      this.use(replacement, this.uses(op.result));
      this.counts.set(op.result, 0);
    }
    for (const value of op.inputs) this.release(value);
  }

  private use(value: ValueId, times: number): void {
    this.counts.set(value, this.uses(value) + times);
  }

  private release(value: ValueId): void {
    const open = [value];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      this.use(next, -1);
      if (this.uses(next) === 0) for (const input of this.producer(next).inputs) open.push(input);
    }
  }
}

/** The one value of all elements; null where they differ or there are none. */
export function uniformValue(held: Tensor): number | null {
  const first = held.data[0];
  if (first === undefined) return null;
  return held.data.every((value) => Object.is(value, first)) ? first : null;
}

/** How often each value is read by ops and outputs. */
function countUses(module: Module): Map<ValueId, number> {
  const counts = new Map<ValueId, number>();
  const count = (value: ValueId): void => void counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const op of module.ops) op.inputs.forEach(count);
  for (const output of module.outputs) count(output.value);
  for (const { value } of module.carries) count(value);
  return counts;
}

/**
 * `rewrite` with a `Graph`; what the transform left without use is gone from the result. Only for
 * modules without dead ops, as every pass receives them.
 */
export function rework(
  module: Module,
  transform: (op: Op, graph: Graph) => ValueId | null,
): Module {
  const counts = countUses(module);
  let graph: Graph | null = null;
  const rewritten = rewrite(module, (op, builder) => {
    graph ??= new Graph(builder, counts);
    const before = builder.ops.length;
    const replacement = transform(op, graph);
    if (replacement !== null) graph.replaced(op, builder.ops.slice(before), replacement);
    return replacement;
  });
  return rewritten === module ? module : withoutDead(rewritten);
}

/** The module without ops that no output depends on, and their carries; inputs stay, as callers supply them. */
export function withoutDead(module: Module): Module {
  const live = reachable(module);
  const isLive = (op: Op): boolean => live.has(op.result) || isInput(op);
  if (module.ops.every(isLive)) return module;
  const ops = module.ops.filter(isLive);
  const named = new Set(ops.flatMap((op) => tensorRefsOf(op).map(({ ref }) => ref)));
  const tensors = new Map([...module.tensors].filter(([ref]) => named.has(ref)));
  const carries = module.carries.filter(({ source }) => live.has(source));
  return { ...module, ops, carries, tensors };
}

/**
 * What of the module some values need, with these as its outputs, in place of its own: to run a network
 * up to a layer. Values keep their ids, and inputs stay, as callers supply them. Claims nothing.
 */
export function prefixOf(module: Module, values: readonly ValueId[]): Module {
  const outputs = [...new Set(values)].map((value) => ({ name: `%${value}`, value }));
  return withoutDead({ ...module, outputs, properties: new Set() });
}

/** Applies `once` until it changes nothing. Each application must bring the module closer to rest. */
export function untilStable(module: Module, once: (module: Module) => Module): Module {
  for (let current = module; ;) {
    const next = once(current);
    if (next === current) return current;
    current = next;
  }
}
