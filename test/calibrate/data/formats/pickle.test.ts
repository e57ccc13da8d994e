/** The pickle reader: data that Python wrote, and pickles that would run something. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCifarPickle } from "../../../../calibrate/data/formats/cifar.ts";
import {
  type PickleValue,
  isNdarray,
  readPickle,
} from "../../../../calibrate/data/formats/pickle.ts";
import { tensorOf } from "../../../../ir/tensor.ts";
import { ample, bytesOf, failure, fromHex } from "../files.ts";

/**
 * pickle.dumps({"data": a, "labels": [3, 1], b"raw": b"xy", "f": b, "n": [-1, 70000, 2**40, 0.5,
 * None, True]}, protocol) with a = arange(6, uint8) [2, 3] and b = [[1.5, 2], [3, 4]] as big-endian
 * float32 in Fortran order, by NumPy 2.4.
 */
const written = {
  2: "80027d7100285804000000646174617101636e756d70792e5f636f72652e6d756c746961727261790a5f7265636f6e7374727563740a7102636e756d70790a6e6461727261790a71034b00857104635f636f646563730a656e636f64650a7105580100000062710658060000006c6174696e31710786710852710987710a52710b284b014b024b0386710c636e756d70790a64747970650a710d58020000007531710e898887710f527110284b0358010000007c71114e4e4e4affffffff4affffffff4b00747112628968055806000000000102030405711368078671145271157471166258060000006c6162656c7371175d7118284b034b0165680558030000007261777119680786711a52711b680558020000007879711c680786711d52711e580100000066711f680268034b008571206809877121527122284b014b024b02867123680d5802000000663471248988877125527126284b0358010000003e71274e4e4e4affffffff4affffffff4b007471286288680558120000003fc3800000404000004000000040c28000007129680786712a52712b74712c6258010000006e712d5d712e284affffffff4a701101008a06000000000001473fe00000000000004e8865752e",
  3: "80037d7100285804000000646174617101636e756d70792e5f636f72652e6d756c746961727261790a5f7265636f6e7374727563740a7102636e756d70790a6e6461727261790a71034b008571044301627105877106527107284b014b024b03867108636e756d70790a64747970650a710958020000007531710a898887710b52710c284b0358010000007c710d4e4e4e4affffffff4affffffff4b0074710e62894306000102030405710f7471106258060000006c6162656c7371115d7112284b034b0165430372617771134302787971145801000000667115680268034b008571166805877117527118284b014b024b02867119680958020000006634711a898887711b52711c284b0358010000003e711d4e4e4e4affffffff4affffffff4b0074711e628843103fc00000404000004000000040800000711f7471206258010000006e71215d7122284affffffff4a701101008a06000000000001473fe00000000000004e8865752e",
  4: "80049535010000000000007d94288c0464617461948c166e756d70792e5f636f72652e6d756c74696172726179948c0c5f7265636f6e7374727563749493948c056e756d7079948c076e6461727261799493944b0085944301629487945294284b014b024b03869468058c0564747970659493948c02753194898887945294284b038c017c944e4e4e4affffffff4affffffff4b00749462894306000102030405947494628c066c6162656c73945d94284b034b016543037261779443027879948c016694680468074b008594680987945294284b014b024b028694680e8c02663494898887945294284b038c013e944e4e4e4affffffff4affffffff4b007494628843103fc00000404000004000000040800000947494628c016e945d94284affffffff4a701101008a06000000000001473fe00000000000004e8865752e",
  5: "8005951d010000000000007d94288c0464617461948c136e756d70792e5f636f72652e6e756d65726963948c0b5f66726f6d62756666657294939428960600000000000000000102030405948c056e756d7079948c0564747970659493948c02753194898887945294284b038c017c944e4e4e4affffffff4affffffff4b007494624b024b0386948c014394749452948c066c6162656c73945d94284b034b016543037261779443027879948c0166946804289610000000000000003fc000004040000040000000408000009468088c02663494898887945294284b038c013e944e4e4e4affffffff4affffffff4b007494624b024b0286948c014694749452948c016e945d94284affffffff4a701101008a06000000000001473fe00000000000004e8865752e",
};

const tensorIn = (value: PickleValue | undefined): unknown =>
  value !== undefined && isNdarray(value) ? value.tensor : value;

describe("readPickle", () => {
  it.each(Object.entries(written))("reads protocol %s", (_, hex) => {
    const value = readPickle(fromHex(hex), "a", ample());
    const dict = value instanceof Map ? value : new Map<string, PickleValue>();
    expect([...dict.keys()]).toEqual(["data", "labels", "raw", "f", "n"]);
    expect(tensorIn(dict.get("data"))).toEqual(tensorOf("u8", [2, 3], [0, 1, 2, 3, 4, 5]));
    expect(tensorIn(dict.get("f"))).toEqual(tensorOf("f32", [2, 2], [1.5, 2, 3, 4]));
    expect(dict.get("labels")).toEqual([3, 1]);
    expect(dict.get("raw")).toEqual(bytesOf("xy"));
    expect(dict.get("n")).toEqual([-1, 70000, 2 ** 40, 0.5, null, true]);
  });

  it("refuses to call anything", async () => {
    const evil = bytesOf([0x80, 2], "cos\nsystem\n", [0x58, 2, 0, 0, 0], "ls", [0x85], "R.");
    expect(await failure(() => readPickle(evil, "a.pkl", ample()))).toBe(
      "pickle-refused: a.pkl: the pickle names os.system",
    );
    const hidden = bytesOf([0x80, 4, 0x8c, 8], "builtins", [0x8c, 4], "eval", [0x93], ".");
    expect(await failure(() => readPickle(hidden, "a.pkl", ample()))).toBe(
      "pickle-refused: a.pkl: the pickle names builtins.eval",
    );
    expect(await failure(() => readPickle(bytesOf([0x80, 2], "(S'x'\n."), "a.pkl", ample()))).toBe(
      "pickle-refused: a.pkl: the pickle has the opcode 0x53 at byte 3, which is not plain data",
    );
  });

  it("refuses every cut or damaged pickle with a diagnostic, and ends", async () => {
    const whole = fromHex(written[4]);
    for (let length = 2; length < whole.length; length++) {
      expect(await failure(() => readPickle(whole.subarray(0, length), "a", ample()))).toMatch(
        /^pickle-/,
      );
    }
    const damage = fc.record({ at: fc.nat({ max: whole.length - 1 }), to: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, to }) => {
        const damaged = whole.slice();
        damaged[at] = to;
        expect(await failure(() => readPickle(damaged, "a", ample()))).toMatch(
          /^(pickle-|nothing)/,
        );
      }),
      { numRuns: 500 },
    );
  });
});

/** A batch as Python 2 wrote the published files: byte strings, `numpy.core`, protocol 2. */
function batch(labelsKey: string, labels: readonly number[], width = 3072): Uint8Array {
  const text = (s: string): Uint8Array => bytesOf([0x55, s.length], s);
  const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
  const pixels = labels.flatMap((_, i) => new Array<number>(width).fill(i + 1));
  return bytesOf(
    [0x80, 2],
    "}(",
    text("data"),
    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n",
    [0x4b, 0, 0x85],
    text("b"),
    [0x87],
    "R(",
    [0x4b, 1, 0x4b, labels.length, 0x4d, width & 255, width >> 8, 0x86],
    "cnumpy\ndtype\n",
    text("u1"),
    [0x4b, 0, 0x4b, 1, 0x87],
    "R(",
    [0x4b, 3],
    text("|"),
    "NNN",
    [0x4a, 255, 255, 255, 255, 0x4a, 255, 255, 255, 255, 0x4b, 0],
    "tb",
    [0x89, 0x54, ...u32(pixels.length), ...pixels],
    "tb",
    text(labelsKey),
    "](",
    labels.flatMap((label) => [0x4b, label]),
    "eu.",
  );
}

describe("CIFAR python batches", () => {
  it("hold images of CIFAR-10, or of CIFAR-100 with fine labels", () => {
    const ten = parseCifarPickle(batch("labels", [7, 2]), "data_batch_1", ample());
    expect(ten.format).toBe("CIFAR-10 python");
    expect([...(ten.labels?.data ?? [])]).toEqual([7, 2]);
    expect(ten.fields[0]?.storedShape).toEqual([2, 3, 32, 32]);
    expect(ten.fields[0]?.sample(1).data[0]).toBe(2);
    expect(parseCifarPickle(batch("fine_labels", [99]), "train", ample()).format).toBe(
      "CIFAR-100 python",
    );
  });

  it("are refused where they hold something else", async () => {
    expect(await failure(() => parseCifarPickle(batch("labels", [1], 300), "b", ample()))).toBe(
      'data-header: b is not a valid CIFAR python file: its "data" is u8 [1, 300], not u8 [N, 3072]',
    );
    expect(await failure(() => parseCifarPickle(bytesOf([0x80, 2], "]."), "b", ample()))).toBe(
      "data-header: b is not a valid CIFAR python file: it holds no dict",
    );
  });
});
