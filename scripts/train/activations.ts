/** Activations that are no rectifiers, as functions to learn with and as ONNX nodes. */
import type { onnx } from "onnx-proto";
import { type Spelling, floats, nodeOf } from "./model.ts";
import type { Activation } from "./network.ts";

export interface Named extends Activation, Spelling {
  readonly name: string;
}

type Attributes = Readonly<Record<string, number>>;
type Value = Activation["value"];

const sigmoid: Value = (x) => 1 / (1 + Math.exp(-x));
const softplus: Value = (x) => Math.log1p(Math.exp(x));
const clip = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));

export const activations: readonly Named[] = [
  named("relu", (x) => Math.max(0, x), one("Relu")),
  named("leaky-relu", (x) => Math.max(0.1 * x, x), one("LeakyRelu", { alpha: 0.1 })),
  {
    ...named("prelu", (x) => Math.max(0.25 * x, x), withOperands("PRelu", ["slope"])),
    initializers: [floats("slope", [1], Float32Array.of(0.25))],
  },
  {
    ...named("relu6", (x) => clip(x, 0, 6), withOperands("Clip", ["low", "high"])),
    initializers: [floats("low", [], Float32Array.of(0)), floats("high", [], Float32Array.of(6))],
  },
  named("elu", (x) => (x > 0 ? x : Math.expm1(x)), one("Elu", { alpha: 1 })),
  named("sigmoid", sigmoid, one("Sigmoid")),
  named("tanh", Math.tanh, one("Tanh")),
  named(
    "hard-sigmoid",
    (x) => clip(x / 6 + 0.5, 0, 1),
    one("HardSigmoid", { alpha: 1 / 6, beta: 0.5 }),
  ),
  named("hard-swish", (x) => x * clip(x / 6 + 0.5, 0, 1), one("HardSwish")),
  named(
    "silu",
    (x) => x * sigmoid(x),
    (input, output, l) => [
      nodeOf("Sigmoid", { input: [input], output: `gate${l}`, name: `gate${l}` }),
      nodeOf("Mul", { input: [input, `gate${l}`], output, name: `activation${l}` }),
    ],
  ),
  named(
    "gelu",
    (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    (input, output, l) => [
      {
        ...nodeOf("Gelu", { input: [input], output, name: `activation${l}` }),
        attribute: [{ name: "approximate", type: 3, s: new TextEncoder().encode("tanh") }],
      },
    ],
  ),
  named("softplus", softplus, one("Softplus")),
  named("mish", (x) => x * Math.tanh(softplus(x)), one("Mish")),
];

function named(name: string, value: Value, nodes: Spelling["nodes"]): Named {
  // Exact enough to learn by, and right for whatever function.
  const h = 1e-4;
  const slope: Value = (x) => (value(x + h) - value(x - h)) / (2 * h);
  return { name, value, slope, bias: 0, nodes };
}

/** One node of the current alone. */
function one(opType: string, attributes: Attributes = {}): Spelling["nodes"] {
  return withOperands(opType, [], attributes);
}

/** One node of the current and of initializers. */
function withOperands(
  opType: string,
  others: readonly string[],
  attributes: Attributes = {},
): Spelling["nodes"] {
  return (input, output, l): onnx.INodeProto[] => [
    nodeOf(opType, { input: [input, ...others], output, name: `activation${l}` }, attributes),
  ];
}
