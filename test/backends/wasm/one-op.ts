/**
 * One op in a module of its own, on operands that lie in memory in each of the ways there are:
 * row-major, with channels last, and one value per timestep.
 */
import { expect } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import type { Module } from "../../../ir/module.ts";
import type { OpAttrs, OpKind, ValueId } from "../../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../../ir/type.ts";
import { type Tensors, loc } from "../../ir/one-op.ts";
import { both, expectClose, hostKinds } from "./compare.ts";

export const variants = ["row-major", "channels last", "over time"] as const;
export type Variant = (typeof variants)[number];

/** An op to try. */
export interface OneOp<K extends OpKind> {
  readonly kind: K;
  readonly attrs: OpAttrs[K];
  readonly operands: readonly Tensor[];
  /** Operands, by number, that are constants of the module. */
  readonly constants?: readonly number[];
  readonly tensors?: Tensors;
}

/** A module that gives the op's result; null where the variant makes no sense for its operands. */
export function moduleOf<K extends OpKind>(op: OneOp<K>, variant: Variant): Module | null {
  const { kind, attrs, operands } = op;
  const builder = new Builder({ tensors: new Map(Object.entries(op.tensors ?? {})) });
  const constants = new Set(op.constants ?? []);
  let varied = variant === "row-major";
  const values = operands.map((t, i): ValueId => {
    if (constants.has(i)) return builder.constant(`c${i}`, t, loc);
    const x = builder.input(`x${i}`, real(t.dtype, t.shape), loc);
    if (t.dtype !== "f32") return x;
    const rank = t.shape.length;
    if (variant === "channels last" && (rank === 3 || rank === 4) && t.shape[0] === 1) {
      varied = true;
      const each = (value: number): number[] => t.shape.slice(2).map(() => value);
      const window = { strides: each(1), padsBegin: each(0), padsEnd: each(0), kernel: each(1) };
      const pool = { ...window, dilations: each(1), ceilMode: false, countIncludePad: false };
      return builder.add("ann.average-pool", [x], pool, loc);
    }
    if (variant === "over time") {
      varied = true;
      const scalar = (value: number) => builder.tensor("neuron", tensorOf("f32", [], [value]));
      const neuron = { threshold: scalar(0.5), vInit: scalar(0.25), amplitude: scalar(1) };
      const spikes = builder.add("snn.if", [x], { ...neuron, reset: "subtract" }, loc);
      return builder.add("snn.readout", [spikes], { start: 0 }, loc);
    }
    return x;
  });
  if (!varied) return null;
  const result = builder.add(kind, values, attrs, loc);
  const rate = { code: "rate", timesteps: 3, properties: new Set(["spiking"] as const) } as const;
  return builder.finish({
    name: "one",
    outputs: [{ name: "y", value: result }],
    ...(variant === "over time" ? rate : {}),
  });
}

/** Expects the op to run natively in each variant, and to give what the interpreter gives. */
export async function expectNative<K extends OpKind>(
  op: OneOp<K>,
  tolerance = 1e-5,
): Promise<void> {
  for (const variant of variants) {
    const module = moduleOf(op, variant);
    if (module === null) continue;
    expect([variant, ...(await hostKinds(module))]).toEqual([variant]);
    await expectSame(module, op, tolerance);
  }
}

/** Expects the interpreter's values, wherever the op runs. */
export async function expectSame(
  module: Module,
  op: Pick<OneOp<OpKind>, "operands" | "constants">,
  tolerance = 1e-5,
): Promise<void> {
  const inputs = op.operands.filter((_, i) => !(op.constants ?? []).includes(i));
  const { wanted, found } = await both(module, inputs, { timesteps: 3 });
  const [y] = found.sample.outputs;
  const [want] = wanted.sample.outputs;
  expectClose(known(y, "an output"), known(want, "an output"), tolerance);
}

/** Numbers without a pattern, between −`scale` and `scale`. */
export function noise(shape: Shape, scale = 2, seed = 1): Tensor {
  const values = Array.from({ length: elementCount(shape) }, (_, i) => {
    const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43_758.5453;
    return (x - Math.floor(x)) * 2 * scale - scale;
  });
  return tensorOf("f32", shape, values);
}

/** Multiples of 1/16. */
export function dyadic(shape: Shape, scale: number, seed: number): Tensor {
  const { data } = noise(shape, scale, seed);
  return tensorOf(
    "f32",
    shape,
    Array.from(data, (x) => Math.round(16 * x) / 16),
  );
}

/** Integers between −`scale` and `scale`. */
export function whole(dtype: "i8" | "i32", shape: Shape, scale: number, seed: number): Tensor {
  const { data } = noise(shape, scale, seed);
  return tensorOf(
    dtype,
    shape,
    Array.from(data, (x) => Math.round(x)),
  );
}
