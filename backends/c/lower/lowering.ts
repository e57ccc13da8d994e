/**
 * From a module of integers to the parts of a program. Values are asked for from the outputs on, and each is
 * computed where it is asked for first. What only adds up on its way into a neuron (synapses, sums,
 * biases) is never kept by itself: it is added to the neuron's potential.
 */
import { type IntegerBounds, integerBounds } from "../../../ir/analysis/bounds.ts";
import type { Interval } from "../../../ir/analysis/interval.ts";
import { isInput } from "../../../ir/op/op.ts";
import { isMove, neuronsOf, variesByItself } from "../../../ir/op/known.ts";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import { type Module, isFramed, tensorAt } from "../../../ir/module.ts";
import { type Op, type ValueId, isOp } from "../../../ir/op/op.ts";
import type { TensorLookup } from "../../../ir/op/table.ts";
import { producers } from "../../../ir/analysis/walk.ts";
import { type Shape, elementCount } from "../../../ir/type.ts";
import { Names } from "../names.ts";
import { loop } from "../text/code.ts";
import { type CType, typeFor } from "../text/types.ts";
import type { CArray, ConstantArray, Phase } from "./arrays.ts";
import { type Parameter, compressed, inOrder } from "./parameters.ts";
import { type Part, PartBuilder } from "./part.ts";
import { type Held, type View, filling, memoryOrder, viewOf } from "./views.ts";

export interface LowerOptions {
  /** Timesteps for which sums are proved to fit; 1 frame in a framed code. */
  readonly timesteps: number;
  readonly synapses: "auto" | "events" | "dense";
  /** Whether the caller gives the network's own floats, or the integers that they become. */
  readonly input: "integers" | "floats";
}

/** Names of locals in the functions that are written. */
const locals = (
  "n c z y x i i0 i1 i2 i3 i4 i5 j k t o b d ky kx kz oy ox oz iy ix iz u w v q r m s sum word spike high low step " +
  "share row value rest lead current distance potential weight most total x0 x1 y0 y1 input output timestep a e size " +
  "place taps acc top reached sent digit block rows"
).split(" ");

export class Lowering {
  readonly module: Module;
  readonly options: LowerOptions;
  readonly bounds: IntegerBounds;
  readonly names: Names;
  readonly parts: Part[] = [];
  readonly constants: ConstantArray[] = [];
  /** Arrays that the caller gives, by the op whose value they hold. */
  readonly given: { readonly op: Op; readonly array: CArray }[] = [];
  /** Small functions that the program needs, by name. */
  readonly helpers = new Set<string>();
  /** Where the potentials of each layer are in memory: the indices by which it is watched. */
  readonly watched = new Map<ValueId, { readonly places: Int32Array }>();
  readonly neurons: readonly Op[];
  readonly ticks: number;
  readonly isFramed: boolean;
  private readonly makers: ReadonlyMap<ValueId, Op>;
  private readonly users = new Map<ValueId, number>();
  private readonly varying = new Set<ValueId>();
  private readonly held = new Map<ValueId, Held>();
  private readonly constantsByText = new Map<string, ConstantArray>();
  private readonly materialise: (lowering: Lowering, op: Op) => Held;

  constructor(
    module: Module,
    options: LowerOptions,
    materialise: (lowering: Lowering, op: Op) => Held,
  ) {
    this.module = module;
    this.options = options;
    this.materialise = materialise;
    this.bounds = integerBounds(module);
    this.names = new Names(locals);
    this.isFramed = isFramed(module.code);
    this.ticks = this.isFramed ? module.timesteps : 1;
    this.makers = producers(module);
    this.neurons = neuronsOf(module);
    for (const { result, inputs, ...op } of module.ops) {
      for (const value of inputs) this.users.set(value, (this.users.get(value) ?? 0) + 1);
      const whole = known(this.makers.get(result), "an op");
      if (variesByItself(whole) || inputs.some((value) => this.varying.has(value))) {
        this.varying.add(result);
      }
      invariant(op.kind !== "snn.previous", "a value that comes back");
    }
    for (const { value } of module.outputs) {
      this.users.set(value, (this.users.get(value) ?? 0) + 1);
    }
  }

  readonly tensors: TensorLookup = (ref) => tensorAt(this.module, ref);

  opOf(value: ValueId): Op {
    return known(this.makers.get(value), `the op that makes %${value}`);
  }

  operandOf(op: Op, index = 0): ValueId {
    return known(op.inputs[index], `operand ${index} of ${op.kind}`);
  }

  /** Whether nothing else reads a value. */
  isReadOnce(value: ValueId): boolean {
    return this.users.get(value) === 1;
  }

  varies(value: ValueId): boolean {
    return this.varying.has(value);
  }

  /** When a value is computed: before the first timestep where it stays the same, or a frame is one step. */
  phaseOf(value: ValueId): Phase {
    const op = this.opOf(value);
    if (op.type.domain === "real" && this.isReadOut(value)) return "output";
    return this.isFramed || !this.varies(value) ? "begin" : "step";
  }

  /** How often a value is added where something over time takes it: in a frame at each of its timesteps. */
  repeatsOf(value: ValueId, into: Op): number {
    return this.varies(into.result) && !this.varies(value) ? this.ticks : 1;
  }

  intervalOf(value: ValueId): Interval {
    return known(this.bounds.values.get(value), `the interval of %${value}`);
  }

  /** The narrowest type for a value. */
  typeOf(value: ValueId): CType {
    const { dtype } = this.opOf(value).type;
    if (dtype === "f32") return "float";
    if (dtype === "u8") return "uint8_t";
    return typeFor(this.intervalOf(value));
  }

  /** The value, computed by now. */
  valueOf(value: ValueId): Held {
    const there = this.held.get(value);
    if (there !== undefined) return there;
    const op = this.opOf(value);
    const made = this.materialise(this, op);
    this.held.set(value, made);
    return made;
  }

  /** The view of a value that stands in memory already, or would without a copy; null of others. */
  viewIfThere(value: ValueId): View | null {
    const there = this.held.get(value);
    if (there !== undefined) return viewOf(there);
    const op = this.opOf(value);
    return isMove(op) ? viewOf(this.valueOf(value)) : null;
  }

  /** A new array for an op's value, its axes in the order that its kind has in memory. */
  scratchFor(op: Op, what: string, order = memoryOrder(op.type.shape)): Held {
    const { shape } = op.type;
    const name = this.names.claim(`${shortName(op.loc)}_${what}`);
    const array = this.array("scratch", name, this.typeOf(op.result), elementCount(shape), what);
    return filling(array, shape, order);
  }

  array(kind: "scratch" | "kept", name: string, type: CType, length: number, what: string): CArray {
    return { name, type, length, kind, what };
  }

  kept(op: Op, what: string, type: CType, shape: Shape, order = memoryOrder(shape)): Held {
    const name = this.names.claim(`${shortName(op.loc)}_${what}`);
    return filling(this.array("kept", name, type, elementCount(shape), what), shape, order);
  }

  /** A constant array of these numbers; the same one for the same numbers. */
  constant(name: string, type: CType, data: ArrayLike<number>, what: string): ConstantArray {
    const text = `${type} ${Array.from(data).join()}`;
    const there = this.constantsByText.get(text);
    if (there !== undefined) return there;
    const own = this.names.claim(name);
    const { length } = data;
    const array: ConstantArray = { kind: "constant", name: own, type, length, what, data };
    this.constants.push(array);
    this.constantsByText.set(text, array);
    return array;
  }

  /** Numbers over `shape`, row-major, for loops whose memory has its axes in `order`. */
  parameter(
    name: string,
    data: Float64Array,
    shape: Shape,
    order: readonly number[],
    what: string,
  ): Parameter {
    const small = compressed(shape, data);
    const [only = 0] = small.data;
    if (small.data.length === 1) return only;
    const { data: numbers, strides } = inOrder(small.shape, small.data, order);
    const array = this.constant(name, typeForAll(numbers), numbers, what);
    return { array, shape, strides, offset: 0 };
  }

  part(): PartBuilder {
    return new PartBuilder();
  }

  emit(name: string, phase: Phase, about: readonly string[], part: PartBuilder): void {
    const { arrays, body, usesTime, isHeavy } = part;
    this.parts.push({
      name: this.names.claim(name),
      phase,
      about,
      arrays,
      body,
      usesTime,
      isHeavy,
    });
  }

  /** A copy of a value whose places have no strides, by a table of places; zeros where it is always 0. */
  copyOf(value: ValueId, held: Held, order: readonly number[]): Held {
    const op = this.opOf(value);
    const name = this.names.claim(`${shortName(op.loc)}_copy`);
    const { shape, places, array: from } = held;
    const array = this.array("scratch", name, from.type, places.length, "a copy");
    const copy = filling(array, shape, order);
    const byPlace = new Float64Array(places.length);
    copy.places.forEach((to, i) => (byPlace[to] = places[i] ?? -1));
    const hasZeros = byPlace.some((place) => place < 0);
    const table = this.constant(`${name}_places`, typeForAll(byPlace), byPlace, "places");
    const part = this.part();
    part.uses(from, array, table);
    const element = `${from.name}[${table.name}[i]]`;
    const value_ = hasZeros ? `${table.name}[i] < 0 ? 0 : ${element}` : element;
    part.add(loop("i", places.length, `${name}[i] = ${value_};`));
    this.emit(`copy_${shortName(op.loc)}`, this.phaseOf(value), ["Puts elements in order."], part);
    return copy;
  }

  /** The number that a layer of neurons is watched by, in the order of the module. */
  layerNumber(op: Op): number {
    return this.neurons.findIndex(({ result }) => result === op.result);
  }

  give(op: Op, type: CType): CArray {
    const length = elementCount(op.type.shape);
    const name = this.names.claim(isInput(op) ? op.attrs.name : shortName(op.loc));
    const array = { name, type, length, kind: "given", what: "given by the caller" } as const;
    this.given.push({ op, array });
    return array;
  }

  /** Whether a real value comes from a read-out. */
  isReadOut(value: ValueId): boolean {
    const op = this.opOf(value);
    if (isOp(op, "snn.readout", "snn.accumulate")) return true;
    return op.type.domain === "real" && op.inputs.some((each) => this.isReadOut(each));
  }
}

function typeForAll(numbers: ArrayLike<number>): CType {
  let [low, high] = [0, 0];
  for (let i = 0; i < numbers.length; i++) {
    low = Math.min(low, numbers[i] ?? 0);
    high = Math.max(high, numbers[i] ?? 0);
  }
  return typeFor({ low, high });
}
