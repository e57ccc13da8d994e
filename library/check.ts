/** Whether a model can be converted, and if not every reason at once. Needs no data. */
import type { ImportResult } from "../frontend/onnx/import.ts";
import type { Engine } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import type { Op } from "../ir/op.ts";
import { type Fate, hasLeakyForm, planConversion } from "../passes/convert/spiking-form.ts";
import { type SpikingCode, carriesDecoded, codeMadeBy } from "../passes/codes.ts";
import { convert, stepsOf } from "./convert.ts";

/** One kind of operator that stands in the way. */
export interface Obstacle {
  /** The ONNX operator, or the op of ours that its nodes amount to. */
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
  /** The code that was asked about. */
  readonly code: SpikingCode;
  readonly convertible: boolean;
  /** ONNX operators of the model, by name. */
  readonly operators: ReadonlyMap<string, number>;
  readonly obstacles: readonly Obstacle[];
  /** What becomes of the ops that are left after cleaning up: kinds by fate, with counts. */
  readonly fates: ReadonlyMap<CheckedFate, ReadonlyMap<string, number>>;
  readonly parameters: number;
}

/**
 * Checks an imported model for a conversion to `code`; to that which `convert` makes by itself unless
 * given. `engine` is not run: passes of the clean-up need none.
 */
export async function checkModel(
  imported: ImportResult,
  engine: Engine,
  code: SpikingCode = codeMadeBy(stepsOf("default")) ?? "rate",
): Promise<CheckResult> {
  const { module, operators } = imported;
  const fates = new Map<CheckedFate, Map<string, number>>();
  if (module === null) {
    const obstacles = imported.unsupported;
    return { code, convertible: false, operators, obstacles, fates, parameters: 0 };
  }
  const running = { engine, threads: 1 };
  const options = { timesteps: 1, pipeline: "canonical,commute-max-pool", seed: 0 };
  const { module: clean } = await convert(module, null, running, options);
  // Leaky neurons send rates: their activation has a form of its own in that code only.
  const plan = code === "rate" ? planConversion(clean, hasLeakyForm) : planConversion(clean);
  const decodes = carriesDecoded(code);
  for (const op of clean.ops) {
    const planned = plan.fates.get(op.result);
    const fate = planned === "refused" && decodes ? "decoded" : planned;
    if (fate === undefined || op.kind === "ann.input" || op.kind === "ann.constant") continue;
    const kinds = fates.get(fate) ?? new Map<string, number>();
    fates.set(fate, kinds);
    kinds.set(nameOf(op), (kinds.get(nameOf(op)) ?? 0) + 1);
  }
  const obstacles = decodes ? [] : obstaclesOf(plan.refused, imported.opset);
  if (plan.neurons + plan.refused.length === 0) {
    obstacles.push({
      op: "(none)",
      domain: "",
      opset: imported.opset,
      count: 0,
      nodes: [],
      help: "the model has no activation that could become a neuron",
    });
  }
  let parameters = 0;
  for (const tensor of clean.tensors.values()) parameters += tensor.data.length;
  return { code, convertible: obstacles.length === 0, operators, obstacles, fates, parameters };
}

function nameOf(op: Op): string {
  return op.kind.slice(op.kind.indexOf(".") + 1);
}

function obstaclesOf(
  refused: readonly { readonly op: Op; readonly help: string }[],
  opset: number,
): Obstacle[] {
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
