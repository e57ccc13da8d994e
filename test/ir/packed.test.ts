/** Storage below 8 bits: packing and unpacking, in memory, in text and in files. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Builder } from "../../ir/build.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { readSafetensors, writeSafetensors } from "../../ir/file/safetensors.ts";
import type { Module } from "../../ir/module.ts";
import {
  type Storage,
  elementAt,
  fits,
  isPacked,
  pack,
  storages,
  unpack,
} from "../../ir/packed.ts";
import {
  type Tensor,
  bytesMadeOf,
  bytesOfTensor,
  fingerprint,
  hashTensor,
  packTensor,
  sameTensor,
  tensorOf,
} from "../../ir/tensor.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { verify } from "../../ir/verify.ts";
import { loc } from "./one-op.ts";

const ranges: Readonly<Record<Storage, readonly number[]>> = {
  i4: [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7],
  i2: [-2, -1, 0, 1],
  b1: [-1, 1],
};

/** Elements of a storage, with their number. */
function elements(storage: Storage): fc.Arbitrary<number[]> {
  return fc.array(fc.constantFrom(...ranges[storage]), { maxLength: 40 });
}

function constant(value: Tensor): Module {
  const builder = new Builder();
  const ref = builder.tensor("w", value);
  const y = builder.add("ann.constant", [], { value: ref }, loc);
  return builder.finish({ name: "m", outputs: [{ name: "y", value: y }] });
}

function complaints(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostics.map((d) => d.message).join("; ");
    throw error;
  }
  return "";
}

describe("packed elements", () => {
  it("lie as docs/ir.md says: the first in the lowest bits, the rest zero", () => {
    expect([...pack("i4", [1, -7, 3])]).toEqual([0x91, 0x03]);
    expect([...pack("i2", [1, -2, -1, 0, 1])]).toEqual([0b00_11_10_01, 0b01]);
    expect([...pack("b1", [1, -1, 1, 1, -1, -1, -1, -1, 1])]).toEqual([0b00001101, 0b1]);
  });

  it.each(storages)("come back from %s, and nothing else fits it", (storage) => {
    fc.assert(
      fc.property(elements(storage), (values) => {
        const bytes = pack(storage, values);
        expect([...unpack(storage, bytes, values.length)]).toEqual(values);
        expect(values.map((_, i) => elementAt(storage, bytes, i))).toEqual(values);
        expect(isPacked(storage, bytes, values.length)).toBe(true);
      }),
    );
    const fitting = Array.from({ length: 41 }, (_, i) => i - 20).filter((x) => fits(storage, x));
    expect(fitting).toEqual(ranges[storage]);
    expect([0.5, NaN, -0, Infinity].some((x) => fits(storage, x))).toBe(false);
  });
});

describe("a packed tensor", () => {
  const values = [3, -8, 7, 0, 1, -1, 2, 5, -4];
  const plain = tensorOf("i8", [3, 3], values);
  const packed = packTensor("i4", plain);

  it("has the elements of the plain one, unpacked once", () => {
    expect(packed.data).toEqual(plain.data);
    expect(packed.data).toBe(packed.data);
    expect(packed.dtype).toBe("i8");
  });

  it("is told from the plain one, and from nothing that is equal", () => {
    const again = packTensor("i4", plain);
    // A copy has its elements, and no bytes that it was made of.
    const copy = structuredClone(packed);
    expect(bytesMadeOf(copy)).toBeNull();
    for (const other of [again, copy]) {
      expect(sameTensor(packed, other)).toBe(true);
      expect(fingerprint(other)).toBe(fingerprint(packed));
      expect(hashTensor(other)).toBe(hashTensor(packed));
      expect(bytesOfTensor(other)).toEqual(bytesOfTensor(packed));
    }
    expect(sameTensor(packed, plain)).toBe(false);
    expect(hashTensor(packed)).not.toBe(hashTensor(plain));
  });

  it("is refused by the verifier where a copy of it holds what does not fit", () => {
    const wrong = { ...packed, data: Int8Array.of(3, -8, 7, 0, 1, 9, 2, 5, -4) };
    const [violation] = verify({ ...constant(plain), tensors: new Map([["w", wrong]]) });
    expect(violation?.message).toContain("holds 9, which is no i4");
    expect(verify(constant(packed))).toEqual([]);
  });

  it.each(storages)("of %s is printed, parsed, and in the file packed", (storage) => {
    fc.assert(
      fc.property(elements(storage), (all) => {
        const value = packTensor(storage, tensorOf("i8", [all.length], all));
        const module = constant(value);
        const bytes = encodePackage({ module, provenance: {} });
        const read = decodePackage(bytes, "m.snn").module;
        const found = read.tensors.get("w");
        expect(found).toEqual(value);
        expect(printModule(read, { hashes: "full" })).toBe(printModule(module, { hashes: "full" }));
        expect(encodePackage({ module: read, provenance: {} })).toEqual(bytes);
        const stored = readSafetensors(bytes, "m.snn");
        expect(stored.metadata.get("snnc.format")).toBe("2");
        expect(stored.tensors.get("w")).toEqual(
          tensorOf("u8", [bytesOfTensor(value).length], bytesOfTensor(value)),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("is read from text, where what does not fit is refused", () => {
    const text = (
      list: string,
    ): string => `module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.constant() {value = @w} : real<i8>[3]
  ann.output(%0) {name = "y"}
}
tensors {
  @w = ${list}
}
`;
    const read = parseModule(text("i4[3] dense<[1, -7, 7]>"), { file: "m.snnir" });
    expect(printModule(read)).toBe(text("i4[3] dense<[1, -7, 7]>"));
    const wrong = (list: string): string =>
      complaints(() => parseModule(text(list), { file: "m.snnir" }));
    expect(wrong("i4[3] dense<[1, 8, 7]>")).toContain("8, which is no i4");
    expect(wrong("b1[3] dense<[1, 0, 1]>")).toContain("0, which is no b1");
    expect(wrong("i3[3] dense<[1, 0, 1]>")).toContain("i4, i2, b1");
  });
});

describe("a file with packed tensors", () => {
  const value = packTensor("i2", tensorOf("i8", [3, 3], [1, 0, -1, 1, 1, 0, 0, -2, 1]));
  const bytes = encodePackage({ module: constant(value), provenance: {} });

  /** What is said of the file with another entry for packed tensors, or with other tensors. */
  function tampered(packed: string | null, tensors?: ReadonlyMap<string, Tensor>): string {
    const file = readSafetensors(bytes, "m.snn");
    const metadata = new Map(file.metadata);
    if (packed === null) metadata.delete("snnc.packed");
    else metadata.set("snnc.packed", packed);
    const changed = writeSafetensors({ tensors: tensors ?? file.tensors, metadata });
    return complaints(() => decodePackage(changed, "m.snn"));
  }

  it("says in its metadata what is packed", () => {
    const said = readSafetensors(bytes, "m.snn").metadata.get("snnc.packed");
    expect(said).toBe('{"w":{"shape":[3,3],"storage":"i2"}}');
    expect(tampered(said ?? "")).toBe("");
  });

  it.each([
    [null, "differs"],
    ["[]", "its packed tensors are no object"],
    ["{", "of its packed tensors, its JSON is malformed"],
    ['{"v":{"shape":[3,3],"storage":"i2"}}', 'packed tensor "v" is not in the file'],
    ['{"w":{"shape":[3,3],"storage":"i3"}}', 'packed tensor "w" is of no known storage'],
    ['{"w":{"storage":"i2"}}', 'packed tensor "w" has no shape'],
    ['{"w":{"shape":[4,4],"storage":"i2"}}', "3 bytes that are not 16 elements of i2"],
    ['{"w":{"shape":[3,3],"storage":"i4"}}', "3 bytes that are not 9 elements of i4"],
    ['{"w":{"shape":[9007199254740991,9],"storage":"i2"}}', "3 bytes that are not"],
  ])("is refused with %j", (packed, why) => {
    const found = tampered(packed);
    if (why === "differs") expect(found).toContain("i2[3, 3]");
    else expect(found).toContain(why);
  });

  it("is refused where bits behind the last element are set, or the tensor is not a list of bytes", () => {
    const said = '{"w":{"shape":[3,3],"storage":"i2"}}';
    const set = new Map([["w", tensorOf("u8", [3], [1, 2, 255])]]);
    expect(tampered(said, set)).toContain("3 bytes that are not 9 elements of i2");
    const other = new Map([["w", tensorOf("i8", [3], [1, 2, 3])]]);
    expect(tampered(said, other)).toContain("is not a list of bytes (U8)");
  });

  it("is of version 1 without any", () => {
    const plain = encodePackage({ module: constant(tensorOf("i8", [2], [1, 1])), provenance: {} });
    const { metadata } = readSafetensors(plain, "m.snn");
    expect(metadata.get("snnc.format")).toBe("1");
    expect(metadata.has("snnc.packed")).toBe(false);
  });
});
