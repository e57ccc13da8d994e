/** What outputs that are no class scores count as right, worked out by hand; and how tasks are told apart. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { evaluateEarlyExit, marginOfTask } from "../../calibrate/early-exit.ts";
import {
  type EvaluateOptions,
  type Evaluation,
  checkTargets,
  evaluate,
} from "../../calibrate/evaluate.ts";
import { chooseTask, outputView } from "../../calibrate/tasks/choose.ts";
import { type Targets, targetSetOf } from "../../calibrate/tasks/targets.ts";
import { type TaskName, taskNames } from "../../calibrate/tasks/task.ts";
import type { SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { tensorOf } from "../../ir/tensor.ts";

/** A network that gives its input, of `shape`, through the ops in `tail`. */
function identity(shape: readonly number[], ...tail: readonly string[]): Module {
  const list = `[${shape.join(", ")}]`;
  const lines = tail.map((op, i) => `  %${i + 1} = ${op.replace("%", `%${i}`).replace("S", list)}`);
  const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real${list}
${lines.join("\n")}
  ann.output(%${tail.length}) {name = "y"}
}
`;
  return parseModule(text, { file: "m.snnir" });
}

const sigmoid = "ann.sigmoid(%) : realS";
const double = "ann.add(%, %0) : realS";

function rowsOf(shape: readonly number[], rows: readonly (readonly number[])[]): SampleSource {
  return { count: rows.length, get: (index) => [tensorOf("f32", shape, rows[index] ?? [])] };
}

async function evaluated(
  module: Module,
  rows: readonly (readonly number[])[],
  targets: Targets | null,
  options: Partial<EvaluateOptions> = {},
): Promise<Evaluation> {
  const executable = await interpretEngine.load(module, { threads: 1 });
  const shape = outputView(module, 0).shape;
  return evaluate(executable, rowsOf(shape, rows), targets, { timesteps: 1, ...options });
}

function taskFor(module: Module, targets: Targets | null, wanted?: TaskName): TaskName {
  const set = targets === null ? null : targetSetOf(targets);
  return chooseTask(module, outputView(module, 0), set, wanted).name;
}

const floats = (shape: readonly number[], values: readonly number[]) =>
  tensorOf("f32", shape, values);

describe("the task is told from output and labels:", () => {
  const wide = identity([1, 3]);
  const one = identity([1, 1]);
  const chance = identity([1, 1], sigmoid);
  const chances = identity([1, 3], sigmoid);
  const map = identity([1, 2, 2, 2]);
  const mask = identity([1, 1, 2, 2], sigmoid);
  const channelsLast = identity([1, 2, 2, 3]);
  const zeroOne = Int32Array.of(0, 1);
  const cases: readonly (readonly [string, Module, Targets | null, TaskName])[] = [
    ["class numbers", wide, Int32Array.of(0, 2), "classify"],
    ["rows with one 1", wide, floats([2, 3], [0, 1, 0, 0, 0, 1]), "classify"],
    ["rows of 0 and 1", wide, floats([2, 3], [0, 1, 1, 0, 0, 0]), "multilabel"],
    ["rows with one 1 beside sigmoids", chances, floats([1, 3], [0, 1, 0]), "multilabel"],
    ["rows of values", wide, floats([1, 3], [0, 0.5, 1]), "regress"],
    ["0 and 1 for one logit", one, zeroOne, "binary"],
    ["−1 and 1 for one logit", one, floats([2], [-1, 1]), "binary"],
    ["values for one output", one, floats([2, 1], [0.5, 3]), "regress"],
    ["whole numbers for one output", one, Int32Array.of(31, 64), "regress"],
    ["maps of class numbers", map, tensorOf("i64", [1, 2, 2], [0, 1, 255, 0]), "segment"],
    [
      "maps beside channels last",
      channelsLast,
      tensorOf("i64", [1, 2, 2], [0, 1, 2, 0]),
      "segment",
    ],
    ["a mask for a map of one score", mask, floats([1, 1, 2, 2], [0, 1, 1, 0]), "segment"],
    ["an image for an image", map, floats([1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8.5]), "regress"],
    ["nothing for a vector", wide, null, "regress"],
    ["nothing for one sigmoid", chance, null, "binary"],
    ["nothing for sigmoids", chances, null, "multilabel"],
    ["nothing for a map of one sigmoid", mask, null, "segment"],
    ["nothing for a tanh", identity([1, 3], "ann.tanh(%) : realS"), null, "regress"],
  ];

  it.each(cases)("%s", (_, module, targets, task) => {
    expect(taskFor(module, targets)).toBe(task);
  });

  it("a vector that is not of the input's shape, without labels, is assumed to be of classes", () => {
    const text = `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 4]
  %1 = ann.slice(%0) {starts = [0, 0], sizes = [1, 3], steps = [1, 1]} : real[1, 3]
  ann.output(%1) {name = "y"}
}
`;
    const module = parseModule(text, { file: "m.snnir" });
    const task = chooseTask(module, outputView(module, 0), null);
    expect(task).toMatchObject({ name: "classify", assumed: true });
  });

  it("a word goes before it, where it fits", () => {
    expect(taskFor(wide, floats([1, 3], [0, 1, 0]), "multilabel")).toBe("multilabel");
    expect(taskFor(one, zeroOne, "regress")).toBe("regress");
    const refused: readonly (readonly [TaskName, Module, Targets | null])[] = [
      ["classify", one, zeroOne],
      ["binary", wide, null],
      ["binary", one, Int32Array.of(0, 2)],
      ["multilabel", wide, Int32Array.of(0, 1)],
      ["regress", wide, Int32Array.of(0, 1)],
      ["regress", one, floats([2], [0, NaN])],
      ["segment", wide, null],
      ["segment", map, floats([1, 2, 2], [0, 2, 0, 0])],
      ["segment", map, floats([1, 2, 2], [255, 255, 255, -1])],
    ];
    for (const [task, module, targets] of refused) {
      expect(() => taskFor(module, targets, task), task).toThrow(/cannot be measured by/);
    }
  });

  it("labels that fit nothing are refused before anything runs", () => {
    const check = (module: Module, targets: Targets): (() => unknown) => {
      return () => checkTargets(module, targets, targetSetOf(targets).count);
    };
    expect(check(chance, Int32Array.of(0, 2))).toThrow(
      'labels of shape [N] with the value 2 fit no task of output "y", [1, 1]',
    );
    expect(check(wide, floats([1, 2], [0, 1]))).toThrow(
      'labels of shape [N, 2] fit no task of output "y", [1, 3]',
    );
    expect(check(wide, floats([2], [1, 0.5]))).toThrow("with the value 0.5 fit no task");
    expect(check(wide, Int32Array.of(0, 3))).toThrow("labels of a network with 3 outputs lie");
  });
});

describe("binary", () => {
  it("counts a value from the threshold on: 0.5 of a probability, 0 of a logit", async () => {
    const rows = [[-1], [0], [2], [0.25]];
    const labels = Int32Array.of(0, 1, 0, 1);
    for (const module of [identity([1, 1]), identity([1, 1], sigmoid)]) {
      const found = await evaluated(module, rows, labels);
      expect(found).toMatchObject({ accuracy: [0.75], classes: 2, distinctPredictions: 2 });
      expect([...found.predictions]).toEqual([0, 1, 1, 1]);
    }
    const signs = await evaluated(identity([1, 1]), rows, floats([4], [-1, 1, -1, 1]));
    expect(signs.accuracy).toEqual([0.75]);
    const task = (await evaluated(identity([1, 1], sigmoid), rows, labels)).outputs[0]?.task;
    expect(task?.threshold).toBe(0.5);
  });

  it("changes where the reference's decision does, not with every value", async () => {
    const rows = [[-1], [0.25]];
    const reference = await evaluated(identity([1, 1], sigmoid), rows, Int32Array.of(0, 1), {
      keepLogits: true,
    });
    // A chance of 0.25 is less than 0.5 though it is no negative logit.
    const found = await evaluated(identity([1, 1]), [[0.25], [0.75]], null, { reference });
    expect(found.agreement).toEqual([1]);
  });

  it("ends early where the chance is far from a half", async () => {
    const module = identity([1, 1], sigmoid);
    const view = outputView(module, 0);
    const task = chooseTask(module, view, null);
    expect(marginOfTask(module, { task, view })).toEqual({ of: "label-probability" });
    const executable = await interpretEngine.load(module, { threads: 1 });
    const rule = { margin: 0.5, of: "label-probability", minimum: 1, every: 1 } as const;
    const labels = Int32Array.of(0, 0);
    const found = await evaluateEarlyExit(executable, rowsOf([1, 1], [[-1], [1]]), labels, {
      timesteps: 1,
      rule,
    });
    expect(found.accuracy).toBe(0.5);
  });
});

describe("multilabel", () => {
  it("counts labels, and samples whose labels are all right", async () => {
    const rows = [
      [1, -1, 2],
      [-1, -1, -2],
    ];
    const found = await evaluated(identity([1, 3]), rows, floats([2, 3], [1, 0, 1, 0, 1, 0]));
    expect(found.accuracy).toEqual([5 / 6]);
    expect(found.outputs[0]?.metrics).toEqual({ exactMatch: [0.5] });
  });
});

describe("segment", () => {
  it("takes the greatest along the axis of classes at each place that counts", async () => {
    // Two classes of four places: 0, 1, 1, 0 are decided for.
    const rows = [[3, 1, 0, 2, 1, 2, 1, 1]];
    const maps = tensorOf("i64", [1, 2, 2], [0, 1, 0, 255]);
    const found = await evaluated(identity([1, 2, 2, 2]), rows, maps);
    expect(found.accuracy).toEqual([2 / 3]);
    // Class 0 is right at one of two places, class 1 at one of two.
    expect(found.outputs[0]?.metrics).toEqual({ meanIou: [0.5] });
    expect(found.diagnostics.map(({ code }) => code)).toEqual(["pixels-not-counted"]);
  });

  it("finds classes that are stored last", async () => {
    const rows = [[3, 1, 1, 2, 0, 1, 2, 1]];
    const maps = tensorOf("i64", [1, 4], [0, 1, 1, 0]);
    expect((await evaluated(identity([1, 4, 2]), rows, maps)).accuracy).toEqual([1]);
  });
});

describe("regress", () => {
  it("is how far values are off, beside how far they vary", async () => {
    // Errors 0, 1, 1, 0; targets 0, 1, 2, 3 have variance 1.25.
    const rows = [[0], [2], [1], [3]];
    const found = await evaluated(identity([1, 1]), rows, floats([4], [0, 1, 2, 3.0]));
    const metrics = found.outputs[0]?.metrics;
    expect(found.accuracy).toBeNull();
    expect(metrics?.rmse?.[0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(metrics?.relativeRmse?.[0]).toBeCloseTo(Math.sqrt(0.5 / 1.25), 12);
    expect(metrics?.r2?.[0]).toBeCloseTo(1 - 0.4, 12);
  });

  it("compares with the ANN without regard to what is constant", async () => {
    const rows = [[3000], [3001], [3002]];
    const module = identity([1, 1]);
    const reference = await evaluated(module, rows, null, { keepLogits: true });
    const near = await evaluated(module, [[3000.5], [3001.5], [3002.5]], null, { reference });
    const { metrics, squaredErrors } = near.outputs[0] ?? {};
    expect(metrics?.rmseToAnn?.[0]).toBeCloseTo(0.5, 12);
    expect(metrics?.relativeRmseToAnn?.[0]).toBeCloseTo(0.5 / Math.sqrt(2 / 3), 12);
    expect([...(squaredErrors ?? [])]).toEqual([0.25, 0.25, 0.25]);
    const flat = await evaluated(module, [[7], [7]], null, { keepLogits: true });
    const beside = await evaluated(module, [[7], [8]], null, { reference: flat });
    expect(beside.outputs[0]?.metrics.relativeRmseToAnn).toEqual([null]);
  });
});

describe("several outputs", () => {
  it("are each measured by their own task beside the ANN", async () => {
    const single = identity([1, 2], double);
    const module = {
      ...single,
      outputs: [...single.outputs, ...identity([1, 2]).outputs.map((o) => ({ ...o, name: "z" }))],
    };
    const rows = [
      [1, 2],
      [4, 3],
    ];
    const options = { keepLogits: true, task: "classify" } as const;
    const reference = await evaluated(module, rows, Int32Array.of(1, 0), options);
    expect(reference.accuracy).toEqual([1]);
    const moved = [
      [1, 2],
      [3, 4],
    ];
    const found = await evaluated(module, moved, null, { reference });
    expect(found.outputs.map(({ name, task }) => [name, task.name])).toEqual([
      ["y", "classify"],
      ["z", "regress"],
    ]);
    expect(found.outputs[0]?.agreement).toEqual([0.5]);
    // Errors 0, 0, 1, 1 over values whose variances are 2.25 and 0.25.
    expect(found.outputs[1]?.metrics.relativeRmseToAnn?.[0]).toBeCloseTo(Math.sqrt(0.5 / 1.25), 12);
  });
});

describe("an early end", () => {
  it("has a margin or a reason for every task", () => {
    const view = outputView(identity([1, 3]), 0);
    const found = taskNames.map((name) => {
      const task = { name, reason: "", assumed: false, threshold: null };
      return [name, "of" in marginOfTask(identity([1, 3]), { task, view })];
    });
    expect(found).toEqual([
      ["classify", true],
      ["binary", true],
      ["multilabel", true],
      ["segment", false],
      ["regress", false],
    ]);
  });
});
