/**
 * Whether a model can be converted, and if not every reason at once. Needs no data: it runs the
 * pipeline's own passes up to the conversion, so its answer cannot differ from theirs. If a pass needs
 * to run the network, it runs on an invented sample, which changes no answer.
 */
import type { ImportResult } from "../frontend/import.ts";
import { type Diagnostic, DiagnosticError } from "../ir/diagnostic.ts";
import type { Engine, SampleSource } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import { type Module, type SpikingCode, inputsOf } from "../ir/module.ts";
import { givenShape } from "../ir/run/frames.ts";
import { type Op, isInput, isOp } from "../ir/op/op.ts";
import { uniform } from "../ir/random.ts";
import { tensorOf } from "../ir/tensor.ts";
import { elementCount, isFloat } from "../ir/type.ts";
import { type Fate, type ConversionPlan, planConversion } from "../passes/convert/spiking-form.ts";
import { carriesDecoded, codeMadeBy } from "../passes/codes.ts";
import { makesIntegers } from "../passes/integers.ts";
import { type PipelineOptions, runPipeline } from "../passes/manager.ts";
import type { PipelineStep } from "../passes/pipeline.ts";
import { planIntegers } from "../passes/quantise/plan.ts";
import { type Refusal, groupOf } from "../passes/quantise/refusals.ts";
import { type ConvertOptions, pipelineOf, stepsOf } from "./convert.ts";
import { calibrationOn } from "./measure.ts";
import { type NeuronCounts, type WithoutNeuron, neuronsIn, withoutNeurons } from "./neurons.ts";

/** One kind of operator that cannot be converted. */
export interface Obstacle {
  /** The ONNX operator, or the IR op that its nodes became. */
  readonly op: string;
  readonly domain: string;
  readonly opset: number;
  readonly count: number;
  readonly nodes: readonly string[];
  readonly help: string;
}

/** What becomes of an op; `decoded`: it is computed on decoded values, between neurons. */
export type CheckedFate = Fate | "decoded";

export interface CheckResult {
  /** The requested code. */
  readonly code: SpikingCode;
  /** Whether the conversion makes integers. */
  readonly integer: boolean;
  readonly convertible: boolean;
  /** ONNX operators of the model, by name. */
  readonly operators: ReadonlyMap<string, number>;
  readonly obstacles: readonly Obstacle[];
  /** How the ops that remain after cleaning are converted: counts of each kind, by result. */
  readonly fates: ReadonlyMap<CheckedFate, ReadonlyMap<string, number>>;
  readonly parameters: number;
  /** The diagnostics of the conversion about layers whose weights meet real values over time. */
  readonly remarks: readonly Diagnostic[];
  /** The network as the conversion makes it, before thresholds are chosen; null where it makes none. */
  readonly converted: Module | null;
  /** Of a network that can be converted: the neurons that it will have; null where it cannot. */
  readonly neurons: NeuronCounts | null;
  /** Of a network that can be converted: activations and other ops that no neuron replaces. */
  readonly withoutNeuron: readonly WithoutNeuron[];
}

/** Which conversion to check: the one that `convert` makes with the same options. */
export type CheckOptions = Pick<
  ConvertOptions,
  "pipeline" | "code" | "allowAnalogue" | "integer" | "weightBits"
>;

/** Checks whether an imported model can be converted. `engine` runs the network if a pass needs it. */
export async function checkModel(
  imported: ImportResult,
  engine: Engine,
  options: CheckOptions = {},
): Promise<CheckResult> {
  const { module, operators, opset } = imported;
  const steps = stepsOf(pipelineOf(options), options);
  const asked = { code: codeMadeBy(steps) ?? "rate", integer: makesIntegers(steps) } as const;
  if (module === null) {
    const obstacles = imported.unsupported;
    const nothing = { fates: new Map(), parameters: 0, remarks: [], converted: null };
    const none = { neurons: null, withoutNeuron: [] };
    return { ...asked, convertible: false, operators, obstacles, ...nothing, ...none };
  }
  const { clean, plan, faults, remarks, converted, refusals } = await decide(module, steps, engine);
  const obstacles = [...obstaclesOf(faults, plan, opset), ...withoutIntegers(refusals, opset)];
  let parameters = 0;
  for (const tensor of clean.tensors.values()) parameters += tensor.data.length;
  const becomes = obstacles.length === 0 ? converted : null;
  return {
    ...asked,
    convertible: obstacles.length === 0,
    operators,
    obstacles,
    // Of networks that no pass converts, nothing becomes of ops.
    fates: clean.carries.length > 0 ? new Map() : fatesOf(clean, plan, carriesDecoded(asked.code)),
    parameters,
    remarks,
    converted,
    neurons: becomes === null ? null : neuronsIn(becomes),
    withoutNeuron: becomes === null ? [] : withoutNeurons(becomes),
  };
}

/** How fine weights become decides nothing about which ops have a form. */
const mostLevels = 127;

interface Decision {
  /** The network as it is before the conversion, and before what depends on data. */
  readonly clean: Module;
  readonly plan: ConversionPlan;
  readonly faults: readonly Diagnostic[];
  readonly remarks: readonly Diagnostic[];
  readonly converted: Module | null;
  /** What has no integer form, where there are to be integers. */
  readonly refusals: readonly Refusal[];
}

/** Goes as far into a pipeline as data does not matter. */
async function decide(
  module: Module,
  steps: readonly PipelineStep[],
  engine: Engine,
): Promise<Decision> {
  const at = steps.findIndex(({ pass }) => pass.establishes.includes("spiking"));
  const conversion = at < 0 ? steps.length : at;
  const fires = steps[at]?.pass.makes?.fires;
  const samples: SampleSource = { count: 1, get: () => madeUp(module) };
  const { measure, watch } = calibrationOn(samples, { engine, threads: 1 });
  let clean = module;
  let looked = false;
  const options: PipelineOptions = {
    timesteps: 1,
    calibration: {
      watch,
      measure: (...asked) => {
        looked = true;
        return measure(...asked);
      },
    },
    // What a pass made by looking at made-up values is not what it will make of real ones.
    onPass: ({ after }) => {
      if (!looked && after.code === "none") clean = after;
    },
  };
  try {
    const made = await runPipeline(module, steps.slice(0, conversion + 1), options);
    const refusals = makesIntegers(steps)
      ? planIntegers(made.module, () => mostLevels, made.module.timesteps).refusals
      : [];
    const remarks = made.diagnostics.filter(({ code }) => code === "real-layers");
    const plan = planConversion(clean, fires);
    return { clean, plan, faults: [], remarks, converted: made.module, refusals };
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    // That made-up values overflow says nothing of real ones.
    const faults = error.diagnostics.filter((each) => each.code !== "value-not-finite");
    const plan = planConversion(clean, fires);
    return { clean, plan, faults, remarks: [], converted: null, refusals: [] };
  }
}

/** Numbers from −1 to 1 in the types of a network's inputs. */
function madeUp(module: Module) {
  return inputsOf(module).map((op, i) => {
    const { dtype } = op.type;
    const shape = givenShape(op, module.timesteps);
    const numbers = Array.from({ length: elementCount(shape) }, (_, k) =>
      isFloat(dtype) ? 2 * uniform(0, 0, i, k) - 1 : 0,
    );
    return tensorOf(dtype, shape, numbers);
  });
}

function fatesOf(clean: Module, plan: ConversionPlan, decodes: boolean): CheckResult["fates"] {
  const fates = new Map<CheckedFate, Map<string, number>>();
  for (const op of clean.ops) {
    const planned = plan.fates.get(op.result);
    const fate = planned === "refused" && decodes ? "decoded" : planned;
    if (fate === undefined || isInput(op) || isOp(op, "ann.constant")) continue;
    const kinds = fates.get(fate) ?? new Map<string, number>();
    fates.set(fate, kinds);
    kinds.set(nameOf(op), (kinds.get(nameOf(op)) ?? 0) + 1);
  }
  return fates;
}

function nameOf(op: Op): string {
  return op.kind.slice(op.kind.indexOf(".") + 1);
}

/** What stood in the way, of ops without a form by kind. */
function obstaclesOf(
  faults: readonly Diagnostic[],
  plan: ConversionPlan,
  opset: number,
): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const formless = faults.filter(({ code }) => code === "no-spiking-form");
  if (formless.length > 0) obstacles.push(...refusedOps(plan, opset));
  for (const { code, loc, message, help } of faults) {
    if (code === "no-spiking-form") continue;
    obstacles.push({
      op: "(none)",
      domain: "",
      opset,
      count: 0,
      nodes: loc === null ? [] : [shortName(loc)],
      help: help === null ? message : `${message}; ${help}`,
    });
  }
  return obstacles;
}

/** Ops without an integer form, by kind and reason. */
function withoutIntegers(refusals: readonly Refusal[], opset: number): Obstacle[] {
  const groups = new Map<string, { op: string; help: string; nodes: Set<string> }>();
  for (const refusal of refusals) {
    const { kind, help } = groupOf(refusal);
    const group = groups.get(help) ?? { op: kind, help, nodes: new Set() };
    groups.set(help, group);
    group.nodes.add(shortName(refusal.op.loc));
  }
  return [...groups.values()].map(({ op, help, nodes }) => ({
    ...{ op, domain: "", opset, count: nodes.size, nodes: [...nodes], help },
  }));
}

function refusedOps({ refused }: ConversionPlan, opset: number): Obstacle[] {
  const groups = new Map<string, { help: string; nodes: string[] }>();
  for (const { op, help } of refused) {
    const group = groups.get(nameOf(op)) ?? { help, nodes: [] };
    groups.set(nameOf(op), group);
    group.nodes.push(shortName(op.loc));
  }
  return [...groups].map(([op, { help, nodes }]) => ({
    op,
    domain: "",
    opset,
    count: nodes.length,
    nodes,
    help,
  }));
}
