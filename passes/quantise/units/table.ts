/**
 * Units that are still to be chosen. Each channel of each synapse gets one; where currents meet, in
 * an addition or in the window of a pool, their units become one and the same.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { type Grid, along, combine } from "../grid.ts";
import type { Moments } from "../moments.ts";
import { type ChannelUnits, type Row, type Scale, byteLevels, chooseScale } from "./scale.ts";

/** A unit to be chosen; negative ones stand for the unit 1 of the network before, or what follows from others. */
export type UnitId = number;

/** The unit of an element is `factors` times the one that `ids` names; 0 for what is always 0. */
export interface Units {
  readonly ids: Grid;
  readonly factors: Grid;
}

/** What is known when units are chosen. */
export interface Known {
  readonly unitOf: (id: UnitId) => number;
  readonly momentsOf: (value: ValueId) => Moments | null;
}

/** Where a unit comes from: weights, one row for each element of `ids`, or constants alone. */
export interface UnitSource {
  readonly ids: Grid;
  /** 0 beside what is always 0, whose unit is anyone's; 1 beside all else. Like `ids`. */
  readonly live: Grid;
  /** The largest integer that a weight may become. */
  readonly levels: number;
  /** The largest of what weights are multiplied by, as far as bits tell. */
  readonly reach: number;
  /** Whether the weights of row `k` are whole multiples of a unit as they are. */
  isWhole(k: number): boolean;
  /** The weights of row `k`, and what they are multiplied by. */
  row(k: number, known: Known): Omit<Row, "levels" | "reach" | "bias">;
  bias(k: number): number;
}

/** What neurons ask of the unit of their current. */
export interface Demand {
  /** The least that is to be several units; Infinity where nothing is. */
  readonly min: number;
  /** The largest that is to fit 32 bits, and the largest |v[0]|. */
  readonly max: number;
  readonly vInit: number;
  /** A unit that is fine enough: nothing is gained by a finer one. */
  readonly fine: number;
}

/** Which units are the same, and what each has to fit. */
export class UnitTable {
  private readonly parents: UnitId[] = [];
  private lastDistinct = -1;
  private readonly derived = new Map<UnitId, (unitOf: (id: UnitId) => number) => number>();
  private readonly fixed = new Map<UnitId, number>();
  private readonly sources: { readonly source: UnitSource; readonly k: number; id: UnitId }[] = [];
  private readonly demands: { readonly id: UnitId; readonly of: Demand }[] = [];

  fresh(): UnitId {
    this.parents.push(this.parents.length);
    return this.parents.length - 1;
  }

  /** A new name for the unit 1, for values that are not to be taken for each other. */
  distinct(): UnitId {
    return --this.lastDistinct;
  }

  /** Says what the unit of a value follows from, instead of being 1; `id` is a distinct one. */
  derive(id: UnitId, unit: (unitOf: (id: UnitId) => number) => number): void {
    this.derived.set(id, unit);
  }

  /** A grid of new units, each its own. */
  freshGrid(like: Grid): Grid {
    return { shape: like.shape, data: like.data.map(() => this.fresh()) };
  }

  find(id: UnitId): UnitId {
    let root = id;
    for (let up = this.parents[root]; up !== undefined && up !== root; up = this.parents[root]) {
      root = up;
    }
    // Halves the way for whoever asks next.
    for (let at = id; at !== root;) {
      const up = known(this.parents[at], "a unit");
      this.parents[at] = root;
      at = up;
    }
    return root;
  }

  /** Makes two units one; the older keeps its name. */
  unite(a: UnitId, b: UnitId): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x !== y) this.parents[Math.max(x, y)] = Math.min(x, y);
  }

  /** Books that weights and biases are to be rounded into the units of `source`. */
  feed(source: UnitSource): void {
    source.ids.data.forEach((id, k) => {
      if (source.live.data[k] !== 0) this.sources.push({ source, k, id });
    });
  }

  /** Books that neurons take currents of unit `id`, with steps, constants and |v[0]| like these. */
  demand(id: UnitId, of: Demand): void {
    this.demands.push({ id, of });
  }

  /** Whether only one row of weights is rounded into a unit, but for shortcuts, which are fine in any. */
  isAlone(id: UnitId): boolean {
    const root = this.find(id);
    let rows = 0;
    for (const { source, id: fed } of this.sources) {
      if (source.levels <= byteLevels && this.find(fed) === root) rows++;
    }
    return rows === 1;
  }

  /** Sets a unit that is known, and that no other is to become the same as. */
  fix(id: UnitId, unit: number): void {
    this.fixed.set(id, unit);
  }

  /** Chooses every unit. `onChosen` is told of each. */
  choose(
    grid: number,
    momentsOf: Known["momentsOf"],
    onChosen: (id: UnitId, scale: Scale) => void,
  ): (id: UnitId) => number {
    const channels = this.channels();
    const chosen = new Map<UnitId, number | null>();
    const unitOf = (id: UnitId): number => {
      if (id < 0) return this.derived.get(id)?.(unitOf) ?? 1;
      const root = this.find(id);
      const there = this.fixed.get(root) ?? chosen.get(root);
      // What shares a unit has gained the same bits, and each weight adds some.
      invariant(there !== null, "a unit depends on itself");
      if (there !== undefined) return there;
      chosen.set(root, null);
      const channel = channels.get(root) ?? emptyChannel();
      const scale = chooseScale(channelOf(channel, { unitOf, momentsOf }), grid);
      onChosen(root, scale);
      chosen.set(root, scale.unit);
      return scale.unit;
    };
    return unitOf;
  }

  private channels(): Map<UnitId, PendingChannel> {
    const all = new Map<UnitId, PendingChannel>();
    const at = (id: UnitId): PendingChannel => {
      const root = this.find(id);
      const channel = all.get(root) ?? emptyChannel();
      all.set(root, channel);
      return channel;
    };
    for (const { source, k, id } of this.sources) at(id).feeds.push({ source, k });
    for (const { id, of } of this.demands) {
      const channel = at(id);
      const before = channel.demand ?? of;
      channel.demand = {
        min: Math.min(before.min, of.min),
        max: Math.max(before.max, of.max),
        vInit: Math.max(before.vInit, of.vInit),
        fine: Math.max(before.fine, of.fine),
      };
    }
    return all;
  }
}

interface PendingChannel {
  readonly feeds: { readonly source: UnitSource; readonly k: number }[];
  demand: Demand | null;
}

function channelOf({ feeds, demand }: PendingChannel, at: Known): ChannelUnits {
  return {
    rows: feeds.map(({ source, k }) => ({
      ...source.row(k, at),
      levels: source.levels,
      reach: source.reach,
      bias: source.bias(k),
    })),
    threshold: demand === null ? null : { min: demand.min, max: demand.max },
    vInit: demand?.vInit ?? 0,
    fine: demand?.fine ?? 0,
  };
}

function emptyChannel(): PendingChannel {
  return { feeds: [], demand: null };
}

/** Whether a value of these units is a plain current: each element in a unit to be chosen, or 0. */
export function isPlainCurrent({ ids, factors }: Units): boolean {
  const impure = combine([ids, factors], ([id = 0, factor = 0]) =>
    factor === 0 || (factor === 1 && id >= 0) ? 0 : 1,
  );
  return impure.data.every((each) => each === 0);
}

/**
 * The units by index along `axis`, where they depend on nothing else; elements that are always 0 do
 * not count. Null where they do.
 */
export function unitsAlongAxis(units: Units, axis: number, table: UnitTable): Units | null {
  let uniform = true;
  const found = firstAlong(units, axis, (a, b) => {
    if (a.factor !== b.factor) uniform = false;
    else if (a.id !== b.id && (a.id < 0 || b.id < 0 || table.find(a.id) !== table.find(b.id))) {
      uniform = false;
    }
  });
  return uniform ? found : null;
}

/** The same for plain currents, whose units along `axis` become one where they differ. */
export function uniteAlongAxis(units: Units, axis: number, table: UnitTable): Units {
  return firstAlong(units, axis, (a, b) => {
    invariant(a.id >= 0 && b.id >= 0, "only plain currents can share a unit");
    table.unite(a.id, b.id);
  });
}

interface Unit {
  readonly id: UnitId;
  readonly factor: number;
}

/** The first unit at each index along `axis`; `compare` is shown each other one beside it. */
function firstAlong(
  { ids, factors }: Units,
  axis: number,
  compare: (first: Unit, other: Unit) => void,
): Units {
  const extent = Math.max(ids.shape[axis] ?? 1, factors.shape[axis] ?? 1);
  const first = new Array<Unit | null>(extent).fill(null);
  eachUnit({ ids, factors }, (unit, coordinate) => {
    if (unit.factor === 0) return;
    const index = coordinate(axis);
    const before = first[index];
    if (before === null || before === undefined) first[index] = unit;
    else compare(before, unit);
  });
  const rank = ids.shape.length;
  return {
    ids: along(
      rank,
      axis,
      Float64Array.from(first, (unit) => unit?.id ?? -1),
    ),
    factors: along(
      rank,
      axis,
      Float64Array.from(first, (unit) => unit?.factor ?? 0),
    ),
  };
}

function eachUnit(
  { ids, factors }: Units,
  visit: (unit: Unit, coordinate: (axis: number) => number) => void,
): void {
  const id = combine([ids, factors], ([each = 0]) => each);
  const factor = combine([ids, factors], ([, each = 0]) => each);
  const { shape } = id;
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  id.data.forEach((each, i) => {
    visit(
      { id: each, factor: factor.data[i] ?? 0 },
      (axis) => Math.floor(i / (steps[axis] ?? 1)) % (shape[axis] ?? 1),
    );
  });
}
