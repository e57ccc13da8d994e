/**
 * Compiles a module into a list of steps over preallocated arrays. A step computes one op for one
 * timestep. Ops with no kernel here run on the interpreter's own function for them, so that every
 * module runs and only the speed differs.
 */
import { isNeuron, variesByItself, isStateful } from "../../ir/op/known.ts";
import { invariant, known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { type Op, type ValueId, isInput, isOp } from "../../ir/op/op.ts";
import { type Tensor, type TensorData, type TensorRef, allocate } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { type Counter, counterOf } from "./counting.ts";
import type { Kernel, Site } from "./kernel.ts";
import { compileConv } from "./kernels/conv.ts";
import { compileElementwise } from "./kernels/elementwise.ts";
import { compileLinear } from "./kernels/linear.ts";
import { compileMove } from "./kernels/move.ts";
import { compilePool } from "./kernels/pool.ts";
import { compileNeurons, compileStepper } from "./kernels/stepper.ts";
import { type Packing, createPacking } from "./packing.ts";
import type { NeuronStep, Step } from "./step.ts";

export interface ExecutionPlan {
  readonly module: Module;
  readonly counter: Counter;
  readonly buffers: ReadonlyMap<ValueId, TensorData>;
  /** In the order of the module's inputs. */
  readonly inputs: readonly PlanInput[];
  readonly carries: readonly PlanCarry[];
  readonly steps: readonly Step[];
  readonly neurons: readonly NeuronStep[];
}

/** What comes back a timestep later: kept after each timestep, as a value that comes back may be carried on. */
export interface PlanCarry {
  readonly from: TensorData;
  readonly kept: TensorData;
  readonly to: TensorData;
  readonly initial: TensorData;
}

/** Where a value that the caller gives is held. */
export interface PlanInput {
  /** Of one that changes over time the current frame. */
  readonly data: TensorData;
  readonly overTime: boolean;
  readonly name: string;
}

const ignoreReset = (): void => undefined;

/**
 * Compiles `module`. Allocates all arrays but for packed weights that are there already; running
 * allocates none, but for ops without a state or a kernel.
 */
export function compilePlan(module: Module, packing: Packing = createPacking()): ExecutionPlan {
  const buffers = new Map<ValueId, TensorData>();
  const ops = new Map<ValueId, Op>();
  const varying = new Set<ValueId>();
  const inputs: PlanInput[] = [];
  const steps: Step[] = [];
  const neurons: NeuronStep[] = [];
  for (const op of module.ops) {
    ops.set(op.result, op);
    if (op.kind === "ann.constant") {
      buffers.set(op.result, tensorAt(module, op.attrs.value).data);
      continue;
    }
    const output = allocate(op.type.dtype, elementCount(op.type.shape));
    buffers.set(op.result, output);
    if (op.kind === "snn.previous") {
      varying.add(op.result);
      continue;
    }
    if (isInput(op)) {
      inputs.push({ data: output, overTime: op.kind === "snn.input", name: op.attrs.name });
      if (op.kind === "snn.input") varying.add(op.result);
      continue;
    }
    const stateful = variesByItself(op);
    const timeVarying = stateful || op.inputs.some((value) => varying.has(value));
    if (timeVarying) varying.add(op.result);
    const site: Site = {
      op,
      module,
      inputs: op.inputs.map((value) => known(buffers.get(value), `operand %${value}`)),
      inputOps: op.inputs.map((value) => known(ops.get(value), `operand %${value}`)),
      output,
      packing,
    };
    if (isNeuron(op)) {
      const step: NeuronStep = { op, timeVarying, ...compileNeurons(site, op) };
      steps.push(step);
      neurons.push(step);
      continue;
    }
    const kernel = compileArithmetic(site) ?? compileMove(site) ?? compileFallback(site);
    steps.push({
      op,
      timeVarying,
      run: () => kernel.run(),
      reset: kernel.reset === undefined ? ignoreReset : kernel.reset.bind(kernel),
    });
  }
  const held = (value: ValueId): TensorData => known(buffers.get(value), `value %${value}`);
  const carries = module.carries.map(({ value, source }): PlanCarry => {
    const op = known(ops.get(source), `value %${source}`);
    invariant(isOp(op, "snn.previous"), `%${source} is not an snn.previous`);
    const initial = tensorAt(module, op.attrs.initial).data;
    return { from: held(value), kept: held(value).slice(), to: held(source), initial };
  });
  const counter = counterOf(module, buffers, neurons);
  return { module, carries, counter, buffers, inputs, steps, neurons };
}

/** Kernels that compute; null for types that these would have to round to, as their arrays are of float32. */
function compileArithmetic(site: Site): Kernel | null {
  const { dtype } = site.op.type;
  if (dtype === "f16" || dtype === "bf16") return null;
  return compileConv(site) ?? compileLinear(site) ?? compilePool(site) ?? compileElementwise(site);
}

/** The interpreter's function for the op, copied into its array. */
function compileFallback(site: Site): Kernel {
  const { op, module, output } = site;
  const operands: Tensor[] = site.inputs.map((data, i) => {
    const type = known(site.inputOps[i], "operand").type;
    return { dtype: type.dtype, shape: type.shape, data };
  });
  const lookup = (ref: TensorRef): Tensor => tensorAt(module, ref);
  if (isStateful(op)) return compileStepper(site, op);
  return { run: () => output.set(evaluate(op, operands, lookup).data) };
}
