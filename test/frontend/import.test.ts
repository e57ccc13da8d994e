/** The door for models: what the bytes are decides who reads them, and what nobody reads is refused. */
import { describe, expect, it } from "vitest";
import { importModel, importerFor, importers } from "../../frontend/import.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { known } from "../../ir/diagnostic.ts";
import { printModule } from "../../ir/text/print.ts";
import { networks } from "./build-model.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("importModel", () => {
  it("hands a model to the importer of its format", () => {
    const bytes = known(networks["conv-1d"], "a network")();
    expect(importerFor(bytes, "net").format).toBe("onnx");
    const { module } = importModel(bytes, { file: "net.onnx" });
    const direct = importOnnx(bytes, { file: "net.onnx" }).module;
    expect(printModule(known(module, "a module"))).toBe(printModule(known(direct, "a module")));
  });

  it("refuses what no importer reads in its result, with what it is and a way out", () => {
    const bytes = encode('{"format":"graph-model","modelTopology":{}}');
    const { module, diagnostics, unsupported } = importModel(bytes, { file: "model.json" });
    expect(module).toBeNull();
    expect(unsupported).toEqual([]);
    expect(diagnostics).toEqual([
      {
        code: "unsupported-format",
        severity: "error",
        cause: "input",
        message: "model.json cannot be read here: it is a TensorFlow.js model",
        loc: null,
        notes: ["convert it to ONNX first, for example with tfjs-to-onnx or tf2onnx --tfjs"],
        help: "snnc reads ONNX models and its own .snn files",
      },
    ]);
  });

  it.each(["", "// RUN: --passes drop-identity --seed 0\n"])(
    "sends no text of the IR to a command, as none reads it (%j before it)",
    (comment) => {
      const bytes = encode(`${comment}module @m attributes {code = "none"} {\n}\n`);
      const [found] = importModel(bytes, { file: "x.snnir" }).diagnostics;
      expect(found).toMatchObject({
        code: "unsupported-format",
        message: "x.snnir cannot be read here: it is IR text, which no command reads",
        notes: ["name the .snn network or the model that the text was printed from"],
      });
    },
  );

  it.each([
    ["nothing at all", new Uint8Array(), "empty-file"],
    ["bytes of no known kind", new Uint8Array([255, 254, 0, 1]), "not-onnx"],
  ])("leaves %s to the importer of ONNX, which has no signature", (_, bytes, code) => {
    const { diagnostics } = importModel(bytes, { file: "net" });
    expect(diagnostics.map((each) => each.code)).toEqual([code]);
  });

  it("has one importer for a format", () => {
    const formats = importers.map(({ format }) => format);
    expect(new Set(formats).size).toBe(formats.length);
  });
});
