/** What a `.snn` keeps of its task and of the values that its inputs had, and what later runs make of it. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Dataset, datasetOf, fieldOf } from "../../calibrate/data/dataset.ts";
import { modelInputs, sampleSource } from "../../calibrate/data/source.ts";
import { chooseTask, outputView } from "../../calibrate/tasks/choose.ts";
import { targetSetOf } from "../../calibrate/tasks/targets.ts";
import type { Data } from "../../library/data.ts";
import {
  recordOfRanges,
  recordOfTask,
  recordedScaleWarnings,
  recordedTask,
  taskSaid,
} from "../../library/record/network-record.ts";
import { Builder } from "../../ir/build.ts";
import { canonicalJson, membersOf } from "../../ir/file/json.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import type { Provenance } from "../../ir/file/package.ts";
import { uniform } from "../../ir/random.ts";
import { writeSafetensors } from "../../ir/file/safetensors.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import {
  membersIn,
  metadataKeys,
  namesIn,
  objectOf,
  opened,
  provenanceKeys,
} from "../docs/snn-file.ts";
import { floats, model, node, value } from "../frontend/build-model.ts";
import { failure, line } from "../calibrate/data/files.ts";
import { shared } from "../models/shared.ts";
import { jsonOf, snnc, temporaryFolder } from "./snnc.ts";

/** One value that may be a score, a logit or a price: its shape does not say which. */
function network(): Module {
  const builder = new Builder();
  const loc = sourceLoc("m.onnx", "in", "Input");
  const x = builder.input("x", real("f32", [1, 1]), loc);
  const y = builder.add("ann.relu", [x], {}, loc);
  return builder.finish({ name: "m", outputs: [{ name: "price", value: y }] });
}

function dataOf(values: readonly number[], labels: Int32Array | null = null): Data {
  const dataset: Dataset = datasetOf({
    name: "calib",
    content: {
      format: "memory",
      fields: [fieldOf("x", tensorOf("f32", [values.length, 1], values))],
      labels: null,
    },
    labels: null,
    files: [],
    diagnostics: [],
  });
  const samples = sampleSource(dataset, modelInputs(network()), null);
  return { samples, labels, dataset, name: "calib", labelOffset: 0, sha256: "" };
}

const written = (provenance: Provenance) => ({ module: network(), provenance, file: "net.snn" });
const drawn = (count: number, change: (x: number) => number = (x) => x): number[] =>
  Array.from({ length: count }, (_, i) => change(uniform(7, i, 0, 0)));

describe("the task of a network", () => {
  it("is recorded where it was said or labels tell it, and read again with its reason", () => {
    const module = network();
    const labelled = dataOf([0.5, 3], Int32Array.of(0, 1));
    expect(taskSaid(module, undefined, dataOf([0.5, 3]))).toBeNull();
    expect(taskSaid(module, "regress", labelled)).toBe("regress");
    const told = taskSaid(module, undefined, labelled);
    expect(told).toMatchObject({ name: "binary" });
    const tasks = recordOfTask(module, told ?? "classify");
    expect(tasks).toEqual({ price: "binary" });
    const wish = recordedTask(written({ tasks }));
    expect(wish).toEqual({ name: "binary", reason: "net.snn records it" });
    // Without labels the shape alone would speak for regress.
    const view = outputView(module, 0);
    expect(chooseTask(module, view, null).name).toBe("regress");
    expect(chooseTask(module, view, null, wish)).toMatchObject({ name: "binary", threshold: 0 });
  });

  it("is nothing in older files, and in those with a task or an output that is not known", () => {
    expect(recordedTask(written({}))).toBeUndefined();
    expect(recordedTask(written({ tasks: { price: "guess" } }))).toBeUndefined();
    expect(recordedTask(written({ tasks: { other: "binary" } }))).toBeUndefined();
    expect(recordedTask({ ...written({}), provenance: null })).toBeUndefined();
  });

  it("says where it comes from when labels do not fit it", async () => {
    const module = network();
    const wish = recordedTask(written({ tasks: { price: "binary" } }));
    let notes: readonly string[] = [];
    const targets = targetSetOf(tensorOf("f32", [2, 1], [0.5, 3]));
    const said = await failure(() => {
      try {
        chooseTask(module, outputView(module, 0), targets, wish);
      } catch (error) {
        if (typeof error === "object" && error !== null && "diagnostics" in error) {
          notes = [error.diagnostics].flat().flatMap(notesIn);
        }
        throw error;
      }
    });
    expect(said).toContain("task-does-not-fit: the output cannot be measured by the task binary");
    expect(notes).toEqual(["it is taken for that because net.snn records it"]);
  });
});

function notesIn(diagnostic: unknown): string[] {
  return typeof diagnostic === "object" && diagnostic !== null && "notes" in diagnostic
    ? [diagnostic.notes].flat().map(String)
    : [];
}

describe("the values that inputs had", () => {
  const values = drawn(300);
  const record = recordOfRanges(network(), dataOf(values));
  const warned = (provenance: Provenance, data: readonly number[]): string[] =>
    recordedScaleWarnings(written(provenance), dataOf(data).samples, "test.npz").map(line);

  it("are compared with those of whoever runs the network", () => {
    expect(warned({ inputs: record }, drawn(64))).toEqual([]);
    const [message, ...others] = warned(
      { inputs: record },
      drawn(64, (x) => 255 * x),
    );
    expect(others).toEqual([]);
    expect(message).toMatch(
      /^inputs-are-scaled-otherwise: input "x" has other values in test.npz \(.*\) than in the calibration data that net.snn was made with \(/,
    );
  });

  it("are the same whatever the order of the samples, as all of a file is", () => {
    const turned = recordOfRanges(network(), dataOf(values.toReversed()));
    expect(canonicalJson(turned)).toBe(canonicalJson(record));
    const few = values.slice(0, 20);
    expect(canonicalJson(recordOfRanges(network(), dataOf(few.toReversed())))).toBe(
      canonicalJson(recordOfRanges(network(), dataOf(few))),
    );
  });

  it("are not asked for where a file has none, or something else", () => {
    const far = drawn(64, (x) => 255 * x);
    expect(warned({}, far)).toEqual([]);
    expect(warned({ inputs: { x: "0 to 1" } }, far)).toEqual([]);
    expect(warned({ inputs: { x: { min: 0 } } }, far)).toEqual([]);
  });
});

const at = temporaryFolder("record");

describe("the metadata of a file", () => {
  it("are those that docs/ir.md lists, each with its parts", async () => {
    await write("m.onnx", twoInputs());
    const x = tensorOf("f32", [4, 2], [1, 2, -1, 0.5, 0, 1, 2, 2]);
    const y = tensorOf("i32", [4], [0, 1, 0, 1]);
    const data = new Map([
      ["x", x],
      ["y", y],
    ]);
    await write("c.safetensors", writeSafetensors({ tensors: data, metadata: new Map() }));
    await write("classes.txt", "cat\ndog\n");
    await write("p.json", '{"scale": 1}');
    const args = [
      ...[
        "--calib",
        at("c.safetensors"),
        "--preprocess",
        at("p.json"),
        "--classes",
        at("classes.txt"),
      ],
      ...["--task", "classify", "--input-value", "s=1", "--input-shape", "x=1,2", "--dim", "K=2"],
      ...["--model-outputs", "y", "--batch-axis", "0", "--threads", "1", "-o", at("m.snn")],
    ];
    const ran = await snnc(["convert", at("m.onnx"), "--no-eval", ...args]);
    expect(ran.stderr).not.toContain("error");
    const { metadata, text } = opened(await readFile(at("m.snn")));
    // Weights are packed, and get bits of their own, only where that is asked for; only networks of integers
    // have rates.
    const elsewhere = ["snnc.packed", "snnc.rates", "snnc.weight-bits"];
    const kept = [...metadataKeys.keys()].filter((key) => !elsewhere.includes(key));
    expect([...metadata.keys()].sort()).toEqual(kept.sort());
    expect(text("snnc.format")).toBe("1");

    const provenance = objectOf(text("snnc.provenance"));
    const rows = provenanceKeys;
    expect([...provenance.keys()].sort()).toEqual([...rows.keys()].sort());
    for (const [key, words] of rows) {
      const members = membersOf(provenance.get(key) ?? null);
      if (members === null || key === "classes" || key === "tasks") continue;
      const keys = key === "inputs" ? membersIn(members.get("x")).keys() : members.keys();
      const names = namesIn(words).filter((name) => !["null", ...notHere].includes(name));
      expect([...keys].sort(), key).toEqual([...names].sort());
    }
  });
});

/** What `resize` holds where there is one, and what a model has that was read as a stream. */
const notHere = ["width", "height", "method", "stream"];

async function write(name: string, content: string | Uint8Array): Promise<void> {
  await writeFile(at(name), content);
}

/** y = relu(s · x wᵀ) vᵀ */
function twoInputs(): Uint8Array {
  return model({
    nodes: [
      node("Mul", ["x", "s"], ["xs"]),
      node("Gemm", ["xs", "w"], ["h"], { transB: 1 }),
      node("Relu", ["h"], ["r"]),
      node("Gemm", ["r", "v"], ["y"], { transB: 1 }),
    ],
    inputs: [value("x", ["N", "K"]), value("s", [1])],
    outputs: [value("y", ["N", 2])],
    initializers: [floats("w", [5, 2]), floats("v", [2, 5])],
  });
}

const cases = join(shared, "cases");
const hasCases = existsSync(join(cases, "single-output.onnx"));
if (!hasCases) process.stderr.write(`NOT TESTED on ${cases}: no such folder\n`);

describe.skipIf(!hasCases)("one sigmoid beside labels of 0 and 1", () => {
  const calib = join(cases, "single-output.calib.npz");
  const data = [
    "--data",
    join(cases, "single-output.test.npz"),
    "--threads",
    "1",
    "--limit",
    "100",
    "--json",
  ];

  it("is measured by a threshold, chosen for by it, and again from the file alone", async () => {
    const model = join(cases, "single-output.onnx");
    const args = ["convert", model, "--calib", calib, "--auto", ...data];
    const made = jsonOf(await snnc([...args, "-o", at("so.snn")]));
    // All of them are on the right side of 0.5 in the analogue network.
    expect(made["annAccuracy"]).toBe(1);
    expect(made["task"]).toMatchObject({ name: "binary", threshold: 0.5 });
    expect(made["auto"]).toMatchObject({ task: { name: "binary" } });
    const again = jsonOf(await snnc(["eval", at("so.snn"), ...data]));
    expect(again["accuracy"]).toEqual(made["accuracy"]);
    expect(again["task"]).toMatchObject({ name: "binary", reason: `${at("so.snn")} records it` });
  });
});
