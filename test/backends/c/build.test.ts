/** Builds in C: which files they have, what they refuse, that they compile anywhere, and that a self-test finds a fault. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { cBackend } from "../../../backends/c/backend.ts";
import type { CReport } from "../../../backends/c/files/report.ts";
import { Builder, builderBeside } from "../../../ir/build.ts";
import { known } from "../../../ir/diagnostic.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { packTensor, tensorOf } from "../../../ir/tensor.ts";
import { real } from "../../../ir/type.ts";
import { type BuildOptions, type Built, buildFor, refusalsOf } from "../../../library/build.ts";
import { loaderFiles } from "../../../library/loader-files.ts";
import { parseTarget } from "../../../library/targets.ts";
import { spikingNetwork } from "../wasm-emit/network.ts";
import { type LayerChoice, type NeuronChoice, wordNetwork } from "../../random/words.ts";
import { hasTool, strict } from "./native.ts";
import { withCompiler } from "./with-compiler.ts";

const making = {
  tool: { name: "snnc", version: "0" },
  network: { file: "net.snn", sha256: "00" },
  provenance: null,
};

const neurons: NeuronChoice = {
  bits: 3,
  sign: "retract",
  alphabet: "word",
  hasCeiling: false,
  shares: "powers",
  size: "usual",
  amplitude: "one",
};

/** An image, two convolutions with a shortcut, and a linear layer. */
function network(): Module {
  const layer: LayerChoice = {
    ...{ channels: 8, kernel: 3, stride: 1, pad: 1, isDepthwise: false, hasBias: false },
    ...{ shortcut: "identity", neurons },
  };
  return wordNetwork(3, [1, 3, 6, 5], neurons, [layer], [neurons]).module;
}

function built(
  text: string,
  module = network(),
  options: BuildOptions = { samples: [] },
): Promise<Built<CReport>> {
  return buildFor(
    { ...parseTarget(text), backend: cBackend },
    module,
    options,
    making,
    loaderFiles,
  );
}

/** A folder with the files of a build. */
async function within(
  build: Promise<Built<unknown>>,
  work: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "snnc-build-c-"));
  try {
    const { files } = await build;
    for (const [name, content] of files) writeFileSync(path.join(folder, name), content);
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function textIn({ files }: Built<unknown>, name: string): string {
  return new TextDecoder().decode(known(files.get(name), name));
}

describe("a build in C", () => {
  it("has a header, a source, a self-test and files that compile them, called as asked", async () => {
    expect([...(await built("c")).files.keys()]).toEqual([
      ...["CMakeLists.txt", "Makefile", "report.json", "snnc.c", "snnc.h", "snnc_test.c"],
      "manifest.json",
    ]);
    const named = await built("c{name=model,test=false}");
    expect([...named.files.keys()]).toEqual([
      ...["CMakeLists.txt", "Makefile", "report.json", "words.c", "words.h", "manifest.json"],
    ]);
    expect(textIn(named, "words.h")).toContain("int words_run(const int8_t *");
    expect(textIn(named, "words.h")).toContain("Made by snnc 0 from net.snn");
  });

  it("has no self-test where no samples are wanted", async () => {
    expect((await built("c", network(), { samples: null })).files.has("snnc_test.c")).toBe(false);
  });

  it("has the same bytes each time", async () => {
    expect((await built("c")).files).toEqual((await built("c")).files);
  });

  it("needs nothing but stdint.h, no memory from the system, and floats only where they are said", async () => {
    const source = textIn(await built("c{output=sums}"), "snnc.c");
    expect(source.match(/#include.*/g)).toEqual(['#include "snnc.h"']);
    expect(source).not.toMatch(/\b(malloc|calloc|float|double)\b/);
    expect((await built("c{output=sums}")).report.floats).toEqual([]);
    expect((await built("c{input=floats}")).report.floats).toEqual(["input", "output"]);
  });

  it("says how large it is: every array once", async () => {
    const all = await built("c");
    const source = textIn(all, "snnc.c");
    const sizes: Record<string, number> = {
      int8_t: 1,
      uint8_t: 1,
      int16_t: 2,
      int32_t: 4,
      float: 4,
    };
    const sum = (pattern: RegExp): number =>
      [...source.matchAll(pattern)].reduce(
        (total, [, type = "", count]) => total + (sizes[type] ?? NaN) * Number(count ?? 1),
        0,
      );
    const { sizes: told } = all.report;
    expect(sum(/^static const (\w+) \w+\[(\d+)\] =/gm)).toBe(told.constantBytes);
    expect(sum(/^static (?:volatile )?(\w+) \w+(?:\[(\d+)\])?;/gm)).toBe(told.ramBytes);
  });

  it("packs weights as their bits say", async () => {
    const b = new Builder();
    const loc = sourceLoc("net.onnx", "/fc", "Gemm");
    const x = b.input("x", real("f32", [1, 4]), loc);
    const unit = b.constant("unit", tensorOf("f32", [], [1]), loc);
    const zero = b.constant("zero", tensorOf("u8", [], [0]), loc);
    const q = b.add("ann.quantize-linear", [x, unit, zero], { axis: 0, to: "u8" }, loc);
    const weights = tensorOf("i8", [3, 4], [1, -8, 7, 0, 2, 3, -1, -2, 5, 5, -5, 4]);
    const weight = b.tensor("w", packTensor("i4", weights));
    const current = b.add("ann.linear", [q], { weight, bias: null }, loc);
    const one = b.tensor("one", tensorOf("i8", [], [1]));
    const theta = b.tensor("theta", tensorOf("i32", [], [300]));
    const v = b.tensor("v", tensorOf("i32", [], [150]));
    const attrs = { threshold: theta, vInit: v, amplitude: one, reset: "subtract" } as const;
    const spikes = b.add("snn.if", [current], attrs, loc);
    const value = b.add("snn.readout", [spikes], { start: 0 }, loc);
    const module = b.finish({
      ...{ name: "net", code: "rate", timesteps: 4, outputs: [{ name: "y", value }] },
      properties: new Set(["spiking", "integer"] as const),
    });
    const all = await built("c", module);
    // Two weights to a byte, the first in the low digits: 1 and −8 are 0x81.
    expect(textIn(all, "snnc.c")).toContain("fc_weights[6] = {\n  129, 7, 50, 239, 85, 75,\n};");
  });

  it("refuses what is not in integers, and all ops that it has no form for at once", async () => {
    const floats = await refusalsOf(parseTarget("c"), spikingNetwork(), {}, loaderFiles);
    expect(floats.map(({ code, help }) => `${code}: ${help ?? ""}`)).toEqual([
      "c-needs-integers: convert the model again with --integer",
    ]);
    const module = network();
    const b = builderBeside(module);
    for (const op of module.ops) b.push(op);
    const [output] = module.outputs;
    const loc = sourceLoc("net.onnx", "/tail", "Erf");
    const twice = b.add(
      "ann.exp",
      [b.add("ann.erf", [known(output, "an output").value], {}, loc)],
      {},
      loc,
    );
    const tailed = b.finish({ ...module, outputs: [{ name: "y", value: twice }] });
    const refused = await refusalsOf(parseTarget("c"), tailed, {}, loaderFiles);
    expect(refused.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      "c-no-form: erf (/tail) cannot be in a program in C: it computes in f32",
      "c-no-form: exp (/tail) cannot be in a program in C: it computes in f32",
    ]);
    expect(refused[0]?.help).toContain("output=sums");
    expect(await refusalsOf(parseTarget("c{output=sums}"), tailed, {}, loaderFiles)).toEqual([]);
  });

  it("refuses words of C as names", async () => {
    const refused = await refusalsOf(parseTarget("c{name=while}"), network(), {}, loaderFiles);
    expect(refused.map(({ code }) => code)).toEqual(["c-name-taken"]);
    expect(() => parseTarget("c{name=My-Net}")).toThrow("cannot be");
  });
});

describe.runIf(withCompiler())("a built program", () => {
  const compilers = ["gcc", "clang", "cc"].filter(hasTool);

  it.each(compilers)("passes its self-test without a warning of %s, by make", async (compiler) => {
    await within(built("c"), (folder) => {
      const flags = `CFLAGS=${strict.join(" ")} -O1`;
      const out = execFileSync("make", ["-s", "test", `CC=${compiler}`, flags], { cwd: folder });
      expect(out.toString()).toBe("passed: 1 samples, 4 timesteps, 3 layers\n");
    });
  });

  it("fails its self-test where one weight is another one", async () => {
    await within(built("c"), (folder) => {
      const file = path.join(folder, "snnc.c");
      const source = readFileSync(file, "utf8");
      const changed = source.replace(
        /(conv_\d+_weights\[\d+\] = \{\n {2}-?\d+, )(-?\d+)/,
        (_, before, weight) => {
          return `${String(before)}${Number(weight) === 5 ? 6 : 5}`;
        },
      );
      expect(changed).not.toBe(source);
      writeFileSync(file, changed);
      const { status, stdout } = spawnSync("make", ["-s", "test"], { cwd: folder });
      expect(status).not.toBe(0);
      expect(stdout.toString()).toMatch(/^FAILED: sample 0, timestep 1, layer 0/);
    });
  });

  it("stands beside another one in a program", async () => {
    await within(built("c{name=first,test=false}"), async (folder) => {
      const second = await built("c{name=second,test=false,output=sums}");
      for (const name of ["second.c", "second.h"])
        writeFileSync(path.join(folder, name), textIn(second, name));
      const main = `#include "first.h"\n#include "second.h"\nint main(void) { return FIRST_TIMESTEPS - SECOND_TIMESTEPS; }\n`;
      writeFileSync(path.join(folder, "main.c"), main);
      execFileSync("cc", [...strict, "first.c", "second.c", "main.c", "-o", "main"], {
        cwd: folder,
      });
      execFileSync(path.join(folder, "main"));
    });
  });

  it("stops where no more timesteps are proved to fit", async () => {
    const { report } = await built("c");
    const most = report.network.maxTimesteps;
    await within(built("c"), (folder) => {
      const [input] = report.network.inputs;
      const main = `#include "snnc.h"
static ${known(input, "an input").type} x[90];
static float y[5];
int main(void) { return snnc_run(x, ${most} + 1, y) == -1 && snnc_run(x, 0, y) == -1 && snnc_run(x, 2, y) == 0 ? 0 : 1; }\n`;
      writeFileSync(path.join(folder, "main.c"), main);
      execFileSync("cc", [...strict, "snnc.c", "main.c", "-o", "main"], { cwd: folder });
      execFileSync(path.join(folder, "main"));
    });
  });
});
