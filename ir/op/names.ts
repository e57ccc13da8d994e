/** Names of the ops that come in families, each a function without attributes of its own. */

/** Elementwise functions of one value. */
export const unaryNames = [
  "abs",
  "acos",
  "acosh",
  "asin",
  "asinh",
  "atan",
  "atanh",
  "ceil",
  "cos",
  "cosh",
  "erf",
  "exp",
  "floor",
  "hard-swish",
  "identity",
  "is-nan",
  "log",
  "mish",
  "neg",
  "not",
  "reciprocal",
  "relu",
  "round",
  "sigmoid",
  "sign",
  "sin",
  "sinh",
  "softplus",
  "softsign",
  "sqrt",
  "tan",
  "tanh",
] as const;
export type UnaryName = (typeof unaryNames)[number];

/** Elementwise functions of two values, with broadcasting. */
export const binaryNames = [
  "add",
  "and",
  "div",
  "equal",
  "greater",
  "greater-or-equal",
  "less",
  "less-or-equal",
  "max",
  "min",
  "mul",
  "or",
  "pow",
  "sub",
  "xor",
] as const;
export type BinaryName = (typeof binaryNames)[number];

/** Reductions over axes. */
export const reduceNames = [
  "l1",
  "l2",
  "log-sum",
  "log-sum-exp",
  "max",
  "mean",
  "min",
  "prod",
  "sum",
  "sum-square",
] as const;
export type ReduceName = (typeof reduceNames)[number];
