/**
 * Samples side by side on workers, over one shared memory where the platform lets pages have it.
 * Loaded when a pool is asked for.
 *
 * @import { Pool, PoolRunOptions } from "./api.ts"
 * @import { Description } from "./description.ts"
 * @import { Opening } from "./model-worker.js"
 * @import { Raw } from "./model-runner.js"
 */
import { Runner, compile, createMemory, dress, nodeModule, readInputs } from "./model-runner.js";

// Workers.

/**
 * @param {Description} description
 * @param {{ wasm: Uint8Array<ArrayBuffer>, weights: Uint8Array, compiled: WebAssembly.Module }} parts
 * @param {number} threads
 * @returns {Promise<Pool>}
 */
export async function openPool(description, parts, threads) {
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new RangeError(`threads must be a whole number from 1 to 256, not ${threads}`);
  }
  const { memory: sharedMemory, reason } = trySharedMemory(description, parts.weights, threads);
  const shared = sharedMemory !== null;
  const compiled = shared ? await compile(asShared(description, parts.wasm)) : parts.compiled;
  /** @type {PoolWorker[]} */
  const workers = [];
  try {
    for (let thread = 0; thread < threads; thread++) {
      const memory = sharedMemory;
      const weights = shared ? null : parts.weights;
      workers.push(await openWorker({ compiled, memory, weights, thread: shared ? thread : 0 }));
    }
  } catch (error) {
    for (const worker of workers) worker.close();
    const why = error instanceof Error ? error.message : String(error);
    return poolWithoutWorkers(description, parts, `there are no workers: ${why}`);
  }
  const idle = [...workers];
  /** @type {{ resolve: (worker: PoolWorker) => void, reject: (error: Error) => void }[]} */
  const waiting = [];
  /** @type {() => Promise<PoolWorker>} */
  const nextIdle = () => new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  let closed = false;
  /** @type {Pool["run"]} */
  const run = async (inputs, options = {}) => {
    if (closed) throw new Error("the pool is closed");
    const data = readInputs(description, inputs);
    const worker = idle.pop() ?? (await nextIdle());
    try {
      return dress(description, await worker.run(data, options));
    } finally {
      const next = waiting.shift();
      if (next === undefined) idle.push(worker);
      else next.resolve(worker);
    }
  };
  return {
    threads,
    memory: shared ? "shared" : "separate",
    reason,
    run,
    runAll: (samples, options) => Promise.all(samples.map((inputs) => run(inputs, options))),
    close() {
      closed = true;
      for (const { reject } of waiting.splice(0)) reject(new Error("the pool was closed"));
      for (const worker of workers) worker.close();
    },
  };
}

/**
 * @param {Description} description
 * @param {{ weights: Uint8Array, compiled: WebAssembly.Module }} parts
 * @param {string} reason
 * @returns {Pool}
 */
function poolWithoutWorkers(description, { weights, compiled }, reason) {
  const runner = new Runner(description, compiled, createMemory(description, weights, 1, false), 0);
  /** @type {Pool["run"]} */
  const run = async (inputs, options = {}) => {
    runner.start(readInputs(description, inputs));
    return dress(description, runner.run(options));
  };
  const runAll = /** @type {Pool["runAll"]} */ async (samples, options) => {
    const results = [];
    for (const inputs of samples) results.push(await run(inputs, options));
    return results;
  };
  return { threads: 1, memory: "none", reason, run, runAll, close: () => undefined };
}

/**
 * @param {Description} description
 * @param {Uint8Array} weights
 * @param {number} threads
 * @returns {{ memory: WebAssembly.Memory | null, reason: string | null }}
 */
function trySharedMemory(description, weights, threads) {
  if (globalThis.crossOriginIsolated === false) {
    const headers =
      "Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy: require-corp";
    return { memory: null, reason: `the page is not cross-origin isolated (${headers})` };
  }
  if (typeof SharedArrayBuffer === "undefined") {
    return { memory: null, reason: "this engine has no shared memory" };
  }
  return { memory: createMemory(description, weights, threads, true), reason: null };
}

/**
 * The same code for a memory that threads share: one flag of its import says which.
 *
 * @param {Description} description
 * @param {Uint8Array<ArrayBuffer>} wasm
 */
function asShared({ memory: { sharedFlagAt } }, wasm) {
  const copy = wasm.slice();
  if (sharedFlagAt !== null) copy[sharedFlagAt] = 3;
  return copy;
}

/**
 * @typedef {object} PoolWorker
 * @property {(inputs: readonly Float32Array[], options: PoolRunOptions) => Promise<Raw>} run
 * @property {() => void} close
 */

/**
 * @param {Opening} opening
 * @returns {Promise<PoolWorker>}
 */
async function openWorker(opening) {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const pending = new Map();
  let failure = /** @type {Error | null} */ (null);
  let asked = 0;
  const worker = await spawn(
    ({ id, result, error }) => {
      const { resolve, reject } = pending.get(id) ?? {};
      pending.delete(id);
      if (error === undefined) resolve?.(result);
      else reject?.(new Error(error));
    },
    (error) => {
      failure = error;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  );
  /** @type {(message: object) => Promise<any>} */
  const ask = (message) =>
    new Promise((resolve, reject) => {
      if (failure !== null) return reject(failure);
      const id = asked++;
      pending.set(id, { resolve, reject });
      worker.post({ id, ...message });
    });
  await ask({ opening });
  return {
    run: (inputs, options) => ask({ inputs, options }),
    close() {
      worker.end();
      for (const { reject } of pending.values()) reject(new Error("the pool was closed"));
      pending.clear();
    },
  };
}

/**
 * Starts model-worker.js the way that the platform has.
 *
 * @param {(message: any) => void} onMessage
 * @param {(error: Error) => void} onFailure
 * @returns {Promise<{ post(message: object): void, end(): void }>}
 */
async function spawn(onMessage, onFailure) {
  if (typeof Worker !== "undefined") {
    const worker = new Worker(new URL("./model-worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => onMessage(data);
    worker.onerror = (event) => {
      event.preventDefault();
      onFailure(new Error(event.message ?? "model-worker.js could not be loaded"));
    };
    return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  }
  const { Worker: NodeWorker } = await nodeModule("worker_threads");
  const worker = new NodeWorker(new URL("./model-worker.js", import.meta.url));
  worker.on("message", onMessage);
  worker.on("error", onFailure);
  return { post: (message) => worker.postMessage(message), end: () => void worker.terminate() };
}
