/** The verifier: every invariant is broken once, and nothing else is reported then. */
import { describe, expect, it } from "vitest";
import { Builder, makeOp, valueIdOf } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import type { Op } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { type Violation, verify } from "../../ir/verify.ts";

const loc = sourceLoc("net.onnx", "n", "Op");

/** %0 input → %1 linear → %2 neuron → %3 read-out. */
function network(): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 2]), loc);
  const weight = builder.tensor("w", tensorOf("f32", [3, 2], [1, 2, 3, 4, 5, 6]));
  const y = builder.add("ann.linear", [x], { weight, bias: null }, loc);
  const threshold = builder.tensor("t", tensorOf("f32", [1, 3], [1, 2, 3]));
  const vInit = builder.tensor("v", tensorOf("f32", [], [0.5]));
  const neuron = { threshold, vInit, amplitude: threshold, reset: "subtract" } as const;
  const s = builder.add("snn.if", [y], neuron, loc);
  const out = builder.add("snn.readout", [s], { start: 0 }, loc);
  const outputs = [{ name: "y", value: out }];
  return builder.finish({ name: "m", outputs, code: "rate", timesteps: 4 });
}

/** The network with op `index` changed. */
function changed(index: number, change: (op: Op) => Op): Module {
  const module = network();
  return { ...module, ops: module.ops.map((op, i) => (i === index ? change(op) : op)) };
}

/** The network with some tensors replaced. */
function withTensors(...entries: readonly (readonly [string, Tensor])[]): Module {
  const module = network();
  return { ...module, tensors: new Map([...module.tensors, ...entries]) };
}

const told = (violations: readonly Violation[]): readonly string[] =>
  violations.map(({ invariant, op, message }) => `${invariant} %${op?.result ?? "-"}: ${message}`);

const value = valueIdOf;

describe("verify", () => {
  it("accepts what the builder builds", () => {
    expect(verify(network())).toEqual([]);
  });

  it("1: wants operands to be results of earlier ops", () => {
    const module = network();
    const swapped = [0, 2, 1, 3].map((i) => known(module.ops[i], `op ${i}`));
    expect(told(verify({ ...module, ops: swapped }))).toEqual([
      "1 %2: snn.if uses %1, which no earlier op makes",
    ]);
    expect(told(verify(changed(1, (op) => ({ ...op, inputs: [value(9)] }))))).toEqual([
      "1 %1: ann.linear uses %9, which no earlier op makes",
    ]);
  });

  it("2: wants results to be unique numbers", () => {
    const module = network();
    const again = makeOp("ann.relu", value(0), [value(0)], {}, real("f32", [1, 2]), loc);
    const [input, ...rest] = module.ops;
    const twice = { ...module, ops: [known(input, "the input"), again, ...rest] };
    expect(told(verify(twice))).toEqual(["2 %0: %0 is made twice"]);
    const odd = changed(3, (op) => ({ ...op, result: value(-1) }));
    expect(told(verify({ ...odd, outputs: [{ name: "y", value: value(-1) }] }))).toEqual([
      "2 %-1: %-1 is not a whole number that is not negative",
    ]);
  });

  it("3: wants as many operands as the op takes", () => {
    expect(told(verify(changed(1, (op) => ({ ...op, inputs: [value(0), value(0)] }))))).toEqual([
      "3 %1: ann.linear takes 1 operands, not 2",
    ]);
  });

  it("4: wants the type that is inferred, domain included", () => {
    const wider = changed(3, (op) => ({ ...op, type: real("f32", [1, 4]) }));
    expect(told(verify(wider))).toEqual([
      "4 %3: snn.readout makes real[1, 3], but its type says real[1, 4]",
    ]);
    const spiking = changed(2, (op) => ({ ...op, type: { ...op.type, domain: "current" } }));
    expect(told(verify(spiking))).toEqual([
      "4 %2: snn.if makes spike[1, 3], but its type says current[1, 3]",
    ]);
    const overTime = changed(0, (op) => ({ ...op, type: { ...op.type, domain: "spike" } }));
    expect(told(verify(overTime))).toContain('4 %0: input "x" is of domain spike');
  });

  it("4: tells why there is no type", () => {
    expect(told(verify(withTensors(["v", tensorOf("f32", [5], [1, 1, 1, 1, 1])])))).toEqual([
      "4 %2: a vInit of shape [5] does not broadcast to [1, 3]",
    ]);
  });

  it("5: wants attributes of their kinds", () => {
    const start = changed(3, (op) =>
      makeOp("snn.readout", op.result, op.inputs, { start: 0.5 }, op.type, loc),
    );
    expect(told(verify(start))).toEqual(["5 %3: attribute start of snn.readout is not an integer"]);
    const large = changed(3, (op) =>
      makeOp("snn.readout", op.result, op.inputs, { start: 2 ** 32 + 1 }, op.type, op.loc),
    );
    expect(told(verify(large))).toEqual([
      "5 %3: attribute start of snn.readout holds 4294967297, beyond 32 bits",
    ]);
    const most = changed(3, (op) =>
      makeOp("snn.readout", op.result, op.inputs, { start: 2 ** 31 - 1 }, op.type, op.loc),
    );
    expect(verify(most)).toEqual([]);
    const listed = new Builder();
    const x = listed.input("x", real("f32", [1, 2]), loc);
    const padded = {
      begin: [0, -(2 ** 31) - 1],
      end: [0, 2 ** 31 + 2],
      mode: "edge",
      value: 0,
    } as const;
    const y = listed.add("ann.pad", [x], padded, loc);
    const module = listed.finish({ name: "m", outputs: [{ name: "y", value: y }] });
    expect(told(verify(module))).toEqual([
      "5 %1: attribute begin of ann.pad holds -2147483649, beyond 32 bits",
      "5 %1: attribute end of ann.pad holds 2147483650, beyond 32 bits",
    ]);
  });

  it("6: wants tensors to exist and to hold finite values of their type", () => {
    const module = network();
    const lacking = new Map(module.tensors);
    lacking.delete("w");
    expect(told(verify({ ...module, tensors: lacking }))).toEqual([
      "6 %1: weight @w is not in the table",
    ]);
    expect(told(verify(withTensors(["v", tensorOf("f32", [], [NaN])])))).toEqual([
      "6 %2: vInit @v holds nan",
    ]);
    expect(told(verify(withTensors(["t", tensorOf("f32", [], [Infinity])])))).toEqual([
      "6 %2: threshold @t holds inf",
      "6 %2: amplitude @t holds inf",
    ]);
    const short = { dtype: "f32", shape: [3, 2], data: new Float32Array(5) } as const;
    expect(told(verify(withTensors(["w", short])))).toEqual([
      "6 %1: weight @w has 5 elements, but its shape [3, 2] 6",
    ]);
  });

  it.each([
    ["i64", new Float64Array([1.5]), "1.5"],
    ["i64", new Float64Array([-0]), "-0"],
    ["i64", new Float64Array([2 ** 63]), "9223372036854775808"],
    ["u64", new Float64Array([-1]), "-1"],
    ["f16", new Float32Array([1 / 3]), "0.3333333432674408"],
    ["bool", new Uint8Array([2]), "2"],
  ] as const)("6: refuses what no %s is", (dtype, data, shown) => {
    const builder = new Builder();
    const y = builder.constant("c", { dtype, shape: [1], data }, loc);
    const module = builder.finish({ name: "m", outputs: [{ name: "y", value: y }] });
    expect(told(verify(module))).toEqual([`6 %0: value @c holds ${shown}, which is no ${dtype}`]);
  });

  it("7: wants thresholds above zero", () => {
    expect(told(verify(withTensors(["t", tensorOf("f32", [1, 3], [1, 0, 2])])))).toEqual([
      "7 %2: threshold @t holds 0, which is not above 0",
    ]);
  });

  it("8: wants a whole number of timesteps, and one without a code", () => {
    for (const timesteps of [0, -3, 1.5, NaN]) {
      expect(verify({ ...network(), timesteps })).toMatchObject([{ invariant: 8, op: null }]);
    }
    const plain = new Builder();
    const x = plain.input("x", real("f32", [1]), loc);
    const outputs = [{ name: "x", value: x }];
    expect(told(verify(plain.finish({ name: "m", outputs, timesteps: 2 })))).toEqual([
      '8 %-: the code is "none", but the network runs for 2 timesteps',
    ]);
  });

  it("8: limits timesteps to those that can be asked for", () => {
    expect(verify({ ...network(), timesteps: 1_000_000 })).toEqual([]);
    expect(told(verify({ ...network(), timesteps: 1_000_001 }))).toEqual([
      "8 %-: the network runs for 1000001 timesteps; the limit is 1000000",
    ]);
    expect(verify({ ...network(), timesteps: 2 ** 32 + 1 })).toMatchObject([{ invariant: 8 }]);
  });

  it("9: wants outputs that exist under names of their own", () => {
    const module = network();
    const name = "y";
    expect(told(verify({ ...module, outputs: [] }))).toContain("9 %-: the network has no output");
    const outputs = [...module.outputs, { name, value: value(77) }, { name, value: value(0) }];
    expect(told(verify({ ...module, outputs }))).toEqual([
      '9 %-: output "y" is %77, which no op makes',
      '9 %-: two outputs are called "y"',
    ]);
  });

  it("9: wants inputs under names of their own", () => {
    const module = network();
    const other = makeOp("ann.input", value(8), [], { name: "x" }, real("f32", [2]), loc);
    expect(told(verify({ ...module, ops: [...module.ops, other] }))).toEqual([
      '9 %-: two inputs are called "x"',
    ]);
  });

  it("10: wants every op to be needed, but for inputs", () => {
    const module = network();
    const idle = makeOp("ann.relu", value(8), [value(0)], {}, real("f32", [1, 2]), loc);
    expect(told(verify({ ...module, ops: [...module.ops, idle] }))).toEqual([
      "10 %8: no output depends on this ann.relu",
    ]);
  });

  it("11: wants every tensor to be named", () => {
    expect(told(verify(withTensors(["a b", tensorOf("f32", [], [1])])))).toEqual([
      '11 %-: no op names tensor @"a b"',
    ]);
  });

  it("15: names the op that a carry is missing from, or goes to", () => {
    const text = `module @m attributes {code = "none", timesteps = 2, properties = []} {
      %0 = ann.input() {name = "x"} : real[1, 2]
      %1 = snn.previous() {initial = @i, domain = "real"} : real[1, 2]
      %2 = ann.add(%0, %1) : real[1, 2]
      snn.carry(%2, %1)
      ann.output(%2) {name = "y"}
    }
    tensors {
      @i = f32[1, 2] dense<[0, 0]>
    }
    `;
    const module = parseModule(text, { file: "m.snnir" });
    expect(verify(module)).toEqual([]);
    const found = (carries: Module["carries"]) => told(verify({ ...module, carries }));
    const [carry] = module.carries;
    const whole = known(carry, "the carry");
    expect(found([])).toEqual(["15 %1: nothing is carried to %1"]);
    expect(found([whole, whole])).toEqual(["15 %1: two values are carried to %1"]);
    expect(found([whole, { ...whole, value: value(9) }])).toEqual([
      "15 %1: %9 is carried, which no op makes",
      "15 %1: two values are carried to %1",
    ]);
    expect(found([whole, { ...whole, source: value(0) }])).toEqual([
      "15 %0: a value is carried to %0, which is not an snn.previous",
    ]);
  });

  it("12: wants no spiking ops where the code is none", () => {
    expect(told(verify({ ...network(), code: "none", timesteps: 1 }))).toEqual([
      '12 %2: snn.if stands in a network whose code is "none"',
      '12 %3: snn.readout stands in a network whose code is "none"',
    ]);
  });

  it("14: wants ops to start anew at the same time, before the end", () => {
    const read = (start: number, rehearsal: number): Module =>
      changed(3, ({ result, inputs, type }) =>
        makeOp("snn.rehearsed-readout", result, inputs, { start, rehearsal }, type, loc),
      );
    expect(verify(read(0, 3))).toEqual([]);
    expect(told(verify(read(0, 4)))).toEqual([
      "14 %-: ops rehearse for 4 timesteps, and the network runs for 4",
    ]);
    const module = read(0, 3);
    const other = makeOp(
      "snn.rehearsed-readout",
      value(8),
      [value(2)],
      { start: 0, rehearsal: 2 },
      real("f32", [1, 3]),
      loc,
    );
    const outputs = [...module.outputs, { name: "z", value: value(8) }];
    expect(told(verify({ ...module, ops: [...module.ops, other], outputs }))).toEqual([
      "14 %-: ops rehearse for 3 and 2 timesteps, not for as many",
    ]);
  });

  it("tells everything at once, in the order of the ops, the module's last", () => {
    const module = withTensors(
      ["t", tensorOf("f32", [], [-1])],
      ["w", tensorOf("f32", [3, 2], [1, 2, 3, 4, 5, NaN])],
    );
    const all = verify({ ...module, timesteps: 0 });
    expect(all.map((v) => v.invariant)).toEqual([6, 7, 8]);
  });
});
