/**
 * Attributes for each activation, for whatever tries ops of every kind: laws of traits, engines against the
 * interpreter, random networks. A kind that is missing here does not compile.
 */
import type { ActivationKind } from "../../../ir/op/families/unary.ts";
import { type OpAttrs, type UnaryName, unaryNames } from "../../../ir/op/op.ts";
import { inferType, specOf } from "../../../ir/op/table.ts";
import { real } from "../../../ir/type.ts";

/** Activations whose parameters are no tensors. */
export type PlainActivation = Exclude<ActivationKind, "ann.prelu">;

/**
 * The first of each is the most usual one, in numbers that sums are exact of where there are such. The others lie
 * on the other side of what a trait of the kind depends on, or of what a kernel does in two ways.
 */
export const activations: {
  readonly [K in PlainActivation]: readonly [OpAttrs[K], ...OpAttrs[K][]];
} = {
  "ann.clip": [
    { min: 0, max: 6 },
    { min: -1, max: 2 },
    { min: -0.5, max: 1.25 },
  ],
  "ann.leaky-relu": [{ alpha: 0.125 }, { alpha: 0.1 }, { alpha: -0.1 }],
  "ann.elu": [{ alpha: 1 }, { alpha: 1.5 }, { alpha: -1 }],
  "ann.celu": [{ alpha: 1 }, { alpha: 0.75 }, { alpha: 2 }, { alpha: -2 }],
  "ann.selu": [
    { alpha: 1.67326, gamma: 1.0507 },
    { alpha: -1.7, gamma: 1 },
  ],
  "ann.hard-sigmoid": [
    { alpha: 0.25, beta: 0.5 },
    { alpha: 0.2, beta: 0.5 },
    { alpha: -0.2, beta: 0.5 },
  ],
  "ann.thresholded-relu": [{ alpha: 0.3 }, { alpha: 1 }, { alpha: -0.5 }],
  "ann.shrink": [
    { bias: 0, lambda: 0.5 },
    { bias: 0.5, lambda: 0.75 },
    { bias: 1, lambda: 0.5 },
  ],
  "ann.swish": [{ alpha: 1 }, { alpha: 1.702 }, { alpha: -0.5 }],
  "ann.gelu": [{ approximate: "none" }, { approximate: "tanh" }],
  "ann.soft-lif": [
    { tauRc: 0.02, tauRef: 0.002, sigma: 0.0625, amplitude: 0.0078125 },
    { tauRc: 0.02, tauRef: 0.002, sigma: 0.02, amplitude: 0.01 },
    { tauRc: 0.05, tauRef: 0, sigma: 0.5, amplitude: 1 },
  ],
  "ann.fake-quantize": [
    { step: 0.5, low: 0, high: 3, rounding: "nearest" },
    { step: 0.3, low: 0, high: 5, rounding: "nearest" },
    { step: 0.25, low: -3, high: Infinity, rounding: "floor" },
    { step: 0.7, low: -Infinity, high: 2, rounding: "ceil" },
  ],
  "ann.is-inf": [
    { negative: true, positive: true },
    { negative: true, positive: false },
  ],
};

export function isPlainActivation(kind: string): kind is PlainActivation {
  return Object.hasOwn(activations, kind);
}

export const activationKinds = Object.keys(activations).filter(isPlainActivation);

type FunctionKind = `ann.${UnaryName}` | PlainActivation;

/** A function of one float that gives a float, the same at each place. */
export interface FloatFunction {
  /** The kind and its attributes, for names of tests. */
  readonly name: string;
  readonly kind: FunctionKind;
  readonly attrs: OpAttrs[FunctionKind];
}

/** All of them, with each choice of attributes. */
export function floatFunctions(): readonly FloatFunction[] {
  const plain = unaryNames.map((name) => ({ kind: `ann.${name}` as const, attrs: {} }));
  const chosen = activationKinds.flatMap((kind) =>
    activations[kind].map((attrs) => ({ kind, attrs })),
  );
  return [...plain, ...chosen].flatMap(({ kind, attrs }) => {
    const result = inferType({ kind, attrs }, [real("f32", [1])], () => {
      throw new Error("a function without parameters has no tensors");
    });
    const isFloat = result.ok && result.value.dtype === "f32";
    if (!isFloat || specOf(kind).traits.structure !== "uniform") return [];
    return [{ name: `${kind} ${JSON.stringify(attrs)}`, kind, attrs }];
  });
}
