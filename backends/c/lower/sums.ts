/**
 * Sums on their way into an accumulator: a neuron's potential, a running sum, a read-out, or an array of
 * currents. Synapses add to it one after another; what is added element by element (biases, other values
 * as they are) is left to the loop that goes over the accumulator anyway.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { isWeighted } from "../../../ir/op/known.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import { tensorAt } from "../../../ir/module.ts";
import { tensor } from "../../../ir/tensor.ts";
import { elementCount, sameShape } from "../../../ir/type.ts";
import { type Code, integer, sumOf } from "../text/code.ts";
import { type Nest, nestOver } from "../text/nest.ts";
import type { Phase } from "./arrays.ts";
import type { Lowering } from "./lowering.ts";
import { type Parameter, spread, spreadRows } from "./parameters.ts";
import type { PartBuilder } from "./part.ts";
import { scaleOf } from "./scales.ts";
import { lowerSynapse } from "./synapses/synapse.ts";
import { type Held, type View, boxOf, broadcast, orderOf, partOf, viewOf } from "./views.ts";

/** What is added element by element: text for an element in a nest over all of `views`. */
interface Addend {
  readonly views: readonly View[];
  term(nest: Nest): string;
}

/** What is to be added to an accumulator at one time. */
export class Sum {
  /** What goes over events or windows and adds to the accumulator in memory. */
  readonly synapses: Code[] = [];
  /** What has to be done before anything of the sum is read. */
  readonly before: Code[] = [];
  /** What is said of each, for people. */
  readonly about: string[] = [];
  private readonly addends: Addend[] = [];
  private readonly bias: Float64Array;
  private readonly lowering: Lowering;
  private readonly part: PartBuilder;
  private readonly target: View;
  private readonly name: string;
  private readonly phase: Phase;
  private remembered: Parameter | null = null;

  /** `name` is what constants are called after; the sum's code runs in `phase`. */
  constructor(lowering: Lowering, part: PartBuilder, target: View, name: string, phase: Phase) {
    this.phase = phase;
    this.lowering = lowering;
    this.part = part;
    this.target = target;
    this.name = name;
    this.bias = new Float64Array(elementCount(target.shape));
  }

  /** Adds `repeats` times a value, or takes it away with `sign` −1. */
  add(value: ValueId, sign: 1 | -1, repeats = 1): void {
    const { lowering } = this;
    const op = lowering.opOf(value);
    if (isOp(op, "ann.constant")) {
      const numbers = spread(tensorAt(lowering.module, op.attrs.value), this.target.shape);
      this.addNumbers(numbers, sign * repeats);
      return;
    }
    const isOwn =
      lowering.isReadOnce(value) &&
      repeats === 1 &&
      // What is computed at another time stands in memory by then.
      lowering.phaseOf(value) === this.phase &&
      sameShape(op.type.shape, this.target.shape);
    if (!isOwn || !this.addMade(op, sign)) this.addElements(value, sign * repeats);
  }

  /** Adds what `op` makes, as it is made; false where it is made in no such way, and has to stand in memory. */
  addMade(op: Op, sign: 1 | -1): boolean {
    const { lowering } = this;
    if (isOp(op, "ann.add", "ann.sub")) {
      this.addOperand(op, 0, sign);
      this.addOperand(op, 1, isOp(op, "ann.sub") ? opposite(sign) : sign);
      return true;
    }
    if (isOp(op, "ann.neg")) {
      this.addOperand(op, 0, opposite(sign));
      return true;
    }
    if (isOp(op, "snn.temporal-bias")) {
      this.addOperand(op, 0, sign);
      this.addTable(op, sign);
      return true;
    }
    if (isFirstOnly(lowering, op.result)) {
      this.addFirst(lowering.operandOf(op), sign);
      return true;
    }
    const scale = scaleOf(op, lowering.module);
    if (scale !== null) {
      this.addNumbers(scale.shift, sign * this.ticksOf(op));
      this.addScaled(op, scale.factors, sign);
      return true;
    }
    if (!isWeighted(op)) return false;
    const { bias } = op.attrs;
    if (bias !== null) {
      const axis = isOp(op, "ann.linear") ? op.type.shape.length - 1 : 1;
      const shape = op.type.shape.map((extent, at) => (at === axis ? extent : 1));
      const { dtype, data } = tensorAt(lowering.module, bias);
      this.addNumbers(spread(tensor(dtype, shape, data), op.type.shape), sign * this.ticksOf(op));
    }
    const { code, about, aside } = lowerSynapse(lowering, this.part, op, this.target, sign);
    this.about.push(about);
    if (aside === null) this.synapses.push(code);
    else {
      this.before.push(code);
      this.addends.push({ views: [aside], term: (nest) => signed(nest.at(aside), sign) });
    }
    return true;
  }

  /** What is added to each element in a nest, but for the synapses: terms for `sumOf`. */
  terms(nest: Nest): readonly string[] {
    return [...this.addends.map((addend) => addend.term(nest)), this.biasTerm(nest)];
  }

  /** The views that a nest with `terms` goes over. */
  get views(): readonly View[] {
    const bias = this.biasParameter;
    const own = typeof bias === "number" ? [] : [bias];
    return [...this.addends.flatMap(({ views }) => views), ...own];
  }

  /** Whether there is nothing but synapses. */
  get isPlain(): boolean {
    return this.addends.length === 0 && this.biasParameter === 0;
  }

  private get biasParameter(): Parameter {
    this.remembered ??= this.lowering.parameter(
      `${this.name}_bias`,
      this.bias,
      this.target.shape,
      orderOf(this.target),
      "biases",
    );
    if (typeof this.remembered !== "number") this.part.uses(this.remembered);
    return this.remembered;
  }

  private biasTerm(nest: Nest): string {
    const bias = this.biasParameter;
    return typeof bias === "number" ? integer(bias) : nest.at(bias);
  }

  /** How often a bias of `op` comes in one execution: at each timestep of a frame where it is over time. */
  private ticksOf(op: Op): number {
    return this.lowering.varies(op.result) ? this.lowering.ticks : 1;
  }

  /** A value that comes at the first timestep alone. */
  private addFirst(value: ValueId, sign: 1 | -1): void {
    if (this.phase === "begin") {
      this.add(value, sign);
      return;
    }
    this.part.usesTime = true;
    const first = (x: string): string => `(t == 1 ? ${scaledBy(x, sign)} : 0)`;
    this.addTerm(value, this.lowering.valueOf(value), first, []);
  }

  private addOperand(op: Op, index: number, sign: 1 | -1): void {
    const value = this.lowering.operandOf(op, index);
    this.add(value, sign, this.lowering.repeatsOf(value, op));
  }

  private addNumbers(numbers: Float64Array, factor: number): void {
    invariant(numbers.length === this.bias.length, "a bias of another shape");
    numbers.forEach((number, i) => (this.bias[i] = (this.bias[i] ?? 0) + factor * number));
  }

  /** A bias for each timestep: the row of this timestep, or all of a frame at once. */
  private addTable(op: OpOf<"snn.temporal-bias">, sign: 1 | -1): void {
    const { lowering, target } = this;
    const { shape } = op.type;
    const { rows, data } = spreadRows(tensorAt(lowering.module, op.attrs.table), shape);
    const size = elementCount(shape);
    if (lowering.isFramed) {
      for (let t = 0; t < lowering.ticks; t++) {
        const row = Math.min(t, rows - 1);
        this.addNumbers(data.slice(row * size, (row + 1) * size), sign);
      }
      return;
    }
    const order = [0, ...orderOf(target).map((axis) => axis + 1)];
    const table = lowering.parameter(`${this.name}_table`, data, [rows, ...shape], order, "biases");
    if (typeof table === "number") {
      this.addNumbers(new Float64Array(size).fill(table), sign);
      return;
    }
    const [perRow = 0, ...strides] = table.strides;
    const view: View = { ...table, shape, strides };
    this.part.uses(view);
    if (perRow === 0) {
      this.addends.push({ views: [view], term: (nest) => signed(nest.at(view), sign) });
      return;
    }
    this.part.usesTime = true;
    const row = `(t < ${rows} ? t - 1 : ${rows - 1}) * ${perRow}`;
    this.addends.push({
      views: [view],
      term: (nest) => signed(`${view.array.name}[${row} + ${nest.index(view)}]`, sign),
    });
  }

  /** x times a factor for each element. */
  private addScaled(op: Op, factors: Float64Array, sign: 1 | -1): void {
    const { lowering, target } = this;
    const value = lowering.operandOf(op);
    const repeats = lowering.repeatsOf(value, op);
    const order = orderOf(target);
    const scale = lowering.parameter(
      `${this.name}_scale`,
      factors.map((each) => each * repeats),
      target.shape,
      order,
      "factors",
    );
    const held = lowering.valueOf(value);
    if (typeof scale === "number") {
      this.addTerm(value, held, (x) => scaledBy(x, sign * scale), []);
      return;
    }
    this.part.uses(scale);
    const product = (x: string, nest: Nest, part: (view: View) => View): string =>
      signed(`(int32_t)${x} * ${nest.at(part(scale))}`, sign);
    this.addTerm(value, held, product, [scale]);
  }

  /** The elements of a value as they are. */
  private addElements(value: ValueId, factor: number): void {
    this.addTerm(value, this.lowering.valueOf(value), (x) => scaledBy(x, factor), []);
  }

  private addTerm(
    value: ValueId,
    narrow: Held,
    term: (x: string, nest: Nest, part: (view: View) => View) => string,
    others: readonly View[],
  ): void {
    const { part, target } = this;
    const held = broadcast(narrow, target.shape);
    const whole = viewOf(held);
    if (whole !== null) {
      part.uses(whole);
      this.addends.push({
        views: [whole, ...others],
        term: (nest) => term(nest.at(whole), nest, (view) => view),
      });
      return;
    }
    // Zeros around it add nothing, so only the inner part is gone over.
    const box = boxOf(held);
    if (box !== null) {
      const into = partOf(target, box);
      const parts = new Map(others.map((view) => [view, partOf(view, box)]));
      part.uses(box.view, target);
      const nest = nestOver([into, box.view, ...parts.values()]);
      const each = term(nest.at(box.view), nest, (view) => known(parts.get(view), "a part"));
      this.synapses.push(nest.around(`${nest.at(into)} += ${each};`));
      return;
    }
    if (held.places.every((place) => place < 0)) return;
    this.addTerm(value, this.lowering.copyOf(value, held, orderOf(target)), term, others);
  }
}

function opposite(sign: 1 | -1): 1 | -1 {
  return sign === 1 ? -1 : 1;
}

function scaledBy(x: string, factor: number): string {
  if (factor === 1) return x;
  return factor === -1 ? `-(int32_t)${x}` : `(int32_t)${x} * ${factor}`;
}

function signed(term: string, sign: 1 | -1): string {
  return sign === 1 ? term : `-(${term})`;
}

/** A difference of what stays the same: all of it at the first timestep, and nothing afterwards. */
export function isFirstOnly(lowering: Lowering, value: ValueId): boolean {
  const op = lowering.opOf(value);
  return isOp(op, "snn.difference") && !lowering.varies(lowering.operandOf(op));
}

/** Code that sets an accumulator to `start` and what a sum's terms are, and then adds its synapses. */
export function assigned(target: View, sum: Sum, start: Parameter = 0): Code {
  const views = typeof start === "number" ? [] : [start];
  const nest = nestOver([target, ...sum.views, ...views]);
  const first = typeof start === "number" ? integer(start) : nest.at(start);
  const value = sumOf([first, ...sum.terms(nest)]);
  return [sum.before, nest.around(`${nest.at(target)} = ${value};`), sum.synapses];
}

/** Code that adds to an accumulator what its synapses have not. */
export function remaining(target: View, sum: Sum): Code {
  if (sum.isPlain) return [];
  const nest = nestOver([target, ...sum.views]);
  return nest.around(`${nest.at(target)} += ${sumOf(sum.terms(nest))};`);
}
