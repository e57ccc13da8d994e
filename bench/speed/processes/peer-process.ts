/**
 * A process that runs one model on one peer. A process of its own for each: onnxruntime-web finds
 * onnxruntime-node through a registry that both share, and would run natively beside it.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { invariant, known } from "../../../ir/diagnostic.ts";
import { elementCount } from "../../../ir/type.ts";
import { readInputs } from "./inputs.ts";
import type { Measurement, PeerSpec } from "./protocol.ts";
import { type Served, serve, timeOne } from "./serve.ts";

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

serve(async (spec) => {
  invariant(spec.role === "peer", `a process of a peer was sent a spec for ${spec.role}`);
  return load(spec);
});

async function load(spec: PeerSpec): Promise<Served> {
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
  const all = spec.inputs === null ? [] : await readInputs(spec.inputs);
  const size = elementCount(spec.inputs?.shape ?? []);
  const input = known(session.inputNames[0], "an input");
  const output = known(session.outputNames[0], "an output");

  /** `batch` samples from `first` on, starting over behind the last, as one tensor. */
  const feedsOf = (first: number, batch: number): Readonly<Record<string, unknown>> => {
    const data = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++) {
      data.set(known(all[(first + i) % all.length], "a sample").data, i * size);
    }
    const shape = [batch, ...(spec.inputs?.shape ?? []).slice(1)];
    return { [input]: new runtime.Tensor("float32", data, shape) };
  };
  /** As many different ones as there are samples; made once, as nobody pays for it when serving. */
  const feeds = new Map<number, readonly Readonly<Record<string, unknown>>[]>();
  const feedsFor = (batch: number): readonly Readonly<Record<string, unknown>>[] => {
    const known = feeds.get(batch);
    if (known !== undefined) return known;
    const made = Array.from({ length: Math.ceil(all.length / batch) }, (_, i) =>
      feedsOf(i * batch, batch),
    );
    feeds.set(batch, made);
    return made;
  };

  return {
    loaded: {
      versions: { [spec.peer]: known(runtime.env.versions[isWeb ? "web" : "node"], "a version") },
      seconds: { code: (imported - begin) / 1000, create: (created - imported) / 1000 },
      remarks: [],
    },
    async answers(count) {
      const batch = spec.fixedBatch ?? 1;
      const parts: number[] = [];
      for (let first = 0; first < count; first += batch) {
        const results = await session.run(feedsOf(first, batch));
        const rest = Math.min(batch, count - first) / batch;
        const { data } = known(results[output], "an output");
        parts.push(...data.subarray(0, data.length * rest));
      }
      return { logits: Float32Array.from(parts), activity: null };
    },
    measure: (measurement) => measure(measurement),
  };

  async function measure(measurement: Measurement): Promise<number> {
    invariant(measurement.mode !== "machine", "a process of a peer was asked for the machine");
    const wanted = measurement.mode === "batch" ? measurement.batch : 1;
    const batch = spec.fixedBatch ?? wanted;
    const ready = feedsFor(batch);
    const milliseconds = await timeOne(
      (call) => session.run(known(ready[call % ready.length], "an input")),
      measurement.seconds,
    );
    return milliseconds / batch;
  }
}

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
