/** A model on onnxruntime, native or as WebAssembly. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { invariant, known } from "../../../ir/diagnostic.ts";
import type { OpenPeer } from "./open-peer.ts";
import type { PeerSpec } from "./protocol.ts";

/** What both packages have in common, as far as it is used here. */
interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
  readonly env: {
    readonly versions: Readonly<Record<string, string>>;
    readonly wasm: { numThreads?: number };
  };
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, unknown>>): Promise<Record<string, { data: Float32Array }>>;
}

export const openOnnxRuntime: OpenPeer = async (spec) => {
  const begin = performance.now();
  const runtime = await importPeer(spec);
  const isWeb = spec.peer === "onnxruntime-web";
  if (isWeb) runtime.env.wasm.numThreads = spec.threads;
  const imported = performance.now();
  const session = await runtime.InferenceSession.create(await readFile(spec.model), {
    executionProviders: [isWeb ? "wasm" : "cpu"],
    intraOpNumThreads: spec.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
    ...(spec.optimised === undefined ? {} : { optimizedModelFilePath: spec.optimised }),
  });
  const created = performance.now();
  const input = known(session.inputNames[0], "an input");
  const output = known(session.outputNames[0], "an output");
  const shape = spec.inputs?.shape ?? [];
  return {
    version: known(runtime.env.versions[isWeb ? "web" : "node"], "a version"),
    seconds: { code: (imported - begin) / 1000, create: (created - imported) / 1000 },
    remarks: [],
    feed(data, batch) {
      const tensor = new runtime.Tensor("float32", data, [batch, ...shape.slice(1)]);
      return async () => known((await session.run({ [input]: tensor }))[output], "an output").data;
    },
  };
};

async function importPeer({ folder, peer }: PeerSpec): Promise<OnnxRuntime> {
  const require = createRequire(path.join(folder, "package.json"));
  const module: unknown = await import(pathToFileURL(require.resolve(peer)).href);
  const runtime = isOnnxRuntime(module) ? module : defaultOf(module);
  invariant(isOnnxRuntime(runtime), `${peer} is not what its name says`);
  return runtime;
}

function defaultOf(module: unknown): unknown {
  return typeof module === "object" && module !== null && "default" in module
    ? module.default
    : null;
}

function isOnnxRuntime(module: unknown): module is OnnxRuntime {
  return (
    typeof module === "object" &&
    module !== null &&
    "InferenceSession" in module &&
    "Tensor" in module &&
    "env" in module
  );
}
