/** A rate-coded network as the steps of bench/peers/if_loop.py. */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { type Module, inputsOf, tensorAt } from "../../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../../ir/op/op.ts";
import type { TensorRef } from "../../../ir/tensor.ts";
import type { Shape } from "../../../ir/type.ts";

/** Where a tensor begins in the file of all of them, in numbers, and its shape. */
type Place = readonly [number, Shape];

interface Step {
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  /** Whether it is the same at each timestep. */
  readonly fixed: boolean;
}

export interface TorchProgram {
  readonly input: Shape;
  readonly timesteps: number;
  /** Timesteps that the mean of the output leaves out. */
  readonly start: number;
  /** The value that is averaged. */
  readonly output: number;
  readonly steps: readonly Step[];
}

/** The program, and its tensors one after another. Fails where the module has other ops than plain ones. */
export function torchProgram(
  module: Module,
  timesteps: number,
): { readonly program: TorchProgram; readonly tensors: Float32Array } {
  const tensors: number[] = [];
  const place = (ref: TensorRef): Place => {
    const { data, shape } = tensorAt(module, ref);
    const first = tensors.length;
    for (const value of data) tensors.push(value);
    return [first, shape];
  };
  const [input] = inputsOf(module);
  const values = new Map<ValueId, number>([[known(input, "an input").result, 0]]);
  const steps: Step[] = [];
  let readout: OpOf<"snn.readout"> | null = null;
  for (const op of module.ops) {
    if (op === input) continue;
    const from = known(values.get(known(op.inputs[0], "an operand")), "a value");
    if (isOp(op, "snn.readout")) {
      readout = op;
      continue;
    }
    const to = steps.length + 1;
    values.set(op.result, to);
    steps.push({ ...formOf(op, place), from, to, fixed: op.type.domain === "real" });
  }
  const { inputs, attrs } = known(readout, "a readout");
  invariant(2 * attrs.start <= timesteps, "the mean leaves out no more than half");
  const program = {
    input: known(input, "an input").type.shape,
    timesteps,
    start: attrs.start,
    output: known(values.get(known(inputs[0], "an operand")), "a value"),
    steps,
  };
  return { program, tensors: Float32Array.from(tensors) };
}

function formOf(op: Op, place: (ref: TensorRef) => Place): { readonly kind: string } {
  const optional = (ref: TensorRef | null): Place | null => (ref === null ? null : place(ref));
  if (isOp(op, "ann.linear")) {
    const { weight, bias } = op.attrs;
    return { kind: "linear", ...{ weight: place(weight), bias: optional(bias) } };
  }
  if (isOp(op, "ann.conv")) {
    const { weight, bias, strides, padsBegin: pads, padsEnd, dilations, groups } = op.attrs;
    const isPlain = groups === 1 && dilations.every((dilation) => dilation === 1);
    invariant(isPlain && pads.every((pad, axis) => pad === padsEnd[axis]), "plain convolutions");
    return { kind: "conv", ...{ weight: place(weight), bias: optional(bias), strides, pads } };
  }
  if (isOp(op, "ann.reshape")) return { kind: "reshape", ...{ shape: op.attrs.shape } };
  if (isOp(op, "ann.max-pool", "snn.max-pool")) {
    const { kernel, strides, padsBegin, padsEnd } = op.attrs;
    invariant(
      [...padsBegin, ...padsEnd].every((pad) => pad === 0),
      "pools without pads",
    );
    const kind = op.kind === "ann.max-pool" ? "max-pool" : "max-pool over time";
    return { kind, ...{ kernel, strides } };
  }
  if (isOp(op, "snn.if")) {
    const { threshold, vInit, amplitude, reset } = op.attrs;
    invariant(reset === "subtract", "the loop resets by subtraction");
    return {
      kind: "if",
      ...{ threshold: place(threshold), vInit: place(vInit), amplitude: place(amplitude) },
    };
  }
  invariant(false, `the loop on torch has no ${op.kind}`);
}
