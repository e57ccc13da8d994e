/** Whole modules over time: order, state, what is counted, and what is kept for those who ask. */
import { isStateful } from "../../ir/op/known.ts";
import { describe, expect, it } from "vitest";
import { Builder } from "../../ir/build.ts";
import { InvariantError } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { interpret } from "../../ir/interpret.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { scalar, tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { f, loc } from "./one-op.ts";

interface Network {
  readonly module: Module;
  readonly current: ValueId;
  readonly hidden: ValueId;
  readonly logits: ValueId;
}

/** Two inputs → linear → IF (θ = 1, v[0] = 0.5) → linear → read-out. */
function twoLayers(): Network {
  const b = new Builder();
  const x = b.input("x", real("f32", [1, 2]), loc);
  const one = b.tensor("one", scalar("f32", 1));
  const half = b.tensor("half", scalar("f32", 0.5));
  const first = b.tensor("first", f([3, 2], [0.5, 0, 0, 0.25, 0, -1]));
  const second = b.tensor("second", f([2, 3], [1, 0, 0, 0, 4, 0]));
  const bias = b.tensor("bias", f([2], [0, 1]));
  const current = b.add("ann.linear", [x], { weight: first, bias: null }, loc);
  const hidden = b.add(
    "snn.if",
    [current],
    { threshold: one, vInit: half, amplitude: one, reset: "subtract" },
    loc,
  );
  const out = b.add("ann.linear", [hidden], { weight: second, bias }, loc);
  const logits = b.add("snn.readout", [out], { start: 0 }, loc);
  const outputs = [{ name: "y", value: logits }];
  const module = b.finish({ name: "m", code: "rate", timesteps: 4, outputs });
  return { module, current, hidden, logits };
}

describe("interpret", () => {
  const { module, current, hidden } = twoLayers();
  const sample = [f([1, 2], [1, 1])];

  it("steps neurons through time and decodes after each step", () => {
    const result = interpret(module, sample, { timesteps: 4 });
    // Hidden currents 0.5, 0.25, −1 from v = 0.5: neuron 0 fires at t = 1, 3; neuron 1 at t = 2.
    expect(result.outputs).toEqual([Float32Array.of(1, 1, 0.5, 3, 2 / 3, 7 / 3, 0.5, 2)]);
    expect([...result.spikes]).toEqual([3]);
    expect([...result.activity.spikes]).toEqual([1, 2, 3, 3]);
  });

  it("counts spikes times fan-out", () => {
    const result = interpret(module, sample, { timesteps: 4 });
    expect([...result.activity.events]).toEqual([2, 4, 6, 6]);
    expect(result.activity.plainEvents).toEqual(result.activity.events);
    expect(result.activity.eventBits).toEqual(result.activity.events);
  });

  it("keeps what probes ask for", () => {
    const { probes, means } = interpret(module, sample, {
      timesteps: 4,
      probes: [
        { value: hidden, keep: "trace" },
        { value: hidden, keep: "state" },
        { value: hidden, keep: "mean" },
        { value: current, keep: "mean" },
      ],
      average: [hidden],
    });
    expect(probes).toEqual([
      Float32Array.of(1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0),
      Float32Array.of(0, 0.75, -0.5, 0.5, 0, -1.5, 0, 0.25, -2.5, 0.5, 0.5, -3.5),
      Float32Array.of(0.5, 0.25, 0),
      Float32Array.of(0.5, 0.25, -1),
    ]);
    expect(means.get(hidden)).toEqual(Float64Array.of(0.5, 0.25, 0));
  });

  it("starts each run from reset", () => {
    const once = interpret(module, sample, { timesteps: 3, index: 7 });
    expect(interpret(module, sample, { timesteps: 3, index: 7 })).toEqual(once);
    expect(once.index).toBe(7);
  });

  it("gives a longer run the shorter one's beginning", () => {
    const [short] = interpret(module, sample, { timesteps: 2 }).outputs;
    const [long] = interpret(module, sample, { timesteps: 5 }).outputs;
    expect(long?.subarray(0, 4)).toEqual(short);
  });

  it("refuses inputs that are not the module's", () => {
    expect(() => interpret(module, [], { timesteps: 1 })).toThrow(InvariantError);
    expect(() => interpret(module, [f([2], [1, 1])], { timesteps: 1 })).toThrow(InvariantError);
    const wide = tensorOf("f64", [1, 2], [1, 1]);
    expect(() => interpret(module, [wide], { timesteps: 1 })).toThrow(InvariantError);
    expect(() => interpret(module, sample, { timesteps: 0 })).toThrow(InvariantError);
  });
});

describe("a module without a code", () => {
  it("runs for one timestep, whatever is asked", () => {
    const b = new Builder();
    const x = b.input("x", real("f32", [2]), loc);
    const two = b.constant("two", f([], [2]), loc);
    const y = b.add("ann.mul", [x, two], {}, loc);
    const outputs = [
      { name: "y", value: y },
      { name: "x", value: x },
    ];
    const module = b.finish({ name: "m", outputs });
    const result = interpret(module, [f([2], [3, -4])], { timesteps: 8 });
    expect(result.outputs).toEqual([Float32Array.of(6, -8), Float32Array.of(3, -4)]);
    expect(result.activity.spikes).toEqual(Float64Array.of(0));
  });
});

describe("evaluate", () => {
  const { module } = twoLayers();

  it("refuses ops with a state, and inputs", () => {
    const lookup = (): never => {
      throw new InvariantError("no tensors here");
    };
    for (const op of module.ops.filter((o) => isStateful(o) || o.kind === "ann.input")) {
      expect(() => evaluate(op, [f([1, 3], [1, 2, 3])], lookup)).toThrow(op.kind.slice(4));
    }
  });

  it("knows which ops have a state", () => {
    expect(module.ops.filter(isStateful).map((op) => op.kind)).toEqual(["snn.if", "snn.readout"]);
  });
});
