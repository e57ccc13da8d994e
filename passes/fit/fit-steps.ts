/**
 * Chooses the step of neurons of differential code for each timestep, by what they still have to send.
 *
 * Precondition: neurons of `convert-differential`, a calibration set, and the analogue network. Result:
 * in the order of the layers, each on what the layers before it now really send, and for each channel,
 *
 *     q_t = D_t / K              t < T: one spike reaches D_t, the furthest that there will be
 *     q_t = argmin Σ (|d_t| − q·R)²₊ + min(|d_t|, q·s^(T−t)/2)²/3    with fewer than 4 bits
 *     q_T = argmin Σ (d_T − k·q)²    the last step has nobody to correct it: the least squared error
 *
 * where s = 2^−bits, R = K·(1 + s + … + s^(T−t)) is what the steps to come reach, d_t is what a neuron
 * still has to send, within what its sign and ceiling allow, and k·q the spike that it sends of it. D_t is
 * max |d_t| times √(ln 10⁵ / ln n): what the furthest of a hundred thousand would have if the n < 10⁵ that
 * were seen were normal; where few were, most extremes are yet to come. No step is larger than the one
 * before, less than a 2^bits-th of it, or finer than 2^−precision of the range,
 * and 2^−(precision + extra) of that of neurons of either sign. Steps may be rounded up to powers of two of
 * one base (powers.ts), so that receivers need no multiplication for them.
 *
 * Fixed schedules are a guess at how fast what is missing shrinks. It does so by more than a half where
 * the layers before are nearly exact, and hardly at all in deep networks, where a step that shrinks
 * nevertheless leaves corrections out of reach for good. The network ends where less than 1/200 of the
 * spikes, on 32 samples, would come later. (Ours. Differential code: Huang et al., ICML
 * 2025, with steps of 1/t.)
 */
import { isNeuron } from "../../ir/op/known.ts";
import { rewrite } from "../../ir/build.ts";
import { fail, invariant, known } from "../../ir/diagnostic.ts";
import type { Probe } from "../../ir/executable.ts";
import type { FitLoops } from "../../ir/run/loops.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, opsOf, tensorAt } from "../../ir/module.ts";
import { type OpOf, isOp } from "../../ir/op/op.ts";
import { largestSpike } from "../../ir/semantics/neurons/graded.ts";
import { broadcastIndices } from "../../ir/semantics/semantics.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { alongAxis } from "../fuse/affine.ts";
import { type PassContext, definePass } from "../pass.ts";
import { Gathered, channelsAlong } from "./channels.ts";
import { drawPlaces } from "./places.ts";
import { inPowers } from "./powers.ts";
import { type StepLimits, chooseSteps } from "./steps.ts";
import type { Sending } from "./trial.ts";
import { type NeuronSite, neuronSites } from "../balance/sites.ts";
import { refuseFinished } from "../balance/thresholds.ts";

const name = "fit-steps";

/** Fewer than these are told of. */
const fewestSamples = 32;
/** Neurons of a channel that are to be seen: where a sample shows few, more samples are looked at. */
const wantedNeurons = 1 << 14;
/** Timesteps that have a step of their own; by then steps are as fine as they get, or do not shrink. */
const mostRows = 8;
/** Neurons of a layer that are looked at, over all samples: what they receive is held in memory. */
const mostObserved = 1 << 22;

export const fitSteps = definePass({
  name,
  role: "fit",
  remedy: {
    by: "fit",
    text: "Fit steps to the values that are left to send",
    codes: ["differential"],
  },
  summary: "choose the step of each timestep from what is still to be sent",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    precision: {
      kind: "number",
      means: "precision",
      default: 10,
      min: 1,
      max: 24,
      help: "no step is finer than 2^-precision of the range; a smaller number means fewer spikes and more error",
    },
    steps: {
      kind: "choice",
      of: ["free", "power", "power-by-channel"],
      default: "free",
      help: "power: a channel's base times powers of 1/2 that its whole layer shares, so that receivers shift; power-by-channel: times powers of its own",
    },
    extra: {
      kind: "number",
      default: 0,
      min: 0,
      max: 24,
      help: "binary digits to add to precision for neurons of either sign, which send currents",
    },
    samples: {
      kind: "integer",
      means: "samples",
      default: 128,
      min: 1,
      max: 100_000,
      help: "calibration samples to look at; more are used where a channel has few neurons",
    },
  },
  async run(module, context) {
    refuseFinished(module, name);
    const reference = context.reference ?? fail(diagnose("no-reference", null, { pass: name }));
    const misfit = module.ops.find((op) => isNeuron(op) && !isOp(op, "snn.graded"));
    if (module.code !== "differential" || misfit !== undefined) {
      fail(diagnose("not-differential", misfit?.loc ?? null, { pass: name, code: module.code }));
    }
    const sites = neuronSites(module, reference, context.timesteps);
    const axes = new Map(sites.map((each) => [each.neuron.result, each.axis]));
    const whole = new Set(
      sites.filter((each) => sendsModelsSteps(each)).map(({ neuron }) => neuron.result),
    );
    const rows = { ...context, timesteps: Math.min(context.timesteps, mostRows) };
    const loops = await context.loops();
    let fitted = module;
    let fewest = Infinity;
    for (const { result } of opsOf(module, "snn.graded")) {
      if (whole.has(result)) continue;
      const neuron = known(
        opsOf(fitted, "snn.graded").find((op) => op.result === result),
        "neurons that were there",
      );
      const received = await observe(fitted, neuron, known(axes.get(result), "an axis"), rows);
      fewest = Math.min(fewest, received.samples);
      fitted = withSteps(fitted, neuron, received, rows, loops);
    }
    if (fewest < fewestSamples) {
      context.report(diagnose("few-samples-to-fit", null, { pass: name, samples: fewest }));
    }
    return ended(fitted, context);
  },
});

/** Whether neurons tell the values of an activation that the model has quantised apart already: all is sent. */
function sendsModelsSteps({ step, ceiling, levels }: NeuronSite): boolean {
  return step !== null && levels === Math.round(ceiling / step);
}

/** Share of the bits of spikes that may come after the end of a network. */
const lateShare = 1 / 200;
/** Samples to count them on. */
const countedSamples = 32;

/**
 * The network that ends where hardly anything more is sent: steps are as fine as they get by then, and all
 * that is left to send is less than half a step. The steps that are not needed any more go too, so that a
 * longer run has no finer ones.
 */
async function ended(
  module: Module,
  { timesteps, watch, report }: Pick<PassContext<unknown>, "timesteps" | "watch" | "report">,
): Promise<Module> {
  const sentBy = async (steps: number): Promise<number> => {
    let total = 0;
    const run = { timesteps: steps, samples: countedSamples, count: true };
    await watch(module, [], run, (_, __, bits) => {
      for (const count of bits.values()) total += count;
    });
    return total;
  };
  if (timesteps === 1) return module;
  const all = await sentBy(timesteps);
  let [end, late] = [timesteps, 0];
  // Further back than there are steps of their own nothing changes from one timestep to the next.
  while (end > 1) {
    const before = end > mostRows ? mostRows : end - 1;
    const later = all - (await sentBy(before));
    if (later > lateShare * all) break;
    [end, late] = [before, later];
  }
  if (end === timesteps) return module;
  const share = all === 0 ? 0 : late / all;
  report(diagnose("ends-early", null, { asked: timesteps, end, share }));
  const trimmed = rewrite(module, (op, builder) => {
    if (!isOp(op, "snn.graded") || op.attrs.shares === null) return null;
    const { dtype, shape, data } = builder.tensorAt(op.attrs.shares);
    const [rows = 1, ...rest] = shape;
    if (rows <= end) return null;
    const kept = tensorOf(dtype, [end, ...rest], data.subarray(0, end * elementCount(rest)));
    const shares = builder.tensor(`${shortName(op.loc)}.shares`, kept);
    return builder.add(op.kind, op.inputs, { ...op.attrs, shares }, op.loc, op.result);
  });
  return { ...trimmed, timesteps: end };
}

type StepContext = Pick<
  PassContext<{
    readonly precision: number;
    readonly extra: number;
    readonly samples: number;
    readonly steps: "free" | "power" | "power-by-channel";
  }>,
  "options" | "timesteps" | "watch"
>;

/** The least first step: parts of it down to 2⁻²⁴ are above 0 in float32. */
const leastStep = 2 ** -120;

/** What some neurons of a population receive. */
interface Received {
  readonly axis: number;
  readonly samples: number;
  /**
   * For each channel the currents of all timesteps, [T, neurons of all samples]; with them what the
   * neurons start from, where that differs within a channel.
   */
  readonly channels: readonly Float32Array[];
  /** What all neurons of a channel start from beside; null where the currents have it. */
  readonly vInit: Tensor | null;
}

async function observe(
  module: Module,
  neuron: OpOf<"snn.graded">,
  axis: number,
  { options, timesteps, watch }: StepContext,
): Promise<Received> {
  const current = known(neuron.inputs[0], "a neuron's operand");
  const { shape } = neuron.type;
  const along = channelsAlong(shape, axis);
  const { count, all } = along;
  const size = elementCount(shape);
  const samples = Math.max(options.samples, Math.ceil((wantedNeurons * count) / size));
  const most = Math.max(1, Math.floor(mostObserved / (samples * count)));
  const places = Math.min(all, most);
  const start = tensorAt(module, neuron.attrs.vInit);
  const perChannel = alongAxis(start, shape, axis) !== null;
  const starts = perChannel ? null : broadcastIndices(start.shape, shape);
  const startOf =
    starts === null ? null : (element: number): number => start.data[starts[element] ?? 0] ?? 0;
  const gathered = new Gathered(along, timesteps, places);
  const probes: Probe[] = [{ value: current, keep: "trace" }];
  await watch(module, probes, { timesteps, samples }, ([trace], index) => {
    const chosen = drawPlaces(all, places, index, neuron.result);
    gathered.add(known(trace, "a current"), chosen, startOf);
  });
  return { axis, ...gathered.finish(), vInit: perChannel ? start : null };
}

/** The module in which a population takes the steps that fit what it received. */
function withSteps(
  module: Module,
  neuron: OpOf<"snn.graded">,
  { axis, channels, vInit: start }: Received,
  { options, timesteps }: StepContext,
  loops: FitLoops | null,
): Module {
  const { attrs, type } = neuron;
  const count = channels.length;
  const shape = type.shape.map((extent, i) => (i === axis ? extent : 1));
  // Where a threshold or ceiling differs within a channel, its first neuron speaks for it.
  const inner = elementCount(type.shape.slice(axis + 1));
  const ofChannel = (held: Tensor): ((channel: number) => number) => {
    const at = broadcastIndices(held.shape, type.shape);
    return (channel) => held.data[at[channel * inner] ?? 0] ?? 0;
  };
  const vInit = start === null ? null : ofChannel(start);
  const before = ofChannel(tensorAt(module, attrs.threshold));
  const ceiling = attrs.ceiling === null ? null : ofChannel(tensorAt(module, attrs.ceiling));
  const most = largestSpike(attrs);
  const digits = options.precision + (attrs.sign === "free" ? options.extra : 0);
  const limits = { shrink: 2 ** -attrs.bits, finest: most * 2 ** -digits };
  const free = channels.map((currents, channel) => {
    const sending: Sending = {
      attrs,
      vInit: vInit?.(channel) ?? 0,
      ceiling: ceiling?.(channel) ?? Infinity,
    };
    return chooseSteps(currents, timesteps, sending, limits, loops);
  });
  const { firsts, columns } = formed(free, options.steps, limits);
  // Channels that never had anything to send keep the step that they had. What a channel receives may be far
  // smaller than its range, and later steps are parts of the first.
  const thresholds = firsts.map((step, channel) => Math.max(step ?? before(channel), leastStep));
  const shares = Array.from({ length: timesteps }, (_, t) =>
    columns.map((column) => (column === null ? 1 : known(column[t], "a share"))),
  ).flat();
  invariant(shares.every(Number.isFinite), "steps above 0");
  const ofRow = columns.length === count ? shape : shape.map(() => 1);
  return rewrite(module, (op, builder) => {
    if (op.result !== neuron.result || !isOp(op, "snn.graded")) return null;
    const called = shortName(op.loc);
    const threshold = builder.tensor(`${called}.threshold`, tensorOf("f32", shape, thresholds));
    const rows = tensorOf("f32", [timesteps, ...ofRow], shares);
    const changed = {
      ...op.attrs,
      threshold,
      amplitude: threshold,
      schedule: "table" as const,
      shares: builder.tensor(`${called}.shares`, rows),
    };
    return builder.add("snn.graded", op.inputs, changed, op.loc, op.result);
  });
}

/** The first steps of channels, and how steps shrink: for each channel, or once for all of them. */
interface Formed {
  /** Null where a channel never has anything to send. */
  readonly firsts: readonly (number | null)[];
  /** Each step as a share of the first; null as above. */
  readonly columns: readonly (readonly number[] | null)[];
}

/** Free steps in the form that is asked for. */
function formed(
  free: readonly (readonly number[] | null)[],
  form: StepContext["options"]["steps"],
  limits: StepLimits,
): Formed {
  switch (form) {
    case "free":
      return {
        firsts: free.map((steps) => steps?.[0] ?? null),
        columns: free.map(
          (steps) => steps?.map((step) => step / known(steps[0], "a step")) ?? null,
        ),
      };
    case "power": {
      const sending = free.filter((steps) => steps !== null);
      const { exponents, bases } = inPowers(sending, limits);
      const left = bases.values();
      return {
        firsts: free.map((steps) => (steps === null ? null : known(left.next().value, "a base"))),
        columns: [sending.length === 0 ? null : exponents.map((e) => 2 ** -e)],
      };
    }
    case "power-by-channel": {
      const alone = free.map((steps) => (steps === null ? null : inPowers([steps], limits)));
      return {
        firsts: alone.map((each) => each?.bases[0] ?? null),
        columns: alone.map((each) => each?.exponents.map((e) => 2 ** -e) ?? null),
      };
    }
  }
}
