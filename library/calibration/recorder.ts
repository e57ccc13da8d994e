/**
 * Goes on from spikes that an earlier run recorded. Passes look at one layer after the other; each look
 * would run all layers before it anew, though they have not changed since the last one, so that time grew
 * with the square of the depth. What is kept is what a later layer reads: at the cut behind which nothing
 * is known yet, and wherever a shortcut begins before it. A recording stands for all ops that made it,
 * with their tensors: where a pass has changed one of them, it is not found any more.
 */
import { known } from "../../ir/diagnostic.ts";
import type { Probe, Recording } from "../../ir/executable.ts";
import { valuesBehind } from "../../ir/analysis/walk.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { tensorRefsOf } from "../../ir/op/table.ts";
import { type Tensor, hashTensor } from "../../ir/tensor.ts";

/** Bytes of recordings to keep; what does not fit is computed again whenever it is needed. */
export const usualRecordingBytes = 2 ** 30;

/** What is asked of a network, for samples of which some may be recorded up to some layer. */
export interface Look {
  /** The whole network: what else reads a value decides whether it is kept. */
  readonly module: Module;
  readonly probes: readonly Probe[];
  readonly timesteps: number;
  /** Values that the engine can record. */
  readonly recordable: ReadonlySet<ValueId>;
  readonly first: number;
  readonly count: number;
}

/** Samples one behind the other that go on from the same values. */
export interface LookPart {
  readonly first: number;
  readonly count: number;
  /** Values that are given, and such as are to be recorded. */
  readonly given: readonly ValueId[];
  readonly record: readonly ValueId[];
  /** The recordings of a sample, one for each given value. */
  readonly recordingsOf: (index: number) => readonly Recording[];
  /** Keeps what was recorded of a sample, and lets go of what no later layer reads. */
  readonly done: (index: number, recordings: readonly Recording[] | undefined) => void;
}

export class Recorder {
  private readonly limit: number;
  private readonly meanings = new Meanings();
  /** By what a value means over so many timesteps: its recordings by sample. */
  private readonly kept = new Map<string, Map<number, Recording>>();
  private bytes = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** How to run what a look asks for, in the order of the samples. */
  partsOf(look: Look): readonly LookPart[] {
    const { module, probes, timesteps, recordable } = look;
    const asked = new Set(probes.map(({ value }) => value));
    // The potential of neurons is in no recording of what they sent.
    const run = new Set(probes.filter(({ keep }) => keep === "state").map(({ value }) => value));
    const behind = valuesBehind(module, asked);
    const candidates = [...recordable].filter((value) => behind.has(value) && !run.has(value));
    const lasting = lastingOf(module, asked, behind, new Set(candidates));
    const means = this.meanings.of(module);
    // Rates decide on kernels, and these on the order of sums.
    const how = JSON.stringify([timesteps, [...(module.rates ?? [])]]);
    const keyOf = (value: ValueId): string => `${known(means.get(value), "a value")} ${how}`;
    const keys = new Map([...recordable].map((value) => [value, keyOf(value)]));
    const present = new Set(keys.values());
    const keyAt = (value: ValueId): string => known(keys.get(value), "a value that is recordable");

    const cuts = new Map<string, Cut>();
    const cutAt = (index: number): Cut => {
      const there = candidates.filter((value) => this.kept.get(keyAt(value))?.has(index));
      const name = there.join();
      const cut = cuts.get(name) ?? cutOf(module, asked, new Set(there), lasting);
      cuts.set(name, cut);
      return cut;
    };

    const parts: LookPart[] = [];
    const end = look.first + look.count;
    for (let first = look.first; first < end;) {
      const cut = cutAt(first);
      let next = first + 1;
      while (next < end && cutAt(next) === cut) next++;
      const held = new Map<number, readonly Recording[]>();
      for (let index = first; index < next; index++) {
        const all = cut.given.map((value) => this.kept.get(keyAt(value))?.get(index));
        held.set(
          index,
          all.map((each) => known(each, "a recording")),
        );
      }
      parts.push({
        first,
        count: next - first,
        ...cut,
        recordingsOf: (index) => known(held.get(index), "a sample's recordings"),
        done: (index, recordings = []) => {
          held.delete(index);
          // What is recorded anew takes the place of what it was computed from.
          for (const value of candidates) {
            if (!lasting.has(value)) this.drop(keyAt(value), index);
          }
          recordings.forEach((recording, i) => {
            this.add(keyAt(known(cut.record[i], "a value")), index, recording, present);
          });
        },
      });
      first = next;
    }
    return parts;
  }

  private drop(key: string, index: number): void {
    const samples = this.kept.get(key);
    this.bytes -= samples?.get(index)?.byteLength ?? 0;
    samples?.delete(index);
    if (samples?.size === 0) this.kept.delete(key);
  }

  /** Keeps a recording if there is room for it beside others of `present` values. */
  private add(
    key: string,
    index: number,
    recording: Recording,
    present: ReadonlySet<string>,
  ): void {
    this.drop(key, index);
    if (this.bytes + recording.byteLength > this.limit) this.letGo(present);
    if (this.bytes + recording.byteLength > this.limit) return;
    const samples = this.kept.get(key) ?? new Map<number, Recording>();
    this.kept.set(key, samples.set(index, recording));
    this.bytes += recording.byteLength;
  }

  /** Lets go of recordings of values that the network does not have any more. */
  private letGo(present: ReadonlySet<string>): void {
    for (const [key, samples] of [...this.kept]) {
      if (present.has(key)) continue;
      for (const index of [...samples.keys()]) this.drop(key, index);
    }
  }
}

interface Cut {
  readonly given: readonly ValueId[];
  readonly record: readonly ValueId[];
}

/** Where to go on from, if the values `there` are recorded, and what to record on the way. */
function cutOf(
  module: Module,
  asked: ReadonlySet<ValueId>,
  there: ReadonlySet<ValueId>,
  lasting: ReadonlySet<ValueId>,
): Cut {
  const needed = valuesBehind(module, asked, there);
  const isNeeded = (value: ValueId): boolean => needed.has(value);
  return {
    given: [...there].filter(isNeeded),
    record: [...lasting].filter((value) => isNeeded(value) && !there.has(value)),
  };
}

/**
 * The values that a later look may begin from: of those `behind` what is asked for, the last ones on each
 * path to it, and any that others read besides. What is asked for is what a pass may change next, so the
 * last ones before it count in any case.
 */
function lastingOf(
  module: Module,
  asked: ReadonlySet<ValueId>,
  behind: ReadonlySet<ValueId>,
  candidates: ReadonlySet<ValueId>,
): ReadonlySet<ValueId> {
  const lasting = new Set<ValueId>();
  const before = module.ops.filter(({ result }) => asked.has(result)).flatMap((op) => op.inputs);
  for (const value of valuesBehind(module, before, candidates)) {
    if (candidates.has(value)) lasting.add(value);
  }
  for (const op of module.ops) {
    if (behind.has(op.result)) continue;
    for (const value of op.inputs) if (candidates.has(value)) lasting.add(value);
  }
  return lasting;
}

/** Numbers values by what they are made of: the same number means the same ops on the same tensors. */
class Meanings {
  private readonly numbers = new Map<string, number>();
  private readonly tensors = new WeakMap<Tensor, string>();
  private readonly found = new WeakMap<Module, ReadonlyMap<ValueId, number>>();
  private tensorCount = 0;

  of(module: Module): ReadonlyMap<ValueId, number> {
    const before = this.found.get(module);
    if (before !== undefined) return before;
    const made = new Map<ValueId, number>();
    for (const op of module.ops) {
      const inputs = op.inputs.map((value) => known(made.get(value), "an operand"));
      const tensors = tensorRefsOf(op).map(({ ref }) => this.tensorName(tensorAt(module, ref)));
      const text = JSON.stringify([op.kind, op.attrs, op.type, inputs, tensors], exactly);
      const number = this.numbers.get(text) ?? this.numbers.size;
      this.numbers.set(text, number);
      made.set(op.result, number);
    }
    this.found.set(module, made);
    return made;
  }

  private tensorName(tensor: Tensor): string {
    const isSmall = tensor.data.length <= mostHashed;
    const name =
      this.tensors.get(tensor) ?? (isSmall ? hashTensor(tensor) : `#${this.tensorCount++}`);
    this.tensors.set(tensor, name);
    return name;
  }
}

/**
 * Elements of a tensor that is known by what it holds. Passes make small ones anew that hold the same;
 * larger ones, weights, they hand on, and to hash these would take longer than it saves.
 */
const mostHashed = 2 ** 14;

/** JSON has neither infinities nor −0. */
function exactly(_key: string, value: unknown): unknown {
  if (typeof value !== "number") return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
