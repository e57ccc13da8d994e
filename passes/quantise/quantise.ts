/**
 * Makes a spiking network of integers.
 *
 * Precondition: a balanced spiking module and a calibration set. Result: everything between the
 * encoder of the input and the read-out is of integers: weights of b bits, one unit q per output
 * channel; biases, thresholds and potentials of 32 bits in the same unit, spikes 0 and 1. No
 * multiplication by a unit is left, because neurons do not change when weights and threshold are
 * scaled together:
 *
 *     w' = round(a·w / q)    b' = round(b / q)    θ' = round(θ / q)    v0' = round(v0 / q)
 *
 * where a is the amplitude of the neuron before, and q the unit with the least squared error of the
 * rounded weights and biases that meet at a channel, those of shortcuts included. What is read out
 * is multiplied by its unit in float32. Weights that are whole multiples of a unit already, as those of a
 * quantised model are, keep it, and become the model's own integers; so do inputs that the model
 * quantises. Rounding is half away from zero. (Per channel and by least
 * squares: Choukroun et al. 2019; folding scales into thresholds: Rueckauer et al. 2017.)
 */
import { twoToThe } from "../../ir/run/octaves.ts";
import { requireSafeTimesteps } from "../../ir/analysis/bounds.ts";
import { failAll, known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { diagnose } from "../diagnostics.ts";
import { withoutDead } from "../graph.ts";
import { definePass, type PassContext } from "../pass.ts";
import { emitIntegers } from "./emit.ts";
import { encodingsOf } from "./units/encodings.ts";
import { type Seen, measureMoments } from "./moments.ts";
import type { LevelsOf } from "./units/own-grid.ts";
import { type IntegerPlan, planIntegers } from "./plan.ts";
import { withScalesInNeurons } from "./neuron-scales.ts";
import { poolMeans } from "./pool-means.ts";
import { roundedByLayer } from "./layers/by-layer.ts";
import type { TuneUnit } from "./layers/round-layer.ts";
import { extentFor } from "./layers/seen.ts";
import { type RoundWeights, roundWeights } from "./round.ts";
import { type Scale, leastThreshold } from "./units/scale.ts";

export const quantise = definePass({
  name: "quantise",
  role: "quantise",
  summary: "turn weights, biases, thresholds and potentials into integers",
  requires: ["spiking", "balanced"],
  establishes: ["integer"],
  breaks: [],
  preservesOutputs: false,
  options: {
    bits: {
      kind: "integer",
      default: 8,
      min: 2,
      max: 8,
      help: "bits of a weight, its sign included, where allocate-weight-bits has chosen none",
    },
    method: {
      kind: "choice",
      of: ["nearest", "mmse", "gptq"],
      default: "mmse",
      help: "nearest: units that clip no weight; mmse: units with the least squared error; gptq: also weights that make up for each other and for the layers before",
    },
    input: { kind: "integer", default: 8, min: 2, max: 16, help: "bits of an input" },
    grid: {
      kind: "integer",
      default: 40,
      min: 2,
      max: 1000,
      help: "candidates for the unit of a channel",
    },
  },
  async run(given, context) {
    if (given.properties.has("integer")) return given;
    const { method, bits } = context.options;
    const limited = new Set<number>();
    const own = new Set<number>();
    const prepared = await prepareIntegers(given, bits, context, (id, scale) => {
      if (scale.limited) limited.add(id);
      if (scale.isOwn) own.add(id);
    });
    const { module, plan, scales, chosen, emit } = prepared;
    const tune: TuneUnit = (id, errorIn) => {
      const scale = scales.get(plan.table.find(id));
      // Where other weights have the same unit, as those of two layers that meet, it is the best for all of them.
      if (scale?.range === undefined || !plan.table.isAlone(id)) return null;
      const unit = tuned(scale.unit, scale.range, errorIn);
      plan.table.fix(plan.table.find(id), unit);
      return unit;
    };
    const fewest = Math.min(bits, ...(given.weightBits?.values() ?? []));
    const round =
      method === "gptq"
        ? await roundedByLayer(module, emit, tune, { ...context, extent: extentFor(fewest) })
        : roundWeights;
    const made = withoutDead(emit(round));
    if (limited.size > 0) {
      const counts = { channels: limited.size, of: chosen.size, least: leastThreshold };
      context.report(diagnose("units-limited", null, counts));
    }
    if (own.size > 0) {
      context.report(diagnose("own-units", null, { channels: own.size, of: chosen.size }));
    }
    requireSafeTimesteps(made, context.timesteps);
    return made;
  },
});

interface Prepared {
  /** What is made integers of. */
  readonly module: Module;
  readonly plan: IntegerPlan;
  /** What was chosen for units, and the units that weights were rounded into; they grow as integers are made. */
  readonly scales: ReadonlyMap<number, Scale>;
  readonly chosen: ReadonlySet<number>;
  /** Makes the integers, with weights rounded so. */
  readonly emit: (round: RoundWeights) => Module;
}

interface PrepareOptions {
  readonly method: string;
  readonly input: number;
  readonly grid: number;
}

/**
 * Plans the integers of `given` and is ready to choose their units: weights of `bits`, or of as many as were chosen
 * for a layer. Fails with diagnostics of all that has no integers.
 */
export async function prepareIntegers(
  given: Module,
  bits: number,
  context: Omit<PassContext<PrepareOptions>, "loops">,
  onScale: (id: number, scale: Scale) => void,
): Promise<Prepared> {
  const module = withScalesInNeurons(poolMeans(given, "quantise"));
  const { method, grid } = context.options;
  const levelsOf: LevelsOf = ({ result }) => largestOf(given.weightBits?.get(result) ?? bits);
  const plan = planIntegers(module, levelsOf, context.timesteps);
  if (plan.refusals.length > 0) failAll(plan.refusals.map(({ diagnostic }) => diagnostic));
  const axes = new Map([...plan.axes, ...encodedAxes(plan)]);
  const seen = await measureMoments(module, axes, (value) => plan.encoded.has(value), context);
  const encodings = await encodingsOf(module, [...plan.encoded.keys()], seen, context);
  for (const [value, id] of plan.encoded) {
    plan.table.fix(id, known(encodings.get(value), "an encoding").unit);
  }
  const chosen = new Set<number>();
  const momentsOf = (value: ValueId): Seen | null => seen.get(value) ?? null;
  const scales = new Map<number, Scale>();
  const choose = plan.table.choose(method === "nearest" ? 1 : grid, momentsOf, (id, scale) => {
    scales.set(id, scale);
    onScale(id, scale);
  });
  const unitOf = (id: number): number => {
    if (id >= 0) chosen.add(plan.table.find(id));
    return choose(id);
  };
  const emit = (round: RoundWeights): Module =>
    emitIntegers(module, plan, { unitOf, momentsOf, round }, encodings);
  return { module, plan, scales, chosen, emit };
}

/** Units that are tried beside one that was chosen: so many in an octave, and so many on each side. */
const tunedPerOctave = 8;
const tuneSteps = 8;

/** The unit with the least error, within the limits, of those around the one that was chosen. */
function tuned(
  unit: number,
  { least, most }: NonNullable<Scale["range"]>,
  errorIn: (unit: number) => number,
): number {
  let best = unit;
  let error = errorIn(unit);
  for (let j = -tuneSteps; j <= tuneSteps; j++) {
    const other = unit * twoToThe(j, tunedPerOctave);
    if (j === 0 || other < least || other > most) continue;
    const found = errorIn(other);
    if (found < error) [best, error] = [other, found];
  }
  return best;
}

/** The largest integer of `bits`, its negative included: 127 of 8 bits, 1 of 2. */
function largestOf(bits: number): number {
  return 2 ** (bits - 1) - 1;
}

/** What is quantised is looked at in any case, along the axis of the weights that work on it. */
function encodedAxes(plan: IntegerPlan): [ValueId, number][] {
  return [...plan.encoded.keys()].map((value) => [value, plan.axes.get(value) ?? 0]);
}
