/** Writes the range of neurons, the largest value that they can send, into their parameters. */
import { isNeuron } from "../../ir/op/known.ts";
import { rewrite } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type OpOf, type ValueId } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { stepsToRange } from "./sites.ts";

/** The module whose neurons have these ranges; others keep theirs. */
export function withRanges(module: Module, ranges: ReadonlyMap<ValueId, Tensor>): Module {
  return rewrite(module, (op, builder) => {
    const range = ranges.get(op.result);
    if (!isNeuron(op) || range === undefined) return null;
    const name = shortName(op.loc);
    const put = (part: string, tensor: Tensor): string => builder.tensor(`${name}.${part}`, tensor);
    const steps = stepsToRange(op, module);
    const threshold = put("threshold", scaled(range, 1 / steps));
    switch (op.kind) {
      case "snn.if":
      case "snn.rehearsed-if": {
        const vInit = put("v_init", scaled(range, vInitShare(module, op)));
        const attrs = { ...op.attrs, threshold, amplitude: threshold, vInit };
        return builder.add(op.kind, op.inputs, attrs, op.loc, op.result);
      }
      case "snn.few-spikes": {
        const rows = tensorAt(module, op.attrs.amplitude).shape[0] ?? 1;
        const amplitude = put("amplitude", binaryRows(range, rows));
        // Half of the last spike below what is sent: the sum is the nearest, a tie up.
        const least = scaled(range, 1 / (2 ** rows - 1));
        const reached = binaryRows(range, rows, (x, i) => x - (least.data[i] ?? 0) / 2);
        const attrs = {
          ...op.attrs,
          threshold: put("threshold", reached),
          reset: amplitude,
          amplitude,
        };
        return builder.add("snn.few-spikes", op.inputs, attrs, op.loc, op.result);
      }
      case "snn.graded":
      case "snn.ttfs":
      case "snn.lif":
        return builder.add(
          op.kind,
          op.inputs,
          { ...op.attrs, threshold, amplitude: threshold },
          op.loc,
          op.result,
        );
    }
  });
}

/** v[0] / threshold of a neuron op, which is the same for all of its neurons here. */
export function vInitShare(module: Module, neuron: OpOf<"snn.if" | "snn.rehearsed-if">): number {
  const vInit = known(tensorAt(module, neuron.attrs.vInit).data[0], "an initial potential");
  const threshold = known(tensorAt(module, neuron.attrs.threshold).data[0], "a threshold");
  return vInit / threshold;
}

function scaled({ dtype, shape, data }: Tensor, factor: number): Tensor {
  return tensorOf(
    dtype,
    shape,
    Array.from(data, (x) => x * factor),
  );
}

/** What the spikes of a value of so many bits are worth, largest first: rows [bits, …range]. */
function binaryRows(
  { dtype, shape, data }: Tensor,
  bits: number,
  change: (size: number, i: number) => number = (size) => size,
): Tensor {
  const values = Array.from({ length: bits }, (_, row) =>
    Array.from(data, (range, i) => change((range * 2 ** (bits - 1 - row)) / (2 ** bits - 1), i)),
  );
  return tensorOf(dtype, [bits, ...shape], values.flat());
}
