/**
 * Goes through a spiking module and books, for every value that is to be of integers, in which units
 * its elements will count, and which weights have to be rounded into them. Chooses no unit and makes
 * no op; `emit.ts` does, by the same keys.
 */
import { isNeuron, isWeighted, ownChannelAxis } from "../../ir/op/known.ts";
import { weightRowsOf, windowShares } from "./windows.ts";
import { DiagnosticError, fail, known } from "../../ir/diagnostic.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type NeuronKind, type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type Type } from "../../ir/type.ts";
import { type WeightedOp } from "../fuse/weights.ts";
import {
  type Grid,
  along,
  combine,
  compress,
  gridOf,
  movesUnits,
  moved,
  uniformGrid,
} from "./grid.ts";
import { momentsBeside } from "./moments.ts";
import type { NeuronForm } from "./neurons/form.ts";
import { bookNeurons } from "./neurons/book.ts";
import { formOf } from "./neurons/forms.ts";
import { type LevelsOf, ownUnits } from "./units/own-grid.ts";
import {
  type Refusal,
  Refusals,
  isDecoder,
  refuse,
  refuseKind,
  standingBetween,
} from "./refusals.ts";
import { constantSource, largestOfRows } from "./units/sources.ts";
import {
  type Known,
  type UnitSource,
  UnitTable,
  type Units,
  unitsAlongAxis,
  isPlainCurrent,
  uniteAlongAxis,
} from "./units/table.ts";

/** What a number per channel may become, whatever the weights' bits: the largest i8, and i16 of shortcuts. */
const [byteLevels, shortLevels] = [127, 2 ** 15 - 1] as const;

/** What integers hold a value: spikes, quantised inputs, or sums of 32 bits. */
type Held = "spike" | "input" | "sum";

interface Integers extends Units {
  readonly kind: "integers";
  readonly held: Held;
  /**
   * Bits that its integers have, from weights and from being quantised: 0 of spikes of 1. What has
   * few has large units, and its weights must be large where it meets what has many.
   */
  readonly bits: number;
}

/** Bits that a multiplication by i8 adds at most. */
const weightBits = 7;

type Info =
  | Integers
  /** `decoded`: comes from a read-out. */
  | { readonly kind: "float"; readonly decoded: boolean }
  | { readonly kind: "refused" };

export interface IntegerPlan {
  readonly table: UnitTable;
  /** By `keyOf`: what becomes an integer synapse or an integer constant, with its units. */
  readonly sources: ReadonlyMap<string, UnitSource>;
  /** Float values that integers are made of, with the unit of each, to be fixed. */
  readonly encoded: ReadonlyMap<ValueId, number>;
  /** What weights work on, with the axis that numbers the inputs of a weight. */
  readonly axes: ReadonlyMap<ValueId, number>;
  /** Of each average-pool: 1 / what each window divides by. */
  readonly shares: ReadonlyMap<ValueId, Grid>;
  /** By the result of neurons: what they become. */
  readonly neurons: ReadonlyMap<ValueId, NeuronForm>;
  /** Values that are of integers. */
  readonly integers: ReadonlySet<ValueId>;
  readonly refusals: readonly Refusal[];
}

/** The key of an op's own weights, or of the n-th weight that operand `index` is multiplied by. */
export function keyOf(op: Op, index: number | null = null, n = 0): string {
  return index === null ? `${op.result}` : `${op.result}/${index}/${n}`;
}

/**
 * Plans every op of `module` for runs of so many timesteps; `levelsOf` says the largest integer that a weight of
 * an op may become.
 */
export function planIntegers(module: Module, levelsOf: LevelsOf, timesteps: number): IntegerPlan {
  const planner = new Planner(module, levelsOf, timesteps);
  for (const op of module.ops) planner.plan(op);
  return planner.finish();
}

class Planner {
  private readonly table = new UnitTable();
  private readonly sources = new Map<string, UnitSource>();
  private readonly encoded = new Map<ValueId, number>();
  private readonly axes = new Map<ValueId, number>();
  private readonly shares = new Map<ValueId, Grid>();
  private readonly neurons = new Map<ValueId, NeuronForm>();
  private readonly refusals = new Refusals();
  /** Operands that were made currents already: by weights, and of constants. */
  private readonly rescales = new Map<string, Integers>();
  private readonly constants = new Map<string, Integers>();
  private readonly infos = new Map<ValueId, Info>();
  private readonly ops = new Map<ValueId, Op>();
  private readonly module: Module;
  private readonly levelsOf: LevelsOf;
  private readonly timesteps: number;

  constructor(module: Module, levelsOf: LevelsOf, timesteps: number) {
    this.module = module;
    this.levelsOf = levelsOf;
    this.timesteps = timesteps;
  }

  plan(op: Op): void {
    this.ops.set(op.result, op);
    const infos = op.inputs.map((value) => this.infoOf(value));
    this.infos.set(op.result, this.infoFor(op, infos));
  }

  finish(): IntegerPlan {
    const integers = new Set<ValueId>();
    for (const [value, { kind }] of this.infos) if (kind === "integers") integers.add(value);
    const { table, sources, encoded, axes, shares, neurons } = this;
    const refusals = this.refusals.all();
    return { table, sources, encoded, axes, shares, neurons, integers, refusals };
  }

  private infoFor(op: Op, infos: readonly Info[]): Info {
    const hasUnits = isWeighted(op) || isNeuron(op);
    const isReal = op.type.domain === "real";
    const isBehindRefused = infos.some(({ kind }) => kind === "refused");
    // What is made of a refused value may be anything; what is read out of it is a float in any case.
    if (isDecoder(op) && isBehindRefused) return { kind: "float", decoded: true };
    if (isReal && !hasUnits && isBehindRefused) return { kind: "refused" };
    if (isReal && !hasUnits && infos.every(({ kind }) => kind === "float")) {
      const decoded = infos.some((info) => info.kind === "float" && info.decoded);
      return { kind: "float", decoded };
    }
    try {
      return this.integersFor(op);
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      for (const diagnostic of error.diagnostics) this.refusals.add({ op, diagnostic });
      return { kind: "refused" };
    }
  }

  private integersFor(op: Op): Info {
    if (isWeighted(op)) return this.synapse(op);
    if (isNeuron(op)) return this.neuron(op);
    if (movesUnits(op)) return this.move(op);
    switch (op.kind) {
      case "ann.affine":
        return this.affine(op);
      case "ann.average-pool":
        return this.averagePool(op);
      case "ann.add":
      case "ann.sub":
        return this.sum(op);
      case "ann.neg":
        return this.operand(op, 0);
      case "ann.max-pool":
      case "snn.max-pool":
        return this.maxPool(op);
      case "ann.resize":
        return this.resize(op);
      case "snn.difference":
        return this.plainOperand(op, 0, 0);
      case "snn.temporal-bias":
        return this.biased(op);
      case "snn.readout":
      case "snn.accumulate":
        this.operand(op, 0);
        return { kind: "float", decoded: true };
      default:
        refuseKind(op, this.module, this.ops);
    }
  }

  private synapse(op: WeightedOp): Integers {
    const { shape } = this.typeOf(op, 0);
    const axis = op.kind === "ann.linear" ? shape.length - 1 : 1;
    const x = this.uniformAlong(op, this.operand(op, 0), axis);
    const from = this.lookAt(op, 0, axis);
    const weight = tensorAt(this.module, op.attrs.weight);
    const bias = op.attrs.bias === null ? null : tensorAt(this.module, op.attrs.bias);
    const rank = op.type.shape.length;
    const channels = op.type.shape[ownChannelAxis(op)] ?? 0;
    const ids = this.table.freshGrid(along(rank, ownChannelAxis(op), new Float64Array(channels)));
    const rowOf = weightRowsOf(op, weight);
    const numbers = (grid: Grid, input: number): number => grid.data[input % grid.data.length] ?? 0;
    const isLive = (k: number): boolean =>
      (bias?.data[k] ?? 0) !== 0 ||
      rowOf(k, (input, w) => (w === 0 ? 0 : w * numbers(x.factors, input))).some((w) => w !== 0);
    const live = { shape: ids.shape, data: ids.data.map((_, k) => (isLive(k) ? 1 : 0)) };
    // Of the integers that come in; found when the first row is asked for.
    const count = shape[axis] ?? 0;
    const perInput = ({ unitOf, momentsOf }: Known): InputNumbers => {
      const each = (f: (input: number) => number): Float64Array =>
        Float64Array.from({ length: count }, (_, input) => f(input));
      const units = each((i) => unitOf(numbers(x.ids, i)) * numbers(x.factors, i));
      const seen = momentsOf(from);
      if (seen?.axis !== axis) return { units, means: null, variances: null };
      return {
        units,
        means: each((i) => inUnits(seen.means[i], units[i] ?? 0)),
        variances: each((i) => inUnits(seen.variances[i], (units[i] ?? 0) ** 2)),
      };
    };
    const levels = this.levelsOf(op);
    const own = ownUnits(op, weight, levels);
    let inputs: InputNumbers | null = null;
    this.feed(keyOf(op), {
      ids,
      live,
      levels,
      reach: 2 ** x.bits,
      isWhole: (k) => own[k] !== 0,
      row: (k, at) => {
        inputs ??= perInput(at);
        const { units, means, variances } = inputs;
        const shared = sharedUnit(units);
        const weights = rowOf(k, (input, w) => w * (units[input] ?? 0));
        return {
          weights,
          own: shared === null || own[k] === 0 ? null : (own[k] ?? 0) * shared,
          means: means === null ? null : rowOf(k, (input) => means[input] ?? 0),
          variances: variances === null ? null : rowOf(k, (input) => variances[input] ?? 0),
        };
      },
      bias: (k) => bias?.data[k] ?? 0,
    });
    return plain(ids, live, x.bits + weightBits);
  }

  private affine(op: OpOf<"ann.affine">): Integers {
    const rank = op.type.shape.length;
    const scale = gridOf(tensorAt(this.module, op.attrs.scale), rank);
    const shift = gridOf(tensorAt(this.module, op.attrs.shift), rank);
    return this.scaled(op, 0, keyOf(op), this.operand(op, 0), { scale, shift });
  }

  /** Books one weight per element of x, of its own or shared along axes. */
  private scaled(
    op: Op,
    index: number,
    key: string,
    x: Integers,
    { scale, shift }: { readonly scale: Grid; readonly shift: Grid },
    levels: number = byteLevels,
  ): Integers {
    const { shape } = this.typeOf(op, index);
    const from = this.lookAt(op, index, shape.length >= 2 ? 1 : 0);
    const parts = [x.ids, x.factors, scale, shift];
    const part = (at: number): Grid => combine(parts, (all) => all[at] ?? 0);
    const [id, factor, weight, bias] = [part(0), part(1), part(2), part(3)];
    const ids = this.table.freshGrid(id);
    const live = combine([weight, factor, bias], ([w = 0, from = 0, b = 0]) =>
      w * from === 0 && b === 0 ? 0 : 1,
    );
    this.feed(key, {
      ids,
      live,
      levels,
      reach: 2 ** x.bits,
      isWhole: () => false,
      row: (k, { unitOf, momentsOf }) => {
        const unit = (factor.data[k] ?? 0) * unitOf(id.data[k] ?? -1);
        const weights = Float64Array.of((weight.data[k] ?? 0) * unit);
        const seen = momentsBeside(momentsOf(from), ids)?.(k);
        if (seen === undefined) return { weights, own: null, means: null, variances: null };
        return {
          weights,
          own: null,
          means: Float64Array.of(inUnits(seen.mean, unit)),
          variances: Float64Array.of(inUnits(seen.variance, unit ** 2)),
        };
      },
      bias: (k) => bias.data[k] ?? 0,
    });
    return plain(ids, live, x.bits + weightBits);
  }

  /** The sum of each window, in units that are smaller by the number of elements. */
  private averagePool(op: OpOf<"ann.average-pool">): Integers {
    const x = this.uniformAlong(op, this.operand(op, 0), 1);
    const shares = windowShares(op, this.typeOf(op, 0).shape);
    this.shares.set(op.result, shares);
    const factors = combine([x.factors, shares], ([factor = 0, share = 0]) => factor * share);
    return { ...x, held: "sum", factors };
  }

  private sum(op: OpOf<"ann.add" | "ann.sub">): Integers {
    const [first, second] = [this.plainOperand(op, 0, 0), this.plainOperand(op, 1, 0)];
    const bits = Math.max(first.bits, second.bits);
    const [a, b] = [this.plainOperand(op, 0, bits), this.plainOperand(op, 1, bits)];
    const parts = [a.ids, a.factors, b.ids, b.factors];
    const ids = combine(parts, ([idA = -1, factorA = 0, idB = -1, factorB = 0]) => {
      if (factorA === 0) return idB;
      if (factorB !== 0) this.table.unite(idA, idB);
      return idA;
    });
    const factors = combine([a.factors, b.factors], ([left = 0, right = 0]) =>
      Math.max(left, right),
    );
    return { kind: "integers", held: "sum", bits, ids: compress(ids), factors: compress(factors) };
  }

  private maxPool(op: OpOf<"ann.max-pool" | "snn.max-pool">): Integers {
    const x = this.uniformAlong(op, this.operand(op, 0), 1);
    if (x.factors.data.some((factor) => factor < 0)) {
      refuse(op, "its operand is of neurons with negative amplitudes");
    }
    return x;
  }

  private resize(op: OpOf<"ann.resize">): Integers {
    const { shape } = this.typeOf(op, 0);
    const keeps = op.attrs.sizes.every((size, axis) => axis >= 2 || size === shape[axis]);
    if (op.attrs.mode !== "nearest" || op.attrs.antialias || !keeps) {
      refuse(op, "it interpolates between values; only the nearest can be taken as it is");
    }
    return this.uniformAlong(op, this.operand(op, 0), 1);
  }

  private move(op: Op): Integers {
    if (op.kind === "ann.pad" && op.attrs.mode === "constant" && op.attrs.value !== 0) {
      refuse(op, `it pads with ${op.attrs.value}, and only 0 is the same in every unit`);
    }
    let parts = op.inputs.map((_, i) => this.operand(op, i));
    const bits = parts.reduce((most, part) => Math.max(most, part.bits), 0);
    const [first] = parts;
    if (parts.some((part) => part.held !== first?.held || part.bits !== bits)) {
      // They may meet yet, in a pool or an addition behind.
      parts = parts.map((_, i) => this.plainOperand(op, i, bits));
    }
    const shapes = op.inputs.map((_, i) => this.typeOf(op, i).shape);
    const move = (of: (part: Integers) => Grid): Grid => moved(op, parts.map(of), shapes);
    const held = parts[0]?.held ?? "sum";
    const [ids, factors] = [move((p) => p.ids), move((p) => p.factors)];
    return { kind: "integers", held, bits, ids, factors };
  }

  private neuron(op: OpOf<NeuronKind>): Integers {
    const form = formOf(op, this.module, this.timesteps);
    if ("why" in form) refuse(op, form.why, form.instead);
    this.neurons.set(op.result, form);
    const x = this.plainOperand(op, 0, 0);
    const units = bookNeurons(form, x, this.table);
    return { kind: "integers", held: "spike", bits: form.bits, ...units };
  }

  /** A bias for each timestep takes the units of what it is added to. */
  private biased(op: OpOf<"snn.temporal-bias">): Integers {
    const x = this.plainOperand(op, 0, 0);
    const table = largestOfRows(tensorAt(this.module, op.attrs.table), op.type.shape.length);
    const parts = [x.ids, x.factors, table];
    // Where no current ever comes the bias has a unit of its own.
    const ids = combine(parts, ([id = -1, f = 0]) => (f === 0 ? this.table.fresh() : id));
    const largest = combine(parts, ([, , most = 0]) => most);
    const live = combine(parts, ([, f = 0, most = 0]) => (f === 0 && most === 0 ? 0 : 1));
    this.feed(keyOf(op), constantSource(ids, live, largest, byteLevels));
    return plain(ids, live, x.bits);
  }

  /** What operand `index` is made of, quantised where it is a float of the input. */
  private operand(op: Op, index: number): Integers {
    const value = known(op.inputs[index], `operand ${index}`);
    const info = this.infoOf(value);
    if (info.kind === "integers") return info;
    // The refusal of what makes it is the reason: there is nothing to add.
    if (info.kind === "refused") fail();
    if (info.decoded) this.refusals.refuse(op, standingBetween(value, this.module, this.ops));
    const { dtype, shape } = this.opOf(value).type;
    if (dtype !== "f32") refuse(op, `its operand is of ${dtype}, and only f32 is quantised`);
    const id = this.encoded.get(value) ?? this.table.fresh();
    this.encoded.set(value, id);
    const { length } = shape;
    const units = { ids: uniformGrid(length, id), factors: uniformGrid(length, 1) };
    return { kind: "integers", held: "input", bits: weightBits, ...units };
  }

  /**
   * Operand `index` as a plain current: itself, a constant, or itself times weights of its own: as
   * many as bring its integers to about `bits`.
   */
  private plainOperand(op: Op, index: number, bits: number): Integers {
    const producer = this.opOf(known(op.inputs[index], `operand ${index}`));
    if (isOp(producer, "ann.constant")) return this.constant(op, index, producer);
    let x = this.operand(op, index);
    for (let n = 0; !isSum(x) || x.bits + weightBits <= bits; n++) {
      x = this.rescaled(op, index, x, n, shortLevels);
    }
    return x;
  }

  /** A constant takes any unit: it is rounded into that of what it is added to. */
  private constant(op: Op, index: number, producer: OpOf<"ann.constant">): Integers {
    const there = this.constants.get(keyOf(op, index));
    if (there !== undefined) return there;
    const value = tensorAt(this.module, producer.attrs.value);
    const held = gridOf(value, value.shape.length);
    const ids = this.table.freshGrid(held);
    const live = { shape: held.shape, data: held.data.map((c) => (c === 0 ? 0 : 1)) };
    this.feed(keyOf(op, index), constantSource(ids, live, held, byteLevels));
    const made = plain(ids, live, 0);
    this.constants.set(keyOf(op, index), made);
    return made;
  }

  private rescaled(op: Op, index: number, x: Integers, n: number, levels: number): Integers {
    const key = keyOf(op, index, n);
    const there = this.rescales.get(key);
    if (there !== undefined) return there;
    const of = (each: number): Grid => uniformGrid(x.ids.shape.length, each);
    const made = this.scaled(op, index, key, x, { scale: of(1), shift: of(0) }, levels);
    this.rescales.set(key, made);
    return made;
  }

  /** Operand 0 with units that depend on the index along `axis` alone. */
  private uniformAlong(op: Op, x: Integers, axis: number): Integers {
    const there = unitsAlongAxis(x, axis, this.table);
    if (there !== null) return { ...x, ...there };
    const sum = isSum(x) ? x : this.rescaled(op, 0, x, 0, byteLevels);
    return { ...sum, ...uniteAlongAxis(sum, axis, this.table) };
  }

  /** Books that weights work on operand `index` by index along `axis`; returns the value. */
  private lookAt(op: Op, index: number, axis: number): ValueId {
    const value = known(op.inputs[index], `operand ${index}`);
    if (!this.axes.has(value)) this.axes.set(value, axis);
    return value;
  }

  private feed(key: string, source: UnitSource): void {
    this.sources.set(key, source);
    this.table.feed(source);
  }

  private infoOf(value: ValueId): Info {
    return known(this.infos.get(value), `a plan for %${value}`);
  }

  private opOf(value: ValueId): Op {
    return known(this.ops.get(value), `the op that makes %${value}`);
  }

  private typeOf(op: Op, index: number): Type {
    return this.opOf(known(op.inputs[index], `operand ${index}`)).type;
  }
}

function plain(ids: Grid, live: Grid, bits: number): Integers {
  return { kind: "integers", held: "sum", bits, ids, factors: live };
}

function isSum(x: Integers): boolean {
  return x.held === "sum" && isPlainCurrent(x);
}

/** A number in units; 0 of what is always 0. */
function inUnits(x: number | undefined, unit: number): number {
  return unit === 0 ? 0 : (x ?? 0) / unit;
}

/** By input channel: its unit, and the moments of what comes in, in units. */
interface InputNumbers {
  readonly units: Float64Array;
  readonly means: Float64Array | null;
  readonly variances: Float64Array | null;
}

/** The unit of all inputs that are not always 0; null where they have several. */
function sharedUnit(units: Float64Array): number | null {
  let shared = 0;
  for (const unit of units) {
    if (unit === 0 || unit === shared) continue;
    if (shared !== 0) return null;
    shared = unit;
  }
  return shared === 0 ? null : shared;
}
