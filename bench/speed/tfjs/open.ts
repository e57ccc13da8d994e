/** A model on TensorFlow.js with its WebAssembly backend: read by our importer, built op by op. */
import { createRequire } from "node:module";
import path from "node:path";
import { loadNetwork } from "../../../cli/load.ts";
import { createOutputs } from "../../../cli/files/outputs.ts";
import { createTerminal } from "../../../cli/terminal/terminal.ts";
import { diagnose } from "../../../cli/diagnostics.ts";
import { fail, invariant } from "../../../ir/diagnostic.ts";
import { inputsOf } from "../../../ir/module.ts";
import { convert } from "../../../library/convert.ts";
import { loadEngine } from "../engines.ts";
import type { OpenPeer } from "../processes/open-peer.ts";
import { type Tf, isTf } from "./api.ts";
import { storedAxes, stored, transposedData } from "./layout.ts";
import { tfNetwork, tfObstacles } from "./network.ts";

/** Fails with a diagnostic where the model has something that cannot be built. */
export const openTfjs: OpenPeer = async ({ folder, model, threads }) => {
  const begin = performance.now();
  const tf = await loadTf(folder);
  const loaded = performance.now();
  const terminal = createTerminal({ json: true, quiet: true });
  const context = { terminal, report: () => undefined, diagnostics: [], outputs: createOutputs() };
  const imported = await loadNetwork(model, {}, context);
  const running = { engine: await loadEngine("typed"), threads: 1 };
  const options = { timesteps: 1, pipeline: "canonical" };
  const { module } = await convert(imported.module, null, running, options);
  const obstacles = tfObstacles(module);
  if (obstacles.length > 0) fail(diagnose("usage", null, { text: obstacles.join("; ") }));
  const network = tfNetwork(tf, module);
  const shape = inputsOf(module)[0]?.type.shape ?? [];
  return {
    version: tf.version_core,
    seconds: { code: (loaded - begin) / 1000, create: (performance.now() - loaded) / 1000 },
    remarks: threads === 1 ? [] : ["its WebAssembly has one thread in Node"],
    feed(data, batch) {
      const all = [batch, ...shape.slice(1)];
      const x = tf.tensor(transposedData(data, all, storedAxes(all)), stored(all, all));
      return async () => {
        const y = network(x);
        const values = await y.data();
        y.dispose();
        return values;
      };
    },
  };
};

/** Installed in a folder of their own, and so no dependencies of the project. */
const packages = {
  core: "@tensorflow/tfjs-core",
  backend: "@tensorflow/tfjs-backend-wasm",
} as const;

async function loadTf(folder: string): Promise<Tf> {
  const require = createRequire(path.join(folder, "package.json"));
  const tf: unknown = require(packages.core);
  invariant(isTf(tf), `${packages.core} is not what its name says`);
  // Prints a greeting, and checks values for NaN, otherwise.
  tf.env().set("PROD", true);
  require(packages.backend);
  invariant(await tf.setBackend("wasm"), "TensorFlow.js has its WebAssembly backend");
  return tf;
}
