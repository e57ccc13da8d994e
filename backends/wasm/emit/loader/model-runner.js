/**
 * Runs the program of model.wasm on one thread: memory, inputs, timesteps, early exit, results. It
 * fetches nothing and starts no workers; model.js and model-worker.js use it.
 *
 * @import { RunOptions, RunResult, Series } from "./api.ts"
 * @import { Description, ValuePlace } from "./description.ts"
 */

const formatVersion = 2;
const sectionName = "snnc";
const pageBytes = 65536;

/**
 * What a run yields, as it goes from thread to thread.
 *
 * @typedef {object} Raw
 * @property {number} after
 * @property {number} timesteps
 * @property {boolean} exited
 * @property {Float32Array[]} outputs
 * @property {(Float32Array | Int32Array | null)[]} probes
 * @property {Float64Array[] | null} spikes
 */

/**
 * A module of Node's own, hidden from bundlers: they would look for it in vain.
 *
 * @param {string} name
 */
export function nodeModule(name) {
  const specifier = `node:${name}`;
  return import(/* @vite-ignore */ /* webpackIgnore: true */ specifier);
}

/** @param {Uint8Array<ArrayBuffer>} wasm */
export async function compile(wasm) {
  try {
    return await WebAssembly.compile(wasm);
  } catch (error) {
    const isWasm = wasm[0] === 0 && wasm[1] === 0x61 && wasm[2] === 0x73 && wasm[3] === 0x6d;
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      isWasm
        ? `this engine cannot run model.wasm, which needs WebAssembly with SIMD: ${why}`
        : "model.wasm is no WebAssembly: is its address right?",
    );
  }
}

/**
 * @param {WebAssembly.Module} compiled
 * @returns {Description}
 */
export function describe(compiled) {
  const [section] = WebAssembly.Module.customSections(compiled, sectionName);
  if (section === undefined) throw new Error("model.wasm was not made by snnc build");
  const description = JSON.parse(new TextDecoder().decode(section));
  if (description.format !== formatVersion) {
    throw new Error(
      `model.wasm is of format ${description.format}, and this model.js knows ${formatVersion}: ` +
        "take both from one build",
    );
  }
  return description;
}

/**
 * Whole pages for so many threads, weights included.
 *
 * @param {Description} description
 * @param {number} threads
 */
export function memoryBytes({ memory: { arenaStart, arenaBytes } }, threads) {
  return Math.ceil((arenaStart + threads * arenaBytes) / pageBytes) * pageBytes;
}

/**
 * Memory for so many threads, with the weights in place.
 *
 * @param {Description} description
 * @param {Uint8Array} weights
 * @param {number} threads
 * @param {boolean} shared
 */
export function createMemory(description, weights, threads, shared) {
  const pages = memoryBytes(description, threads) / pageBytes;
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    const bytes = new Uint8Array(memory.buffer);
    let from = 0;
    for (const [address, length] of description.memory.segments) {
      bytes.set(weights.subarray(from, from + length), address);
      from += length;
    }
    for (const tables of description.memory.tables) fillTables(memory.buffer, tables);
    return memory;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error(`there is no room for ${pages * pageBytes} bytes of memory`);
  }
}

/**
 * Sums of weight rows [group, input, lane] for every value of eight inputs' bits: each entry is that
 * without its highest bit, plus one row. Files do not carry them, as they are so much larger.
 *
 * @param {ArrayBufferLike} memory
 * @param {Description["memory"]["tables"][number]} recipe
 */
function fillTables(memory, recipe) {
  const { address, from, element, groups, inputs, width, values, rows: pitch } = recipe;
  /** @type {(at: number, length: number) => Float32Array | Int32Array | Int16Array} */
  const view = (at, length) => {
    if (element === "f32") return new Float32Array(memory, at, length);
    if (element === "i32") return new Int32Array(memory, at, length);
    return new Int16Array(memory, at, length);
  };
  const rows = view(from, groups * inputs * width);
  const table = view(address, groups * Math.ceil(inputs / 8) * pitch * width);
  let entry = 0;
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < inputs; first += 8) {
      table.fill(0, entry, entry + width);
      for (let value = 1; value < values; value++) {
        const top = 31 - Math.clz32(value);
        const rest = entry + (value - 2 ** top) * width;
        const row = (group * inputs + first + top) * width;
        const present = first + top < inputs;
        for (let lane = 0; lane < width; lane++) {
          const more = present ? (rows[row + lane] ?? 0) : 0;
          table[entry + value * width + lane] = (table[rest + lane] ?? 0) + more;
        }
      }
      entry += pitch * width;
    }
  }
}

// Inputs.

/**
 * The elements of each input, checked and as float32.
 *
 * @param {Description} description
 * @param {any} given
 * @returns {Float32Array[]}
 */
export function readInputs({ inputs }, given) {
  if (typeof given !== "object" || given === null) {
    throw new TypeError("inputs must be a typed array, a list of them, or an object by name");
  }
  const isOne = ArrayBuffer.isView(given) || (Array.isArray(given) && typeof given[0] === "number");
  if (isOne || Array.isArray(given)) {
    const list = isOne ? [given] : given;
    if (list.length !== inputs.length) {
      const names = inputs.map(({ name }) => `"${name}"`).join(", ");
      throw new RangeError(
        `the network takes ${inputs.length} inputs (${names}), not ${list.length}`,
      );
    }
    return inputs.map((input, i) => readInput(input, list[i]));
  }
  const names = inputs.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw new RangeError(unknownName("input", name, names));
  }
  return inputs.map((input) => readInput(input, given[input.name]));
}

/**
 * @param {Description["inputs"][number]} input
 * @param {any} given
 */
function readInput({ name, shape }, given) {
  if (given === undefined) throw new TypeError(`input "${name}" is missing`);
  const count = elementCount(shape);
  if (given?.length !== count) {
    const found = given?.length === undefined ? "something without a length" : given.length;
    throw new RangeError(
      `input "${name}" takes ${count} numbers ([${shape.join(", ")}]), not ${found}`,
    );
  }
  const data = given instanceof Float32Array ? given : Float32Array.from(given);
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(data[i])) throw new RangeError(`input "${name}" holds ${data[i]} at ${i}`);
  }
  return data;
}

/**
 * @param {string} what
 * @param {string} name
 * @param {readonly string[]} names
 */
export function unknownName(what, name, names) {
  const known = names.length === 0 ? "there are none" : `there are: ${names.join(", ")}`;
  return `no ${what} is named "${name}"; ${known}`;
}

/** @param {readonly number[]} shape */
function elementCount(shape) {
  return shape.reduce((count, extent) => count * extent, 1);
}

// Running.

/** A network in memory on one thread. */
export class Runner {
  /**
   * @param {Description} description
   * @param {WebAssembly.Module} compiled
   * @param {WebAssembly.Memory} memory
   * @param {number} thread Which arena of the memory is this runner's.
   */
  constructor(description, compiled, memory, thread) {
    const { arenaStart, arenaBytes } = description.memory;
    this.description = description;
    this.memory = memory;
    this.arena = arenaStart + thread * arenaBytes;
    this.elements = {
      f32: new Float32Array(memory.buffer),
      i32: new Int32Array(memory.buffer),
      f64: new Float64Array(memory.buffer),
    };
    const arena = new WebAssembly.Global({ value: "i32", mutable: false }, this.arena);
    const math = Object.fromEntries(
      description.math.map((name) => [name, Reflect.get(Math, name)]),
    );
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory, arena }, math });
    this.exports = exports;
    /** @type {Map<ValuePlace, Int32Array>} */
    this.orders = new Map();
    /** Timesteps that a run has given out, and that are computed; null before a sample. */
    this.elapsed = /** @type {number | null} */ (null);
    this.computed = 0;
    this.counted = false;
  }

  /** @param {readonly Float32Array[]} inputs */
  start(inputs) {
    this.description.inputs.forEach(({ at }, i) => {
      const data = inputs[i];
      if (at === null || data === undefined) return;
      const { elements, first } = this.find(at, 0);
      const order = this.orderOf(at);
      for (let k = 0; k < order.length; k++) elements[first + (order[k] ?? 0)] = data[k] ?? 0;
    });
    this.call(this.description.begin, 0);
    this.elapsed = 0;
    this.computed = 0;
  }

  reset() {
    new Uint8Array(this.memory.buffer, this.arena, this.description.memory.arenaBytes).fill(0);
    this.elapsed = null;
  }

  /**
   * @param {RunOptions} options
   * @returns {Raw}
   */
  run(options) {
    const { description } = this;
    const after = this.elapsed;
    if (after === null) throw new Error("there is no sample to go on with: give inputs");
    const timesteps = timestepsOf(description, options);
    if (hasOneAnswer(description) && after > 0) {
      throw new RangeError(`${kindOf(description)} has no timesteps to go on with`);
    }
    const most = description.mostTimesteps;
    if (most !== null && after + timesteps > most) {
      throw new RangeError(
        `a run up to timestep ${after + timesteps} may leave 32 bits: ` +
          `the integers of "${description.name}" are proved to fit for ${most}`,
      );
    }
    const exit = exitOf(description, options);
    const wanted = probesOf(description, options);
    const counts = options.spikes === true ? description.counts : null;
    const outputs = description.outputs.map(({ shape }) => {
      return new Float32Array(elementCount(shape) * timesteps);
    });
    const probes = description.probes.map((probe) =>
      wanted.has(probe.name) ? this.series(probe.at, timesteps) : null,
    );
    const spikes =
      options.spikes === true ? description.layers.map(() => new Float64Array(timesteps)) : null;
    let done = 0;
    let exited = false;
    while (done < timesteps && !exited) {
      const elapsed = after + done;
      if (elapsed === this.computed) {
        this.call(description.each, elapsed);
        this.computed += description.chunk;
        this.counted = false;
      }
      if (counts !== null && !this.counted) {
        this.call(description.count, this.computed - description.chunk);
        this.counted = true;
      }
      const step = elapsed - (this.computed - description.chunk);
      description.outputs.forEach(({ at }, i) => this.read(at, step, outputs[i], done));
      description.probes.forEach(({ at }, i) => this.read(at, step, probes[i] ?? undefined, done));
      if (counts !== null) {
        spikes?.forEach((row, layer) => {
          const { elements, first } = this.find(counts, 0);
          row[done] = elements[first + layer * description.chunk + step] ?? 0;
        });
      }
      done++;
      this.elapsed = elapsed + 1;
      const now = done;
      /** @type {(i: number) => Float32Array} */
      const outputNow = (i) => {
        const all = outputs[i] ?? new Float32Array();
        const size = all.length / timesteps;
        return new Float32Array(all.buffer, 4 * (now - 1) * size, size);
      };
      if (exit !== null && elapsed + 1 >= exit.minimum && (elapsed + 1) % exit.every === 0) {
        exited = marginOf(outputNow(exit.index), exit.of) >= exit.margin;
      }
      if (options.onTimestep !== undefined) {
        const named = description.outputs.map(({ name }, i) => [name, outputNow(i)]);
        const told = { timestep: elapsed + 1, outputs: Object.fromEntries(named) };
        if (options.onTimestep(told) === false) exited = true;
      }
    }
    return {
      after,
      timesteps: done,
      exited: done < timesteps,
      outputs: outputs.map((data) => cut(data, done, timesteps)),
      probes: probes.map((data) => (data === null ? null : cut(data, done, timesteps))),
      spikes: spikes === null ? null : spikes.map((row) => row.slice(0, done)),
    };
  }

  /**
   * @param {readonly string[]} names
   * @param {number} elapsed
   */
  call(names, elapsed) {
    for (const name of names) {
      const exported = this.exports[name];
      if (typeof exported !== "function") throw new Error(`model.wasm has no function "${name}"`);
      exported(0, 1, elapsed);
    }
  }

  /**
   * Room for a value at each of so many timesteps.
   *
   * @param {ValuePlace} at
   * @param {number} timesteps
   */
  series(at, timesteps) {
    const length = elementCount(at.shape) * timesteps;
    return at.element === "i32" ? new Int32Array(length) : new Float32Array(length);
  }

  /**
   * A value at a timestep of the chunk, in row-major order, to timestep `to` of a series.
   *
   * @param {ValuePlace} at
   * @param {number} step
   * @param {Float32Array | Int32Array | undefined} into
   * @param {number} to
   */
  read(at, step, into, to) {
    if (into === undefined) return;
    const order = this.orderOf(at);
    const { elements, first } = this.find(at, step);
    const offset = to * order.length;
    for (let i = 0; i < order.length; i++)
      into[offset + i] = elements[first + (order[i] ?? 0)] ?? 0;
  }

  /**
   * @param {ValuePlace} at
   * @param {number} step
   */
  find(at, step) {
    const bytes = at.element === "f64" ? 8 : 4;
    const first = (at.address + (at.inArena ? this.arena : 0)) / bytes + step * at.lead;
    return { elements: this.elements[at.element], first };
  }

  /**
   * For each element in row-major order, how many elements from the first it lies.
   *
   * @param {ValuePlace} at
   */
  orderOf(at) {
    const ready = this.orders.get(at);
    if (ready !== undefined) return ready;
    const order = new Int32Array(elementCount(at.shape));
    let filled = 0;
    /** @type {(axis: number, from: number) => void} */
    const visit = (axis, from) => {
      const extent = at.shape[axis];
      if (extent === undefined) order[filled++] = from;
      else for (let i = 0; i < extent; i++) visit(axis + 1, from + i * (at.strides[axis] ?? 0));
    };
    visit(0, 0);
    this.orders.set(at, order);
    return order;
  }
}

/**
 * A series without the timesteps that did not run.
 *
 * @template {Float32Array | Int32Array} Data
 * @param {Data} data
 * @param {number} done
 * @param {number} timesteps
 * @returns {Data}
 */
function cut(data, done, timesteps) {
  if (done === timesteps) return data;
  return /** @type {Data} */ (data.slice(0, (data.length / timesteps) * done));
}

/**
 * @param {Description} description
 * @param {RunOptions} options
 */
function timestepsOf(description, { timesteps = description.timesteps }) {
  wholeNumber("timesteps", timesteps);
  if (hasOneAnswer(description) && timesteps !== 1) {
    throw new RangeError(`${kindOf(description)} has one timestep, not ${timesteps}`);
  }
  return timesteps;
}

/** @param {Description} description */
function hasOneAnswer(description) {
  return description.kind === "ann" || description.frame !== null;
}

/** @param {Description} description */
function kindOf(description) {
  return description.kind === "ann" ? "an analogue network" : "a network that runs by frames";
}

/**
 * @param {Description} description
 * @param {RunOptions} options
 */
function exitOf({ outputs }, { exit }) {
  if (exit === undefined) return null;
  const { margin, of = "probability", minimum = 1, every = 1 } = exit;
  if (!(margin >= 0)) throw new RangeError(`exit.margin must be a number from 0, not ${margin}`);
  if (of !== "probability" && of !== "output") {
    throw new RangeError(`exit.of must be "probability" or "output", not "${of}"`);
  }
  const names = outputs.map(({ name }) => name);
  const index = exit.output === undefined ? 0 : names.indexOf(exit.output);
  const output = outputs[index];
  if (output === undefined) throw new RangeError(unknownName("output", exit.output ?? "", names));
  const { name, shape } = output;
  if (elementCount(shape) < 2) throw new RangeError(`output "${name}" has one element: no margin`);
  return {
    index,
    margin,
    of,
    minimum: wholeNumber("exit.minimum", minimum),
    every: wholeNumber("exit.every", every),
  };
}

/**
 * @param {string} name
 * @param {number} value
 */
function wholeNumber(name, value) {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RangeError(`${name} must be a whole number from 1, not ${value}`);
}

/**
 * @param {Description} description
 * @param {RunOptions} options
 */
function probesOf({ probes }, options) {
  const names = probes.map(({ name }) => name);
  for (const name of options.probes ?? []) {
    if (names.includes(name)) continue;
    throw new RangeError(`${unknownName("probe", name, names)} (build with --probe ${name})`);
  }
  return new Set(options.probes);
}

/**
 * The largest element less the second, of the values or of their softmax.
 *
 * @param {ArrayLike<number>} values
 * @param {"probability" | "output"} of
 */
function marginOf(values, of) {
  let [first, second] = [-Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (Number.isNaN(value)) return NaN;
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  if (of === "output") return first - second;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.exp((values[i] ?? NaN) - first);
  return (1 - Math.exp(second - first)) / sum;
}

/**
 * @param {Description} description
 * @param {Raw} raw
 * @returns {RunResult}
 */
export function dress(description, raw) {
  const { after, timesteps, exited } = raw;
  const outputs = description.outputs.map(({ name, shape }, i) => {
    return [name, seriesOf(name, shape, raw.outputs[i] ?? new Float32Array(), raw)];
  });
  const probes = description.probes.flatMap(({ name, shape }, i) => {
    const data = raw.probes[i] ?? null;
    return data === null ? [] : [[name, seriesOf(name, shape, data, raw)]];
  });
  const { spikes } = raw;
  const counted =
    spikes === null
      ? null
      : {
          total: spikes.reduce((sum, row) => row.reduce((a, b) => a + b, sum), 0),
          layers: Object.fromEntries(description.layers.map(({ name }, i) => [name, spikes[i]])),
        };
  return {
    after,
    timesteps,
    exited,
    outputs: Object.fromEntries(outputs),
    probes: Object.fromEntries(probes),
    spikes: /** @type {RunResult["spikes"]} */ (counted),
  };
}

/**
 * @template {Float32Array | Int32Array} Data
 * @param {string} name
 * @param {readonly number[]} shape
 * @param {Data} data
 * @param {Raw} raw
 * @returns {Series<Data>}
 */
function seriesOf(name, shape, data, { after, timesteps }) {
  const size = elementCount(shape);
  /** @type {(t: number) => Data} */
  const at = (t) => {
    const index = t - after - 1;
    if (!Number.isInteger(t) || index < 0 || index >= timesteps) {
      throw new RangeError(
        `"${name}" has timesteps ${after + 1} to ${after + timesteps}, not ${t}`,
      );
    }
    return /** @type {Data} */ (data.subarray(index * size, (index + 1) * size));
  };
  return { shape, data, at, last: at(after + timesteps) };
}
