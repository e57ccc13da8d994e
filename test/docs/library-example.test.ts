/** The example of docs/library.md runs, and the library reaches nothing that a browser lacks. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { convertDigits } from "../../examples/library.ts";
import {
  DiagnosticError,
  type Module,
  convert,
  decodePackage,
  evaluate,
  f32,
  importOnnx,
  parseModule,
  printModule,
  samplesOf,
  singleThreadEngine,
  verify,
} from "../../index.ts";
import { known } from "../../ir/diagnostic.ts";
import { root } from "./markdown.ts";

const folder = join(root, "examples/digits");
const running = { engine: singleThreadEngine, threads: 1 };

function digits(): Module {
  const bytes = readFileSync(join(folder, "digits.onnx"));
  return known(importOnnx(bytes, { file: "digits.onnx" }).module, "the example's network");
}

/** Any two images. */
const images = f32(
  [2, 1, 20, 20],
  Float32Array.from({ length: 800 }, (_, i) => Math.sin(i)),
);

describe("the example of docs/library.md", () => {
  it("converts, measures and packs", async () => {
    const result = await convertDigits(folder, 40);
    expect(result.accuracy).toHaveLength(4);
    expect(result.accuracy?.at(-1)).toBeGreaterThan(0.9);
    expect(result.annAccuracy?.[0]).toBeGreaterThan(0.9);
    const { module, provenance } = decodePackage(result.packed, "digits.snn");
    expect(module.code).toBe("differential");
    expect(provenance["pipeline"]).toMatch(/convert-differential/);
  });
});

describe("the library", () => {
  it("goes from bytes and arrays to a network and its accuracy, without files", async () => {
    const ann = digits();
    const samples = samplesOf(ann, images);
    const { module } = await convert(ann, samples, running, { timesteps: 4 });
    expect(verify(module)).toEqual([]);
    const evaluation = await evaluate(module, { samples, labels: null }, running);
    expect(evaluation.timesteps).toEqual([1, 2, 3, 4]);
    const text = printModule(module, { locs: "full" });
    const again = parseModule(text, { file: "text", tensors: module.tensors });
    expect(printModule(again, { locs: "full" })).toBe(text);
  });

  it("says what is wrong as diagnostics", async () => {
    const ann = digits();
    expect(() => samplesOf(ann, f32([2, 7], new Float32Array(14)))).toThrow(DiagnosticError);
    const { module, diagnostics } = importOnnx(new Uint8Array([1, 2, 3]), { file: "junk" });
    expect(module).toBeNull();
    expect(diagnostics.map(({ severity }) => severity)).toContain("error");
    const none = convert(ann, null, running, { timesteps: 4 });
    await expect(none).rejects.toThrow(/no calibration set/);
  });

  it("reaches none of Node's modules from index.ts", () => {
    const reached = new Map<string, string>();
    const open = ["index.ts"];
    const builtIn: string[] = [];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      for (const from of importsOf(readFileSync(join(root, file), "utf8"))) {
        if (from.startsWith("node:")) builtIn.push(`${file} imports ${from}`);
        if (!from.startsWith(".")) continue;
        const target = join(dirname(file), from);
        if (reached.has(target)) continue;
        expect(existsSync(join(root, target)), target).toBe(true);
        reached.set(target, file);
        open.push(target);
      }
    }
    expect(reached.size).toBeGreaterThan(50);
    expect(builtIn).toEqual([]);
  });
});

/** What a source file imports or passes on when it runs: types are gone by then. */
function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /^(?:import|export)\s(?!type\b)[^;]*?from\s+"([^"]+)"|\bimport\("([^"]+)"\)/gms,
  );
  return [...statements].map(([, from, dynamic]) => from ?? dynamic ?? "");
}
