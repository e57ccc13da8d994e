/**
 * Random analogue networks in which every kind of op comes up on every element type: run number n has
 * kind n of the list and the type after, and what else it has is drawn.
 */
import { Builder } from "../../../ir/build.ts";
import { inputsOf, type Module } from "../../../ir/module.ts";
import type { ValueId } from "../../../ir/op/op.ts";
import { uniform } from "../../../ir/random.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type DType, type Shape, dtypes, elementCount, isFloat, real } from "../../../ir/type.ts";
import { reachable } from "../../../ir/analysis/walk.ts";
import { type Grid, Growth, numberOf } from "./growth.ts";
import { type DrawnKind, recipes } from "./recipes.ts";

const kinds = keysOf(recipes);

function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): readonly K[] {
  const keys: K[] = [];
  for (const key in table) keys.push(key);
  return keys;
}

/** What a network is held to have. */
export interface Drawing {
  readonly module: Module;
  /** A value for each input, in order, by sample. */
  readonly sample: (index: number) => readonly Tensor[];
  readonly kind: DrawnKind;
  readonly dtype: DType;
}

/** Runs in which every kind meets every type. */
export const fullRound = kinds.length * dtypes.length;

/** Every other network, by chance, is of numbers that sums are exact of. */
function gridOf(seed: number, run: number): Grid {
  return uniform(seed, run, 0, 1) < 0.5 ? "eighths" : "any";
}

/** Network number `run` of those from `seed`. */
export function drawNetwork(seed: number, run: number): Drawing {
  const kind = kinds[run % kinds.length] ?? "ann.relu";
  const dtype = dtypes[(run + Math.floor(run / kinds.length)) % dtypes.length] ?? "f32";
  const growth = new Growth(seed * 1_000_003 + run, gridOf(seed, run));
  const shape = growth.pick<Shape>([
    [1, 2, 4, 4],
    [1, 4, 3, 3],
    [1, 3, 5],
    [1, 6],
    [1, 2, 2, 2, 2],
  ]);
  // Types come from the input itself, or by a cast behind layers of another.
  const floats: DType = growth.flag(0.7) ? "f32" : growth.pick(["f16", "f64", "bf16"]);
  let last = growth.input(real(growth.flag() ? dtype : floats, shape));
  const grow = (next: DrawnKind): void => {
    last = add(growth, next, last) ?? last;
    growth.values.push(last);
  };
  const isNetwork = growth.flag(0.8);
  if (isNetwork) {
    for (const next of stem(growth)) grow(next);
  }
  if (growth.typeOf(last).dtype !== dtype) last = growth.cast(last, dtype);
  grow(kind);
  if (growth.flag(0.3)) grow(kinds[growth.whole(0, kinds.length - 1)] ?? "ann.add");
  if (isNetwork) {
    const back = growth.flag(0.7) ? "f32" : floats;
    if (!isFloat(growth.typeOf(last).dtype)) last = growth.cast(last, back);
    for (const next of head(growth)) grow(next);
  }
  const outputs = [{ name: "y", value: last }];
  const [other] = growth.values;
  if (growth.flag(0.2) && other !== undefined) {
    outputs.push({
      name: "also",
      value: growth.values[growth.whole(0, growth.values.length - 1)] ?? other,
    });
  }
  const module = pruned(growth, outputs);
  return { module, kind, dtype, sample: (index) => sampleOf(module, seed, run, index) };
}

/** Weights and neurons before what is looked at. */
function stem(growth: Growth): DrawnKind[] {
  const weights = growth.pick<DrawnKind>(["ann.conv", "ann.linear", "ann.affine", "ann.conv"]);
  const activation = growth.pick<DrawnKind>(["ann.relu", "ann.relu", "ann.clip", "ann.sigmoid"]);
  return growth.flag(0.7) ? [weights, activation] : [weights];
}

/** What lies behind it. */
function head(growth: Growth): DrawnKind[] {
  const weights = growth.pick<DrawnKind>(["ann.linear", "ann.conv", "ann.linear", "ann.matmul"]);
  const all: DrawnKind[] = growth.flag(0.8) ? [weights, "ann.relu"] : ["ann.relu"];
  if (growth.flag(0.6)) all.push("ann.linear");
  if (growth.flag(0.2)) all.push("ann.softmax");
  return all;
}

/** Adds an op of this kind to `x`, or to `x` cast to a type that it takes; null where none fits. */
function add<K extends DrawnKind>(growth: Growth, kind: K, x: ValueId): ValueId | null {
  const { dtype } = growth.typeOf(x);
  for (const to of [dtype, "f32", "i64", "i8", "bool"] as const) {
    const { inputs, attrs } = recipes[kind](growth, growth.cast(x, to));
    const added = growth.builder.tryAdd(kind, inputs, attrs, growth.loc(kind));
    if (added.ok) {
      if (elementCount(growth.shapeOf(added.value)) > 0) return added.value;
    }
  }
  return null;
}

/** The network of these outputs, without what they do not need. */
function pruned(growth: Growth, outputs: readonly { name: string; value: ValueId }[]): Module {
  const module = growth.builder.finish({ name: "random", outputs });
  const needed = reachable(module);
  const builder = new Builder({ tensors: module.tensors });
  for (const op of module.ops) {
    if (op.kind === "ann.input" || needed.has(op.result)) builder.push(op);
  }
  return builder.finish({ name: "random", outputs });
}

/** Numbers around 0 in the types of the inputs. */
function sampleOf(module: Module, seed: number, run: number, index: number): readonly Tensor[] {
  return inputsOf(module).map(({ type: { dtype, shape } }, i) =>
    tensorOf(
      dtype,
      shape,
      Array.from({ length: elementCount(shape) }, (_, k) =>
        numberOf(uniform(seed + run, index, i, k), dtype, gridOf(seed, run)),
      ),
    ),
  );
}
