/**
 * Chooses for each layer how many bits its weights have as integers, under a budget of bits per weight.
 *
 * Precondition: a balanced spiking network of floats, a calibration set, and the analogue network. Result: the
 * same network, which says the bits of each layer; `quantise` makes integers of so many. Of all ways to give each
 * layer 2, 3, 4, 6 or 8 bits it is the one with the least error at the outputs, as far as the errors of layers
 * add up:
 *
 *     min Σ_l error(l, bits_l)   subject to   Σ_l weights(l) · bits_l ≤ budget · Σ_l weights(l)
 *
 * error(l, b) is the squared error of the outputs of the analogue network, relative, when the weights of layer l
 * alone are what `quantise` would round them to with b bits, its mean made right. Solved by dynamic programming.
 * (Dong et al., ICCV 2019, estimate such errors by second derivatives; these are measured.)
 */
import { rewrite } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import { isWeighted, ownChannelAxis } from "../../ir/op/known.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { elementCount, sameShape } from "../../ir/type.ts";
import { refuseFinished } from "../balance/thresholds.ts";
import { type Option, OutputErrors, cheapest } from "../fit/allocation.ts";
import { diagnose } from "../fit/diagnostics.ts";
import { type WeightedOp, eachWeight } from "../fuse/weights.ts";
import { type PassContext, definePass } from "../pass.ts";
import { prepareIntegers } from "./quantise.ts";
import { type RoundWeights, roundWeights } from "./round.ts";

const name = "allocate-weight-bits";

/** What a layer may have: 5 and 7 are hardly different from their neighbours. */
const choices = [2, 3, 4, 6, 8] as const;
/** Steps of the budget; many, so that little of it is lost where layers differ much in size. */
const resolution = 20_000;
/** How units are chosen for a trial, as `quantise` does unless it is said otherwise. */
const rounding = { method: "mmse", input: 8, grid: 40 } as const;

interface AllocateOptions {
  readonly budget: number;
  readonly samples: number;
}

export const allocateWeightBits = definePass({
  name,
  role: "allocate",
  summary: "choose the bits of weights for each layer, within a budget of bits per weight",
  requires: ["spiking", "balanced"],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {
    budget: {
      kind: "number",
      default: 4,
      min: 2,
      max: 8,
      help: "budget: bits of a weight, mean over all weights of layers",
    },
    samples: {
      kind: "integer",
      default: 48,
      min: 1,
      max: 100_000,
      help: "calibration samples on which layers are tried",
    },
  },
  async run(module, context) {
    refuseFinished(module, name);
    const { budget } = context.options;
    const outputs = await OutputErrors.of(name, context);
    const layers = layersOf(module, outputs.reference);
    if (layers.length === 0) fail(diagnose("no-weights", null, { pass: name }));
    const rounded = await roundedWeights(module, context);
    const options: Option[][] = [];
    for (const layer of layers) {
      const all: Option[] = [];
      for (const bits of choices) {
        const of = known(rounded.get(bits)?.get(layer.op.result), "rounded weights");
        const trial = withWeights(outputs.reference, layer.op.result, of);
        const { error } = await outputs.run(trial, { timesteps: 1, count: false });
        all.push({ bits, error, cost: layer.weights * (bits - choices[0]) });
      }
      options.push(all);
    }
    const total = layers.reduce((sum, { weights }) => sum + weights, 0);
    const spare = total * (budget - choices[0]);
    // Nothing is left to be chosen where all have the fewest.
    const chosen =
      spare > 0
        ? known(cheapest(options, spare, resolution) ?? undefined, "bits")
        : layers.map(() => choices[0]);
    const bitsOf = layers.map(({ op, weights }, i) => ({
      layer: shortName(op.loc),
      value: op.result,
      weights,
      bits: known(chosen[i], "bits"),
    }));
    const mean = bitsOf.reduce((sum, { weights, bits }) => sum + weights * bits, 0) / total;
    context.report(diagnose("weight-bits-allocated", null, { layers: bitsOf, mean }));
    return { ...module, weightBits: new Map(bitsOf.map(({ value, bits }) => [value, bits])) };
  },
});

interface Layer {
  readonly op: WeightedOp;
  /** How many it has. */
  readonly weights: number;
}

/** Layers that the analogue network has as well, with weights of the same shape. */
function layersOf(module: Module, reference: Module): readonly Layer[] {
  const there = new Map(reference.ops.map((op) => [op.result, op]));
  return module.ops.filter(isWeighted).flatMap((op): Layer[] => {
    const { shape } = tensorAt(module, op.attrs.weight);
    const other = there.get(op.result);
    if (other === undefined || !isWeighted(other)) return [];
    const isSame = sameShape(tensorAt(reference, other.attrs.weight).shape, shape);
    return isSame ? [{ op, weights: elementCount(shape) }] : [];
  });
}

/** What rounding adds to weights, and to the mean of each output. */
interface Change {
  readonly weights: Float64Array;
  readonly shifts: Float64Array;
}

/** By the number of bits, and by the result of a synapse: what rounding all of its weights changes. */
async function roundedWeights(
  module: Module,
  context: PassContext<AllocateOptions>,
): Promise<ReadonlyMap<number, ReadonlyMap<ValueId, Change>>> {
  // What is seen does not depend on bits.
  const seen = new Map<string, ReturnType<typeof context.measure>>();
  const measure: typeof context.measure = (of, observe, timesteps) => {
    const key = JSON.stringify([of === context.reference, observe, timesteps]);
    const there = seen.get(key) ?? context.measure(of, observe, timesteps);
    seen.set(key, there);
    return there;
  };
  const found = new Map<number, ReadonlyMap<ValueId, Change>>();
  for (const bits of choices) {
    const changes = new Map<ValueId, Change>();
    const round: RoundWeights = (op, weight, how) => {
      const made = roundWeights(op, weight, how);
      const { inputs, units, means } = how;
      const shifts = new Float64Array(units.length);
      const weights = new Float64Array(weight.data.length);
      eachWeight(op, weight.shape, (i, input, output) => {
        const from = inputs[input % inputs.length] ?? 0;
        const change =
          from === 0
            ? 0
            : ((made.rounded[i] ?? 0) * (units[output] ?? 0)) / from - (weight.data[i] ?? 0);
        weights[i] = change;
        shifts[output] = (shifts[output] ?? 0) + change * (means?.[input] ?? 0);
      });
      changes.set(op.result, { weights, shifts });
      return made;
    };
    const options = { ...context.options, ...rounding };
    const unlimited = { ...module, weightBits: new Map<ValueId, number>() };
    const quiet = { ...context, measure, options, report: () => undefined };
    const { emit } = await prepareIntegers(unlimited, bits, quiet, () => undefined);
    emit(round);
    found.set(bits, changes);
  }
  return found;
}

/** The network with other weights in one synapse, and a bias that keeps the mean. */
function withWeights(module: Module, value: ValueId, { weights, shifts }: Change): Module {
  return rewrite(module, (op, builder) => {
    if (op.result !== value || !isWeighted(op)) return null;
    const weight = tensorAt(module, op.attrs.weight);
    const bias = op.attrs.bias === null ? null : tensorAt(module, op.attrs.bias);
    const channels = op.type.shape[ownChannelAxis(op)] ?? 0;
    const changed = Float64Array.from(weight.data, (w, i) => w + (weights[i] ?? 0));
    const right = Float64Array.from(
      { length: channels },
      (_, o) => (bias?.data[o] ?? 0) - (shifts[o] ?? 0),
    );
    const attrs = {
      weight: builder.tensor("rounded", tensorOf(weight.dtype, weight.shape, changed)),
      bias: builder.tensor("right", tensorOf(weight.dtype, [channels], right)),
    };
    const { loc, inputs } = op;
    switch (op.kind) {
      case "ann.conv":
        return builder.add(op.kind, inputs, { ...op.attrs, ...attrs }, loc, value);
      case "ann.conv-transpose":
        return builder.add(op.kind, inputs, { ...op.attrs, ...attrs }, loc, value);
      case "ann.linear":
        return builder.add(op.kind, inputs, attrs, loc, value);
    }
  });
}
