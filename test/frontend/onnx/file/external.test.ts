/** Weights in files beside the model: read where they should be, refused where they should not. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { onnx } from "onnx-proto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesBeside } from "../../../../frontend/files.ts";
import { tensor } from "../../../../ir/tensor.ts";
import { model, node, value } from "../../build-model.ts";
import { importBytes, moduleOf, outputsOf } from "../../run.ts";

let folder = "";
beforeAll(() => {
  const top = mkdtempSync(join(tmpdir(), "snnc-"));
  folder = join(top, "model");
  mkdirSync(join(folder, "inside"), { recursive: true });
  const data = Buffer.from(Float32Array.of(9, 1, 2).buffer);
  writeFileSync(join(folder, "weights.bin"), data);
  writeFileSync(join(folder, "inside", "weights.bin"), data);
  writeFileSync(join(top, "secret.bin"), data);
  symlinkSync(join(top, "secret.bin"), join(folder, "link.bin"));
  symlinkSync(top, join(folder, "up"));
  symlinkSync(join(folder, "weights.bin"), join(folder, "alias.bin"));
});
afterAll(() => rmSync(join(folder, ".."), { recursive: true }));

function modelWith(external: Readonly<Record<string, string>>, dims: number[] = [2]): Uint8Array {
  const weight: onnx.ITensorProto = {
    name: "w",
    dims,
    dataType: 1,
    dataLocation: 1,
    externalData: Object.entries(external).map(([key, entry]) => ({ key, value: entry })),
  };
  return model({
    inputs: [value("x", [1, 2])],
    outputs: [value("y", [1, 2])],
    nodes: [node("Add", ["x", "w"], ["y"])],
    initializers: [weight],
  });
}

function messageOf(external: Readonly<Record<string, string>>, dims?: number[]): string {
  const files = filesBeside(join(folder, "model.onnx"));
  const { diagnostics } = importBytes(modelWith(external, dims), { files });
  return diagnostics.map(({ code, message }) => `${code}: ${message}`).join("\n");
}

describe("external data", () => {
  it.each(["weights.bin", "inside/weights.bin", "./weights.bin", "alias.bin"])(
    "is read from %s, at its offset",
    (location) => {
      const files = filesBeside(join(folder, "model.onnx"));
      const bytes = modelWith({ location, offset: "4", length: "8" });
      const x = tensor("f32", [1, 2], Float32Array.of(10, 20));
      const [y] = outputsOf(moduleOf(bytes, { files }), [x]);
      expect([...(y?.data ?? [])]).toEqual([11, 22]);
    },
  );

  it.each([
    ["/etc/passwd", "the path /etc/passwd is absolute"],
    ["C:\\data.bin", "the path C:\\data.bin is absolute"],
    ["../secret.bin", "the path ../secret.bin leaves the folder"],
    ["inside/../../secret.bin", "the path inside/../../secret.bin leaves the folder"],
    ["link.bin", "link.bin is a link that leads out of the model's folder"],
    ["up/secret.bin", "up/secret.bin is a link that leads out of the model's folder"],
    ["inside", "inside is not a regular file"],
    ["", "it names no file"],
  ])("is refused at %j", (location, why) => {
    expect(messageOf({ location })).toBe(
      `external-data: the external data of tensor "w" is refused: ${why}`,
    );
  });

  it("is missing", () => {
    expect(messageOf({ location: "nothing.bin" })).toBe(
      'external-missing: tensor "w" is stored in the file nothing.bin, which does not exist',
    );
  });

  it("is too short", () => {
    expect(messageOf({ location: "weights.bin", offset: "8" })).toBe(
      'external-short: tensor "w" needs 8 bytes of weights.bin, which has 4 there',
    );
    expect(messageOf({ location: "weights.bin", offset: "800" })).toContain("has 0 there");
    expect(messageOf({ location: "weights.bin" }, [1000, 1000])).toContain("external-short");
  });

  it("declares another length than its shape, or none that is a number", () => {
    expect(messageOf({ location: "weights.bin", length: "4" })).toBe(
      'tensor-size: tensor "w" declares 8 bytes by its shape but holds 4 bytes',
    );
    expect(messageOf({ location: "weights.bin", offset: "-1" })).toContain('its offset is "-1"');
  });

  it("is refused where no files may be read", () => {
    const { diagnostics } = importBytes(modelWith({ location: "weights.bin" }));
    expect(diagnostics[0]?.message).toBe(
      'the external data of tensor "w" is refused: ' +
        "no files may be read here, and it lies in weights.bin",
    );
  });
});
