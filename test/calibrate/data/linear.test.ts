/**
 * No reader takes more time than a file is long: sixteen times as much of what a format repeats (members,
 * tensors, chunks, memories, records) may take 64 times as long, where a quadratic reader takes 256 times.
 * CPU time is measured, so that a busy machine fails nothing.
 */
import { crc32, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { ArchivedArray } from "../../../calibrate/data/archive/archive.ts";
import { chooseArrays } from "../../../calibrate/data/archive/roles.ts";
import { decodeImage } from "../../../calibrate/data/formats/image.ts";
import { parseData } from "../../../calibrate/data/parse.ts";
import { readPickle } from "../../../calibrate/data/formats/pickle.ts";
import { writeSafetensors } from "../../../ir/file/safetensors.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import { ample, bytesOf, failure, idxFile, parsing } from "./files.ts";

const u16 = (n: number): number[] => [n & 255, n >>> 8];
const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
const repeated = (count: number, part: (i: number) => Uint8Array): Uint8Array =>
  Buffer.concat(Array.from({ length: count }, (_, i) => part(i)));

/** A name of its own for each i; none has a letter or a digit more than "labels", so all mean labels. */
const labelsName = (i: number): string =>
  `labels${i.toString(4).padStart(8, "0").replace(/0/g, "_").replace(/1/g, "-").replace(/2/g, ".").replace(/3/g, "+")}`;

/** A zip of empty stored members. */
function manyMembers(count: number): Uint8Array {
  const nameLength = labelsName(0).length + 4;
  const fields = [...u16(0), ...u16(0), ...u32(0), ...u32(0), ...u32(0), ...u32(0)];
  const local = repeated(count, (i) =>
    bytesOf("PK\u0003\u0004", u16(20), fields, u16(nameLength), u16(0), `${labelsName(i)}.npy`),
  );
  const rest = [...u16(0), ...u16(0), ...u16(0), ...u16(0), ...u32(0)];
  const directory = repeated(count, (i) => {
    const at = u32((i * local.length) / count);
    const name = `${labelsName(i)}.npy`;
    return bytesOf("PK\u0001\u0002", u16(20), u16(20), fields, u16(nameLength), rest, at, name);
  });
  const end = bytesOf("PK\u0005\u0006", u32(0), u16(count), u16(count), u32(directory.length));
  return Buffer.concat([local, directory, end, bytesOf(u32(local.length), u16(0))]);
}

function manyTensors(count: number): Uint8Array {
  const x = tensorOf("u8", [1], [1]);
  const tensors = new Map(Array.from({ length: count }, (_, i) => [labelsName(i), x]));
  return writeSafetensors({ tensors, metadata: new Map() });
}

/** A grey PNG of one pixel, with `count` comments before it. */
function manyChunks(count: number): Uint8Array {
  const chunk = (kind: string, data: Iterable<number>): Uint8Array => {
    const body = bytesOf(kind, data);
    return bytesOf(u32(body.length - 4).reverse(), body, u32(crc32(body)).reverse());
  };
  const comment = chunk("tEXt", [0x61, 0, 0x62]);
  const pixels = [0x78, 0x9c, 0x63, 0, 0, 0, 2, 0, 1];
  return Buffer.concat([
    bytesOf([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]),
    repeated(count, () => comment),
    chunk("IDAT", pixels),
    chunk("IEND", []),
  ]);
}

/** A tuple of as many things as are remembered, each under a number far from the others. */
function manyMemories(count: number): Uint8Array {
  const remember = (i: number): Uint8Array => bytesOf("]r", u32((i * 2654435761) % 2 ** 32), "0");
  return Buffer.concat([bytesOf([0x80, 2]), repeated(count, remember), bytesOf("N.")]);
}

/** Items that are appended one by one, to one list, with marks between. */
function manyItems(count: number): Uint8Array {
  const items = repeated(count, () => bytesOf("(NNe"));
  return Buffer.concat([bytesOf([0x80, 2], "]"), items, bytesOf(".")]);
}

const parse = (bytes: Uint8Array, file: string) => failure(() => parseData(bytes, file, parsing()));
const pickle = (bytes: Uint8Array) => Promise.resolve(readPickle(bytes, "a", ample()));
const member = gzipSync(new Uint8Array(0));

const files: readonly (readonly [string, number, (n: number) => Uint8Array, Use])[] = [
  ["members of a zip", 100, manyMembers, (bytes) => parse(bytes, "a.npz")],
  ["tensors of a safetensors file", 200, manyTensors, (bytes) => parse(bytes, "a.safetensors")],
  ["members of gzip", 2000, (n) => repeated(n, () => member), (bytes) => parse(bytes, "a.gz")],
  ["chunks of a PNG", 500, manyChunks, (bytes) => Promise.resolve(decodeImage(bytes, 1, "a", ample()))],
  ["memories of a pickle", 2000, manyMemories, pickle],
  ["items of a pickle", 2000, manyItems, pickle],
  ["numbers of IDX", 2000, (n) => idxFile(0x0b, [n, 1], new Uint8Array(2 * n)), (bytes) => parse(bytes, "a")],
  ["records of CIFAR", 200, (n) => new Uint8Array(3073 * n), (bytes) => parse(bytes, "a.bin")],
]; // prettier-ignore

type Use = (bytes: Uint8Array) => Promise<unknown>;

/** CPU seconds that work takes. */
async function seconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** How many times as long the large one takes as the small one, the least of three tries. */
async function growth(once: () => unknown, many: () => unknown): Promise<number> {
  const times = [await seconds(once), await seconds(once), await seconds(once)];
  const unit = Math.max(0.001, Math.min(...times));
  let least = Infinity;
  for (let i = 0; i < 3 && least >= 64; i++) least = Math.min(least, (await seconds(many)) / unit);
  return least;
}

describe("time to read", () => {
  it.each(files)("%s grows with their number", async (_, few, make, use) => {
    const [once, many] = [make(few), make(16 * few)];
    expect(
      await growth(
        () => use(once),
        () => use(many),
      ),
    ).toBeLessThan(64);
  });

  it("names of arrays grows with their number, all of one meaning", async () => {
    const nothing = { read: () => tensorOf("u8", [1], [1]), describe: () => "" };
    const of = (count: number): ArchivedArray[] =>
      Array.from({ length: count }, (_, i) => ({ ...nothing, name: labelsName(i) }));
    const [once, many] = [of(3000), of(48_000)];
    const { wanted } = parsing({ inputs: ["input"] });
    const choose = (arrays: readonly ArchivedArray[]) =>
      failure(() => chooseArrays(arrays, wanted, "a.npz", []));
    expect(await choose(once)).toMatch(/^data-arrays: a.npz does not say/);
    expect(
      await growth(
        () => choose(once),
        () => choose(many),
      ),
    ).toBeLessThan(64);
  });
});
