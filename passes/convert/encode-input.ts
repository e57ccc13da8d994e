/**
 * Sends the input as spikes, in place of a current that stays the same.
 *
 * Precondition: a spiking module, and a calibration set. Result: an encoder stands before each layer of
 * weights whose operand stays the same during a run and depends on an input. Its gain is 1 over the
 * largest magnitude R on the calibration set, and larger values are clipped; the weights receive
 *
 *     poisson:  R · s[t], where P(s[t] = ±1) = |x|/R      mean over t: x, with standard error √(|x|(R − |x|)/T)
 *     phase:    K · R · 2^−(1+k) · digit k of |x|/R       mean over K timesteps: x within R · 2^−K
 *     delta:    R/N · s[t], s[t] in {−1, 0, 1}            sum over t: x within R/N, once |x| · N/R timesteps are over
 *     latency:  R · s[t], one spike in N timesteps        a current that lasts from then on; its mean over N: x within R/N
 *
 * In codes that read means neurons integrate what they receive, and decoders stand only where an op is not
 * linear. In codes of increments the value is decoded behind the weights, and neurons take its changes.
 * (Poisson: Diehl et al. 2015. Phase: Kim et al. 2018. Latency: Rueckauer & Liu 2018. Delta: Yousefzadeh et al. 2019.)
 */
import { synapseOf } from "../../ir/account/synapse.ts";
import { type Drive, drivesOf } from "../../ir/account/drive.ts";
import { channelAxisOf } from "../../ir/analysis/channels.ts";
import { type Builder, builderOn, rewrite } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { fusedLoc, shortName } from "../../ir/loc.ts";
import {
  type Module,
  type SpikingCode,
  codeTraits,
  producerOf,
  tensorAt,
} from "../../ir/module.ts";
import { hasWeights, isProduct } from "../../ir/op/known.ts";
import { type Op, type ValueId, isInput, isOp } from "../../ir/op/op.ts";
import type { ValueStatistics } from "../../ir/run/stats.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { refuseRehearsed } from "../balance/thresholds.ts";
import { diagnose } from "../diagnostics.ts";
import { inFloatRange } from "../float-range.ts";
import { prefixOf } from "../graph.ts";
import { definePass } from "../pass.ts";
import {
  type EncoderName,
  type Encoding,
  decodedSynapse,
  digitsFor,
  encoded,
  encoders,
  unreadable,
} from "./over-time/encoders.ts";
import { realLayers } from "./over-time/remarks.ts";

const name = "encode-input";

/** Binary digits that are sent unless somebody says how many. */
const usualBits = 8;
/** Fewer than these, where more timesteps are there for them, are no value any more. */
const fewestBits = 4;
/** Seeds are whole numbers below this. */
const seeds = 2 ** 31;

export const encodeInput = definePass({
  name,
  role: "encode",
  summary: "send the input as spikes: at random, by time, by binary digits or by changes",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    encoder: {
      kind: "choice",
      default: "poisson",
      of: encoders,
      help: "how a value is sent",
    },
    scope: {
      kind: "choice",
      default: "layer",
      of: ["layer", "channel"],
      help: "one gain for the whole tensor, or one for each channel",
    },
    bits: {
      kind: "integer",
      default: 0,
      min: 0,
      max: 24,
      help: "phase: binary digits; 0 means the largest from 4 to 8 that divides the timesteps",
    },
    steps: {
      kind: "integer",
      default: 0,
      min: 0,
      max: 65_536,
      help: "latency: timesteps in which the spike may fall; delta: steps up to the largest value; 0 means all timesteps of the network",
    },
    seed: {
      kind: "integer",
      default: 0,
      min: 0,
      max: seeds - 1,
      help: "seed of the random numbers that poisson draws",
    },
  },
  async run(module, { options, measure, report }) {
    if (module.code === "none") return module;
    if (module.properties.has("integer")) fail(diagnose("integers-not-encoded", null, {}));
    refuseRehearsed(module, name);
    const sites = sitesOf(module);
    if (sites.synapses.size === 0) {
      report(diagnose("nothing-to-encode", null, {}));
      return module;
    }
    const { encoder, scope, seed } = options;
    const { timesteps } = module;
    refuseUnreadable(module, sites, encoder, module.code);
    const bits = encoder === "phase" ? bitsFor(options.bits, timesteps) : usualBits;
    const values = [...new Set(sites.synapses.values())];
    const observe = values.map((value) => {
      return { value, scope, axis: channelAxisOf(module, value) };
    });
    const measured = await measure(prefixOf(module, values), observe, 1);
    const encodings = new Map<ValueId, Encoding>();
    for (const [i, value] of values.entries()) {
      const statistics = known(measured.values.get(value), `statistics of %${value}`);
      const steps = options.steps > 0 ? options.steps : timesteps;
      const own = { encoder, seed: (seed + i) % seeds, bits, steps };
      encodings.set(value, { ...own, ...rangeOf(producerOf(module, value), statistics) });
    }
    const made = rebuilt(module, sites, encodings, module.code);
    for (const [value, { range, sign }] of encodings) {
      const largest = Array.from(range.data).reduce((x, each) => Math.max(x, each), 0);
      const before = [...sites.synapses].filter(([, operand]) => operand === value);
      const places = before.map(([synapse]) => shortName(producerOf(module, synapse).loc));
      const signed = encoder === "delta" || sign === "free";
      report(diagnose("input-encoded", null, { encoder, places, largest, signed }));
    }
    const said = realLayers(module).map(({ message }) => message);
    for (const remark of realLayers(made)) if (!said.includes(remark.message)) report(remark);
    return made;
  },
});

interface Sites {
  /** The operand that is to be encoded, by the result of the synapse that reads it. */
  readonly synapses: ReadonlyMap<ValueId, ValueId>;
  /** Values that stay the same now, and will change from timestep to timestep. */
  readonly changing: ReadonlySet<ValueId>;
  readonly drives: ReadonlyMap<ValueId, Drive>;
}

/** The layers of weights that read an input, or what is made of it, and nothing that changes over time. */
function sitesOf(module: Module): Sites {
  const drives = drivesOf(module);
  const driveOf = (value: ValueId): Drive => known(drives.get(value), `the drive of %${value}`);
  const opOf = (value: ValueId): Op => producerOf(module, value);
  const ofInput = new Set<ValueId>();
  const changing = new Set<ValueId>();
  const synapses = new Map<ValueId, ValueId>();
  for (const op of module.ops) {
    if (isInput(op) || op.inputs.some((value) => ofInput.has(value))) ofInput.add(op.result);
    const synapse = hasWeights(op)
      ? synapseOf(op, driveOf, opOf, (ref) => tensorAt(module, ref))
      : null;
    const operand = synapse === null ? undefined : op.inputs[synapse.operand];
    const isStill = op.inputs.every((value) => driveOf(value) === "still");
    if (op.inputs.some((value) => changing.has(value))) {
      if (isStill) changing.add(op.result);
    } else if (operand !== undefined && isStill && ofInput.has(operand)) {
      synapses.set(op.result, operand);
      changing.add(op.result);
    }
  }
  return { synapses, changing, drives };
}

/** Fails where the code cannot read the encoder, or an op what its operand becomes. */
function refuseUnreadable(
  module: Module,
  { synapses, changing, drives }: Sites,
  encoder: EncoderName,
  code: SpikingCode,
): void {
  const ops = [...synapses.keys()].map((value) => producerOf(module, value));
  const [first] = ops;
  const places = ops.map(({ loc }) => shortName(loc));
  const reason = unreadable(encoder, code);
  if (reason !== null) {
    fail(diagnose("encoder-not-read", first?.loc ?? null, { encoder, code, places, reason }));
  }
  for (const op of ops) {
    const { dtype } = producerOf(module, known(synapses.get(op.result), "an operand")).type;
    if (dtype !== "f32")
      fail(diagnose("not-encodable", op.loc, { name: shortName(op.loc), dtype }));
  }
  for (const op of module.ops.filter(isProduct)) {
    const will = op.inputs.some((value) => changing.has(value));
    const does = op.inputs.some((value) => drives.get(value) !== "still");
    if (will && does) {
      fail(diagnose("encoded-factor", op.loc, { name: shortName(op.loc), kind: op.kind }));
    }
  }
}

function bitsFor(asked: number, timesteps: number): number {
  const bits = asked > 0 ? asked : digitsFor(timesteps, usualBits);
  const least = asked > 0 ? 1 : Math.min(fewestBits, timesteps);
  if (timesteps % bits !== 0 || bits < least) {
    fail(diagnose("periods-not-whole", null, { timesteps, bits: asked > 0 ? asked : null }));
  }
  return bits;
}

/** The largest magnitude by channel or of all, and whether there are any below 0. */
function rangeOf(
  op: Op,
  { scope, axis, channels }: ValueStatistics,
): Pick<Encoding, "range" | "sign"> {
  const wanted = channels.map(({ min, max }) => Math.max(0, max, -min));
  const seen = inFloatRange(wanted, op.loc);
  const most = seen.reduce((x, each) => Math.max(x, each), 0);
  // Of a channel without a value nothing is known but its layer.
  const fallback = most > 0 ? most : 1;
  const shape = scope === "layer" ? [] : op.type.shape.map((n, i) => (i === axis ? n : 1));
  const range = tensorOf(
    "f32",
    shape,
    seen.map((each) => (each > 0 ? each : fallback)),
  );
  return { range, sign: channels.some(({ min }) => min < 0) ? "free" : "positive" };
}

function rebuilt(
  module: Module,
  { synapses }: Sites,
  encodings: ReadonlyMap<ValueId, Encoding>,
  code: SpikingCode,
): Module {
  const keys = keysOf(module);
  const spikes = new Map<ValueId, ValueId>();
  const spikesOf = (value: ValueId, builder: Builder): ValueId => {
    const there = spikes.get(value);
    if (there !== undefined) return there;
    const encoding = known(encodings.get(value), `the encoding of %${value}`);
    const key = known(keys.get(value), `the input of %${value}`);
    const made = encoded(value, key, encoding, name, builder);
    spikes.set(value, made);
    return made;
  };
  const means = new Map<ValueId, ValueId>();
  const meanOf = (value: ValueId, builder: Builder): ValueId => {
    const { type, loc } = builder.opOf(value);
    if (type.domain === "real") return value;
    const there = means.get(value);
    const made = there ?? builder.add("snn.readout", [value], { start: 0 }, fusedLoc(name, [loc]));
    means.set(value, made);
    return made;
  };
  const isSum = codeTraits[code].decoder === "sum";
  const converted = rewrite(module, (op, builder) => {
    const operand = synapses.get(op.result);
    if (operand !== undefined) {
      const made = spikesOf(operand, builder);
      const inputs = op.inputs.map((value) => (value === operand ? made : value));
      const { encoder } = known(encodings.get(operand), "an encoding");
      return isSum
        ? decodedSynapse(op, inputs, encoder, name, builder)
        : builder.add(op.kind, inputs, op.attrs, op.loc, op.result);
    }
    const isAsBefore = op.inputs.every(
      (value) => builder.typeOf(value).domain === producerOf(module, value).type.domain,
    );
    if (isAsBefore) return null;
    const currents = builder.tryAdd(op.kind, op.inputs, op.attrs, op.loc, op.result);
    if (currents.ok) return currents.value;
    // The largest of sums over time is what the pool of the value is, as often as it was summed.
    if (isOp(op, "ann.max-pool")) {
      return builder.add("snn.max-pool", op.inputs, op.attrs, op.loc, op.result);
    }
    const decoded = op.inputs.map((value) => meanOf(value, builder));
    return builder.add(op.kind, decoded, op.attrs, op.loc, op.result);
  });
  const builder = builderOn(converted);
  const outputs = converted.outputs.map((each) => {
    return { ...each, value: meanOf(each.value, builder) };
  });
  return builder.finish({ ...converted, outputs });
}

/** For each value that depends on an input, that with the most elements. */
function keysOf(module: Module): ReadonlyMap<ValueId, ValueId> {
  const keys = new Map<ValueId, ValueId>();
  const sizeOf = (value: ValueId): number => elementCount(producerOf(module, value).type.shape);
  for (const op of module.ops) {
    if (isInput(op)) keys.set(op.result, op.result);
    for (const value of op.inputs) {
      const key = keys.get(value);
      const held = keys.get(op.result);
      if (key === undefined) continue;
      if (held === undefined || sizeOf(key) > sizeOf(held)) keys.set(op.result, key);
    }
  }
  return keys;
}
