/**
 * A process that runs one model on one peer. A process of its own for each: onnxruntime-web finds
 * onnxruntime-node through a registry that both share, and would run natively beside it.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";
import { elementCount } from "../../../ir/type.ts";
import { readInputs } from "./inputs.ts";
import type { OpenPeer } from "./open-peer.ts";
import type { Measurement, PeerName, PeerSpec } from "./protocol.ts";
import { type Served, serve, timeOne } from "./serve.ts";

/** Loaded on first use, so that none weighs on another. */
const openers: Readonly<Record<PeerName, () => Promise<OpenPeer>>> = {
  "onnxruntime-web": async () => (await import("./onnxruntime.ts")).openOnnxRuntime,
  "onnxruntime-node": async () => (await import("./onnxruntime.ts")).openOnnxRuntime,
  "tfjs-backend-wasm": async () => (await import("../tfjs/open.ts")).openTfjs,
};

serve(async (spec) => {
  invariant(spec.role === "peer", `a process of a peer was sent a spec for ${spec.role}`);
  return load(spec);
});

async function load(spec: PeerSpec): Promise<Served> {
  const open = await openers[spec.peer]();
  const opened = await open(spec);
  const all = spec.inputs === null ? [] : await readInputs(spec.inputs);
  const size = elementCount(spec.inputs?.shape ?? []);

  /** `batch` samples from `first` on, starting over behind the last. */
  const runOf = (first: number, batch: number): (() => Promise<Float32Array>) => {
    const data = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++) {
      data.set(known(all[(first + i) % all.length], "a sample").data, i * size);
    }
    return opened.feed(data, batch);
  };
  /** As many different ones as there are samples; made once, as nobody pays for it when serving. */
  const made = new Map<number, readonly (() => Promise<Float32Array>)[]>();
  const runsOf = (batch: number): readonly (() => Promise<Float32Array>)[] => {
    const before = made.get(batch);
    if (before !== undefined) return before;
    const runs = Array.from({ length: Math.ceil(all.length / batch) }, (_, i) =>
      runOf(i * batch, batch),
    );
    made.set(batch, runs);
    return runs;
  };

  return {
    loaded: {
      versions: { [spec.peer]: opened.version },
      seconds: opened.seconds,
      remarks: opened.remarks,
    },
    async answers(count) {
      const batch = spec.fixedBatch ?? 1;
      const parts: number[] = [];
      for (let first = 0; first < count; first += batch) {
        const data = await runOf(first, batch)();
        const rest = Math.min(batch, count - first) / batch;
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
    const ready = runsOf(batch);
    const milliseconds = await timeOne(
      (call) => known(ready[call % ready.length], "an input")(),
      measurement.seconds,
    );
    return milliseconds / batch;
  }
}
