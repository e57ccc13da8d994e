/**
 * RNN, GRU and LSTM over a stream: at each timestep what the unrolled model has there, on every engine;
 * what cannot be a stream is refused.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../../backends/wasm/runtime/single.ts";
import { known } from "../../../ir/diagnostic.ts";
import { inputsOf } from "../../../ir/module.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { verify } from "../../../ir/verify.ts";
import { runOn } from "../../../scripts/verify/graphs/run.ts";
import { expectClose } from "../../backends/wasm/compare.ts";
import { floats, ints, model, node, pseudoRandom, value } from "../build-model.ts";
import { codesOf, importBytes, moduleOf, outputsOf } from "../run.ts";

const [steps, size, width] = [5, 3, 2];
const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;
const engines = [interpretEngine, singleThreadEngine, singleThreadWasmEngine];

interface Parts {
  readonly attributes?: Parameters<typeof node>[3];
  /** Extent of the sequence in the file. */
  readonly time?: number | string;
  readonly batchFirst?: boolean;
  readonly directions?: number;
  /** Operators behind Y, from "Y" to "y". */
  readonly tail?: readonly ReturnType<typeof node>[];
  readonly more?: readonly ReturnType<typeof floats>[];
}

/** x [time, 1, width] → recurrent operator with biases and an initial state → Y and Y_h. */
function recurrent(kind: keyof typeof gates, parts: Parts = {}): Uint8Array {
  const { time = steps, batchFirst = false, directions = 1 } = parts;
  const rows = gates[kind] * size;
  const initial = kind === "LSTM" ? ["h0", "c0"] : ["h0"];
  const from = batchFirst ? "turned" : "x";
  const shape = batchFirst ? [1, time, width] : [time, 1, width];
  return model({
    nodes: [
      ...(batchFirst ? [node("Transpose", ["x"], ["turned"], { perm: [1, 0, 2] })] : []),
      node(kind, [from, "W", "R", "B", "", ...initial], ["Y", "Y_h"], {
        hidden_size: size,
        ...parts.attributes,
      }),
      ...(parts.tail ?? [node("Identity", ["Y"], ["y"])]),
      node("Identity", ["Y_h"], ["h"]),
    ],
    inputs: [value("x", shape)],
    outputs: [value("y", null), value("h", null)],
    initializers: [
      floats("W", [directions, rows, width]),
      floats("R", [directions, rows, size]),
      floats("B", [directions, 2 * rows]),
      ...initial.map((name) => floats(name, [directions, 1, size])),
      ...(parts.more ?? []),
    ],
  });
}

const x = pseudoRandom(steps * width, "x");

describe.each(["RNN", "GRU", "LSTM"] as const)("%s over a stream", (kind) => {
  it.each([
    ["by its axis 0", false],
    ["by another axis", true],
  ])("is the unrolled one, timestep by timestep, on every engine, %s", async (_, batchFirst) => {
    const bytes = recurrent(kind, { batchFirst });
    const shape = batchFirst ? [1, steps, width] : [steps, 1, width];
    const [all, last] = outputsOf(moduleOf(bytes, { batchAxis: null }), [
      tensorOf("f32", shape, x),
    ]);
    const module = {
      ...moduleOf(bytes, { stream: new Map([["x", batchFirst ? 1 : 0]]) }),
      timesteps: steps,
    };
    expect(verify(module)).toEqual([]);
    expect(module.carries).toHaveLength(kind === "LSTM" ? 2 : 1);
    expect(inputsOf(module).map(({ kind: op }) => op)).toEqual(["snn.input"]);
    const frames = tensorOf("f32", [steps, 1, 1, width], x);
    for (const engine of engines) {
      const { outputs } = await runOn(engine, module, [frames], []);
      // [T, 1, 1, 1, size], as Y is [steps, directions, batch, size].
      expectClose(known(outputs[0], "y"), Float32Array.from(known(all, "Y").data));
      const h = known(outputs[1], "h");
      expectClose(h.subarray(h.length - size), Float32Array.from(known(last, "Y_h").data));
    }
  });

  it("may leave the number of timesteps open", () => {
    const result = importBytes(recurrent(kind, { time: "seq" }), { stream: new Map([["x", 0]]) });
    expect(codesOf(result)).toEqual([]);
    expect(result.module?.carries.length).toBeGreaterThan(0);
  });

  it("is refused backwards, with the reason", () => {
    for (const direction of ["reverse", "bidirectional"]) {
      const directions = direction === "bidirectional" ? 2 : 1;
      const bytes = recurrent(kind, { attributes: { direction }, directions });
      const { unsupported, module } = importBytes(bytes, { stream: new Map([["x", 0]]) });
      expect(module).toBe(null);
      expect(unsupported.map(({ op }) => op)).toEqual([kind]);
      expect(unsupported[0]?.help).toContain("leave out --stream");
    }
  });
});

describe("a stream", () => {
  const stream = new Map([["x", 0]]);
  const said = (bytes: Uint8Array, axes: ReadonlyMap<string, number> = stream): readonly string[] =>
    importBytes(bytes, { stream: axes }).diagnostics.map((d) => `${d.code}: ${d.message}`);

  it("may end in what is made of the last state", () => {
    const tail = [node("ReduceSum", ["Y_h", ""], ["y"], { keepdims: 0 })];
    expect(said(recurrent("LSTM", { tail }))).toEqual([]);
  });

  it("says where it could not be compared with the unrolled model", () => {
    const tail = [node("Reshape", ["Y", "shape"], ["y"])];
    const bytes = recurrent("RNN", { tail, more: [ints("shape", [1, size])] });
    expect(said(bytes)).toEqual([
      "stream-unchecked: the model cannot be unrolled for 5 timesteps, so the stream was not compared with it",
    ]);
  });

  it("is refused where the model combines timesteps", () => {
    const tail = [node("ReduceMean", ["Y"], ["y"], { axes: [0], keepdims: 0 })];
    expect(said(recurrent("GRU", { tail }))).toEqual([
      'stream-differs: output "y" cannot be computed one timestep at a time: an operator combines timesteps, or the axis of time is another one',
    ]);
  });

  it("is refused by another axis than that of time, or one that is not there", () => {
    const { unsupported } = importBytes(recurrent("LSTM"), { stream: new Map([["x", 2]]) });
    expect(unsupported.map(({ help }) => help).join()).toContain("--stream");
    expect(said(recurrent("LSTM"), new Map([["x", 3]]))).toEqual([
      'stream-axis: input "x" has 3 axes, so axis 3 cannot be its axis of time',
    ]);
    expect(said(recurrent("LSTM"), new Map([["z", 0]]))[0]).toContain("unknown-input");
  });
});
