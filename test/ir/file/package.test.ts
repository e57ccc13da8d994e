/** The `.snn` file and the safetensors format below it: what is written is read, the rest refused. */
import { describe, expect, it } from "vitest";
import { Builder } from "../../../ir/build.ts";
import { type Diagnostic, DiagnosticError } from "../../../ir/diagnostic.ts";
import { canonicalJson } from "../../../ir/file/json.ts";
import { sourceLoc } from "../../../ir/loc.ts";
import type { Module } from "../../../ir/module.ts";
import { decodePackage, encodePackage } from "../../../ir/file/package.ts";
import {
  readSafetensors,
  safetensorsParts,
  writeSafetensors,
} from "../../../ir/file/safetensors.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { dtypes, real } from "../../../ir/type.ts";

const file = "net.snn";
const loc = sourceLoc("net.onnx", "/fc", "Gemm");

function network(weights: Iterable<number> = Array(12).keys(), tensorName = "fc.weight"): Module {
  const builder = new Builder({
    tensors: new Map([[tensorName, tensorOf("f32", [4, 3], weights)]]),
  });
  const x = builder.input("x", real("f32", [1, 3]), loc);
  const bias = builder.tensor("fc.bias", tensorOf("f32", [4], [0.5, -0, 1, 2]));
  const y = builder.add("ann.linear", [x], { weight: tensorName, bias }, loc);
  return builder.finish({ name: "net", outputs: [{ name: "y", value: y }] });
}

/** The bytes of a safetensors file with this header, as it is, and this data. */
function fileOf(header: string, data: readonly number[] = []): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

/** What the diagnostics of a failure say, or "" where there was none. */
function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) {
      return error.diagnostics.map((d) => `${d.code}: ${d.message}`).join("\n");
    }
    throw error;
  }
  return "";
}

describe("safetensors", () => {
  const values = [0, 1, 1, 0, 1];
  const tensors = new Map<string, Tensor>(
    dtypes.map((dtype) => [`of ${dtype}`, tensorOf(dtype, [5], values)]),
  );
  const metadata = new Map([["about", 'say "ü"']]);

  it("keeps tensors of every element type", () => {
    const read = readSafetensors(writeSafetensors({ tensors, metadata }), file);
    expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()));
    expect(read.metadata).toEqual(metadata);
  });

  it("keeps the extremes of floats and of 64-bit integers", () => {
    const extremes = new Map([
      ["f32", tensorOf("f32", [5], [-0, Infinity, -Infinity, 1e-45, 0.1])],
      ["f16", tensorOf("f16", [4], [-0, 65504, 2 ** -24, Infinity])],
      ["bf16", tensorOf("bf16", [3], [-0, 3.3895314e38, 1.5])],
      ["i64", tensorOf("i64", [3], [-(2 ** 63), 2 ** 53 + 2, -1])],
      ["u64", tensorOf("u64", [2], [2 ** 63, 2 ** 53])],
      ["empty", tensorOf("f32", [0, 3], [])],
      ["scalar", tensorOf("i8", [], [-128])],
    ]);
    const bytes = writeSafetensors({ tensors: extremes, metadata });
    expect(new Map(readSafetensors(bytes, file).tensors)).toEqual(extremes);
  });

  it("is the same in parts, which are views of the tensors where memory holds them so", () => {
    const weight = tensorOf("f32", [2], [1, 2]);
    const half = tensorOf("f16", [1], [3]);
    const content = {
      tensors: new Map([
        ["half", half],
        ["weight", weight],
      ]),
      metadata,
    };
    const parts = safetensorsParts(content);
    expect(Buffer.concat(parts).equals(writeSafetensors(content))).toBe(true);
    expect(parts.map((part) => part.buffer === weight.data.buffer)).toEqual([false, true, false]);
  });

  it("is laid out as the format asks: padded header, little-endian, aligned", () => {
    const bytes = writeSafetensors({
      tensors: new Map([
        ["a", tensorOf("u8", [3], [7, 8, 9])],
        ["b", tensorOf("i32", [1], [258])],
      ]),
      metadata: new Map(),
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
    expect(length % 8).toBe(0);
    expect(header.trimEnd()).toBe(
      '{"__metadata__":{},"b":{"data_offsets":[0,4],"dtype":"I32","shape":[1]},' +
        '"a":{"data_offsets":[4,7],"dtype":"U8","shape":[3]}}',
    );
    expect([...bytes.subarray(8 + length)]).toEqual([2, 1, 0, 0, 7, 8, 9]);
  });

  it("gives equal bytes whatever the order", () => {
    const turned = new Map([...tensors].reverse());
    expect(writeSafetensors({ tensors: turned, metadata })).toEqual(
      writeSafetensors({ tensors, metadata }),
    );
  });

  it("is read from the middle of a buffer", () => {
    const bytes = writeSafetensors({ tensors, metadata });
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(readSafetensors(shifted.subarray(3), file).tensors.size).toBe(dtypes.length);
  });

  const entry = (dtype: string, shape: string, begin: number, end: number): string =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

  it.each([
    [new Uint8Array(5), "it has 5 bytes, fewer than the 8 that begin one"],
    [fileOf("{}").subarray(0, 9), "its header is to have 2 bytes, but the file has 9"],
    [new Uint8Array(20).fill(255), "but the file has 20"],
    [fileOf("[]"), "its header does not begin with {"],
    [fileOf(" {}"), "its header does not begin with {"],
    [fileOf("{"), "its JSON is malformed"],
    [fileOf(`{"a":${"[".repeat(10_000)}`), "its JSON nests deeper than 200 levels"],
    [fileOf('{"__metadata__":[]}'), "its __metadata__ is not an object"],
    [fileOf('{"__metadata__":{"a":1}}'), "__metadata__ a is not a string"],
    [fileOf('{"__metadata__":{"a":"","\\u0061":""}}'), 'its JSON gives the key "\\u0061" twice'],
    [fileOf('{"a":7}'), "its entry in the header is not an object"],
    [fileOf('{"a":{}}'), "it has no dtype"],
    [
      fileOf(`{"a":${entry("F8_E4M3", "[1]", 0, 1)}}`, [0]),
      "its element type F8_E4M3 is not known",
    ],
    [fileOf(`{"a":${entry("U8", "[-1]", 0, 1)}}`, [0]), "its shape is not a list of whole numbers"],
    [fileOf(`{"a":${entry("U8", "[1]", 1, 0)}}`, [0]), "its data_offsets are not where it begins"],
    [fileOf(`{"a":${entry("F32", "[2]", 0, 4)}}`, [0]), "F32 of shape [2] takes 8 bytes, not 4"],
    [fileOf(`{"a":${entry("U8", "[1]", 0, 1)}}`), "its tensors take 1 bytes of data, but it has 0"],
    [fileOf(`{"a":${entry("U8", "[1]", 1, 2)}}`, [0, 0]), "leaves a gap before it"],
    [
      fileOf(`{"a":${entry("U8", "[2]", 0, 2)},"b":${entry("U8", "[2]", 1, 3)}}`, [0, 0, 0]),
      'tensor "b" begins at byte 1 of the data and overlaps the tensor before it',
    ],
    [fileOf(`{"a":${entry("BOOL", "[1]", 0, 1)}}`, [2]), "it holds 2, which is no bool"],
    [
      fileOf(`{"a":${entry("I64", "[1]", 0, 8)}}`, [1, 0, 0, 0, 0, 0, 0, 64]),
      "4611686018427387905 is not exact as a double",
    ],
    [
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', [0]),
      'its entry has "x"',
    ],
  ])("refuses a file that is out of order (%#)", (bytes, why) => {
    expect(complaint(() => readSafetensors(bytes, file))).toContain(why);
  });

  it("refuses a header that is not UTF-8", () => {
    const bytes = fileOf('{"a":7}');
    bytes[11] = 0xff;
    expect(complaint(() => readSafetensors(bytes, file))).toContain("its header is not UTF-8");
  });
});

describe("a package", () => {
  const provenance = { seed: 3, model: { sha256: "00", bytes: 12 }, passes: ["a", "b"] };
  const pack = (module = network()): Uint8Array => encodePackage({ module, provenance });

  it("gives back the network and where it came from", () => {
    const read = decodePackage(pack(), file);
    expect(read.provenance).toEqual(provenance);
    expect(new Map(read.module.tensors)).toEqual(network().tensors);
    expect(read.module.ops.map((op) => op.loc)).toEqual([loc, loc]);
  });

  it("is the same bytes for the same network", () => {
    const turned = { passes: ["a", "b"], model: { bytes: 12, sha256: "00" }, seed: 3 };
    expect(encodePackage({ module: network(), provenance: turned })).toEqual(pack());
    expect(canonicalJson(provenance)).toBe(
      '{"model":{"bytes":12,"sha256":"00"},"passes":["a","b"],"seed":3}',
    );
  });

  it("has its weights where any reader of safetensors finds them", () => {
    expect(readSafetensors(pack(), file).tensors.get("fc.weight")?.shape).toEqual([4, 3]);
  });

  it.each(["__metadata__", "__metadata___", "a b", "ü", "__proto__"])(
    "keeps a tensor that is called %s",
    (name) => {
      const module = network(Array(12).keys(), name);
      expect([...decodePackage(pack(module), file).module.tensors.keys()].sort()).toEqual(
        [name, "fc.bias"].sort(),
      );
    },
  );

  /** The package with its tensors and its metadata changed. */
  function tampered(
    change: (tensors: Map<string, Tensor>, metadata: Map<string, string>) => void,
  ): string {
    const { tensors, metadata } = readSafetensors(pack(), file);
    const [t, m] = [new Map(tensors), new Map(metadata)];
    change(t, m);
    return complaint(() => decodePackage(writeSafetensors({ tensors: t, metadata: m }), file));
  }

  it("is not just any safetensors file", () => {
    expect(tampered((_, m) => m.clear())).toBe(
      "package-malformed: net.snn is not a valid .snn network: it says no format version (snnc.format)",
    );
    expect(tampered((_, m) => m.delete("snnc.ir"))).toContain("it has no network (snnc.ir)");
    expect(tampered((_, m) => m.delete("snnc.provenance"))).toContain("it has no provenance");
    expect(tampered((_, m) => m.set("snnc.provenance", "[1]"))).toContain("is not an object");
    expect(tampered((_, m) => m.set("snnc.provenance", "{"))).toContain("its JSON is malformed");
  });

  it("is refused in another version of the format", () => {
    expect(tampered((_, m) => m.set("snnc.format", "4"))).toBe(
      "package-version: net.snn has format version 4; this program reads versions 1, 2 and 3",
    );
  });

  it("is refused where it holds packed tensors, but says that it is of version 1", () => {
    const packed = '{"fc.weight":{"shape":[4,3],"storage":"i4"}}';
    expect(tampered((_, m) => m.set("snnc.packed", packed))).toBe(
      "package-malformed: net.snn is not a valid .snn network: its format version is 1, which has no packed tensors (snnc.packed)",
    );
  });

  it.each([
    ["[1]", "its firing rates are no object"],
    ["{", "of its firing rates, its JSON is malformed"],
    ['{"9":0.5}', 'firing rate "9" is of no neurons'],
    ['{"0":0.5}', 'firing rate "0" is of no neurons'],
  ])("is refused where its firing rates are %s", (rates, why) => {
    expect(tampered((_, m) => m.set("snnc.rates", rates))).toBe(
      `package-malformed: net.snn is not a valid .snn network: ${why}`,
    );
  });

  it.each([
    ["[1]", "its bits of weights are no object"],
    ['{"0":4}', 'number of bits "0" is of no weights'],
    ['{"1":9}', 'number of bits "1" is not a whole number from 2 to 8'],
  ])("is refused where its bits of weights are %s", (bits, why) => {
    const set = (_: unknown, m: Map<string, string>) =>
      m.set("snnc.format", "3").set("snnc.weight-bits", bits);
    expect(tampered(set)).toBe(`package-malformed: net.snn is not a valid .snn network: ${why}`);
  });

  it("is refused where it holds bits of weights, but says that it is of version 1", () => {
    expect(tampered((_, m) => m.set("snnc.weight-bits", '{"1":4}'))).toBe(
      "package-malformed: net.snn is not a valid .snn network: its format version is 1, which has no bits of weights (snnc.weight-bits)",
    );
  });

  it("is refused when its tensors are not the network's", () => {
    expect(tampered((t) => t.delete("fc.bias"))).toContain('"fc.bias" of its network is missing');
    expect(tampered((t) => t.delete("fc.weight"))).toContain("ir-tensor-data");
    expect(tampered((t) => t.set("more", tensorOf("f32", [], [1])))).toContain(
      'tensor "more" is not of its network',
    );
    const other = tensorOf("f32", [4, 3], Array(12).fill(1));
    expect(tampered((t) => t.set("fc.weight", other))).toContain("ir-tensor-differs");
    const bias = tensorOf("f32", [4], [0.5, 0, 1, 2]);
    expect(tampered((t) => t.set("fc.bias", bias))).toContain("ir-tensor-differs");
  });

  it("is refused when its network is not valid", () => {
    const text = (m: Map<string, string>): string => m.get("snnc.ir") ?? "";
    expect(
      tampered((_, m) => m.set("snnc.ir", text(m).replace("timesteps = 1", "timesteps = 9"))),
    ).toBe('ir-invalid: the code is "none", but the network runs for 9 timesteps (invariant 8)');
  });

  it("is refused with a place and a way out where the fault is one of the whole", () => {
    const feedback = `module @m attributes {code = "none", timesteps = 2, properties = []} {
      %0 = ann.input() {name = "x"} : real[1, 2]
      %1 = snn.previous() {initial = @i, domain = "real"} : real[1, 2] loc("net.onnx" "/back" Scan)
      %2 = ann.add(%0, %1) : real[1, 2]
      snn.carry(%2, %1)
      ann.output(%2) {name = "y"}
    }
    tensors {
      @i = f32[1, 2] dense<[0, 0]>
    }
    `;
    const bytes = pack(parseModule(feedback, { file }));
    const refused = (from: string | RegExp, to: string): readonly Diagnostic[] => {
      const { tensors, metadata } = readSafetensors(bytes, file);
      const text = metadata.get("snnc.ir") ?? "";
      const changed = new Map(metadata).set("snnc.ir", text.replace(from, to));
      try {
        decodePackage(writeSafetensors({ tensors, metadata: changed }), file);
      } catch (error) {
        if (error instanceof DiagnosticError) return error.diagnostics;
        throw error;
      }
      return [];
    };
    const help =
      "the network was damaged or edited: take a sound copy of it, or convert the model again";
    expect(refused(/ *snn\.carry.*\n/, "")).toMatchObject([
      {
        message: "nothing is carried to %1 (invariant 15)",
        loc: { kind: "source", file: "net.onnx", name: "/back" },
        notes: ["this is in net.snn"],
        help,
      },
    ]);
    const whole = { loc: { kind: "source", file, op: "file" }, help };
    expect(refused("timesteps = 2", "timesteps = 0")).toMatchObject([
      { ...whole, message: "the network runs for 0 timesteps (invariant 8)" },
    ]);
    for (const long of ["1000001", "2147483648", "4294967297"]) {
      const message = `the network runs for ${long} timesteps; the limit is 1000000 (invariant 8)`;
      expect(refused("timesteps = 2", `timesteps = ${long}`)).toMatchObject([
        { ...whole, message },
      ]);
    }
    expect(refused("timesteps = 2", "timesteps = 1000000")).toEqual([]);
  });
});
