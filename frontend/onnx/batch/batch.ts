/**
 * Which axis of each input counts samples. It is one decision over all inputs, outputs and states
 * of a model: a symbol means the same everywhere, and a batch that the model fixes must be found in
 * all of them. What is decided here is tried, and kept only if the model fits it (import.ts).
 */
import { fail } from "../../../ir/diagnostic.ts";
import type { Shape } from "../../../ir/type.ts";
import type { BatchAxis, Dimension } from "../../importer.ts";
import { diagnose } from "../diagnostics.ts";

export interface BatchPlan {
  /** The axis of each input that has one. */
  readonly axes: ReadonlyMap<string, number>;
  /** Symbols that stand for the batch, on whatever axis. */
  readonly symbols: ReadonlySet<string>;
  /** The batch N > 1 that the model fixes and that is taken out of it; null where it does not. */
  readonly from: number | null;
  /** True where inputs may carry the batch and keep it, as the user says so. */
  readonly partial: boolean;
}

/** An input as far as the decision goes. */
export interface DeclaredInput {
  readonly name: string;
  /** As the model declares it; null where it declares no shape. */
  readonly declared: readonly Dimension[] | null;
  /** Its whole shape, where it was given. */
  readonly given: Shape | null;
}

/** Nothing is a batch. */
export const noBatch: BatchPlan = {
  axes: new Map(),
  symbols: new Set(),
  from: null,
  partial: false,
};

/** Names that nobody gives to anything but a batch. */
const strongName = /batch|^bs$/i;
/** Names that people give to a batch when it stands where one belongs. */
const shortName = /^(n|b|m|samples?|examples?)$/i;
/** Names of axes over which time goes. */
const timeName =
  /^(t|l|s|seq|sequence|time|len|length|steps?|frames?)([_-]?\w*)$|_(len|length|steps?)$/i;

/**
 * The plan where the model leaves the batch open, by the names of its axes: "batch" on any axis,
 * else whatever stands first. An axis named for time gives way to one that may be a batch.
 */
export function openPlan(inputs: readonly DeclaredInput[]): BatchPlan {
  const symbols = new Set<string>();
  for (const { declared } of inputs) {
    for (const extent of declared ?? []) {
      if (typeof extent === "string" && strongName.test(extent)) symbols.add(extent);
    }
  }
  const axes = new Map<string, number>();
  for (const { name, declared } of inputs) {
    const dims = declared ?? [];
    const known = dims.findIndex((extent) => typeof extent === "string" && symbols.has(extent));
    const axis = known >= 0 ? known : openAxis(dims);
    if (axis === null) continue;
    axes.set(name, axis);
    const symbol = dims[axis];
    if (typeof symbol === "string") symbols.add(symbol);
  }
  // Symbols found on the way count for inputs before them, too: the state [2, N, H] beside [N, F].
  for (const { name, declared } of inputs) {
    if (axes.has(name)) continue;
    const axis = (declared ?? []).findIndex((e) => typeof e === "string" && symbols.has(e));
    if (axis >= 0) axes.set(name, axis);
  }
  return { axes, symbols, from: null, partial: false };
}

function openAxis(dims: readonly Dimension[]): number | null {
  const [first] = dims;
  if (first === undefined || typeof first === "number") return null;
  if (first === null || !timeName.test(first)) return 0;
  const other = dims.findIndex((extent) => typeof extent === "string" && shortName.test(extent));
  return other >= 0 ? other : 0;
}

/** True where the model or the user leaves no batch open that has been planned for. */
export function isFixed(inputs: readonly DeclaredInput[], plan: BatchPlan): boolean {
  return !inputs.some(({ name, declared, given }) => {
    const axis = plan.axes.get(name);
    return axis !== undefined && (given === null || typeof declared?.[axis] !== "number");
  });
}

/** The plan that a user asks for. Fails where it does not fit the inputs. */
export function askedPlan(inputs: readonly DeclaredInput[], asked: BatchAxis): BatchPlan {
  if (asked === null) return noBatch;
  const axes = new Map<string, number>();
  const symbols = new Set<string>();
  const extents = new Map<number, string>();
  const take = (input: DeclaredInput, axis: number): void => {
    axes.set(input.name, axis);
    const extent = input.declared?.[axis];
    if (typeof extent === "string") symbols.add(extent);
    if (typeof extent === "number" && extent > 1) extents.set(extent, input.name);
  };
  const named = typeof asked === "number" ? null : asked;
  for (const name of named?.keys() ?? []) {
    if (inputs.some((input) => input.name === name)) continue;
    const all = inputs.map((input) => `"${input.name}"`).join(", ") || "none";
    fail(diagnose("unknown-input", null, { input: name, inputs: all }));
  }
  for (const input of inputs) {
    const axis = typeof asked === "number" ? asked : (named?.get(input.name) ?? null);
    const rank = input.given?.length ?? input.declared?.length ?? 0;
    if (axis === null) continue;
    if (axis < rank) take(input, axis);
    else if (named !== null) {
      const why = `input "${input.name}" has no axis ${axis}, but ${rank} axes`;
      fail(diagnose("batch-axis", null, { why }));
    }
  }
  if (extents.size > 1) {
    const list = [...extents].map(([extent, name]) => `${extent} in "${name}"`).join(", ");
    fail(diagnose("batch-axis", null, { why: `its extents differ: ${list}` }));
  }
  const [from = null] = extents.keys();
  for (const input of inputs) {
    if (axes.has(input.name) || named === null || named.has(input.name)) continue;
    const same = (extent: Dimension): boolean =>
      typeof extent === "string" ? symbols.has(extent) : extent !== null && extent === from;
    const axis = (input.declared ?? []).findIndex(same);
    if (axis >= 0) take(input, axis);
  }
  const partial = named !== null && [...named.values()].includes(null);
  return { axes, symbols, from, partial };
}

/** What a recurrent operator runs over: as many steps, of as many sequences at once. */
export interface RecurrentExtent {
  readonly node: string;
  readonly steps: number;
  readonly batch: number;
}

/**
 * Plans for a model whose inputs are all fixed, the likeliest first; none where nothing looks like
 * a batch. `recurrent` is what was found when the model was imported as it is, null where it has
 * no recurrent operators: their batch is known. Without them a batch N is what an input of two axes
 * or more begins with, provided that every other input has it too (or begins with 1), and every
 * output that says how it begins.
 */
export function fixedPlans(
  inputs: readonly DeclaredInput[],
  outputs: readonly (readonly Dimension[] | null)[],
  recurrent: readonly RecurrentExtent[] | null,
): readonly BatchPlan[] {
  const shapes = inputs.map(({ name, declared, given }) => {
    return { name, dims: declared ?? given ?? [], given };
  });
  const sizes = new Set<number>();
  if (recurrent !== null && recurrent.length > 0) {
    for (const { batch } of recurrent) sizes.add(batch);
    if (sizes.size > 1) return [];
  } else {
    for (const { dims } of shapes) {
      const [first] = dims;
      if (dims.length > 1 && typeof first === "number") sizes.add(first);
    }
  }
  // A shape given with 1 where the model has N says that N is the batch.
  for (const { dims, given } of shapes) {
    const [axis, more] = differingAxes(dims, given);
    const extent = dims[axis ?? 0];
    if (axis !== undefined && more === undefined && typeof extent === "number") sizes.add(extent);
  }
  return [...sizes].flatMap((size) => {
    if (size <= 1) return [];
    const axes = new Map<string, number>();
    let beginsWithOne = false;
    for (const { name, dims, given } of shapes) {
      const [asked] = differingAxes(dims, given);
      const axis = asked ?? axisOf(dims, size);
      if (axis !== null && (given === null || given[axis] === 1)) axes.set(name, axis);
      else if (dims.length > 1 && dims[0] !== 1) return [];
      else if (dims.length > 1) beginsWithOne = true;
    }
    if (axes.size === 0) return [];
    const declared = outputs.filter((dims) => typeof dims?.[0] === "number");
    if (declared.length === 0 && beginsWithOne) return [];
    const isAsked = shapes.some(({ dims, given }) => differingAxes(dims, given).length > 0);
    const fits = declared.every((dims) => {
      if (dims?.[0] === size) return true;
      return dims !== null && (dims.length > 2 || isAsked) && dims.includes(size);
    });
    return fits ? [{ axes, symbols: new Set<string>(), from: size, partial: false }] : [];
  });
}

/** Axes along which a given shape is 1 and the declared one is not. */
function differingAxes(dims: readonly Dimension[], given: Shape | null): readonly number[] {
  if (given === null || given.length !== dims.length) return [];
  return dims.flatMap((extent, axis) => {
    return typeof extent === "number" && extent !== 1 && given[axis] === 1 ? [axis] : [];
  });
}

/** Where a batch of `size` may stand: first, or second in what has three axes. */
function axisOf(dims: readonly Dimension[], size: number): number | null {
  if (dims[0] === size) return 0;
  return dims.length > 2 && dims[1] === size ? 1 : null;
}

/**
 * Whether an output's shape is what the model declares once the batch is taken out: N has become 1
 * on one axis, or the output never had it, and all else is as declared.
 */
export function outputFits(declared: readonly Dimension[], found: Shape, plan: BatchPlan): boolean {
  if (declared.length !== found.length) return false;
  const equal = (without: number | null): boolean =>
    declared.every((extent, axis) => {
      if (axis === without) return found[axis] === 1;
      if (typeof extent === "string" && plan.symbols.has(extent)) return found[axis] === 1;
      return typeof extent !== "number" || extent === found[axis];
    });
  const axes = declared.flatMap((extent, axis) => (extent === plan.from ? [axis] : []));
  if (axes.length === 0 || (plan.partial && equal(null))) return equal(null);
  return axes.some((axis) => equal(axis));
}

/** Whether recurrent operators take as many steps as before, of one sequence instead of N. */
export function recurrentFit(
  before: readonly RecurrentExtent[],
  after: readonly RecurrentExtent[],
): boolean {
  if (before.length !== after.length) return false;
  return before.every(({ steps }, i) => after[i]?.steps === steps && after[i].batch === 1);
}
