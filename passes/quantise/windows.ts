/** The weights of a synapse by output channel, and the shares that pools have of what is in their windows. */
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Op, type OpOf } from "../../ir/op/op.ts";
import { type Tensor, tensor } from "../../ir/tensor.ts";
import { type Shape, type Type, elementCount } from "../../ir/type.ts";
import { type WeightedOp, eachWeight } from "../fuse/weights.ts";
import { type Grid, compress, noTensors } from "./grid.ts";

type RowOf = (output: number, f: (input: number, weight: number) => number) => Float64Array;

/** f of the input channel and the weight, for each weight of an output channel of a synapse. */
export function weightRowsOf(op: WeightedOp, weight: Tensor): RowOf {
  const { data, shape } = weight;
  const [rows = 1, columns = 1] = shape;
  const kernel = elementCount(shape.slice(2));
  if (op.kind === "ann.conv-transpose") {
    return (output, f) => {
      const row: number[] = [];
      eachWeight(op, shape, (index, input, to) => {
        if (to === output) row.push(f(input, data[index] ?? 0));
      });
      return Float64Array.from(row);
    };
  }
  const perGroup = rows / (op.kind === "ann.conv" ? op.attrs.groups : 1);
  return (output, f) => {
    const first = Math.floor(output / perGroup) * columns;
    const row = new Float64Array(columns * kernel);
    for (let c = 0, i = 0; c < columns; c++) {
      for (let tap = 0; tap < kernel; tap++, i++) {
        row[i] = f(first + c, data[output * row.length + i] ?? 0);
      }
    }
    return row;
  };
}

/** 1 / what each window of a pool divides by, beside its result. */
export function windowShares(op: OpOf<"ann.average-pool">, shape: Shape): Grid {
  const spatial = shape.slice(2);
  const plane: Shape = [1, 1, ...spatial];
  const outPlane: Shape = [1, 1, ...op.type.shape.slice(2)];
  const ones = tensor("f64", plane, new Float64Array(elementCount(plane)).fill(1));
  const type: Type = { domain: "real", dtype: "f64", shape: outPlane };
  // The mean of ones is the share of the window's elements that are none of the padding…
  const means = evaluate({ ...op, type }, [ones], noTensors);
  // …and their number is how often each one is met, by a sum.
  const conv: Op = {
    ...op,
    kind: "ann.conv",
    attrs: { ...summingWindow(op, shape), groups: 1, weight: "ones", bias: null },
    type,
  };
  const kernel: Shape = [1, 1, ...op.attrs.kernel];
  const taps = tensor("f64", kernel, new Float64Array(elementCount(kernel)).fill(1));
  const sums = evaluate(conv, [ones], () => taps);
  // A window of padding alone sums to nothing, whatever it is divided by.
  const data = Float64Array.from(means.data, (mean, i) => mean / Math.max(1, sums.data[i] ?? 1));
  return compress({ shape: outPlane, data });
}

/** The window of the convolution that sums what an average-pool takes the mean of. */
export function summingWindow(
  op: OpOf<"ann.average-pool">,
  shape: Shape,
): Pick<OpOf<"ann.average-pool">["attrs"], "strides" | "padsBegin" | "padsEnd" | "dilations"> {
  const { strides, padsBegin, dilations, kernel } = op.attrs;
  // As far as the last window reaches: ceil mode goes beyond the padding, floor mode may not get there.
  const padsEnd = kernel.map((size, i) => {
    const windows = op.type.shape[i + 2] ?? 1;
    const reach = (windows - 1) * (strides[i] ?? 1) + (size - 1) * (dilations[i] ?? 1) + 1;
    return Math.max(0, reach - (shape[i + 2] ?? 1) - (padsBegin[i] ?? 0));
  });
  return { strides, padsBegin, padsEnd, dilations };
}
