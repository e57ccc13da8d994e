/**
 * What ops with a state compute: one stepper per op, made anew for each run or put back to its start, and
 * stepped through time. Neurons are in `neurons/`, a file a kind; what decodes and pools over time is in
 * `over-time.ts`.
 *
 * Potentials are float32: the sum u and what is left after the reset are each rounded once, as a
 * float32 machine does. Potentials of integer neurons are int32, and exact. Running sums of pools and
 * read-outs are kept in double precision.
 */
import { isFramedNeuron } from "../op/known.ts";
import type { FramedKind, Op, OpOf, SpikingKind, StatefulKind } from "../op/op.ts";
import type { TensorLookup } from "../op/table.ts";
import { type Tensor, type TensorData, zeros } from "../tensor.ts";
import type { Shape } from "../type.ts";
import type { Cell, FramedCell, FramedPopulation, Stepper } from "./neurons/cell.ts";
import { fewSpikes } from "./neurons/few-spikes.ts";
import { firstSpike } from "./neurons/first-spike.ts";
import { frameSum } from "./neurons/frame.ts";
import { graded } from "./neurons/graded.ts";
import { integrateAndFire } from "./neurons/integrate-and-fire.ts";
import { leakyIntegrateAndFire } from "./neurons/leaky.ts";
import { rehearsedIntegrateAndFire } from "./neurons/rehearsed.ts";
import { encoderOf } from "./encoders.ts";
import {
  differences,
  lowPass,
  meanSoFar,
  runningMaxPool,
  sumSoFar,
  temporalBias,
} from "./over-time.ts";

export type { Cell, FramedCell, Neurons, Potentials, Stepper } from "./neurons/cell.ts";

/** An op's stepper, before the first timestep; `shape` is the operand's. */
function stepperOf(op: OpOf<StatefulKind>, shape: Shape, tensors: TensorLookup): Stepper {
  switch (op.kind) {
    case "snn.poisson-encode":
    case "snn.latency-encode":
    case "snn.phase-encode":
    case "snn.delta-encode":
      return encoderOf(op, shape, tensors);
    case "snn.if":
      return integrateAndFire(op, shape, tensors);
    case "snn.rehearsed-if":
      return rehearsedIntegrateAndFire(op, shape, tensors);
    case "snn.graded":
      return graded(op, shape, tensors);
    case "snn.lif":
      return leakyIntegrateAndFire(op, shape, tensors);
    case "snn.temporal-bias":
      return temporalBias(op, shape, tensors);
    case "snn.low-pass":
      return lowPass(op, shape);
    case "snn.accumulate":
      return sumSoFar(op, shape);
    case "snn.difference":
      return differences(op, shape);
    case "snn.max-pool":
    case "snn.rehearsed-max-pool":
      return runningMaxPool(op, shape);
    case "snn.readout":
    case "snn.rehearsed-readout":
      return meanSoFar(op, shape);
  }
}

/** The same for framed neurons, in frames of `ticks`. */
function framedOf(
  op: OpOf<FramedKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedPopulation {
  switch (op.kind) {
    case "snn.few-spikes":
      return fewSpikes(op, shape, tensors, ticks);
    case "snn.ttfs":
      return firstSpike(op, shape, tensors, ticks);
  }
}

/** An op's cell in its initial state; `shape` is the operand's. */
export function cellOf(op: OpOf<StatefulKind>, shape: Shape, tensors: TensorLookup): Cell {
  return cellBy(op, stepperOf(op, shape, tensors));
}

/** The same for framed neurons, in frames of `ticks`. */
export function framedCellOf(
  op: OpOf<FramedKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): FramedCell {
  const framed = framedOf(op, shape, tensors, ticks);
  return {
    neurons: framed.neurons,
    frame(x) {
      framed.integrate(frameSum(x).data);
      return x.map((_, t) => written(op, (y) => framed.tick(t + 1, y)));
    },
  };
}

/**
 * A stepper for any op with a state, as it is for an engine that computes the frames of framed codes as
 * wholes: operand and result of a framed neuron are sums of frames of `ticks` then.
 */
export function wholeStepperOf(
  op: OpOf<SpikingKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): Stepper {
  if (!isFramedNeuron(op)) return stepperOf(op, shape, tensors);
  const framed = framedOf(op, shape, tensors, ticks);
  return {
    neurons: framed.neurons,
    restart: () => framed.restart(),
    step(x, y) {
      framed.integrate(x);
      framed.whole(y);
    },
  };
}

/** The same as a cell. */
export function steppedCellOf(
  op: OpOf<SpikingKind>,
  shape: Shape,
  tensors: TensorLookup,
  ticks: number,
): Cell {
  return cellBy(op, wholeStepperOf(op, shape, tensors, ticks));
}

function cellBy(op: Op, stepper: Stepper): Cell {
  return {
    neurons: stepper.neurons,
    step: (x, second) => written(op, (y) => stepper.step(x.data, y, second?.data)),
  };
}

/** A tensor of the op's type, of what `write` writes. */
function written({ type: { dtype, shape } }: Op, write: (y: TensorData) => void): Tensor {
  const y = zeros(dtype, shape);
  write(y.data);
  return y;
}
