/**
 * Adds to the bias of what drives neurons: where the weights in front of them have a bias of their own,
 * there, and in an op of its own before the neurons where they have not.
 */
import { type Builder, rewrite } from "../ir/build.ts";
import { known } from "../ir/diagnostic.ts";
import { fusedLoc, shortName } from "../ir/loc.ts";
import { type Module, tensorAt } from "../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../ir/op/op.ts";
import { consumers, isOutput, producers } from "../ir/analysis/walk.ts";
import { broadcastIndices } from "../ir/semantics/semantics.ts";
import { type Tensor, scalar, tensorOf } from "../ir/tensor.ts";
import { type Shape, broadcastShapes, sameShape } from "../ir/type.ts";

/** Ops that can take in a constant per channel. */
type Driver = OpOf<"ann.conv" | "ann.conv-transpose" | "ann.linear" | "ann.affine">;

/** A number for each channel, in a shape that broadcasts to what it is added to. */
interface Bias {
  readonly shape: Shape;
  /** In row-major order; a sum with a bias that is there is rounded once. */
  readonly data: ArrayLike<number>;
}

/** Where a bias may go. */
export interface BiasPlaces {
  /** The pass that asks. */
  readonly pass: string;
  /** Drivers that may take it in. */
  readonly into: readonly Driver["kind"][];
  /** What adds it where none can. */
  readonly otherwise: "ann.affine" | "snn.temporal-bias";
}

/** The module in which the operand of `neurons` is larger by `bias` at every timestep. */
export function withBias(module: Module, neurons: Op, bias: Bias, places: BiasPlaces): Module {
  const operand = known(neurons.inputs[0], "a neuron's operand");
  const driver = driverOf(module, operand, bias.shape, places.into);
  return rewrite(module, (op, builder) => {
    if (driver !== null) {
      return op.result === driver.result && isDriver(op) ? takenIn(op, bias, builder) : null;
    }
    if (op.result !== neurons.result) return null;
    const [from] = op.inputs;
    const current = addedTo(known(from, "an operand"), op, bias, places, builder);
    return builder.add(op.kind, [current], op.attrs, op.loc, op.result);
  });
}

function takenIn(op: Driver, { shape, data }: Bias, builder: Builder): ValueId {
  const put = (part: string, held: Tensor): string =>
    builder.tensor(`${shortName(op.loc)}.${part}`, held);
  if (isOp(op, "ann.affine")) {
    const moved = broadcastSum(
      builder.tensorAt(op.attrs.shift),
      tensorOf("f32", shape, Array.from(data)),
    );
    const attrs = { ...op.attrs, shift: put("shift", moved) };
    return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
  }
  const { bias } = op.attrs;
  const before = bias === null ? null : builder.tensorAt(bias).data;
  const sums = Array.from(data, (x, i) => x + (before?.[i] ?? 0));
  const attrs = { ...op.attrs, bias: put("bias", tensorOf("f32", [sums.length], sums)) };
  return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
}

/** `value`, the operand of `neurons`, with the bias on top. */
function addedTo(
  value: ValueId,
  neurons: Op,
  { shape, data }: Bias,
  { pass, otherwise }: BiasPlaces,
  builder: Builder,
): ValueId {
  const name = shortName(neurons.loc);
  const loc = fusedLoc(pass, [neurons.loc]);
  const numbers = Array.from(data);
  if (otherwise === "snn.temporal-bias") {
    const table = builder.tensor(`${name}.bias`, tensorOf("f32", [1, ...shape], numbers));
    return builder.add("snn.temporal-bias", [value], { table }, loc);
  }
  const attrs = {
    scale: builder.tensor("unit", scalar("f32", 1)),
    shift: builder.tensor(`${name}.shift`, tensorOf("f32", shape, numbers)),
  };
  return builder.add("ann.affine", [value], attrs, loc);
}

function isDriver(op: Op): op is Driver {
  return isOp(op, "ann.conv", "ann.conv-transpose", "ann.linear", "ann.affine");
}

/**
 * The op of a kind in `into` whose constant term can take a bias of `shape` for `value`, and for nothing else:
 * found through sums and max-pools, which hand a constant per channel on. Null where there is none.
 */
function driverOf(
  module: Module,
  value: ValueId,
  shape: Shape,
  into: readonly Driver["kind"][],
): Driver | null {
  const byResult = producers(module);
  const uses = consumers(module);
  const opOf = (at: ValueId): Op => known(byResult.get(at), "a producer");
  const open = [value];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (uses.get(at)?.length !== 1 || isOutput(module, at)) continue;
    const op = opOf(at);
    if (isDriver(op) && into.includes(op.kind) && takes(op, shape, module)) return op;
    // A term that the sum spreads out has other elements.
    const within = isOp(op, "ann.add")
      ? op.inputs.filter((operand) => sameShape(opOf(operand).type.shape, op.type.shape))
      : isOp(op, "ann.max-pool", "snn.max-pool")
        ? op.inputs
        : [];
    for (const each of within.toReversed()) open.push(each);
  }
  return null;
}

/** Whether the channels of the bias are those that the op's own constant has. */
function takes(op: Driver, shape: Shape, module: Module): boolean {
  if (op.type.dtype !== "f32") return false;
  if (isOp(op, "ann.affine")) {
    return broadcastShapes(tensorAt(module, op.attrs.shift).shape, shape) !== null;
  }
  const rank = op.type.shape.length;
  const axis = isOp(op, "ann.linear") ? rank - 1 : 1;
  const wanted = op.type.shape.map((extent, i) => (i === axis ? extent : 1));
  return sameShape(shape, wanted);
}

/** a + b, each stretched to the shape that both broadcast to. */
export function broadcastSum(a: Tensor, b: Tensor): Tensor {
  const shape = known(broadcastShapes(a.shape, b.shape), "shapes that go together");
  const left = broadcastIndices(a.shape, shape);
  const right = broadcastIndices(b.shape, shape);
  const values = Array.from(left, (at, i) => (a.data[at] ?? 0) + (b.data[right[i] ?? 0] ?? 0));
  return tensorOf("f32", shape, values);
}
