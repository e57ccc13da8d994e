/**
 * What came of all samples of a network on one engine, held against the interpreter: how many were
 * equal in every spike and count, how many parted where a rounding may decide, and how far counts were
 * off in those.
 */
import type { Operations } from "../../../ir/account/operations.ts";
import { type Engine, type SampleResult, activityKinds } from "../../../ir/executable.ts";
import type { Module } from "../../../ir/module.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { compare } from "../graphs/compare.ts";
import { runOn } from "../graphs/run.ts";
import { operationsIn } from "./witness.ts";

export interface Tally {
  readonly samples: number;
  readonly equal: number;
  /** Those that part at a neuron with |u − θ| ≤ 1e-4·θ, or at another level as near. */
  readonly ties: number;
  /** Those in which roundings grew before there was a tie, each op being right. */
  readonly grown: number;
  readonly otherClass: number;
  /** By count: differences of single samples added up, and the interpreter's counts. */
  readonly off: ReadonlyMap<string, { readonly off: number; readonly of: number }>;
  readonly faults: readonly string[];
}

export const noTally: Tally = {
  ...{ samples: 0, equal: 0, ties: 0, grown: 0, otherClass: 0 },
  off: new Map(),
  faults: [],
};

export function plusTally(a: Tally, b: Tally): Tally {
  const off = new Map(a.off);
  for (const [kind, more] of b.off) {
    const sum = off.get(kind) ?? { off: 0, of: 0 };
    off.set(kind, { off: sum.off + more.off, of: sum.of + more.of });
  }
  return {
    samples: a.samples + b.samples,
    equal: a.equal + b.equal,
    ties: a.ties + b.ties,
    grown: a.grown + b.grown,
    otherClass: a.otherClass + b.otherClass,
    off,
    faults: [...a.faults, ...b.faults],
  };
}

/** One sample on `engine`. */
export async function tallyOf(
  module: Module,
  inputs: readonly Tensor[],
  reference: { readonly engine: Engine; readonly result: SampleResult },
  engine: Engine,
): Promise<Tally> {
  const verdict = await compare(module, inputs, reference, engine);
  const one = { ...noTally, samples: 1 };
  if (verdict.kind === "different") return { ...one, faults: [`${engine.name}: ${verdict.why}`] };
  const wanted = countsOf(module, reference.result);
  if (verdict.kind === "equal") {
    const off = new Map([...wanted].map(([kind, of]) => [kind, { off: 0, of }]));
    return { ...one, equal: 1, off };
  }
  const found = countsOf(module, await runOn(engine, module, inputs));
  return {
    ...one,
    ties: Number(verdict.kind === "tie"),
    grown: Number(verdict.kind === "rounding"),
    otherClass: Number(!verdict.sameClass),
    off: new Map(
      [...wanted].map(([kind, of]) => [kind, { off: Math.abs((found.get(kind) ?? NaN) - of), of }]),
    ),
  };
}

/** All that is counted of a run, by name. */
function countsOf(module: Module, result: SampleResult): ReadonlyMap<string, number> {
  const operations: Operations = operationsIn(module, result);
  return new Map([
    ...activityKinds.map((kind) => [kind, result.activity[kind].at(-1) ?? 0] as const),
    ...Object.entries(operations),
  ]);
}

/** The count that is furthest off, as a share of it; 0 where none is. */
export function furthestOff({ off }: Tally): { readonly kind: string; readonly share: number } {
  let furthest = { kind: "", share: 0 };
  for (const [kind, { off: by, of }] of off) {
    const share = by === 0 ? 0 : by / of;
    if (share > furthest.share) furthest = { kind, share };
  }
  return furthest;
}

/** Another class in one of a hundred samples, and half a per cent of any count. */
const mostOtherClasses = 0.01;
export const mostOff = 0.005;

export function classesHold({ samples, otherClass }: Tally): boolean {
  return otherClass <= mostOtherClasses * samples;
}
