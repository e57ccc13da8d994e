/**
 * Turns an analogue network into a rate-coded one of leaky integrate-and-fire neurons.
 *
 * Precondition: no batch normalisation is left; where there are rectifiers, a calibration set. Result:
 * every soft-LIF activation is the neuron that it is the rate of, and every ReLU and clip from 0 is a
 * neuron whose tuning curve is fitted to it, channel by channel; what neurons receive from others passes
 * a low-pass filter, the synapse; outputs are read out as means over the timesteps.
 *
 *     soft-lif(J)  →  mean over t of (amplitude/dt) · s[t],   s = LIF(J)
 *     relu(x)      →  the same with J = gain · x + bias and a, those with the least
 *                     E [ (a · rate(gain · x + bias) − relu(x))² ],   rate(J of the largest x) = R
 *
 * The filter stands where currents arrive, not where spikes leave: it is linear, so it may change places
 * with the weights, and spikes stay spikes up to them. (Hunsberger & Eliasmith 2016; NengoDL for R.)
 */
import type { Builder } from "../../ir/build.ts";
import { channelAxisOf } from "../../ir/analysis/channels.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import type { Observation } from "../../ir/executable.ts";
import { fusedLoc, shortName } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import { type Op, type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import type { LeakyTimes } from "../../ir/semantics/soft-lif.ts";
import { scalar, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { inFloatRange } from "../float-range.ts";
import { type PassContext, definePass } from "../pass.ts";
import { analogueOption, announce, networkOverTime } from "./over-time/over-time.ts";
import { realLayers } from "./over-time/remarks.ts";
import { hasLeakyForm, planConversion, rectifierCeiling } from "./spiking-form.ts";
import { type Tuning, fitTuning } from "./curves/tuning.ts";

const name = "soft-lif";
const code = "rate";

/**
 * A quarter of a second of milliseconds: leaky neurons fire at 200 Hz at most, and a rate in so many levels
 * as 32 timesteps have spikes is none.
 */
const usualTimesteps = 256;

/** Milliseconds. */
const milliseconds = (value: number): number => value / 1000;

export const softLif = definePass({
  name,
  role: "convert",
  summary: "replace activations by leaky integrate-and-fire neurons with the same rates",
  requires: ["batchnorm-free"],
  establishes: ["spiking", "balanced"],
  breaks: [],
  preservesOutputs: false,
  makes: { code: () => code, timesteps: () => usualTimesteps, fires: hasLeakyForm },
  options: {
    analogue: analogueOption,
    step: { kind: "number", default: 1, min: 0.001, max: 100, help: "a timestep, in milliseconds" },
    synapse: {
      kind: "number",
      default: 5,
      min: 0,
      max: 1000,
      help: "time constant of the synaptic filter, in milliseconds; 0 for none",
    },
    rate: {
      kind: "number",
      default: 200,
      min: 0.1,
      max: 100_000,
      help: "rectifiers: firing rate of the largest activation, in Hz; a higher rate is more accurate and costs more spikes",
    },
    tauRc: {
      kind: "number",
      default: 20,
      min: 0.01,
      max: 100_000,
      help: "rectifiers: time constant of the leak, in milliseconds",
    },
    tauRef: {
      kind: "number",
      default: 2,
      min: 0,
      max: 1000,
      help: "rectifiers: refractory period, in milliseconds",
    },
    spikeTime: {
      kind: "choice",
      default: "exact",
      of: ["exact", "step"],
      help: "whether a refractory period begins when the threshold is reached, or with the timestep",
    },
    start: {
      kind: "choice",
      default: "spread",
      of: ["spread", "half", "zero"],
      help: "initial potentials: spread evenly between 0 and the threshold, half of it, or 0",
    },
  },
  async run(module, context) {
    if (module.code !== "none") return module;
    const { options, timesteps, report } = context;
    const plan = planConversion(module, hasLeakyForm);
    announce(module, plan, options.analogue, report);
    const fires = module.ops.filter((op) => plan.fates.get(op.result) === "neuron");
    const tunings = await fitRectifiers(module, fires, context);
    const converted = networkOverTime(
      module,
      plan,
      { pass: name, code, timesteps },
      {
        of: (op, builder) => {
          const exact = isOp(op, "ann.soft-lif") ? exactTuning(op) : null;
          return neurons(op, builder, exact ?? known(tunings.get(op.result), "a tuning"), options);
        },
        signed: null,
        leavesPools: false,
      },
    );
    for (const remark of realLayers(converted)) report(remark);
    return converted;
  },
});

interface SoftLifOptions {
  readonly step: number;
  readonly synapse: number;
  readonly rate: number;
  readonly tauRc: number;
  readonly tauRef: number;
  readonly spikeTime: "exact" | "step";
  readonly start: "spread" | "half" | "zero";
}

/** How the neurons of one activation are tuned, channel by channel. */
interface Tunings {
  readonly times: LeakyTimes;
  /** Of the parameters: a number for each channel, or one for all. */
  readonly shape: Shape;
  readonly channels: readonly Tuning[];
  /** Whether the current needs the gain and bias. */
  readonly fitted: boolean;
}

/** Soft-LIF is the rate already. */
function exactTuning({ attrs }: OpOf<"ann.soft-lif">): Tunings {
  const { amplitude } = attrs;
  return { times: attrs, shape: [], channels: [{ gain: 1, bias: 0, amplitude }], fitted: false };
}

/** Looks at what rectifiers are given, and fits each of their channels. */
async function fitRectifiers(
  module: Module,
  fires: readonly Op[],
  { options, measure, report }: PassContext<SoftLifOptions>,
): Promise<ReadonlyMap<ValueId, Tunings>> {
  const rectifiers = fires.filter((op) => rectifierCeiling(op) !== null);
  const tunings = new Map<ValueId, Tunings>();
  if (rectifiers.length === 0) return tunings;
  const times = { tauRc: milliseconds(options.tauRc), tauRef: milliseconds(options.tauRef) };
  const { rate } = options;
  const limit = 1 / Math.max(times.tauRef, milliseconds(options.step));
  if (rate >= limit) fail(diagnose("rate-out-of-reach", null, { rate, limit: Math.floor(limit) }));
  const observations = new Map<ValueId, Observation>();
  for (const { inputs } of rectifiers) {
    const value = known(inputs[0], "an activation's operand");
    observations.set(value, { value, scope: "channel", axis: channelAxisOf(module, value) });
  }
  const { values } = await measure(module, [...observations.values()], 1);
  const dead: { layer: string; dead: number; channels: number }[] = [];
  for (const op of rectifiers) {
    const { axis, channels } = known(values.get(known(op.inputs[0], "an operand")), "statistics");
    const ceiling = known(rectifierCeiling(op), "a rectifier");
    const seen = channels.map(({ max }) => Math.min(ceiling, Math.max(0, max)));
    const largest = inFloatRange(seen, op.loc);
    const most = largest.reduce((a, b) => Math.max(a, b), 0);
    const silent = largest.filter((x) => x === 0).length;
    if (silent > 0) dead.push({ layer: shortName(op.loc), dead: silent, channels: largest.length });
    tunings.set(op.result, {
      shape: op.type.shape.map((extent, i) => (i === axis ? extent : 1)),
      times,
      fitted: true,
      channels: channels.map((statistics, i) => {
        const own = largest[i] ?? 0;
        const reached = own > 0 ? own : most > 0 ? most : Math.min(ceiling, 1);
        return fitTuning(statistics.masses(), { largest: reached, ceiling, rate }, times);
      }),
    });
  }
  if (dead.length > 0) report(diagnose("unfitted-channels", null, { layers: dead }));
  return tunings;
}

function neurons(op: Op, builder: Builder, tunings: Tunings, options: SoftLifOptions): ValueId {
  const { times, shape, channels } = tunings;
  const step = milliseconds(options.step);
  const parameter = (part: string, of: (tuning: Tuning) => number): string =>
    builder.tensor(`${shortName(op.loc)}.${part}`, tensorOf("f32", shape, channels.map(of)));
  let current = filtered(op, builder, options);
  if (tunings.fitted || builder.typeOf(current).domain === "spike") {
    const scale = parameter("gain", ({ gain }) => gain);
    const shift = parameter("bias", ({ bias }) => bias);
    current = builder.add("ann.affine", [current], { scale, shift }, fusedLoc(name, [op.loc]));
  }
  const attrs = {
    threshold: builder.tensor("unit", scalar("f32", 1)),
    vInit: initialPotential(op, builder, options.start),
    amplitude: parameter("amplitude", ({ amplitude }) => amplitude / step),
    leak: Math.exp(-step / times.tauRc),
    refractory: times.tauRef / step,
    spikeTime: options.spikeTime,
    reset: "zero" as const,
  };
  return builder.add("snn.lif", [current], attrs, op.loc, op.result);
}

/** The operand of `op`, behind a synapse where it comes from other neurons. */
function filtered(op: Op, builder: Builder, { synapse, step }: SoftLifOptions): ValueId {
  const operand = known(op.inputs[0], "an activation's operand");
  if (synapse === 0 || builder.typeOf(operand).domain === "real") return operand;
  const decay = Math.exp(-step / synapse);
  return builder.add("snn.low-pass", [operand], { decay }, fusedLoc(name, [op.loc]));
}

/**
 * Steps of a sequence that covers the unit square evenly (Roberts 2018: 1/ρ and 1/ρ² of ρ³ = ρ + 1):
 * neurons of one channel, and those of all channels in one place, start from different potentials.
 */
const alongChannels = 0.7548776662466927;
const alongPlaces = 0.5698402909980532;

function initialPotential(op: Op, builder: Builder, start: SoftLifOptions["start"]): string {
  if (start === "zero") return builder.tensor("zero", scalar("f32", 0));
  if (start === "half") return builder.tensor("half", scalar("f32", 0.5));
  const { shape } = op.type;
  const axis = shape.length >= 2 ? 1 : 0;
  const places = elementCount(shape.slice(axis + 1));
  const channels = shape[axis] ?? 1;
  const values = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const channel = Math.floor(i / places) % channels;
    return (0.5 + channel * alongChannels + (i % places) * alongPlaces) % 1;
  });
  return builder.tensor(`${shortName(op.loc)}.v_init`, tensorOf("f32", shape, values));
}
