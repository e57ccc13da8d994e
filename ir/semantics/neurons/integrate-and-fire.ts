/** `snn.if`: integrate, fire (a tie fires), reset, as `ir/op/attrs/neurons.ts` has it. */
import type { OpOf } from "../../op/op.ts";
import type { TensorLookup } from "../../op/table.ts";
import type { Shape } from "../../type.ts";
import { type Arithmetic, arithmeticOf } from "./arithmetic.ts";
import { type Population, type Potentials, counted, isInteger, perNeuron } from "./cell.ts";
import type { NeuronRule } from "./rule.ts";

type BinaryAttrs = OpOf<"snn.if">["attrs"];

/** The step is the threshold, and a spike is 0 or 1 of it. */
export function binaryRule(reset: BinaryAttrs["reset"], { add }: Arithmetic): NeuronRule {
  return {
    integrate: add,
    fire: (u, _sent, threshold) => (u >= threshold ? 1 : 0),
    reset:
      reset === "subtract"
        ? (u, k, change) => (k === 0 ? u : add(u, -change))
        : (u, k) => (k === 0 ? u : 0),
  };
}

/**
 * What the rule comes to where a spike subtracts and a current is steady: the spikes in all of a neuron
 * whose charge z·T + v0 is `charge` thresholds, if 0 ≤ v0 ≤ θ and it can send `most` at most.
 */
export function spikesOfCharge(charge: number, most: number): number {
  return Math.min(most, Math.max(0, Math.floor(charge)));
}

/** What binary neurons are given, [numel] each. */
export interface BinaryParameters {
  readonly threshold: Potentials;
  readonly amplitude: Potentials;
  readonly vInit: Potentials;
}

export function binaryParameters(
  attrs: Pick<BinaryAttrs, "threshold" | "amplitude" | "vInit">,
  shape: Shape,
  tensors: TensorLookup,
  integer: boolean,
): BinaryParameters {
  return {
    threshold: perNeuron(attrs.threshold, shape, tensors, integer),
    amplitude: perNeuron(attrs.amplitude, shape, tensors, integer),
    vInit: perNeuron(attrs.vInit, shape, tensors, integer),
  };
}

export function integrateAndFire(
  op: OpOf<"snn.if">,
  shape: Shape,
  tensors: TensorLookup,
): Population {
  const integer = isInteger(op);
  const parameters = binaryParameters(op.attrs, shape, tensors, integer);
  return binaryNeurons(parameters, binaryRule(op.attrs.reset, arithmeticOf(integer)));
}

export function binaryNeurons(
  { threshold, amplitude, vInit }: BinaryParameters,
  { integrate, fire, reset }: NeuronRule,
): Population {
  const v = vInit.slice();
  const neurons = counted(v, "digits");
  const { spikesOfEach } = neurons;
  return {
    neurons,
    restart: () => v.set(vInit),
    step(x, y) {
      for (let i = 0; i < v.length; i++) {
        const u = integrate(v[i] ?? 0, x[i] ?? 0);
        const theta = threshold[i] ?? 1;
        const k = fire(u, 0, theta, Infinity);
        v[i] = reset(u, k, theta);
        spikesOfEach[i] = k;
        y[i] = k === 0 ? 0 : (amplitude[i] ?? 0);
      }
    },
  };
}
