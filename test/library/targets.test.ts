/** Targets: how one is asked for, what it refuses, and that another one is a folder and a line. */
import { createHash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { Assembler } from "../../backends/wasm/assembler/assembler.ts";
import { wasmBackend } from "../../backends/wasm/emit/backend.ts";
import { targetsText } from "../../cli/options/targets.ts";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError, InvariantError, known } from "../../ir/diagnostic.ts";
import type { Module } from "../../ir/module.ts";
import { printModule } from "../../ir/text/print.ts";
import { tensorOf } from "../../ir/tensor.ts";
import { real } from "../../ir/type.ts";
import { buildFor, refusalsOf } from "../../library/build.ts";
import { loaderFiles } from "../../library/loader-files.ts";
import { parseTarget, refuseUnused, targets } from "../../library/targets.ts";
import { targetTable } from "../../scripts/docs/targets.ts";
import { loc } from "../ir/one-op.ts";
import { dumpBackend } from "./dump-backend.ts";

const registry = [...targets, dumpBackend];
const making = {
  tool: { name: "snnc", version: "0" },
  network: { file: "net.snn", sha256: "00" },
  provenance: null,
};

function network(): Module {
  const builder = new Builder();
  const x = builder.input("x", real("f32", [1, 3]), loc);
  const weight = builder.tensor("w", tensorOf("f32", [2, 3], [1, 2, 3, 4, 5, 6]));
  const first = builder.add("ann.linear", [x], { weight, bias: null }, loc);
  const second = builder.tensor("v", tensorOf("f32", [2, 2], [1, 2, 3, 4]));
  const y = builder.add("ann.linear", [first], { weight: second, bias: null }, loc);
  return builder.finish({ name: "net", outputs: [{ name: "y", value: y }] });
}

function messagesOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    return error.diagnostics.map((d) => `${d.code}: ${d.message} | ${d.help ?? ""}`);
  }
  return [];
}

async function failureOf(work: Promise<unknown>): Promise<readonly string[]> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof DiagnosticError ? error.diagnostics.map((d) => d.code) : [String(error)];
}

const dump = (text = "dump") => parseTarget(text, {}, registry);

describe("a target", () => {
  it("is read with its options, each checked against its table", () => {
    expect(dump("dump{most=7,names}").options).toEqual({ most: 7, names: true });
    expect(dump().options).toEqual({ most: 100, names: false });
    expect(parseTarget("wasm", { chunk: 8 }).options).toEqual({ chunk: 8 });
    expect(parseTarget("wasm{ chunk = 2 }").options).toEqual({ chunk: 2 });
  });

  it.each([
    ["dump{most=0,nmaes}", ['target dump has no option "nmaes"', "outside 1 … 10000"]],
    ["wasm{chunk=x}", ['option "chunk" of target wasm takes a whole number, not "x"']],
    ["wasm{chunk=2,chunk=3}", ['option "chunk" of target wasm is given twice']],
    ["wasm{chunk", ['in target "wasm{chunk", column 11: expected a comma or }, found the end']],
    [
      "dum",
      ['there is no target "dum" | build for wasm, c, dump; emulator, hdl and nir are planned'],
    ],
    ["wasm,dump", ['there is no target "wasm,dump"']],
    [
      "hdl",
      ["the target hdl is not supported yet: this version cannot write a hardware description"],
    ],
  ])("is refused as %s, with all that is wrong", (text, said) => {
    const found = messagesOf(() => parseTarget(text, {}, registry));
    for (const each of said) expect(found.join("\n")).toContain(each);
  });

  it("is listed by help and documentation with its options", () => {
    expect(targetsText(registry)).toContain("dump                 the network as text");
    expect(targetsText(registry)).toContain("most=100           elements of a tensor (1 to 10000)");
    expect(targetTable(registry)).toContain("`most=100` (1 to 10000)");
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });
});

describe("a build for another target", () => {
  const module = network();

  it("has the target's files, a report and a manifest of all of them", async () => {
    const built = await buildFor(dump(), module, { classes: ["a", "b"] }, making, loaderFiles);
    expect([...built.files.keys()]).toEqual([
      ...["network.snnir", "report.json", "tensors.json", "manifest.json"],
    ]);
    const text = (name: string): string =>
      new TextDecoder().decode(known(built.files.get(name), name));
    expect(text("network.snnir")).toBe(printModule(module));
    expect(JSON.parse(text("tensors.json"))).toEqual({ w: [1, 2, 3, 4, 5, 6], v: [1, 2, 3, 4] });
    expect(JSON.parse(text("report.json"))).toEqual({ tensors: 2 });
    expect(JSON.parse(text("manifest.json"))).toEqual({
      ...making,
      target: "dump",
      settings: { most: 100, names: false, classes: ["a", "b"] },
      files: built.listing.filter(({ path }) => path !== "manifest.json"),
    });
    for (const { path, sha256 } of built.listing) {
      const bytes = known(built.files.get(path), path);
      expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    }
  });

  it("is refused with everything at once, and nothing is emitted", async () => {
    const small = dump("dump{most=3}");
    const refused = await refusalsOf(small, module, {}, loaderFiles);
    expect(refused.map(({ message }) => message)).toEqual([
      "tensor @w has 6 elements, and at most 3 are written out",
      "tensor @v has 4 elements, and at most 3 are written out",
    ]);
    expect(refused.every((each) => each.loc === loc && each.help !== null)).toBe(true);
    const emit = (): never => {
      throw new InvariantError("emitted what was refused");
    };
    const backend = { ...dumpBackend, emit };
    const work = buildFor({ ...small, backend }, module, {}, making, loaderFiles);
    expect(await failureOf(work)).toEqual(["dump-too-large", "dump-too-large"]);
  });

  it("is refused what it makes no use of", async () => {
    const given = { probes: ["all"], classes: ["a", "b"] };
    const work = buildFor(dump(), module, given, making, loaderFiles);
    expect(await failureOf(work)).toEqual(["target-takes-no"]);
    expect(messagesOf(() => refuseUnused(dumpBackend, ["probes"]))).toEqual([
      "target-takes-no: the target dump has no use for probes | leave it out; besides the network it takes classes",
    ]);
  });

  it("is our fault where it has a file of a name that the target did not declare", async () => {
    const backend = { ...dumpBackend, fileNames: ["network.snnir"] };
    const work = buildFor({ ...dump(), backend }, module, {}, making, loaderFiles);
    await expect(work).rejects.toThrow("tensors.json is not a name of the target's");
  });
});

describe("WebAssembly as a target", () => {
  it("says all that it refuses at once", async () => {
    const wrong = { probes: ["nothing"], classes: ["a"] };
    const target = { backend: wasmBackend, options: { chunk: 4 } };
    const refused = await refusalsOf(target, network(), wrong, loaderFiles);
    expect(refused.map(({ code }) => code)).toEqual(["probe-unknown", "classes-count"]);
    expect(await refusalsOf(target, network(), {}, loaderFiles)).toEqual([]);
  });

  it("is compiled once, and not at all to say what it refuses", async () => {
    const target = { backend: wasmBackend, options: { chunk: 4 } };
    const finish = vi.spyOn(Assembler.prototype, "finish");
    try {
      await refusalsOf(target, network(), {}, loaderFiles);
      expect(finish).toHaveBeenCalledTimes(0);
      await buildFor(target, network(), {}, making, loaderFiles);
      expect(finish).toHaveBeenCalledTimes(1);
    } finally {
      finish.mockRestore();
    }
  });
});
