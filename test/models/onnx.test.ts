/** Trained models of others: imported and run, they give what onnxruntime gave. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBeside } from "../../frontend/files.ts";
import { importOnnx } from "../../frontend/onnx/import.ts";
import { tensor } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import { outputsOf } from "../frontend/run.ts";
import {
  expectedLogits,
  hasShared,
  preprocessed,
  shared,
  sharedModels,
  testImage,
} from "./shared.ts";

/** Images per model: what one gets right by chance, two do not. */
const images = [0, 1];

/** Largest difference from onnxruntime, in parts of the range of its outputs. */
const tolerance = 1e-4;

describe.skipIf(!hasShared)("trained models", () => {
  it.each([...sharedModels()])("%s", (_name, model) => {
    const path = join(shared, model.file);
    const { module, diagnostics } = importOnnx(readFileSync(path), {
      file: basename(path),
      files: filesBeside(path),
    });
    expect(diagnostics.filter(({ severity }) => severity !== "info")).toEqual([]);
    if (module === null) throw new Error("no module");
    expect(verify(module)).toEqual([]);
    const [input] = module.ops;
    const shape = input?.type.shape ?? [];
    const expected = expectedLogits(model);
    for (const index of images) {
      const x = preprocessed(model, testImage(model.dataset, index));
      const [found] = outputsOf(module, [tensor("f32", shape, x)]);
      const want = expected(index);
      const range = Math.max(...want) - Math.min(...want);
      const errors = [...want].map((y, i) => Math.abs(y - (found?.data[i] ?? NaN)) / range);
      expect(Math.max(...errors)).toBeLessThan(tolerance);
    }
  });
});
