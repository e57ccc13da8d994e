/**
 * A run of one sample, by "A run", "Frames" and "What is counted" of docs/ir.md. Nothing in a
 * network is read a timestep later but the states of the ops, so each op goes through all its
 * timesteps before the next one begins, in every code.
 */
import { carriesOn, driveOf, isNeuron, isPlain, isWords, type Part, synapseOf } from "./drives.ts";
import { meaningOf } from "./formulas.ts";
import { frameSum } from "./frames.ts";
import type { Sent } from "./neurons.ts";
import { rounderOf, settle } from "./numbers.ts";
import { charge, noOperations, type Operations } from "./operation.ts";
import { carry } from "./ops/moves.ts";
import { refuse } from "./refusal.ts";
import { at, type Dtype, type Network, type Op, sizeOf } from "./types.ts";
import { carryWords, type Words, wordsFromOutside, wordsOf, wordsOfPool } from "./words.ts";

export interface NeuronTrace {
  readonly id: number;
  readonly spikes: number;
  readonly bits: number;
  /** What is sent at each timestep; in framed codes the sum of the frame, once. */
  readonly values: readonly Float64Array[];
}

/** Cumulative, at each timestep; in framed codes one number, of the whole frame. */
export interface Activity {
  readonly spikes: number[];
  readonly bits: number[];
  readonly events: number[];
  readonly plainEvents: number[];
  readonly eventBits: number[];
}

export interface Simulation {
  readonly outputs: readonly { readonly name: string; readonly values: readonly Float64Array[] }[];
  readonly neurons: readonly NeuronTrace[];
  readonly activity: Activity;
  readonly operations: Operations;
  readonly latency: {
    readonly timesteps: number;
    readonly phases: number;
    readonly withDelay: number;
  };
}

interface Trace {
  readonly values: readonly Float64Array[];
  readonly words?: readonly Words[];
}

const framedCodes = new Set(["few-spikes", "ttfs"]);
const countNames = ["spikes", "bits", "events", "plainEvents", "eventBits"] as const;

class Run {
  readonly #network: Network;
  readonly #T: number;
  readonly #framed: boolean;
  readonly #parts: Part[] = [];
  readonly #traces: Trace[] = [];
  readonly #neurons: NeuronTrace[] = [];
  readonly #operations = noOperations();
  readonly #activity: Activity;

  constructor(network: Network, timesteps: number) {
    this.#network = network;
    this.#T = timesteps;
    this.#framed = framedCodes.has(network.code);
    const zeros = (): number[] => Array.from({ length: timesteps }, () => 0);
    this.#activity = {
      ...{ spikes: zeros(), bits: zeros(), events: zeros() },
      ...{ plainEvents: zeros(), eventBits: zeros() },
    };
  }

  result(inputs: readonly Float32Array[]): Simulation {
    const places = new Map(this.#network.ops.map(({ id }, place) => [id, place]));
    const placeOf = (id: number): number => places.get(id) ?? refuse(`No value %${String(id)}.`);
    const remaining = [...inputs];
    for (const op of this.#network.ops) {
      const operands = op.operands.map(placeOf);
      const isGiven = op.kind === "ann.input" || op.kind === "snn.input";
      const input = isGiven ? remaining.shift() : undefined;
      this.#addPart(op, operands);
      this.#traces.push(this.#trace(this.#parts.length - 1, input));
    }
    const outputs = this.#network.outputs.map(({ value, name }) => {
      const { values } = at(this.#traces, placeOf(value));
      const answers = this.#framed ? values.slice(-1) : values;
      return { name, values: answers.map((answer) => answer.map(Math.fround)) };
    });
    this.#chargeOthers(new Set(this.#network.outputs.map(({ value }) => placeOf(value))));
    const phases = this.#depth(this.#network.outputs.map(({ value }) => placeOf(value)));
    const timeless = isTimeless(this.#network);
    const timesteps = timeless ? 0 : this.#framed ? phases * this.#T : this.#T;
    return {
      ...{ outputs, neurons: this.#neurons, activity: this.#cumulative() },
      operations: this.#operations,
      latency: { timesteps, phases, withDelay: timesteps + Math.max(0, phases - 1) },
    };
  }

  #addPart(op: Op, operands: readonly number[]): void {
    const parts = operands.map((place) => at(this.#parts, place));
    const meaning = meaningOf({
      op,
      types: parts.map((part) => part.op.type),
      constants: parts.map((part) =>
        part.op.kind === "ann.constant" ? part.op.attributes.tensor("value") : undefined,
      ),
    });
    const drive = driveOf(op, meaning, parts);
    const synapse = synapseOf(meaning, parts);
    this.#parts.push({
      ...{ op, meaning, operands, drive, carries: carriesOn(op, drive) },
      ...(synapse === undefined ? {} : { synapse }),
    });
  }

  /** What an op gives at t = 1 … T; spikes and events are counted on the way. */
  #trace(place: number, input: Float32Array | undefined): Trace {
    const part = at(this.#parts, place);
    const { op, meaning } = part;
    const operands = part.operands.map((operand) => at(this.#traces, operand));
    this.#countEvents(part);
    const once = (values: Float64Array): Trace => ({
      values: Array.from({ length: this.#T }, () => values),
    });
    const { dtype } = op.type;
    switch (meaning.is) {
      case "input": {
        const size = sizeOf(op.type.shape);
        if (input?.length !== size) return refuse("An input has another number of elements.");
        return once(settle(Float64Array.from(input), dtype));
      }
      case "frames": {
        const values = this.#framesOf(input ?? new Float32Array(0), sizeOf(op.type.shape), dtype);
        return part.drive === "words"
          ? { values, words: values.map(wordsFromOutside) }
          : { values };
      }
      case "constant":
        return once(op.attributes.tensor("value").values);
      case "neuron": {
        const frame = at(operands, 0).values.map((x, i) => meaning.neuron.step(x, i + 1));
        return this.#sent(part, frame);
      }
      case "framed": {
        const operand = at(this.#parts, at(part.operands, 0));
        const round = rounderOf(operand.op.type.dtype);
        const sum = frameSum(at(operands, 0).values, round);
        return this.#sent(part, meaning.framed.fire(sum, this.#T));
      }
      case "stateful": {
        const values = at(operands, 0).values.map((x, i) =>
          meaning.stateful.step(x, i + 1, operands[1]?.values[i]),
        );
        return isWords(part.drive) ? { values, words: values.map(wordsOfPool) } : { values };
      }
      case "move":
      case "synapse":
      case "matmul":
      case "formula":
        break;
    }
    const compute = (t: number): Float64Array => {
      const values = operands.map((operand) => at(operand.values, t));
      if (meaning.is === "move") return carry(meaning.move, values, meaning.move.filler);
      const formula = meaning.is === "synapse" ? meaning.synapse : meaning.formula;
      return settle(formula.compute(values), dtype);
    };
    if (part.drive === "still") return once(compute(0));
    const times = Array.from({ length: this.#T }, (_, t) => t);
    const values = times.map(compute);
    if (!part.carries) return { values };
    const shapes = part.operands.map((operand) => at(this.#parts, operand).op.type.shape);
    const words = times.map((t) =>
      carryWords(
        part,
        shapes,
        operands.map((operand) => operand.words?.[t]),
      ),
    );
    return { values, words };
  }

  /** What arrives at each timestep; behind the last frame 0. */
  #framesOf(given: Float32Array, size: number, dtype: Dtype): readonly Float64Array[] {
    return Array.from({ length: this.#T }, (_, t) => {
      const frame = new Float64Array(size);
      given.subarray(t * size, (t + 1) * size).forEach((x, i) => (frame[i] = x));
      return settle(frame, dtype);
    });
  }

  /** What a neuron op sends, and its operations. */
  #sent({ op, meaning }: Part, frame: readonly Sent[]): Trace {
    let [spikes, bits] = [0, 0];
    const plain = isPlain(op);
    const words = frame.map((sent, t) => {
      const step = wordsOf(sent, plain);
      const now = total(step.count);
      const set = total(step.bits);
      spikes += now;
      bits += set;
      this.#count(t, { spikes: now, bits: set });
      return step;
    });
    const values = frame.map((sent) => sent.values);
    const shown = this.#framed ? [frameSum(values, rounderOf(op.type.dtype))] : values;
    this.#neurons.push({ id: op.id, spikes, bits, values: shown });
    if (meaning.is === "neuron" || meaning.is === "framed") {
      const cost = meaning.is === "neuron" ? meaning.neuron.cost : meaning.framed.cost(this.#T);
      const size = sizeOf(op.type.shape);
      charge(this.#operations, cost.step, size * this.#T);
      charge(this.#operations, cost.once, size);
      charge(this.#operations, cost.spike, spikes);
    }
    return { values, words };
  }

  #count(t: number, counts: Partial<Record<keyof Activity, number>>): void {
    for (const name of countNames) {
      this.#activity[name][t] = (this.#activity[name][t] ?? 0) + (counts[name] ?? 0);
    }
  }

  /** Words meet weights here. */
  #countEvents({ synapse, operands }: Part): void {
    if (synapse === undefined) return;
    const { words } = at(this.#traces, at(operands, synapse.operand));
    words?.forEach((step, t) => {
      const events = weighted(step.count, synapse.fanOut);
      const plainEvents = weighted(step.plain, synapse.fanOut);
      this.#count(t, { events, plainEvents, eventBits: weighted(step.bits, synapse.fanOut) });
      charge(this.#operations, {
        ...{ multiplyAccumulates: events - plainEvents, additions: plainEvents },
      });
    });
  }

  /** All operations that follow from the network alone but those of neurons. */
  #chargeOthers(outputs: ReadonlySet<number>): void {
    const users = this.#parts.map((): number[] => []);
    this.#parts.forEach(({ operands }, user) => {
      for (const operand of operands) users[operand]?.push(user);
    });
    /** Whether what a value holds is read by weights alone, and by what hands it on to such. */
    const onlyWeighed = (place: number): boolean =>
      !outputs.has(place) &&
      at(users, place).every((user) => {
        const { synapse, operands, carries } = at(this.#parts, user);
        if (synapse !== undefined) return at(operands, synapse.operand) === place;
        return carries && onlyWeighed(user);
      });
    const steps = this.#framed ? 1 : this.#T;
    this.#parts.forEach((part, place) => {
      const times = part.drive === "still" ? 1 : steps;
      const { meaning, synapse } = part;
      if (synapse !== undefined) {
        const { drive } = at(this.#parts, at(part.operands, synapse.operand));
        const reduces = part.op.kind.startsWith("ann.reduce-");
        if (!(isWords(drive) && reduces)) charge(this.#operations, synapse.rest, times);
        if (!isWords(drive)) {
          charge(this.#operations, { multiplyAccumulates: synapse.products }, times);
        }
      } else if (meaning.is === "matmul" || meaning.is === "formula") {
        if (!(part.carries && onlyWeighed(place))) {
          charge(this.#operations, meaning.formula.cost, times);
        }
      } else if (meaning.is === "stateful") {
        charge(this.#operations, meaning.stateful.cost, times);
      }
    });
  }

  /** The largest number of neuron ops on a path from the inputs. */
  #depth(places: readonly number[]): number {
    const depths: number[] = [];
    this.#parts.forEach(({ op, operands }) => {
      const before = Math.max(0, ...operands.map((operand) => depths[operand] ?? 0));
      depths.push(before + (isNeuron(op) ? 1 : 0));
    });
    return Math.max(0, ...places.map((place) => depths[place] ?? 0));
  }

  #cumulative(): Activity {
    for (const name of countNames) {
      const counts = this.#activity[name];
      for (let t = 1; t < counts.length; t += 1)
        counts[t] = (counts[t] ?? 0) + (counts[t - 1] ?? 0);
      if (this.#framed) counts.splice(0, counts.length - 1);
    }
    return this.#activity;
  }
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

const weighted = (values: Float64Array, weights: Float64Array): number =>
  values.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0);

/** Whether nothing changes in a run: no code, and no frames that arrive. */
const isTimeless = ({ code, ops }: Network): boolean =>
  code === "none" && !ops.some(({ kind }) => kind === "snn.input");

/** Runs one sample, an array for each input. Of framed codes the timesteps are the network's own. */
export function run(
  network: Network,
  inputs: readonly Float32Array[],
  timesteps = network.timesteps,
): Simulation {
  const fixed = framedCodes.has(network.code) || isTimeless(network);
  return new Run(network, fixed ? network.timesteps : timesteps).result(inputs);
}
