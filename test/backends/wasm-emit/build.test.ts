/** What a build holds: its files, their list, what is refused, and that it is always the same. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { findSharedFlag, withSection } from "../../../backends/wasm/emit/binary.ts";
import { weightImage } from "../../../backends/wasm/emit/describe.ts";
import { compileProgram } from "../../../backends/wasm/compile.ts";
import { Builder } from "../../../ir/build.ts";
import { DiagnosticError, known } from "../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { real } from "../../../ir/type.ts";
import { build } from "../../../library/build.ts";
import { loaderFiles } from "../../../library/loader-files.ts";
import { buildFiles, image, making, spikingNetwork } from "./network.ts";

/** Codes and messages of the diagnostics that `work` fails with. */
async function failureOf(work: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof DiagnosticError)) return [String(error)];
  return error.diagnostics.map(({ code, message }) => `${code}: ${message}`);
}

function textOf(files: ReadonlyMap<string, Uint8Array>, name: string): string {
  return new TextDecoder().decode(known(files.get(name), name));
}

const module = spikingNetwork();
const samples = [
  { label: 3, inputs: [image(1).data] },
  { label: null, inputs: [image(2).data] },
];

describe("a build", () => {
  it("has the page and its samples only where samples are given", async () => {
    const runtime = [
      "model-pool.js",
      "model-runner.js",
      "model-worker.js",
      "model.d.ts",
      "model.js",
    ];
    const network = ["model.wasm", "model.weights", "report.json", "manifest.json"];
    const bare = await buildFiles(module);
    expect([...bare.files.keys()].sort()).toEqual([...runtime, ...network].sort());
    const whole = await buildFiles(module, { samples });
    const page = ["demo-draw.js", "demo.html", "demo.js", "samples.bin", "samples.json"];
    expect([...whole.files.keys()].sort()).toEqual([...runtime, ...network, ...page].sort());
    expect(textOf(whole.files, "samples.json")).toBe('{"count":2,"labels":[3,null]}\n');
    const bin = known(whole.files.get("samples.bin"), "samples");
    const values = new Float32Array(bin.slice().buffer);
    expect([...values]).toEqual([...image(1).data, ...image(2).data]);
  });

  it("lists each file with its size and hash, and says what made it", async () => {
    const { files, listing } = await buildFiles(module, { chunk: 3, probes: ["relu#2"] });
    expect(listing.map(({ path }) => path)).toEqual([...files.keys()]);
    for (const { path, bytes, sha256 } of listing) {
      const content = known(files.get(path), path);
      expect(bytes, path).toBe(content.length);
      expect(sha256, path).toBe(createHash("sha256").update(content).digest("hex"));
    }
    const manifest: unknown = JSON.parse(textOf(files, "manifest.json"));
    expect(manifest).toEqual({
      tool: making.tool,
      target: "wasm",
      network: making.network,
      provenance: null,
      settings: {
        ...{ timesteps: 12, chunk: 3, probes: ["relu#2"] },
        ...{ preprocess: null, classes: null, samples: null },
      },
      files: listing.filter(({ path }) => path !== "manifest.json"),
    });
  });

  it("gives the same bytes each time", async () => {
    const hashes = async () => (await buildFiles(module, { samples })).listing;
    expect(await hashes()).toEqual(await hashes());
  });

  it("reports sizes that are the files'", async () => {
    const { files, report } = await buildFiles(module);
    const size = (name: string): number => known(files.get(name), name).length;
    const { sizes, memory, network } = report;
    expect(sizes.code.bytes).toBe(size("model.wasm"));
    expect(sizes.weights.bytes).toBe(size("model.weights"));
    const scripts = ["model.js", "model-runner.js", "model-pool.js", "model-worker.js"];
    expect(sizes.loader.bytes).toBe(scripts.reduce((sum, name) => sum + size(name), 0));
    for (const key of ["bytes", "gzipBytes"] as const) {
      expect(sizes.total[key]).toBe(sizes.code[key] + sizes.weights[key] + sizes.loader[key]);
    }
    expect(memory.totalBytes).toBeGreaterThanOrEqual(memory.weightBytes + memory.arenaBytes);
    expect(memory.totalBytes % 65_536).toBe(0);
    expect([network.layers, network.neurons, network.chunk]).toEqual([2, 98, 4]);
    expect(JSON.parse(textOf(files, "report.json"))).toEqual(report);
  });

  it("is smaller without probes", async () => {
    const bytes = async (probes: string[]): Promise<number> => {
      const { report } = await buildFiles(module, { probes });
      return report.sizes.code.bytes + report.memory.arenaBytes;
    };
    expect(await bytes([])).toBeLessThan(await bytes(["all"]));
  });

  it("types inputs, outputs, layers and probes by their names", async () => {
    const { files } = await buildFiles(module, { probes: ["conv"] });
    const types = textOf(files, "model.d.ts");
    expect(types).toContain('export type InputName = "image";');
    expect(types).toContain('export type OutputName = "logits";');
    expect(types).toContain('export type LayerName = "relu" | "relu#2";');
    expect(types).toContain('export type ProbeName = "conv";');
    expect(textOf((await buildFiles(module)).files, "model.d.ts")).toContain("ProbeName = never;");
  });

  it("is refused for ops that only the host could run, all of them at once", async () => {
    expect(await failureOf(buildFiles(hostNetwork()))).toEqual([
      "op-without-kernel: ann.argmax on real<i64>[1] has no WebAssembly code, and a built network cannot run it otherwise",
      "op-without-kernel: ann.cast on real[1] has no WebAssembly code, and a built network cannot run it otherwise",
    ]);
  });

  it("is refused for inputs that change over time", async () => {
    const builder = new Builder();
    const loc = sourceLoc("m", "events", "Input");
    const type = { domain: "spike", dtype: "f32", shape: [2] } as const;
    const events = builder.inputOverTime("events", type, loc);
    const value = builder.add("snn.accumulate", [events], {}, loc);
    const outputs = [{ name: "y", value }];
    const over = builder.finish({ name: "m", outputs, code: "rate", timesteps: 2 });
    expect(await failureOf(buildFiles(over))).toEqual([
      'input-over-time: input "events" has a frame for each timestep, and a built network takes its inputs only once',
    ]);
  });

  it.each([
    [{ probes: ["nothing"] }, 'probe-unknown: there is nothing named "nothing" to probe'],
    [
      { membranes: ["conv"] },
      'probe-not-a-layer: "conv" is not a layer of neurons, so it has no potentials',
    ],
    [
      { classes: ["a", "b"] },
      'classes-count: there are 2 names of classes, and output "logits" has 4 elements',
    ],
  ])("is refused for %j", async (options, message) => {
    expect(await failureOf(buildFiles(module, options))).toEqual([message]);
  });

  it.each([
    ["hdl", "target-not-there-yet: the target hdl is not supported yet"],
    ["nir", "target-not-there-yet: the target nir is not supported yet"],
    ["emulator", "target-not-there-yet: the target emulator is not supported yet"],
    ["wasmer", 'target-unknown: there is no target "wasmer"'],
  ])("is refused for the target %s", async (target, message) => {
    const [only] = await failureOf(build(module, target, {}, making, loaderFiles));
    expect(only).toContain(message);
  });
});

/** A class number as a float: integers of 64 bits are held by the host. */
function hostNetwork(): Module {
  const b = new Builder();
  const loc = (name: string) => sourceLoc("net.onnx", name, name);
  const x = b.input("x", real("f32", [1, 4]), loc("x"));
  const attrs = { axis: 1, keepDims: false, selectLast: false };
  const best = b.add("ann.argmax", [x], attrs, loc("ArgMax"));
  const y = b.add("ann.cast", [best], { to: "f32", saturate: true }, loc("Cast"));
  return b.finish({ name: "net", outputs: [{ name: "y", value: y }] });
}

describe("weights", () => {
  it("are the constants one run after the other, without what lies between", () => {
    const constants = [
      { address: 192, data: Uint8Array.of(5, 6, 7) },
      { address: 64, data: Uint8Array.of(1, 2) },
      { address: 8192, data: Uint8Array.of(8) },
      { address: 128, data: Uint8Array.of(3, 4) },
    ];
    const { bytes, segments } = weightImage({ constants });
    expect(segments).toEqual([
      [64, 131],
      [8192, 1],
    ]);
    const memory = new Uint8Array(8200);
    let from = 0;
    for (const [address, length] of segments) {
      memory.set(bytes.subarray(from, from + length), address);
      from += length;
    }
    expect(from).toBe(bytes.length);
    for (const { address, data } of constants) {
      expect([...memory.subarray(address, address + data.length)]).toEqual([...data]);
    }
  });
});

describe("the binary", () => {
  const options = { timesteps: 12, steps: 4, keep: [], average: [], traces: [], count: false };
  const rest = { tiles: 1, optimise: true } as const;

  it("has one byte that says whether memory is shared", async () => {
    const own = await compileProgram(module, { ...options, ...rest, shared: false });
    const shared = await compileProgram(module, { ...options, ...rest, shared: true });
    const at = known(findSharedFlag(own.binary), "a memory");
    const changed = own.binary.slice();
    changed[at] = 3;
    expect(findSharedFlag(shared.binary)).toBe(at);
    expect(Buffer.from(changed).equals(Buffer.from(shared.binary))).toBe(true);
  });

  it.each([0, 1, 122, 123, 127, 20_000])("takes a section of %d bytes", async (length) => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const content = Uint8Array.from({ length }, (_, i) => i % 251);
    const compiled = await WebAssembly.compile(withSection(empty, "mine", content));
    const [found] = WebAssembly.Module.customSections(compiled, "mine");
    expect([...new Uint8Array(known(found, "the section"))]).toEqual([...content]);
    expect(findSharedFlag(empty)).toBeNull();
  });
});
