/**
 * Models that are damaged, hostile or beyond us: each is refused with a diagnostic of its own and
 * exit code 1, at once and without a trace of where in the program it arose.
 */
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import type { onnx } from "onnx-proto";
import { beforeAll, describe, expect, it } from "vitest";
import { codesIn, digits, snnc, temporaryFolder } from "../cli/snnc.ts";
import { floats, model, node, value } from "../frontend/build-model.ts";

const at = temporaryFolder("bad-models");

/** y = ReLU(W·x), with a weight to spoil. */
function dense(weight: onnx.ITensorProto): Uint8Array {
  return model({
    inputs: [value("x", ["batch", 4])],
    outputs: [value("y", ["batch", 3])],
    nodes: [
      node("Gemm", ["x", "w"], ["a"], { transB: 1 }, { name: "fc" }),
      node("Relu", ["a"], ["y"], {}, { name: "relu" }),
    ],
    initializers: [weight],
  });
}

function external(location: string): onnx.ITensorProto {
  return {
    name: "w",
    dims: [3, 4],
    dataType: 1,
    dataLocation: 1,
    externalData: [{ key: "location", value: location }],
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Files by name, and the code that each must be refused with. */
const models: Readonly<Record<string, readonly [bytes: () => Uint8Array, code: string]>> = {
  "empty.onnx": [() => new Uint8Array(0), "empty-file"],
  "text.onnx": [() => bytesOf("not a model at all\n"), "unsupported-format"],
  "page.onnx": [() => bytesOf("<!DOCTYPE html><html></html>"), "unsupported-format"],
  "pointer.onnx": [
    () => bytesOf("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
    "unsupported-format",
  ],
  "huge.onnx": [
    () => dense({ name: "w", dims: [2 ** 20, 2 ** 20], dataType: 1, rawData: new Uint8Array(16) }),
    "value-too-large",
  ],
  "hollow.onnx": [
    () => dense({ name: "w", dims: [20_000, 20_000], dataType: 1, rawData: new Uint8Array(16) }),
    "tensor-size",
  ],
  "nan.onnx": [
    () => dense(floats("w", [3, 4], [NaN, ...Array.from({ length: 11 }, () => 1)])),
    "nan-weight",
  ],
  "absent.onnx": [() => dense(external("absent.bin")), "external-missing"],
  "climbing.onnx": [() => dense(external("../weights.bin")), "external-data"],
  "absolute.onnx": [() => dense(external("/etc/hostname")), "external-data"],
  "linked.onnx": [() => dense(external("link.bin")), "external-data"],
  "short.onnx": [() => dense(external("short.bin")), "external-short"],
  "cycle.onnx": [
    () =>
      model({
        inputs: [value("x", [1, 4])],
        outputs: [value("y", [1, 4])],
        nodes: [node("Add", ["x", "y"], ["a"]), node("Relu", ["a"], ["y"])],
      }),
    "cyclic-graph",
  ],
};

beforeAll(async () => {
  await mkdir(at("inside"));
  await writeFile(at("weights.bin"), new Uint8Array(48));
  await writeFile(at("inside", "short.bin"), new Uint8Array(40));
  await symlink(at("weights.bin"), at("inside", "link.bin"));
  for (const [name, [bytes]] of Object.entries(models)) {
    await writeFile(at("inside", name), bytes());
  }
  const whole = await readFile(digits.model);
  await writeFile(at("inside", "truncated.onnx"), whole.subarray(0, whole.length / 2));
});

describe.concurrent("a model that cannot be read", () => {
  it.each([
    ...Object.entries(models).map(([name, [, code]]) => [name, code] as const),
    ["truncated.onnx", "truncated-model"] as const,
    ["nowhere.onnx", "file-not-found"] as const,
    [".", "file-is-folder"] as const,
  ])("%s is refused with %s", async (name, code) => {
    const { code: exit, stdout, stderr } = await snnc(["check", at("inside", name)]);
    expect(codesIn(stderr)).toEqual([code]);
    expect(exit).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe.concurrent("operators that have no conversion", () => {
  /** Two operators that are not read at all, one of them twice, one behind the other. */
  const unreadable = (): Uint8Array =>
    model({
      domains: { "com.example": 1 },
      inputs: [value("x", [1, 1, 8, 8])],
      outputs: [value("y", null)],
      nodes: [
        node("Fancy", ["x"], ["a"], {}, { name: "first", domain: "com.example" }),
        node("Fancy", ["a"], ["b"], {}, { name: "second", domain: "com.example" }),
        node("StringNormalizer", ["x"], ["c"], {}, { name: "third" }),
        node("Concat", ["b", "c"], ["y"], { axis: 0 }, { name: "joined" }),
      ],
    });
  const sigmoid = (): Uint8Array =>
    model({
      inputs: [value("x", [1, 4])],
      outputs: [value("y", [1, 4])],
      nodes: [
        node("MatMul", ["x", "w"], ["a"], {}, { name: "fc1" }),
        node("Sigmoid", ["a"], ["b"], {}, { name: "gate" }),
        node("Tanh", ["b"], ["c"], {}, { name: "squash" }),
        node("MatMul", ["c", "w"], ["d"], {}, { name: "fc2" }),
        node("Relu", ["d"], ["y"], {}, { name: "relu" }),
      ],
      initializers: [floats("w", [4, 4])],
    });

  it("are listed all at once by check, with place and way out", async () => {
    await writeFile(at("unreadable.onnx"), unreadable());
    const { code, stdout } = await snnc(["check", at("unreadable.onnx")]);
    expect(code).toBe(1);
    expect(stdout).toContain("com.example:Fancy ×2");
    expect(stdout).toContain("at first, second");
    expect(stdout).toContain("StringNormalizer ×1");
  });

  it("are named all at once by convert, which leaves no file", async () => {
    await writeFile(at("sigmoid.onnx"), sigmoid());
    const { code, stderr } = await snnc([
      ...["convert", at("sigmoid.onnx"), "--code", "rate"],
      ...["-o", at("sigmoid.snn")],
    ]);
    expect(code).toBe(1);
    expect(codesIn(stderr)).toEqual(["no-spiking-form", "no-spiking-form"]);
    expect(stderr).toMatch(/sigmoid has no spiking form here \(1 of it: gate\)/);
    expect(stderr).toMatch(/tanh has no spiking form here \(1 of it: squash\)/);
    await expect(readFile(at("sigmoid.snn"))).rejects.toThrow("ENOENT");
  });
});
