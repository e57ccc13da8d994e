/**
 * Sums by events are those of a plain loop: all shapes of windows, any density, and words and weights so large
 * that sums of 16 bits do not hold them.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openAssembler } from "../../../../backends/wasm/assembler/assembler.ts";
import {
  type EventSums,
  listedRows,
  sumEvents,
  sumsPlaneBytes,
} from "../../../../backends/wasm/kernels/words/event-sums.ts";
import { compactionTable } from "../../../../backends/wasm/kernels/words/list-events.ts";
import {
  blockingOf,
  packForEvents,
  reachesOf,
  spillBytes,
  walkedColumns,
} from "../../../../backends/wasm/kernels/words/walk-events.ts";
import { listsBytes } from "../../../../backends/wasm/memory/event-lists.ts";
import type { Buffer } from "../../../../backends/wasm/memory/view.ts";
import { invariant, known } from "../../../../ir/diagnostic.ts";
import { uniform } from "../../../../ir/random.ts";

interface Case {
  readonly seed: number;
  readonly grid: readonly [number, number];
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pads: readonly [number, number];
  /** The largest magnitude of a word and of a weight. */
  readonly most: number;
  readonly mostWeight: number;
  readonly density: number;
  readonly bytes: 1 | 2;
}

const pairs = (min: number, max: number): fc.Arbitrary<readonly [number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

const cases: fc.Arbitrary<Case> = fc
  .record({
    seed: fc.nat({ max: 9999 }),
    grid: pairs(1, 6),
    inputs: fc.integer({ min: 1, max: 24 }),
    outputs: fc.integer({ min: 1, max: 40 }),
    kernel: pairs(1, 4),
    stride: pairs(1, 3),
    pads: pairs(0, 2),
    most: fc.constantFrom(1, 15, 127),
    mostWeight: fc.constantFrom(3, 127, 128),
    density: fc.constantFrom(0, 0.05, 0.3, 1),
    bytes: fc.constantFrom(1, 2),
  })
  .filter(({ grid, kernel, pads }) =>
    [0, 1].every((axis) => (grid[axis] ?? 0) + 2 * (pads[axis] ?? 0) >= (kernel[axis] ?? 0)),
  );

/** Sums by the kernel and by a loop, for outputs in row-major order, channels last. */
async function sumsOf(
  given: Case,
): Promise<{ readonly found: number[]; readonly wanted: number[] }> {
  const { grid, inputs, outputs, kernel, stride, pads, most, mostWeight, bytes } = given;
  const extent = (axis: 0 | 1): number =>
    Math.floor((grid[axis] + 2 * pads[axis] - kernel[axis]) / stride[axis]) + 1;
  const [rows, columns] = [extent(0), extent(1)];
  let draws = 0;
  const draw = (): number => uniform(given.seed, draws++, 0, 0);
  const signed = (largest: number): number =>
    draw() < 0.3 ? (draw() < 0.5 ? -largest : largest) : Math.round((2 * draw() - 1) * largest);
  const weights = Array.from({ length: outputs * kernel[0] * kernel[1] * inputs }, () =>
    Math.min(127, signed(mostWeight)),
  );
  const weightOf = (o: number, r: number, c: number, i: number): number =>
    known(weights[((o * kernel[0] + r) * kernel[1] + c) * inputs + i], "a weight");
  const words = Array.from({ length: grid[0] * grid[1] * inputs }, () =>
    draw() < given.density ? signed(most) : 0,
  );
  const wordOf = (r: number, c: number, i: number): number =>
    r < 0 || c < 0 || r >= grid[0] || c >= grid[1]
      ? 0
      : (words[(r * grid[1] + c) * inputs + i] ?? 0);

  const { blocks, vectors, together } = blockingOf({ kernel, stride }, outputs);
  const form = { kernel, stride, inputs, columns, vectors, together };
  let end = 64;
  const place = (length: number): Buffer => {
    const address = end;
    end += Math.ceil(length / 64 + 1) * 64;
    return { name: "", kind: "scratch", bytes: length, data: null, address };
  };
  // Words from 0 up where they are biased, and a halo of pixels that are not read.
  const bias = bytes === 1 && most < 64 ? most : 0;
  const lanes = Math.ceil(inputs / 8) * 8;
  const rowWords = (grid[1] + 2) * lanes;
  const plane = (grid[0] + 2) * rowWords;
  const listed = {
    columns: walkedColumns(form),
    rows: listedRows(form, rows),
    capacity: grid[0] * grid[1] * inputs,
  };
  const packed = reachesOf(kernel, stride).map((_, phase) =>
    packForEvents(form, outputs, phase, weightOf),
  );
  const planeOfSums = sumsPlaneBytes({ walk: form, blocks, rows });
  const events: EventSums = {
    walk: {
      ...{ ...form, mostWeight, mostWord: most },
      lists: { ...listed, buffer: place(listsBytes(listed)) },
      weights: packed.map((each) => place(each.byteLength)),
      spill: place(spillBytes(form)),
    },
    raster: {
      grid: { rows: grid[0], columns: grid[1], channels: inputs },
      ...{ bytes, bias, pixelBytes: lanes * bytes, rowBytes: rowWords * bytes },
    },
    words: place(plane * bytes + 16),
    offset: (rowWords + lanes) * bytes,
    planeBytes: plane * bytes,
    activity: null,
    origin: [-pads[0], -pads[1]],
    compaction: place(compactionTable().byteLength),
    ...{ rows, blocks, slots: 1, mostPerRow: grid[0] * grid[1] * inputs },
    sums: place(planeOfSums),
    table: place(4),
  };
  const assembler = await openAssembler({ shared: false, relaxed: false });
  assembler.define("run", 3, (code) => {
    const share = { from: code.define("i32", code.int(0)), to: code.define("i32", code.int(rows)) };
    sumEvents(code, events, 1, share, 1);
  });
  const binary = Uint8Array.from(assembler.finish(false));
  const pages = Math.ceil((end + 64) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const arena = new WebAssembly.Global({ value: "i32", mutable: false }, 0);
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory, arena } });
  const { buffer } = memory;
  new Int16Array(buffer).set(compactionTable(), events.compaction.address / 2);
  packed.forEach((each, i) => {
    new Int16Array(buffer).set(each, known(events.walk.weights[i], "weights").address / 2);
  });
  const at = bytes === 1 ? new Int8Array(buffer) : new Int16Array(buffer);
  const start = events.words.address / bytes;
  at.fill(bias, start, start + plane);
  for (let r = 0; r < grid[0]; r++) {
    for (let c = 0; c < grid[1]; c++) {
      for (let i = 0; i < inputs; i++) {
        at[start + (r + 1) * rowWords + (c + 1) * lanes + i] = wordOf(r, c, i) + bias;
      }
    }
  }
  const { run } = instance.exports;
  invariant(isStep(run), "a function");
  run(0, 1, 0);
  const said = known(new Int32Array(buffer)[events.table.address / 4], "an entry");
  const all = new Int32Array(buffer, events.sums.address);
  const width = 8 * vectors * blocks;
  const [found, wanted]: [number[], number[]] = [[], []];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let r = 0; r < kernel[0]; r++) {
          for (let c = 0; c < kernel[1]; c++) {
            const [row, column] = [y * stride[0] - pads[0] + r, x * stride[1] - pads[1] + c];
            for (let i = 0; i < inputs; i++) sum += wordOf(row, column, i) * weightOf(o, r, c, i);
          }
        }
        wanted.push(sum);
        // Where no words are, there need be no sums.
        const own = known(all[(y * columns + x) * width + o], "a sum");
        found.push(said === events.sums.address ? own : 0);
      }
    }
  }
  return { found, wanted };
}

function isStep(value: unknown): value is (part: number, parts: number, elapsed: number) => void {
  return typeof value === "function";
}

describe("sums by events", () => {
  it("are those of a plain loop", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { found, wanted } = await sumsOf(given);
        expect(found).toEqual(wanted);
      }),
      { numRuns: 15 },
    );
  });

  it("go on to 32 bits where they would not fit 16", async () => {
    const shape = { seed: 3, inputs: 24, kernel: [3, 3], stride: [1, 1], pads: [1, 1] } as const;
    const large = { most: 127, mostWeight: 127, density: 1, bytes: 1, outputs: 9 } as const;
    const { found, wanted } = await sumsOf({ ...shape, ...large, grid: [4, 5] });
    expect(Math.max(...wanted.map(Math.abs))).toBeGreaterThan(40_000);
    expect(found).toEqual(wanted);
  });
});
