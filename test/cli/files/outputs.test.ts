/** `-o` never replaces a file that the command reads, whatever made the command read it. */
import { copyFile, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import op from "onnx-proto";
import { beforeAll, describe, it } from "vitest";
import { encodeNpy } from "../../../calibrate/data/formats/write.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { floats, model, node, pseudoRandom, value } from "../../frontend/build-model.ts";
import { codesIn, digits, snnc, temporaryFolder } from "../snnc.ts";

const at = temporaryFolder("outputs");

beforeAll(async () => {
  const made = op.onnx.ModelProto.decode(
    model({
      inputs: [value("x", [1, 4])],
      outputs: [value("y", [1, 2])],
      initializers: [floats("w1", [4, 3]), floats("w2", [3, 2])],
      nodes: [
        node("MatMul", ["x", "w1"], ["a"]),
        node("Relu", ["a"], ["b"]),
        node("MatMul", ["b", "w2"], ["y"]),
      ],
    }),
  );
  const weights = made.graph?.initializer?.[0];
  await writeFile(at("weights.bin"), weights?.rawData ?? "");
  Object.assign(weights ?? {}, { rawData: new Uint8Array(), dataLocation: 1 });
  weights?.externalData?.push({ key: "location", value: "weights.bin" });
  await writeFile(at("external.onnx"), op.onnx.ModelProto.encode(made).finish());
  await symlink("weights.bin", at("link.bin"));
  for (const name of ["a.npy", "b.npy"]) {
    await writeFile(at(name), encodeNpy(tensorOf("f32", [8, 4], pseudoRandom(32, name))));
  }
  await copyFile(digits.preprocess, at("one.json"));
  const entry: unknown = JSON.parse(await readFile(at("one.json"), "utf8"));
  await writeFile(at("many.json"), JSON.stringify({ models: { digits: { preprocess: entry } } }));
});

describe.concurrent("an output", () => {
  const external = ["convert", "external.onnx", "--threads", "1", "--calib"];
  const prepared = ["convert", digits.model, "--calib", digits.calibration, "--preprocess"];
  it.for([
    ["a model's external data", [...external, "a.npy"], "weights.bin"],
    ["a link to them", [...external, "a.npy"], "link.bin"],
    ["one of several inputs", [...external, "a.npy,b.npy"], "b.npy"],
    ["a file of many preprocessings", [...prepared, "many.json#digits"], "many.json"],
  ] as const)("that is %s is refused", async ([, args, out], { expect }) => {
    const before = await readFile(at(out));
    const { code, stderr } = await snnc([...args, "-o", out], { cwd: path.dirname(at("x")) });
    expect([code, codesIn(stderr)]).toEqual([1, ["output-is-input"]]);
    expect(await readFile(at(out))).toEqual(before);
  });
});
