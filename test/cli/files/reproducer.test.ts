/** What is left of a fault of ours: the exit code, and files that show it again. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../../calibrate/data/open.ts";
import { modelInputs, sampleSource } from "../../../calibrate/data/source.ts";
import { explain } from "../../../cli/action.ts";
import { saveDifference } from "../../../cli/files/reproducer.ts";
import { createTerminal } from "../../../cli/terminal/terminal.ts";
import { Builder } from "../../../ir/build.ts";
import { DiagnosticError } from "../../../ir/diagnostic.ts";
import { decodePackage } from "../../../ir/file/package.ts";
import { real } from "../../../ir/type.ts";
import { diagnose } from "../../../library/diagnostics.ts";
import { f, loc } from "../../ir/one-op.ts";
import { temporaryFolder } from "../snnc.ts";

const folder = temporaryFolder("reproducer");

describe("a fault of ours", () => {
  it("ends with 70 where it is a diagnostic, whatever else is wrong", () => {
    const params = { engine: "wasm", output: "y", sample: 3, at: 0, is: 1, ought: 2, largest: 2 };
    const fault = diagnose("engine-differs", null, { ...params, op: "/conv/Conv" });
    const other = diagnose("bits-not-of-choice", null, { bits: 1, pipeline: "p", code: null });
    const written: string[] = [];
    const terminal = { ...createTerminal({}), alert: (text: string) => void written.push(text) };
    expect(explain(new DiagnosticError([other, fault]), terminal, {}, [])).toBe(70);
    expect(explain(new DiagnosticError([other]), terminal, {}, [])).toBe(1);
    expect(written.join("\n")).toContain("the first op to differ is /conv/Conv");
  });

  it("of an engine leaves the network and the sample, which run again", async () => {
    const builder = new Builder();
    const a = builder.input("a", real("f32", [1, 3]), loc);
    const b = builder.input("b/../c", real("f32", [2, 1, 3]), loc);
    const value = builder.add("ann.add", [a, b], {}, loc);
    const module = builder.finish({ name: "two", outputs: [{ name: "y", value }] });
    const inputs = [f([1, 3], [1, 2, 3]), f([2, 1, 3], [4, 5, 6, 7, 8, 9])];
    const told = saveDifference({ module, inputs, engine: "wasm" }, folder());
    const again = saveDifference({ module, inputs, engine: "wasm" }, folder());
    expect(told).toContain(
      `snnc run ${folder("reproducer.snn")} --input ${folder("reproducer.safetensors")} -o wasm.npz --engine wasm`,
    );
    expect(again).toContain("reproducer-2.safetensors");
    const read = decodePackage(readFileSync(folder("reproducer.snn")), "reproducer.snn").module;
    const dataset = await openDataset(folder("reproducer.safetensors"), {
      withLabels: false,
      preprocess: null,
      inputs: modelInputs(read).map(({ name }) => name),
    });
    const samples = sampleSource(dataset, modelInputs(read), null);
    expect(samples.count).toBe(1);
    expect(samples.get(0)).toEqual(inputs);
  });
});
