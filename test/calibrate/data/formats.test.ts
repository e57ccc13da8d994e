/** gzip, IDX and CIFAR: small files made here, whole and broken. */
import { gzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { fieldOf } from "../../../calibrate/data/dataset.ts";
import { gunzip } from "../../../calibrate/data/archive/inflate.ts";
import { parseData } from "../../../calibrate/data/parse.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { ample, bytesOf, cifarFile, failure, idxFile, parsing } from "./files.ts";

describe("gunzip", () => {
  const text = bytesOf("a text that is long enough to be worth the trouble, trouble, trouble");
  const packed = gzipSync(text, { mtime: 0 });

  it("inflates one member and several", async () => {
    expect(await gunzip(packed, "a.gz", ample())).toEqual(text);
    expect(await gunzip(bytesOf(packed, packed), "a.gz", ample())).toEqual(bytesOf(text, text));
  });

  it("refuses a file cut short at any byte, or with a bit turned over", async () => {
    for (let length = 3; length < packed.length; length++) {
      const cut = packed.subarray(0, length);
      expect(await failure(() => gunzip(cut, "a.gz", ample()))).toMatch(
        /^data-compression: a\.gz cannot/,
      );
    }
    // The last ten bytes: two of content, four of checksum, four of length.
    for (let end = 1; end <= 10; end++) {
      const turned = packed.slice();
      turned[packed.length - end] = (turned[packed.length - end] ?? 0) ^ 1;
      expect(await failure(() => gunzip(turned, "a.gz", ample()))).toMatch(/^data-compression/);
    }
    expect(await failure(() => gunzip(packed.subarray(0, -1), "a.gz", ample()))).toBe(
      "data-compression: a.gz cannot be decompressed: it is cut short",
    );
  });
});

describe("IDX", () => {
  it("is read as images and as labels, gzipped or not", async () => {
    const images = idxFile(8, [2, 2, 3], [...new Array<number>(12).keys()]);
    const content = await parseData(gzipSync(images), "train-images-idx3-ubyte.gz", parsing());
    expect(content.format).toBe("IDX");
    const [x] = content.fields;
    expect(x?.storedShape).toEqual([2, 2, 3]);
    expect(x?.sample(1)).toEqual(tensorOf("u8", [2, 3], [6, 7, 8, 9, 10, 11]));
  });

  it("is big-endian", async () => {
    const floats = idxFile(0x0d, [2, 1], [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]);
    const { fields: ofFloats } = await parseData(floats, "a", parsing());
    expect([...(ofFloats[0]?.sample(1).data ?? [])]).toEqual([-2]);
    const shorts = idxFile(0x0b, [1], [0xff, 0xfe]);
    const { fields: ofShorts } = await parseData(shorts, "a", parsing());
    expect([...(ofShorts[0]?.sample(0).data ?? [])]).toEqual([-2]);
  });

  it("of another length than announced is refused", async () => {
    const cut = idxFile(8, [2, 2, 3], [1, 2, 3]);
    expect(await failure(() => parseData(cut, "a-idx3-ubyte", parsing()))).toBe(
      "data-size: a-idx3-ubyte: the IDX header announces 12 bytes of data, and the file holds 3",
    );
    expect(await failure(() => parseData(cut.subarray(0, 9), "a-idx3-ubyte", parsing()))).toBe(
      "data-header: a-idx3-ubyte is not a valid IDX file: it ends within its header, or begins with another magic number",
    );
  });
});

describe("CIFAR binary", () => {
  it("has one label byte in CIFAR-10 and two in CIFAR-100, of which the fine one counts", async () => {
    const ten = await parseData(cifarFile([[3], [9]]), "test.bin", parsing());
    expect(ten.format).toBe("CIFAR-10 binary");
    expect([...(ten.labels?.data ?? [])]).toEqual([3, 9]);
    const [x] = ten.fields;
    expect(x?.storedShape).toEqual([2, 3, 32, 32]);
    expect([...(x?.sample(1).data.subarray(0, 3) ?? [])]).toEqual([1, 2, 3]);
    const hundred = await parseData(cifarFile([[1, 42]]), "test.bin", parsing());
    expect(hundred.format).toBe("CIFAR-100 binary");
    expect([...(hundred.labels?.data ?? [])]).toEqual([42]);
    expect(hundred.fields[0]?.sample(0).data[5]).toBe(5);
  });

  it("is told from IDX by its length: label 0 on a black pixel begins like a magic number", async () => {
    const record = cifarFile([[0]]);
    record.set([0, 0, 8, 1], 0);
    expect((await parseData(record, "test.bin", parsing())).format).toBe("CIFAR-10 binary");
  });

  it("must be whole records", async () => {
    expect(
      await failure(() => parseData(cifarFile([[1]]).subarray(0, 3000), "test.bin", parsing())),
    ).toBe("data-records: test.bin holds 3000 bytes, which is not a whole number of CIFAR records");
  });
});

describe("an unknown format", () => {
  it("is refused with a list of those that are known", async () => {
    expect(await failure(() => parseData(bytesOf("hello, world"), "a.txt", parsing()))).toBe(
      "data-format: a.txt is in no known data format",
    );
    expect(await failure(() => parseData(new Uint8Array(0), "empty", parsing()))).toBe(
      "data-format: empty is in no known data format",
    );
  });
});

describe("a field", () => {
  it("numbers its samples along axis 0; a scalar is one sample", () => {
    expect(fieldOf("x", tensorOf("f32", [3, 2], [0, 1, 2, 3, 4, 5])).sample(2)).toEqual(
      tensorOf("f32", [2], [4, 5]),
    );
    const scalar = fieldOf("x", tensorOf("f32", [], [7]));
    expect([scalar.count, scalar.sample(0)]).toEqual([1, tensorOf("f32", [], [7])]);
  });
});
