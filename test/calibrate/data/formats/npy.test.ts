/** .npy and .npz: what NumPy writes is read as it was meant, and what is broken is refused. */
import { zipSync } from "fflate";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openNpz } from "../../../../calibrate/data/archive/archive.ts";
import { parseNpy } from "../../../../calibrate/data/formats/npy.ts";
import { encodeNpy, encodeNpz } from "../../../../calibrate/data/formats/write.ts";
import { type Tensor, sameTensor, tensorOf } from "../../../../ir/tensor.ts";
import { dtypes } from "../../../../ir/type.ts";
import { ample, bytesOf, failure, npyFile } from "../files.ts";

const header = (descr: string, shape: string, order = "False"): string =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe("parseNpy", () => {
  it("reads back what is written, in every element type", () => {
    const cases = fc.record({
      dtype: fc.constantFrom(...dtypes.filter((dtype) => dtype !== "bf16")),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      seed: fc.integer({ min: -200, max: 200 }),
    });
    fc.assert(
      fc.property(cases, ({ dtype, shape, seed }) => {
        const length = shape.reduce((a, b) => a * b, 1);
        const unsigned = dtype.startsWith("u");
        const values = Array.from({ length }, (_, i) => (unsigned ? i * 37 : seed + i * 1.5));
        const written = tensorOf(dtype, shape, values);
        expect(sameTensor(parseNpy(encodeNpy(written), "a.npy", ample()), written)).toBe(true);
      }),
    );
  });

  it("reads NumPy's own bytes: little-endian, padded to 64, trailing comma", () => {
    const file = npyFile(header("'<f4'", "(2, 1)"), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    expect(parseNpy(file, "a.npy", ample())).toEqual({
      dtype: "f32",
      shape: [2, 1],
      data: Float32Array.of(1, -2),
    });
  });

  it("reads float16, int64 and a scalar", () => {
    const half = npyFile(header("'<f2'", "(3,)"), [0, 0x3c, 0, 0xc0, 1, 0]);
    expect([...parseNpy(half, "a", ample()).data]).toEqual([1, -2, 2 ** -24]);
    const long = npyFile(header("'<i8'", "()"), [...new Array<number>(8).fill(255)]);
    expect(parseNpy(long, "a", ample())).toEqual({
      dtype: "i64",
      shape: [],
      data: Float64Array.of(-1),
    });
  });

  it("puts Fortran order right", () => {
    const file = npyFile(header("'|u1'", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]);
    expect([...parseNpy(file, "a", ample()).data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("reads from the middle of a buffer", () => {
    const file = npyFile(header("'<i2'", "(2,)"), [1, 0, 2, 0]);
    const inside = bytesOf([9, 9, 9], file, [9]).subarray(3, 3 + file.length);
    expect([...parseNpy(inside, "a", ample()).data]).toEqual([1, 2]);
  });

  it.each([
    ["'|O'", "object"],
    ["'>f4'", ">f4"],
    ["'<c8'", "<c8"],
    ["'<U3'", "<U3"],
    ["[('a', '<f4'), ('b', '<i4')]", "[(a, <f4), (b, <i4)]"],
  ])("refuses elements of type %s", async (descr, said) => {
    expect(
      await failure(() => parseNpy(npyFile(header(descr, "(1,)"), []), "a.npy", ample())),
    ).toBe(`data-dtype: a.npy holds elements of type ${said}, which cannot be read`);
  });

  it.each([
    ["short", [1, 2, 3], 3],
    ["long", [1, 2, 3, 4, 5], 5],
  ])("refuses a file that is too %s", async (_, data, found) => {
    expect(
      await failure(() => parseNpy(npyFile(header("'|u1'", "(2, 2)"), data), "a.npy", ample())),
    ).toBe(
      `data-size: a.npy: the .npy header announces 4 bytes of data, and the file holds ${found}`,
    );
  });

  it("refuses every other way of being cut short or damaged with a diagnostic", async () => {
    const whole = npyFile(header("'<f4'", "(2,)"), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
    for (let length = 6; length < whole.length; length++) {
      expect(await failure(() => parseNpy(whole.subarray(0, length), "a.npy", ample()))).toMatch(
        /^data-/,
      );
    }
    const byte = fc.record({ at: fc.nat({ max: 127 }), to: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(byte, async ({ at, to }) => {
        const damaged = whole.slice();
        damaged[at] = to;
        expect(await failure(() => parseNpy(damaged, "a.npy", ample()))).toMatch(
          /^(data-|nothing)/,
        );
      }),
    );
  });

  it("refuses integers that a double cannot hold", async () => {
    const file = npyFile(header("'<u8'", "(1,)"), [1, 0, 0, 0, 0, 0, 0, 0x80]);
    expect(await failure(() => parseNpy(file, "a.npy", ample()))).toBe(
      "data-integer-range: a.npy holds the 64-bit integer 9223372036854775809, which is beyond 2^53",
    );
  });
});

/** All arrays of an archive by name. */
async function parseNpz(
  bytes: Uint8Array,
  file: string,
  budget = ample(),
): Promise<ReadonlyMap<string, Tensor>> {
  const read = new Map<string, Tensor>();
  for (const array of await openNpz(bytes, file, budget)) read.set(array.name, await array.read());
  return read;
}

describe("openNpz", () => {
  const x = tensorOf("f32", [2, 2], [1, 2, 3, 4]);
  const y = tensorOf("i64", [2], [0, 1]);

  it("reads back what is written, by name in order, deflated or not", async () => {
    const written = new Map([
      ["y", y],
      ["x:0", x],
    ]);
    expect([...(await parseNpz(encodeNpz(written), "a.npz"))]).toEqual([
      ["x:0", x],
      ["y", y],
    ]);
    const deflated = zipSync({ "x.npy": encodeNpy(x), "readme.txt": new Uint8Array(3) });
    expect([...(await parseNpz(deflated, "a.npz")).keys()]).toEqual(["x"]);
  });

  it("writes the same bytes each time", () => {
    expect(encodeNpz(new Map([["x", x]]))).toEqual(encodeNpz(new Map([["x", x]])));
  });

  it("refuses a damaged archive and says which array is damaged", async () => {
    const whole = encodeNpz(new Map([["x", x]]));
    expect(await failure(() => parseNpz(whole.subarray(0, whole.length - 1), "a.npz"))).toBe(
      "data-compression: a.npz cannot be decompressed: it is cut short, or damaged at its end",
    );
    const inner = zipSync({ "x.npy": encodeNpy(x).subarray(0, -1) });
    expect(await failure(() => parseNpz(inner, "a.npz"))).toBe(
      "data-size: a.npz[x]: the .npy header announces 16 bytes of data, and the file holds 15",
    );
    const other = zipSync({ "x.npy": new Uint8Array(20) });
    expect(await failure(() => parseNpz(other, "a.npz"))).toBe(
      "data-header: a.npz[x] is not a valid .npy file: it does not begin as .npy does",
    );
  });

  it("does not allocate what an entry merely claims to hold", async () => {
    const whole = zipSync({ "x.npy": encodeNpy(x) });
    const directory = whole.findLastIndex(
      (byte, i) => byte === 0x50 && whole[i + 1] === 0x4b && whole[i + 2] === 1,
    );
    whole.set([0xff, 0xff, 0xff, 0x7f], directory + 24);
    expect(await failure(() => parseNpz(whole, "a.npz"))).toBe(
      "data-compression: a.npz[x] cannot be decompressed: it cannot have the size it claims",
    );
  });
});
