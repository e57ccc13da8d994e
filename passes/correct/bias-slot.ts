/**
 * Adds to the bias of what drives neurons: where the weights in front of them have a bias of their own,
 * there, and in an affine map before the neurons where they have not.
 */
import { rewrite } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { fusedLoc, shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf } from "../../ir/tensor.ts";
import { broadcastShapes, sameShape } from "../../ir/type.ts";
import { consumers, isOutput, producers } from "../../ir/analysis/walk.ts";
import { broadcastSum } from "./layerwise.ts";

/** Ops that can take in a constant per channel. */
type Driver = OpOf<"ann.conv" | "ann.conv-transpose" | "ann.linear" | "ann.affine">;

/**
 * The module in which the operand of `neurons` is larger by `shift` at every timestep. The shift has one
 * number per channel, in a shape that broadcasts to the operand.
 */
export function withBias(module: Module, neurons: Op, shift: Tensor, pass: string): Module {
  const operand = known(neurons.inputs[0], "a neuron's operand");
  const driver = driverOf(module, operand, shift);
  return rewrite(module, (op, builder) => {
    if (op.result === driver?.result && isDriver(op)) {
      const put = (part: string, held: Tensor): string =>
        builder.tensor(`${shortName(op.loc)}.${part}`, held);
      if (isOp(op, "ann.affine")) {
        const moved = broadcastSum(builder.tensorAt(op.attrs.shift), shift);
        const attrs = { ...op.attrs, shift: put("shift", moved) };
        return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
      }
      const { bias } = op.attrs;
      const before = bias === null ? null : builder.tensorAt(bias);
      const moved = tensorOf(
        "f32",
        [shift.data.length],
        Array.from(shift.data, (x, i) => x + (before?.data[i] ?? 0)),
      );
      const attrs = { ...op.attrs, bias: put("bias", moved) };
      return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
    }
    if (driver === null && op.result === neurons.result) {
      const attrs = {
        scale: builder.tensor("unit", scalar("f32", 1)),
        shift: builder.tensor(`${shortName(op.loc)}.shift`, shift),
      };
      const [from] = op.inputs;
      const loc = fusedLoc(pass, [op.loc]);
      const current = builder.add("ann.affine", [known(from, "an operand")], attrs, loc);
      return builder.add(op.kind, [current], op.attrs, op.loc, op.result);
    }
    return null;
  });
}

function isDriver(op: Op): op is Driver {
  return isOp(op, "ann.conv", "ann.conv-transpose", "ann.linear", "ann.affine");
}

/**
 * The op whose constant term can take the shift of `value`, and of nothing else: found through sums and
 * max-pools, which hand a constant per channel on.
 */
function driverOf(module: Module, value: ValueId, shift: Tensor): Driver | null {
  const byResult = producers(module);
  const uses = consumers(module);
  const opOf = (at: ValueId): Op => known(byResult.get(at), "a producer");
  const open = [value];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (uses.get(at)?.length !== 1 || isOutput(module, at)) continue;
    const op = opOf(at);
    if (isDriver(op) && takes(op, shift, module)) return op;
    const within = isOp(op, "ann.add")
      ? op.inputs.filter((operand) => sameShape(opOf(operand).type.shape, op.type.shape))
      : isOp(op, "ann.max-pool", "snn.max-pool")
        ? op.inputs
        : [];
    for (const each of within.toReversed()) open.push(each);
  }
  return null;
}

/** Whether the channels of the shift are those that the op's own constant has. */
function takes(op: Driver, shift: Tensor, module: Module): boolean {
  if (op.type.dtype !== "f32") return false;
  if (isOp(op, "ann.affine")) {
    return broadcastShapes(tensorAt(module, op.attrs.shift).shape, shift.shape) !== null;
  }
  const rank = op.type.shape.length;
  const axis = isOp(op, "ann.linear") ? rank - 1 : 1;
  const wanted = op.type.shape.map((extent, i) => (i === axis ? extent : 1));
  return sameShape(shift.shape, wanted);
}
