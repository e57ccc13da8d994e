/**
 * A thread of a pool that model-pool.js opens, as a web worker or as one of Node's. Answers each
 * message once. Not for pages.
 */
import { Runner, createMemory, describe, nodeModule } from "./model-runner.js";

/**
 * @typedef {object} Opening
 * @property {WebAssembly.Module} compiled
 * @property {WebAssembly.Memory | null} memory
 * @property {Uint8Array | null} weights
 * @property {number} thread
 */

let runner = /** @type {Runner | null} */ (null);

/**
 * @param {any} message
 * @param {(answer: object) => void} post
 */
function answer({ id, opening, inputs, options }, post) {
  try {
    if (opening !== undefined) {
      runner = open(opening);
      post({ id, result: null });
      return;
    }
    if (runner === null) throw new Error("the worker was not opened");
    runner.start(inputs);
    post({ id, result: runner.run(options) });
  } catch (error) {
    post({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

/** @param {Opening} opening */
function open({ compiled, memory, weights, thread }) {
  const description = describe(compiled);
  const own = memory ?? createMemory(description, weights ?? new Uint8Array(), 1, false);
  return new Runner(description, compiled, own, thread);
}

if ("WorkerGlobalScope" in globalThis) {
  globalThis.onmessage = ({ data }) => answer(data, (message) => globalThis.postMessage(message));
} else {
  const { parentPort } = await nodeModule("worker_threads");
  /** @type {(message: object) => void} */
  const post = (message) => parentPort.postMessage(message);
  parentPort.on("message", (/** @type {any} */ message) => answer(message, post));
}
