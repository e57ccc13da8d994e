// @ts-self-types="./model.d.ts"
/**
 * Loads a network that `snnc build` made, in browsers and their workers, Node, Deno and Bun, without
 * dependencies. What the network is stands in model.wasm, which describes itself; this file and those
 * beside it are the same for every network. Its types are in model.d.ts.
 *
 * @import { Network, Parts } from "./api.ts"
 * @import { Description } from "./description.ts"
 */
import {
  Runner,
  compile,
  createMemory,
  describe,
  dress,
  memoryBytes,
  nodeModule,
  readInputs,
  unknownName,
} from "./model-runner.js";

/** @type {typeof import("./api.ts").load} */
export async function load(from) {
  const parts = isParts(from) ? from : await fetchParts(from);
  const wasm = bytesOf(parts.wasm, "wasm");
  const weights = bytesOf(parts.weights, "weights");
  const compiled = await compile(wasm);
  const description = describe(compiled);
  const expected = description.memory.segments.reduce((sum, [, length]) => sum + length, 0);
  if (weights.length !== expected) {
    throw new Error(
      `model.weights has ${weights.length} bytes, and model.wasm belongs to one of ${expected}: ` +
        "take both from one build",
    );
  }
  const runner = new Runner(description, compiled, createMemory(description, weights, 1, false), 0);
  return openNetwork(description, runner, { wasm, weights, compiled });
}

/** @type {typeof import("./api.ts").argmax} */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if ((values[i] ?? -Infinity) > (values[best] ?? -Infinity)) best = i;
  }
  return best;
}

/**
 * @param {Description} description
 * @param {Runner} runner
 * @param {{ wasm: Uint8Array<ArrayBuffer>, weights: Uint8Array, compiled: WebAssembly.Module }} parts
 * @returns {Network}
 */
function openNetwork(description, runner, parts) {
  return {
    name: description.name,
    kind: description.kind,
    timesteps: description.timesteps,
    mostTimesteps: description.mostTimesteps,
    frame: description.frame,
    chunk: description.chunk,
    classes: description.classes,
    inputs: description.inputs.map(({ name, shape, preprocess }) => ({ name, shape, preprocess })),
    outputs: description.outputs.map(({ name, shape }) => ({ name, shape })),
    layers: description.layers,
    probes: description.probes.map(({ name, keeps, shape }) => ({ name, keeps, shape })),
    memoryBytes: memoryBytes(description, 1),
    run(inputs, options = {}) {
      if (inputs !== null) runner.start(readInputs(description, inputs));
      return dress(description, runner.run(options));
    },
    reset: () => runner.reset(),
    fromPixels: (image, input) => fromPixels(description, image, input),
    createPool: async (threads) => {
      const { openPool } = await import("./model-pool.js");
      return openPool(description, parts, threads);
    },
  };
}

// Getting the files.

/**
 * @param {URL | string | Parts} from
 * @returns {from is Parts}
 */
function isParts(from) {
  return typeof from === "object" && "wasm" in from && "weights" in from;
}

/**
 * @param {URL | string} from
 * @returns {Promise<Parts>}
 */
async function fetchParts(from) {
  const folder = new URL(from, globalThis.location?.href ?? import.meta.url);
  if (!folder.pathname.endsWith("/")) folder.pathname += "/";
  const files = ["model.wasm", "model.weights"].map((name) => read(new URL(name, folder)));
  const [wasm, weights] = await Promise.all(files);
  if (wasm === undefined || weights === undefined) throw new Error("unreachable");
  return { wasm, weights };
}

/** @param {URL} url */
async function read(url) {
  if (url.protocol === "file:" && "process" in globalThis) {
    const { readFile } = await nodeModule("fs/promises");
    return new Uint8Array(await readFile(url));
  }
  const response = await fetch(url).catch((error) => {
    const hint = url.protocol === "file:" ? "; serve the folder, pages from disk may not read" : "";
    throw new Error(`cannot load ${url.href}: ${error.message}${hint}`);
  });
  if (!response.ok) throw new Error(`cannot load ${url.href}: the server says ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/**
 * @param {ArrayBuffer | Uint8Array} given
 * @param {string} name
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytesOf(given, name) {
  if (given instanceof ArrayBuffer) return new Uint8Array(given);
  if (ArrayBuffer.isView(given)) {
    // A copy only where the buffer is shared, which WebAssembly.compile does not take.
    const { buffer, byteOffset, byteLength } = given;
    if (buffer instanceof ArrayBuffer) return new Uint8Array(buffer, byteOffset, byteLength);
    return new Uint8Array(given);
  }
  throw new TypeError(`${name} must be an ArrayBuffer or a Uint8Array`);
}

/**
 * @param {Description} description
 * @param {import("./api.ts").Pixels} image
 * @param {string | undefined} wanted
 */
function fromPixels({ inputs }, image, wanted) {
  const names = inputs.map(({ name }) => name);
  const input = wanted === undefined ? inputs[0] : inputs.find(({ name }) => name === wanted);
  if (input === undefined) throw new RangeError(unknownName("input", wanted ?? "", names));
  const { preprocess } = input;
  if (preprocess === null) {
    throw new Error(
      `how pixels become input "${input.name}" was not stated: build with --preprocess`,
    );
  }
  const extents = input.shape.slice(-3);
  while (extents.length < 3) extents.unshift(1);
  const [channels = 1, height = 1, width = 1] =
    preprocess.layout === "NHWC" && input.shape.length >= 3
      ? [extents[2], extents[0], extents[1]]
      : extents;
  if (image.width !== width || image.height !== height) {
    const given = `${image.width} x ${image.height}`;
    throw new RangeError(`input "${input.name}" takes ${width} x ${height} pixels, not ${given}`);
  }
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`input "${input.name}" has ${channels} channels, and pixels have 1 or 3`);
  }
  const { scale, mean, std } = preprocess;
  const size = width * height;
  const data = new Float32Array(channels * size);
  for (let i = 0; i < size; i++) {
    const [red = 0, green = 0, blue = 0] = [0, 1, 2].map((c) => image.data[4 * i + c]);
    for (let c = 0; c < channels; c++) {
      const colours = preprocess.channels === "BGR" ? [blue, green, red] : [red, green, blue];
      // Luma of ITU-R BT.601 in fixed point, as the command line computes it.
      const grey = (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;
      const pixel = channels === 1 ? grey : (colours[c] ?? 0);
      const value = (pixel * scale - (mean[c] ?? mean[0] ?? 0)) / (std[c] ?? std[0] ?? 1);
      data[preprocess.layout === "NHWC" ? i * channels + c : c * size + i] = value;
    }
  }
  return data;
}
