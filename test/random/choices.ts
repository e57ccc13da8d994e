/** The windows and shapes that the choices of a random network stand for. */
import type { BinaryName, PoolAttrs, WindowAttrs } from "../../ir/op/op.ts";
import type { Shape } from "../../ir/type.ts";

/** The choices that a step makes: whole numbers, each taken modulo what there is to choose from. */
interface Choices {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** The shape of the last value of a sketch. */
interface Shaped {
  readonly shape: Shape;
}

/** A square window with "same" padding or none that fits the last value's spatial axes. */
export function windowOf({ shape }: Shaped, { a, b }: Choices, kernel: number): WindowAttrs {
  const spatial = shape.slice(2);
  const fits = spatial.every((extent) => extent >= kernel);
  const pad = fits && a % 2 === 0 ? 0 : kernel >> 1;
  const each = (value: number): number[] => spatial.map(() => value);
  return {
    strides: each(1 + (b % 2)),
    padsBegin: each(pad),
    padsEnd: each(pad),
    dilations: each(1),
  };
}

export function poolOf(sketch: Shaped, step: Choices): PoolAttrs {
  const kernel = 1 + (step.c % 3);
  return {
    ...windowOf(sketch, step, kernel),
    kernel: sketch.shape.slice(2).map(() => kernel),
    ceilMode: step.b > 3,
  };
}

/** The shape of one number per channel that broadcasts to the last value; [] for all alike. */
export function perChannel({ shape }: Shaped, choice: number): Shape {
  if (choice % 3 === 0 || shape.length < 2) return [];
  return choice % 3 === 1 ? shape : shape.map((extent, axis) => (axis === 1 ? extent : 1));
}

/** Functions of two values without poles; currents take the first three. */
export const broadcastNames = [
  "add",
  "sub",
  "mul",
  "add",
  "max",
  "min",
  "greater",
  "less-or-equal",
] as const satisfies readonly BinaryName[];
