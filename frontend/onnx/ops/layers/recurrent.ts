/**
 * RNN, GRU and LSTM, unrolled: a static sequence length makes them feed-forward. The product with
 * the inputs is taken over the whole sequence at once; what remains of a step is the product with
 * the last state and the gates.
 */
import { type OnnxOperator, operator } from "../../operator.ts";
import type { ValueId } from "../../../../ir/op/op.ts";
import { type Tensor, allocate, scalar, zeros } from "../../../../ir/tensor.ts";
import { elementCount } from "../../../../ir/type.ts";
import type { NodeContext } from "../../context.ts";
import { stateOfOne } from "../rebatch.ts";

/** Steps times directions that are unrolled; each is dozens of ops. */
const mostSteps = 4096;

type Activation = (x: ValueId) => ValueId;

interface RecurrentCell {
  /** Gates, in the order of the weights: the parts of W, R and B. */
  readonly gates: number;
  readonly defaults: readonly string[];
  /** Position of the initial cell state and the peepholes among the inputs; -1 without. */
  readonly cellInput: number;
  readonly peepholeInput: number;
  step(parts: StepParts): { readonly hidden: ValueId; readonly cell: ValueId | null };
}

interface StepParts {
  readonly node: NodeContext;
  /** Part `gate` of x · Wᵀ + Wb in this step. */
  readonly fromInput: (gate: number) => ValueId;
  /** Part `gate` of h · Rᵀ + Rb, where h is `hidden` unless given. */
  readonly fromHidden: (gate: number, h?: ValueId) => ValueId;
  readonly hidden: ValueId;
  readonly cell: ValueId | null;
  readonly activations: readonly Activation[];
  /** Peephole weights of a gate, or null. */
  readonly peephole: (gate: number) => ValueId | null;
}

function part(tensor: Tensor, direction: number, from: number, rows: number): Tensor {
  const [, , columns = 1] = tensor.shape;
  const size = elementCount(tensor.shape.slice(1));
  const start = direction * size + from * columns;
  const data = allocate(tensor.dtype, rows * columns);
  data.set(tensor.data.slice(start, start + rows * columns));
  return { dtype: tensor.dtype, shape: tensor.shape.length > 2 ? [rows, columns] : [rows], data };
}

/** The activation functions of one direction, each with its parameters by position. */
function activationsOf(
  node: NodeContext,
  cell: RecurrentCell,
  direction: number,
): readonly Activation[] {
  const names = node.attributes.strings("activations") ?? [...cell.defaults, ...cell.defaults];
  const alphas = node.attributes.floats("activation_alpha") ?? [];
  const betas = node.attributes.floats("activation_beta") ?? [];
  const clip = node.attributes.has("clip") ? node.attributes.float("clip", 0) : null;
  const first = direction * cell.defaults.length;
  return cell.defaults.map((_, i) => {
    const name = names[first + i] ?? node.invalid("it has too few activations");
    const alpha = alphas[first + i];
    const beta = betas[first + i];
    return (x) => {
      const bounded = clip === null ? x : node.add("ann.clip", [x], { min: -clip, max: clip });
      return activate(node, name.toLowerCase(), bounded, alpha, beta);
    };
  });
}

function activate(
  node: NodeContext,
  name: string,
  x: ValueId,
  alpha: number | undefined,
  beta: number | undefined,
): ValueId {
  switch (name) {
    case "relu":
    case "tanh":
    case "sigmoid":
    case "softsign":
    case "softplus":
      return node.add(`ann.${name}`, [x], {});
    case "leakyrelu":
      return node.add("ann.leaky-relu", [x], { alpha: alpha ?? Math.fround(0.01) });
    case "thresholdedrelu":
      return node.add("ann.thresholded-relu", [x], { alpha: alpha ?? 1 });
    case "elu":
      return node.add("ann.elu", [x], { alpha: alpha ?? 1 });
    case "hardsigmoid":
      return node.add("ann.hard-sigmoid", [x], {
        alpha: alpha ?? Math.fround(0.2),
        beta: beta ?? 0.5,
      });
    default:
      return node.refuse(`its activation is ${name}`, "use Sigmoid, Tanh, Relu or their like");
  }
}

/** Takes the steps of one direction; gives the state after each, in the order of time. */
function unroll(
  node: NodeContext,
  cell: RecurrentCell,
  x: ValueId,
  direction: number,
  reverse: boolean,
): {
  readonly states: readonly ValueId[];
  readonly hidden: ValueId;
  readonly cell: ValueId | null;
} {
  const [steps = 0, batch = 0] = node.shape(x);
  const weights = node.weight(1, "W");
  const recurrent = node.weight(2, "R");
  const size = recurrent.shape[2] ?? 0;
  const width = cell.gates * size;
  const { dtype } = weights;
  const biases = node.has(3) ? node.weight(3, "B") : null;
  const bias = (from: number, rows: number): Tensor | null =>
    biases === null
      ? null
      : part({ ...biases, shape: [...biases.shape, 1] }, direction, from, rows);
  const flat = (tensor: Tensor | null, suffix: string) =>
    tensor === null
      ? null
      : node.namedTensor(`${suffix}${direction}`, { ...tensor, shape: [tensor.data.length] });

  const projected = node.add("ann.linear", [x], {
    weight: node.namedTensor(`W${direction}`, part(weights, direction, 0, width)),
    bias: flat(bias(0, width), "Wb"),
  });
  const gateWeights = Array.from({ length: cell.gates }, (_, gate) => ({
    weight: node.namedTensor(
      `R${direction}.${gate}`,
      part(recurrent, direction, gate * size, size),
    ),
    bias: flat(bias(width + gate * size, size), `Rb${gate}.`),
  }));
  const initial = (index: number): ValueId => {
    if (index < 0 || !node.has(index)) return node.literal(zeros(dtype, [batch, size]));
    const all = stateOf(node, index, batch);
    const one = node.add("ann.slice", [all], {
      starts: [direction, 0, 0],
      sizes: [1, batch, size],
      steps: [1, 1, 1],
    });
    return node.add("ann.reshape", [one], { shape: [batch, size] });
  };
  const peepholes =
    cell.peepholeInput >= 0 && node.has(cell.peepholeInput)
      ? node.weight(cell.peepholeInput, "P")
      : null;
  const activations = activationsOf(node, cell, direction);

  let hidden = comingBack(node, initial(5));
  let state = cell.cellInput < 0 ? null : comingBack(node, initial(cell.cellInput));
  const before = { hidden, state };
  const states = new Array<ValueId>(steps);
  for (let k = 0; k < steps; k++) {
    const t = reverse ? steps - 1 - k : k;
    const current = hidden;
    const next = cell.step({
      node,
      hidden,
      cell: state,
      activations,
      fromInput: (gate) => {
        const gated = node.add("ann.slice", [projected], {
          starts: [t, 0, gate * size],
          sizes: [1, batch, size],
          steps: [1, 1, 1],
        });
        return node.add("ann.reshape", [gated], { shape: [batch, size] });
      },
      fromHidden: (gate, h = current) =>
        node.add("ann.linear", [h], gateWeights[gate] ?? node.invalid("it has no such gate")),
      peephole: (gate) => {
        if (peepholes === null) return null;
        const shaped = { ...peepholes, shape: [...peepholes.shape, 1] };
        const vector = part(shaped, direction, gate * size, size);
        return node.literal({ ...vector, shape: [size] });
      },
    });
    hidden = next.hidden;
    state = next.cell;
    states[t] = hidden;
  }
  if (node.services.streams) {
    node.services.carry(hidden, before.hidden);
    if (state !== null && before.state !== null) node.services.carry(state, before.state);
  }
  return { states, hidden, cell: state };
}

/** In a stream, what a state was a timestep before, and `initial` at first; otherwise that alone. */
function comingBack(node: NodeContext, initial: ValueId): ValueId {
  const { streams, folder } = node.services;
  if (!streams) return initial;
  if (folder.constancyOf(initial) !== "constant") {
    node.refuse("its initial state is not a constant", "give it with --input-value NAME=VALUE");
  }
  const attrs = {
    initial: node.namedTensor("initial", folder.valueOf(initial)),
    domain: "real",
  } as const;
  return node.add("snn.previous", [], attrs);
}

const add = (node: NodeContext, a: ValueId, b: ValueId): ValueId => node.add("ann.add", [a, b], {});
const mul = (node: NodeContext, a: ValueId, b: ValueId): ValueId => node.add("ann.mul", [a, b], {});

function oneMinus(node: NodeContext, x: ValueId): ValueId {
  return node.add("ann.sub", [node.literal(scalar(node.type(x).dtype, 1)), x], {});
}

/** H = f(x · Wᵀ + h · Rᵀ + b). */
const rnnCell: RecurrentCell = {
  gates: 1,
  defaults: ["Tanh"],
  cellInput: -1,
  peepholeInput: -1,
  step: ({ node, fromInput, fromHidden, activations }) => {
    const [f = (x: ValueId) => x] = activations;
    return { hidden: f(add(node, fromInput(0), fromHidden(0))), cell: null };
  },
};

/** z, r, h̃ of Cho et al. 2014; with linear_before_reset, r acts after the product. */
const gruCell: RecurrentCell = {
  gates: 3,
  defaults: ["Sigmoid", "Tanh"],
  cellInput: -1,
  peepholeInput: -1,
  step: ({ node, hidden, fromInput, fromHidden, activations }) => {
    const [f = (x: ValueId) => x, g = f] = activations;
    const z = f(add(node, fromInput(0), fromHidden(0)));
    const r = f(add(node, fromInput(1), fromHidden(1)));
    const recalled = node.attributes.bool("linear_before_reset", false)
      ? mul(node, r, fromHidden(2))
      : fromHidden(2, mul(node, r, hidden));
    const candidate = g(add(node, fromInput(2), recalled));
    const kept = mul(node, z, hidden);
    return { hidden: add(node, mul(node, oneMinus(node, z), candidate), kept), cell: null };
  },
};

/** i, o, f, c of Hochreiter & Schmidhuber 1997, with peepholes (Gers & Schmidhuber 2000). */
const lstmCell: RecurrentCell = {
  gates: 4,
  defaults: ["Sigmoid", "Tanh", "Tanh"],
  cellInput: 6,
  peepholeInput: 7,
  step: ({ node, cell, fromInput, fromHidden, activations, peephole }) => {
    const [f = (x: ValueId) => x, g = f, h = f] = activations;
    const before = cell ?? node.invalid("it has no cell state");
    const gate = (index: number, seen: ValueId, position: number): ValueId => {
      const sum = add(node, fromInput(index), fromHidden(index));
      const weights = peephole(position);
      return f(weights === null ? sum : add(node, sum, mul(node, weights, seen)));
    };
    const input = gate(0, before, 0);
    const coupled = node.attributes.bool("input_forget", false);
    const forget = coupled ? oneMinus(node, input) : gate(2, before, 2);
    const candidate = g(add(node, fromInput(3), fromHidden(3)));
    const after = add(node, mul(node, forget, before), mul(node, input, candidate));
    const output = gate(1, after, 1);
    return { hidden: mul(node, output, h(after)), cell: after };
  },
};

/** An initial state. Of a constant one for the batch that was taken out, one sample's. */
function stateOf(node: NodeContext, index: number, batch: number): ValueId {
  const state = node.value(index);
  const shape = node.shape(state);
  const { removedBatch } = node.services;
  if (removedBatch === null || batch !== 1 || shape[1] !== removedBatch || shape.length !== 3) {
    return state;
  }
  if (!node.isConstant(index)) return state;
  const one = stateOfOne(node.constant(index, "initial state"));
  if (one === null) {
    node.refuse("its initial state differs from sample to sample", "start it from zeros");
  }
  return node.literal(one);
}

/** All directions of a recurrent node: Y [steps, directions, batch, hidden], Y_h and Y_c. */
function recurrent(cell: RecurrentCell): (node: NodeContext) => readonly (ValueId | null)[] {
  return (node) => {
    const { attributes } = node;
    attributes.ignore("hidden_size", "output_sequence", "linear_before_reset", "input_forget");
    const direction = node.oneOf("direction", attributes.string("direction", "forward"), [
      "forward",
      "reverse",
      "bidirectional",
    ]);
    const batchFirst = attributes.bool("layout", false);
    const rank = node.inputType(0).shape.length;
    if (rank !== 3) node.invalid(`its input X has ${rank} axes, not 3`);
    const swap = { perm: [1, 0, 2] };
    const x = batchFirst ? node.add("ann.transpose", [node.value(0)], swap) : node.value(0);
    const [steps = 0, batch = 0] = node.shape(x);
    if (steps < 1) node.invalid("its sequence is empty");
    if (node.services.streams) {
      if (direction !== "forward") {
        node.refuse(
          `it is ${direction}, and a stream has no later timesteps yet`,
          "leave out --stream to unroll it",
        );
      }
      if (steps !== 1) {
        node.refuse(
          `it has ${steps} timesteps, and a stream gives one`,
          "name the axis of time with --stream NAME=AXIS",
        );
      }
    }
    node.services.noteRecurrent({ node: node.node.name, steps, batch });
    if (2 * steps > mostSteps) {
      node.refuse(`it has ${steps} steps`, `up to ${mostSteps / 2} steps are unrolled`);
    }
    if (node.has(4) && node.ints(4, "sequence_lens").some((length) => length !== steps)) {
      node.refuse("its sequences have different lengths", "pad them to the full length");
    }
    checkWeights(node, cell, direction === "bidirectional" ? 2 : 1);
    if (batchFirst && (node.has(5) || node.has(6))) {
      node.refuse("it has initial states and layout 1", "use layout 0");
    }
    const runs =
      direction === "bidirectional"
        ? [unroll(node, cell, x, 0, false), unroll(node, cell, x, 1, true)]
        : [unroll(node, cell, x, 0, direction === "reverse")];
    const size = node.shape(runs[0]?.hidden ?? x)[1] ?? 0;
    const stack = (values: readonly ValueId[]): ValueId => {
      const rows = values.map((v) => node.add("ann.reshape", [v], { shape: [1, batch, size] }));
      return node.add("ann.concat", rows, { axis: 0 });
    };
    const inLayout = (v: ValueId, perm: readonly number[]): ValueId =>
      batchFirst ? node.add("ann.transpose", [v], { perm }) : v;

    const perStep = Array.from({ length: steps }, (_, t) => {
      return stack(runs.map(({ states }) => states[t] ?? node.invalid(`it has no step ${t}`)));
    });
    const slices = perStep.map((v) =>
      node.add("ann.reshape", [v], { shape: [1, runs.length, batch, size] }),
    );
    const y = inLayout(node.add("ann.concat", slices, { axis: 0 }), [2, 0, 1, 3]);
    const last = inLayout(stack(runs.map(({ hidden }) => hidden)), [1, 0, 2]);
    const cells = runs.flatMap(({ cell: state }) => (state === null ? [] : [state]));
    return [y, last, cells.length === 0 ? null : inLayout(stack(cells), [1, 0, 2])];
  };
}

/** W, R, B and P must have the shapes that follow from R, or parts of them would be nonsense. */
function checkWeights(node: NodeContext, cell: RecurrentCell, directions: number): void {
  const w = node.weight(1, "W").shape;
  const r = node.weight(2, "R").shape;
  const size = r[2] ?? 0;
  const rows = cell.gates * size;
  const wanted: [number, string, readonly number[]][] = [
    [1, "W", [directions, rows, w[2] ?? 0]],
    [2, "R", [directions, rows, size]],
    [3, "B", [directions, 2 * rows]],
    [cell.peepholeInput, "P", [directions, 3 * size]],
  ];
  for (const [index, name, shape] of wanted) {
    if (index < 0 || !node.has(index)) continue;
    const found = node.weight(index, name).shape;
    if (found.join() === shape.join()) continue;
    node.invalid(`its ${name} has shape [${found.join(", ")}], not [${shape.join(", ")}]`);
  }
}

export const recurrentOperators: readonly OnnxOperator[] = [
  operator("GRU", [1, 3, 7, 14, 22], [3, 6], recurrent(gruCell)),
  operator("LSTM", [1, 7, 14, 22], [3, 8], recurrent(lstmCell)),
  operator("RNN", [1, 7, 14, 22], [3, 6], recurrent(rnnCell)),
];
