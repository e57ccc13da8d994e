/**
 * What corrections that go from layer to layer share: which neurons they apply to, and the means of
 * values on calibration samples, per channel or per neuron.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { channelAxisOf } from "../../ir/analysis/channels.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, producerOf, codeTraitsOf } from "../../ir/module.ts";
import { type NeuronKind, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { type Shape, elementCount, stridesOf } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import type { PassContext } from "../pass.ts";
import { refuseFinished } from "../balance/thresholds.ts";

/** What such a pass needs of its context. */
export type Look = Pick<PassContext<unknown>, "watch" | "reference" | "timesteps">;

/** Neurons whose spikes are worth the same at every timestep: the mean of them is the value. */
export type SteadyNeuron = OpOf<"snn.if" | "snn.graded">;

/** A population to correct, with what it stands for. */
export interface SteadySite {
  /** Of the neurons, and of the activation that they replaced. */
  readonly value: ValueId;
  /** How its elements are grouped: the elements of a group get one correction. */
  readonly groups: Groups;
}

/** Elements of a value by what they share. */
export interface Groups {
  readonly count: number;
  /** The group of each element. */
  readonly of: Int32Array;
  /** The shape of a parameter that has one number per group and broadcasts to the value. */
  readonly shape: Shape;
}

/** The elements of a value of `shape` by their index along `axis`. */
export function groupsAlong(shape: Shape, axis: number): Groups {
  const extent = shape[axis] ?? 1;
  const stride = stridesOf(shape)[axis] ?? 1;
  return {
    count: extent,
    of: Int32Array.from({ length: elementCount(shape) }, (_, i) => Math.floor(i / stride) % extent),
    shape: shape.map((each, i) => (i === axis ? each : 1)),
  };
}

/** Each element by itself. */
function groupsOfOne(shape: Shape): Groups {
  const count = elementCount(shape);
  return { count, of: Int32Array.from({ length: count }, (_, i) => i), shape };
}

/**
 * The analogue network, and the neurons that have a counterpart there, in order. Fails where there is no
 * such network, or where a neuron is of another kind than these corrections are for.
 */
export function steadySites(
  module: Module,
  pass: string,
  { reference }: Look,
  scope: "channel" | "neuron" = "channel",
): { readonly analogue: Module; readonly sites: readonly SteadySite[] } {
  refuseFinished(module, pass);
  const analogue = reference ?? fail(diagnose("no-reference", null, { pass }));
  const counterparts = new Set(analogue.ops.map((op) => op.result));
  const neurons = module.ops.filter(isNeuron);
  const isMean = codeTraitsOf(module.code)?.decoder === "mean";
  const odd = neurons.find((op) => !(isMean && isSteady(op)));
  if (odd !== undefined) {
    const name = shortName(odd.loc);
    fail(diagnose("not-a-mean", odd.loc, { pass, kind: odd.kind, name, code: module.code }));
  }
  const sites = neurons
    .filter((op) => counterparts.has(op.result))
    .map((op) => {
      const { shape } = op.type;
      const axis = channelAxisOf(analogue, op.result);
      const groups = scope === "neuron" ? groupsOfOne(shape) : groupsAlong(shape, axis);
      return { value: op.result, groups };
    });
  return { analogue, sites };
}

function isSteady(op: OpOf<NeuronKind>): boolean {
  return isOp(op, "snn.if") || (isOp(op, "snn.graded") && op.attrs.schedule === "constant");
}

/** Fails where a spike takes away more than it was worth, so that charge is not conserved. */
export function refuseResetToZero(module: Module, pass: string): void {
  const odd = module.ops.find((op) => isOp(op, "snn.if") && op.attrs.reset === "zero");
  if (odd === undefined) return;
  fail(diagnose("charge-not-conserved", odd.loc, { pass, name: shortName(odd.loc) }));
}

/** The neurons of a site as they are in `module`. */
export function neuronAt(module: Module, { value }: SteadySite): SteadyNeuron {
  const op = producerOf(module, value);
  return known(isOp(op, "snn.if", "snn.graded") ? op : null, "neurons of rate code");
}

/**
 * The mean of each site's value over the timesteps, over `samples` samples and over its groups. Runs no
 * more of the module than the sites need.
 */
export async function meansOf(
  module: Module,
  sites: readonly SteadySite[],
  { watch }: Pick<Look, "watch">,
  run: { readonly timesteps: number; readonly samples: number },
): Promise<ReadonlyMap<ValueId, Float64Array>> {
  const values = sites.map(({ value }) => value);
  const sums = sites.map(({ groups }) => new Float64Array(groups.count));
  let seen = 0;
  await watch(
    module,
    values.map((value) => ({ value, keep: "mean" })),
    run,
    (kept) => {
      seen++;
      sites.forEach(({ groups }, i) => {
        const into = known(sums[i], "sums");
        kept[i]?.forEach((x, k) => {
          const group = groups.of[k] ?? 0;
          into[group] = (into[group] ?? 0) + x;
        });
      });
    },
  );
  return new Map(
    sites.map(({ value, groups }, i) => {
      const elements = Math.max(1, (seen * groups.of.length) / groups.count);
      return [value, known(sums[i], "sums").map((sum) => sum / elements)];
    }),
  );
}

/** What passes that take mean errors away, layer by layer, let the user choose. */
export const errorOptions = {
  iterations: {
    kind: "integer",
    default: 1,
    min: 1,
    max: 100,
    help: "corrections of a layer before the next layer is corrected",
  },
  samples: {
    kind: "integer",
    default: 128,
    min: 1,
    max: 1_000_000,
    help: "calibration samples to look at",
  },
} as const;

/**
 * Corrects the sites in order, each on what those before it have become: `correct` is given the errors of the
 * means, E[ANN activation] − E[mean over t of the spikes] per group, until there are none or iterations end.
 */
export async function correctErrors(
  module: Module,
  { analogue, sites }: ReturnType<typeof steadySites>,
  context: Look & {
    readonly options: { readonly iterations: number; readonly samples: number };
  },
  correct: (current: Module, site: SteadySite, errors: Float64Array) => Module,
): Promise<Module> {
  const { iterations, samples } = context.options;
  const { timesteps } = context;
  const wanted = await meansOf(analogue, sites, context, { timesteps: 1, samples });
  let current = module;
  for (const site of sites) {
    const target = known(wanted.get(site.value), "a mean");
    for (let i = 0; i < iterations; i++) {
      const sent = await meansOf(current, [site], context, { timesteps, samples });
      const is = known(sent.get(site.value), "a mean");
      const errors = target.map((mean, group) => mean - (is[group] ?? 0));
      if (errors.every((error) => error === 0)) break;
      current = correct(current, site, errors);
    }
  }
  return current;
}
