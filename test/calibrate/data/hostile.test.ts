/**
 * Files that lie about their size, that are damaged where a checksum knows it, or that would cost more
 * than they are long: each is refused before memory is taken and by work that grows with its length.
 * Work is measured where it can be counted, as ratios of CPU time with wide margins where not.
 */
import { crc32, deflateRawSync, gzipSync as gzip } from "node:zlib";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { openNpz } from "../../../calibrate/data/archive/archive.ts";
import { gunzip, inflate } from "../../../calibrate/data/archive/inflate.ts";
import { Budget } from "../../../calibrate/data/budget.ts";
import { decodeImage } from "../../../calibrate/data/formats/image.ts";
import { parseNpy } from "../../../calibrate/data/formats/npy.ts";
import { parseData } from "../../../calibrate/data/parse.ts";
import { readPickle } from "../../../calibrate/data/formats/pickle.ts";
import { encodeNpy, encodeNpz } from "../../../calibrate/data/formats/write.ts";
import { writeSafetensors } from "../../../ir/file/safetensors.ts";
import { tensorOf, zeros } from "../../../ir/tensor.ts";
import { ample, bytesOf, failure, npyFile, parsing } from "./files.ts";

const x = tensorOf("f32", [2, 2], [1, 2, 3, 4]);

/** Bytes of memory that an attempt has taken beyond the most that this process had taken before it. */
async function peakOf(attempt: () => unknown): Promise<number> {
  const most = (): number => process.resourceUsage().maxRSS * 1024;
  const before = most();
  await attempt();
  return most() - before;
}

describe("checksums", () => {
  it("of the members of an .npz are compared, stored or deflated", async () => {
    for (const level of [0, 6] as const) {
      const whole = zipSync({ "x.npy": encodeNpy(x) }, { level });
      // The checksum stands in the directory, 16 bytes from its signature.
      const directory = whole.findLastIndex(
        (byte, i) => byte === 0x50 && whole[i + 1] === 0x4b && whole[i + 2] === 1,
      );
      whole[directory + 16] = (whole[directory + 16] ?? 0) ^ 1;
      expect(await failure(() => parseData(whole, "a.npz", parsing()))).toBe(
        "data-compression: a.npz[x] cannot be decompressed: its checksum does not hold",
      );
    }
  });

  it("of stored content are compared: a bit turned over in a number is noticed", async () => {
    const whole = encodeNpz(new Map([["x", x]]));
    const three = whole.findIndex((_, i) => whole[i] === 0x40 && whole[i - 1] === 0x40);
    whole[three] = 0x41;
    expect(await failure(() => parseData(whole, "a.npz", parsing()))).toMatch(/checksum/);
  });

  it("of every gzip member are compared, not of the last alone", async () => {
    const member = gzip(bytesOf("some text"));
    const broken = Uint8Array.from(member);
    broken[broken.length - 8] = (broken[broken.length - 8] ?? 0) ^ 1;
    expect(await failure(() => gunzip(bytesOf(broken, member), "a.gz", ample()))).toBe(
      "data-compression: a.gz cannot be decompressed: its checksum does not hold",
    );
  });
});

describe("a member of an archive", () => {
  it.each([
    [12, "it inflates to less than it claims to hold"],
    [8, "it inflates to more than it claims to hold"],
  ])("that has ten bytes and claims %i is refused, whatever its checksum", async (size, why) => {
    const packed = deflateRawSync(new Uint8Array(10));
    expect(await failure(() => inflate(packed, size, "a.npz[x]"))).toBe(
      `data-compression: a.npz[x] cannot be decompressed: ${why}`,
    );
  });
});

describe("a budget", () => {
  it("stops gzip while it inflates, in one member or in many", async () => {
    const one = gzip(new Uint8Array(200_000));
    const many = Buffer.concat(new Array<Uint8Array>(20).fill(gzip(new Uint8Array(10_000))));
    for (const bytes of [one, many]) {
      expect(await failure(() => gunzip(bytes, "a", new Budget(50_000)))).toBe(
        "data-too-large: reading a takes more memory than the limit of 50000 bytes for data",
      );
      expect((await gunzip(bytes, "a", new Budget(200_000))).length).toBe(200_000);
    }
  });

  it("is known before what gzip gives is kept", async () => {
    const many = Buffer.concat(new Array<Uint8Array>(40).fill(gzip(new Uint8Array(5_000_000))));
    let said = "";
    const taken = await peakOf(async () => {
      said = await failure(() => gunzip(many, "a.gz", new Budget(170_000_000)));
    });
    expect(said).toMatch(/^data-too-large/);
    expect(taken).toBeLessThan(120e6);
  });

  it("is asked for what elements take in memory, too, before an entry is inflated", async () => {
    const bytes = zipSync({
      "x.npy": encodeNpy(
        tensorOf(
          "i64",
          [50, 400],
          Array.from({ length: 20_000 }, (_, i) => i ** 3),
        ),
      ),
    });
    // Wherever it is inflated, it is found to be damaged.
    const at = bytes.findIndex((_, i) => i > 100 && bytes[i] === 0x50 && bytes[i + 1] === 0x4b);
    bytes.fill(0xff, at - 20, at);
    expect(await failure(() => parseData(bytes, "a", parsing({}, new Budget(170_000))))).toBe(
      "data-too-large: reading a[x] takes 320072 bytes of memory; the limit for data is 170000",
    );
    expect(await failure(() => parseData(bytes, "a", parsing({}, ample())))).toMatch(
      /^data-compression: a\[x\]/,
    );
  });

  it("counts what a pickle makes of a byte: lists, marks, memories, texts", async () => {
    const head = bytesOf([0x80, 4, 0x4e]);
    for (const step of [[0x5d], [0x28], [0x94], [0x85], [0x4e]]) {
      const steps = new Array<readonly number[]>(2000).fill(step).flat();
      const pickle = bytesOf(head, steps, ".");
      expect(await failure(() => readPickle(pickle, "a", new Budget(100_000)))).toMatch(
        /^data-too-large: reading a takes 100032 bytes/,
      );
    }
    const text = bytesOf([0x80, 4, 0x58, 0x10, 0x27, 0, 0], "a".repeat(10_000), ".");
    expect(await failure(() => readPickle(text, "a", new Budget(19_000)))).toMatch(
      /^data-too-large/,
    );
    expect(readPickle(text, "a", new Budget(21_000))).toHaveLength(10_000);
  });

  it("is asked with what a zip's directory says, before an entry is inflated", async () => {
    const bytes = zipSync({ "x.npy": encodeNpy(zeros("u8", [50, 4000])) });
    const said = await failure(() => parseData(bytes, "a", parsing({}, new Budget(50_000))));
    expect(said).toMatch(/^data-too-large: reading a\[x\] takes 200\d\d\d bytes of memory/);
  });

  it("counts all arrays of a set, and elements that memory holds in more bytes", async () => {
    const half = encodeNpy({ dtype: "f16", shape: [500], data: new Float32Array(500) });
    expect(await failure(() => parseNpy(half, "a", new Budget(1999)))).toMatch(/takes 2000 bytes/);
    expect(parseNpy(half, "a", new Budget(2000)).data.length).toBe(500);
    const tensors = new Map([
      ["x", zeros("f32", [5, 100])],
      ["z", zeros("f32", [5, 100])],
    ]);
    const bytes = writeSafetensors({ tensors, metadata: new Map() });
    const budget = new Budget(3000);
    expect(await failure(() => parseData(bytes, "a", parsing({}, budget)))).toBe(
      "data-too-large: reading a takes 4000 bytes of memory; the limit for data is 3000",
    );
  });

  it("leaves arrays alone that nobody asks for, whatever they are", async () => {
    const text = npyFile(
      "{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }",
      new Array(12),
    );
    const bytes = zipSync({
      "x.npy": encodeNpy(x),
      "more.npy": encodeNpy(zeros("u8", [200_000])),
      "names.npy": text,
    });
    const wanted = { inputs: ["input"] };
    const { fields } = await parseData(bytes, "a.npz", parsing(wanted, new Budget(1000)));
    expect(fields.map(({ name }) => name)).toEqual(["x"]);
  });
});

/** A PNG of this size whose pixels are missing, with every checksum right. */
function emptyPng(width: number, height: number): Uint8Array {
  const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  const chunk = (kind: string, data: readonly number[]): Uint8Array => {
    const body = bytesOf(kind, data);
    return bytesOf(u32(data.length), body, u32(crc32(body)));
  };
  return bytesOf(
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    chunk("IHDR", [...u32(width), ...u32(height), 8, 2, 0, 0, 0]),
    chunk("IDAT", [0x78, 0x9c, 3, 0, 0, 0, 0, 1]),
    chunk("IEND", []),
  );
}

describe("an image", () => {
  it("of a few bytes that announces many pixels takes no memory", async () => {
    const png = emptyPng(20_000, 20_000);
    let said = "";
    const taken = await peakOf(() => {
      try {
        decodeImage(png, 3, "a.png", ample());
      } catch (error) {
        said = String(error);
      }
    });
    expect(said).toContain("it is cut short: it is to have 20000x20000 pixels");
    expect(taken).toBeLessThan(100e6);
    const jpeg = bytesOf([0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0xff, 0xff, 0xff, 0xff, 1, 1, 0x11, 0]);
    expect(await failure(() => decodeImage(bytesOf(jpeg, [0, 0]), 1, "a", ample()))).toBe(
      "image-unreadable: a cannot be decoded: it is cut short: it is to have 65535x65535 pixels",
    );
  });

  it("that would take more than the budget is not decoded", async () => {
    const padded = bytesOf(emptyPng(1000, 1000), new Uint8Array(1000));
    expect(await failure(() => decodeImage(padded, 3, "a.png", new Budget(1_000_000)))).toBe(
      "data-too-large: reading a.png takes 16000000 bytes of memory; the limit for data is 1000000",
    );
  });
});

describe("a shape", () => {
  const npy = (shape: string, data: number[] = []): Uint8Array =>
    npyFile(`{'descr': '|u1', 'fortran_order': False, 'shape': ${shape}, }`, data);

  it.each([
    [`(${"1, ".repeat(65)})`, "its shape has 65 axes"],
    ["(9007199254740993, 0)", "its shape has the extent 9007199254740992"],
    ["(4294967296, 4294967296, 0)", "its shape has more elements than can be counted"],
    ["(-1,)", "its header names no element type, no shape or no order"],
    ["(1.5,)", "its header names no element type, no shape or no order"],
  ])("%s of an .npy is refused", async (shape, why) => {
    expect(await failure(() => parseNpy(npy(shape), "a", ample()))).toBe(
      `data-header: a is not a valid .npy file: ${why}`,
    );
  });

  it("of a pickle with extents that are no whole numbers is refused, not ours", async () => {
    for (const extent of [
      [0x47, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], // 0.5
      [0x4a, 0xff, 0xff, 0xff, 0xff], // -1
      [0x47, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], // NaN
      [0x88], // True
      [0x4e], // None
    ]) {
      const pickle = bytesOf(
        [0x80, 2],
        "cnumpy.core.numeric\n_frombuffer\n(",
        [0x55, 2, 1, 2],
        "cnumpy\ndtype\n",
        [0x55, 2],
        "u1",
        [0x85],
        "R",
        extent,
        [0x4b, 2, 0x86],
        [0x55, 1],
        "C",
        "tR.",
      );
      expect(await failure(() => readPickle(pickle, "a", ample()))).toMatch(
        /^pickle-refused: a: the pickle holds an array /,
      );
    }
  });
});

/** CPU seconds that work takes. */
function seconds(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

describe("time", () => {
  it("for the header of an .npy is bounded: none may be longer than 64 kB", async () => {
    const long = 2 ** 20;
    const begin = bytesOf([0x93], "NUMPY", [2, 0], [0, 0, 16, 0]);
    const bytes = Buffer.concat([begin, new Uint8Array(long).fill(0x27)]);
    expect(await failure(() => parseNpy(bytes, "a", ample()))).toBe(
      "data-header: a is not a valid .npy file: its header is to have 1048576 bytes",
    );
    const header = "'descr':'a'".repeat(5900);
    const quadratic = bytesOf(
      [0x93],
      "NUMPY",
      [1, 0],
      [header.length & 255, header.length >> 8],
      header,
    );
    expect(seconds(() => expect(() => parseNpy(quadratic, "a", ample())).toThrow())).toBeLessThan(
      1,
    );
  });

  it("for arrays in a pickle does not depend on how much is remembered", () => {
    const start = bytesOf(
      [0x80, 4],
      "cnumpy\ndtype\n",
      [0x55, 2],
      "u1",
      [0x85, 0x52, 0x71, 0],
      "cnumpy.core.multiarray\n_reconstruct\n",
      [0x71, 1],
    );
    // A blank array that is remembered, its state, BUILD, POP.
    const array = Uint8Array.of(
      ...[0x68, 1, 0x29, 0x52, 0x94, 0x28, 0x4b, 1, 0x4b, 0, 0x85, 0x68, 0, 0x89, 0x55, 0],
      ...[0x74, 0x62, 0x30],
    );
    const arrays = new Array<Uint8Array>(20_000).fill(array);
    const pickle = Buffer.concat([start, ...arrays, bytesOf("N.")]);
    expect(readPickle(pickle, "a", ample())).toBeNull();
    // Going through 20,000 memories for each of them takes several.
    expect(seconds(() => readPickle(pickle, "a", ample()))).toBeLessThan(1);
  });

  it("for a text that a pickle asks for again and again is not spent", async () => {
    const text = "a".repeat(10_000);
    const again = [0x68, 0, 0x68, 1, 0x85, 0x52, 0x30];
    const pickle = bytesOf(
      [0x80, 2],
      "c_codecs\nencode\n",
      [0x71, 0, 0x54, 0x10, 0x27, 0, 0],
      text,
      [0x71, 1],
      new Array<readonly number[]>(1000).fill(again).flat(),
      "N.",
    );
    expect(await failure(() => readPickle(pickle, "a", ample()))).toBe(
      "pickle-refused: a: the pickle asks for the same bytes again and again",
    );
  });

  it("for entries of a zip that share their bytes ends with the budget", async () => {
    const content = encodeNpy(zeros("u8", [100_000]));
    const packed = deflateRawSync(content);
    const name = (i: number): string => `${String(i).padStart(4, "0")}.npy`;
    const u16 = (n: number): number[] => [n & 255, n >>> 8];
    const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
    const local = bytesOf("PK\u0003\u0004", u16(20), u16(0), u16(8), u32(0), u32(crc32(content)),
      u32(packed.length), u32(content.length), u16(8), u16(0), name(0)); // prettier-ignore
    const entries = Array.from(
      { length: 1000 },
      (_, i) =>
      bytesOf("PK\u0001\u0002", u16(20), u16(20), u16(0), u16(8), u32(0), u32(crc32(content)),
        u32(packed.length), u32(content.length), u16(8), u16(0), u16(0), u16(0), u16(0), u32(0),
        u32(0), name(i)), // prettier-ignore
    );
    const directory = bytesOf(...entries);
    const bytes = bytesOf(local, packed, directory, "PK\u0005\u0006", u16(0), u16(0), u16(1000),
      u16(1000), u32(directory.length), u32(local.length + packed.length), u16(0)); // prettier-ignore
    expect(await openNpz(bytes, "a.npz", ample())).toHaveLength(1000);
    expect(await failure(() => parseData(bytes, "a", parsing({}, new Budget(1_000_000))))).toMatch(
      /^data-too-large/,
    );
  });
});
