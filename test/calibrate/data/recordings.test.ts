/** Recordings of events and audio: how they are read, made into frames, and refused. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Budget } from "../../../calibrate/data/budget.ts";
import { datasetOf, select } from "../../../calibrate/data/dataset.ts";
import { encodeNpz } from "../../../calibrate/data/formats/write.ts";
import { openDataset } from "../../../calibrate/data/open.ts";
import { parseData } from "../../../calibrate/data/parse.ts";
import { parsePreprocess } from "../../../calibrate/data/preprocess.ts";
import { type DataSource, sampleSource } from "../../../calibrate/data/source.ts";
import { type Tensor, tensorOf } from "../../../ir/tensor.ts";
import { type Shape, real } from "../../../ir/type.ts";
import { shared } from "../../models/shared.ts";
import { failure, line, parsing } from "./files.ts";

/** Five events of two samples: three within 2.5 ms, of which the last two are out of order, and two. */
const xyp = tensorOf("u8", [5, 3], [0, 0, 1, 2, 1, 0, 2, 1, 0, 1, 0, 1, 1, 0, 1]);
const t = tensorOf("u32", [5], [1000, 3500, 1999, 70, 71]);
const offset = tensorOf("i64", [3], [0, 3, 5]);
const y = tensorOf("i64", [2], [7, 4]);
const events = { xyp, t, offset, y };

async function read(arrays: Readonly<Record<string, Tensor>>, budget = new Budget()) {
  const bytes = encodeNpz(new Map(Object.entries(arrays)));
  const content = await parseData(bytes, "e.npz", parsing({}, budget));
  const labels = content.labels === null ? null : Int32Array.from(content.labels.data);
  return datasetOf({ name: "e.npz", content, labels, files: [], diagnostics: [] });
}

type Given = Partial<{ shape: Shape; how: object; maxDataBytes: number; mostFrames: number }>;

async function framed(
  arrays: Readonly<Record<string, Tensor>>,
  { shape = [1, 2, 2, 3], how, maxDataBytes, mostFrames }: Given = {},
): Promise<DataSource> {
  const steps = how === undefined ? null : parsePreprocess(JSON.stringify(how), "p", null);
  const input = { name: "in", type: real("f32", shape), overTime: true };
  return sampleSource(await read(arrays), [input], steps, { maxDataBytes, mostFrames });
}

/** Places of a sample that are not 0, as index = value. */
function filled(source: DataSource, index: number): string {
  const [sample] = source.get(index);
  const at = [...(sample?.data ?? [])].flatMap((v, i) => (v === 0 ? [] : [`${i} = ${v}`]));
  return `[${sample?.shape.join(", ") ?? ""}]: ${at.join(", ")}`;
}

describe("a recording of events", () => {
  it("counts the events of each millisecond from a sample's first one, by polarity and place", async () => {
    const source = await framed(events);
    expect(source.count).toBe(2);
    // Frame 0 has x = 0, y = 0, on: plane 1 of 6 elements. Frame 2, 2.5 ms later, x = 2, y = 1, off.
    expect(filled(source, 0)).toBe("[3, 1, 2, 2, 3]: 5 = 1, 6 = 1, 29 = 1");
    expect(filled(source, 1)).toBe("[1, 1, 2, 2, 3]: 7 = 2");
    expect(source.longest()).toBe(3);
    expect(source.diagnostics.map(line)).toEqual([
      "events-framed: each timestep counts the events of a millisecond of e.npz",
    ]);
  });

  it("takes its labels, and may be chosen from", async () => {
    const set = await read(events);
    expect([...(set.labels ?? [])]).toEqual([7, 4]);
    const [second] = select(set, [1]).fields;
    expect(second?.sample(0)).toEqual(tensorOf("f64", [2, 4], [1, 0, 1, 70, 1, 0, 1, 71]));
  });

  it("has frames of another width, a number of frames, or both, and says what is left out", async () => {
    const wide = await framed(events, { how: { events: { binMicroseconds: 2000 } } });
    expect(filled(wide, 0)).toBe("[2, 1, 2, 2, 3]: 5 = 1, 6 = 1, 17 = 1");
    // 2501 microseconds in five parts: 999 is in the second.
    const parts = await framed(events, { how: { events: { frames: 5, values: "binary" } } });
    expect(filled(parts, 0)).toBe("[5, 1, 2, 2, 3]: 6 = 1, 17 = 1, 53 = 1");
    expect(filled(parts, 1)).toBe("[5, 1, 2, 2, 3]: 7 = 1, 31 = 1");
    expect(parts.diagnostics).toEqual([]);
    const both = await framed(events, { how: { events: { binMicroseconds: 1000, frames: 2 } } });
    expect(filled(both, 0)).toBe("[2, 1, 2, 2, 3]: 5 = 1, 6 = 1");
    expect(both.diagnostics.map(line)).toEqual([
      "events-beyond: one event of e.npz comes after the last of 2 frames and is dropped",
    ]);
  });

  it("goes into one plane, or a flat input whose sensor is known", async () => {
    const one = await framed(events, { shape: [1, 2, 3] });
    expect(filled(one, 1)).toBe("[1, 1, 2, 3]: 1 = 2");
    const sensor = { width: 3, height: 2 };
    const flat = await framed(events, { shape: [1, 12], how: { events: sensor, scale: 0.5 } });
    expect(filled(flat, 1)).toBe("[1, 1, 12]: 7 = 1");
    expect(await failure(async () => (await framed(events, { shape: [1, 12] })).get(0))).toBe(
      'event-planes: e.npz records events, and the model\'s input "in", [1, 12], is not [1 or 2 polarities, height, width]',
    );
  });

  it("takes -1 for off, and starts alone for offsets", async () => {
    const signed = tensorOf("i8", [5, 3], [0, 0, 1, 2, 1, -1, 2, 1, -1, 1, 0, 1, 1, 0, 1]);
    const source = await framed({ ...events, xyp: signed, offset: tensorOf("i64", [2], [0, 3]) });
    expect(filled(source, 0)).toBe("[3, 1, 2, 2, 3]: 5 = 1, 6 = 1, 29 = 1");
    expect(source.count).toBe(2);
  });

  it("may have samples without events: a frame of zeros", async () => {
    const source = await framed({ ...events, offset: tensorOf("i64", [3], [0, 5, 5]) });
    expect(filled(source, 1)).toBe("[1, 1, 2, 2, 3]: ");
  });

  it.each([
    [{ t: tensorOf("u32", [4], [1, 2, 3, 4]) }, 'its "t" has shape [4], and its "xyp" holds 5'],
    [{ xyp: tensorOf("u8", [15], new Array<number>(15).fill(0)) }, '"xyp" has shape [15], not'],
    [{ offset: tensorOf("i64", [2], [0, 9]) }, 'element 1 of its "offset" is 9, and places in 5'],
    [{ offset: tensorOf("i64", [3], [0, 4, 3]) }, 'element 2 of its "offset" is 3, and places'],
    [{ offset: tensorOf("i64", [2], [1, 5]) }, 'its "offset" begins with 1, not with 0'],
    [{ offset: tensorOf("i64", [], [5]) }, 'its "offset" has shape [], not [samples + 1]'],
  ])("is refused where its arrays do not fit each other: %#", async (wrong, reason) => {
    const said = await failure(() => read({ ...events, ...wrong }));
    expect(said).toContain("recording-header: e.npz is not a valid recording: ");
    expect(said).toContain(reason);
  });

  it("is refused where a value is none", async () => {
    const half = tensorOf("f32", [5], [1000, 3500.5, 1999, 70, 71]);
    expect(await failure(async () => (await framed({ ...events, t: half })).get(0))).toBe(
      "event-value: e.npz: event 1 of sample 0 has time 3500.5",
    );
    expect(await failure(async () => (await framed(events, { shape: [2, 2, 2] })).get(0))).toBe(
      'event-outside: e.npz: sample 0 has an event at x = 2, y = 1, outside the 2x2 of the model\'s input "in"',
    );
  });

  it("takes no memory for the hours that two events may announce", async () => {
    const far = tensorOf("u32", [5], [0, 2 ** 32 - 1, 1, 70, 71]);
    const hours = await framed({ ...events, t: far });
    expect(hours.longest()).toBe(4_294_968);
    const how = { events: { binMicroseconds: 1 } };
    const fine = await framed({ ...events, t: far }, { how, maxDataBytes: 10_000 });
    expect(await failure(() => fine.get(0))).toMatch(
      /^data-too-large: reading e.npz takes 206158430208 bytes of memory; the limit for data is 10000$/,
    );
    const tight = new Budget(400);
    expect(await failure(() => read(events, tight))).toBe("nothing");
    expect(await failure(() => read(events, new Budget(190)))).toMatch(/^data-too-large/);
  });

  it("makes only the frames that are read", async () => {
    const source = await framed(events, { mostFrames: 1 });
    expect(source.longest()).toBe(3);
    expect([0, 1].map((index) => source.framesOf(index))).toEqual([3, 1]);
    expect(filled(source, 0)).toBe("[1, 1, 2, 2, 3]: 5 = 1, 6 = 1");
  });

  it("has no colours, no size and no mean", async () => {
    const resize = { width: 2, height: 2 };
    expect(await failure(() => framed(events, { how: { resize } }))).toBe(
      'preprocess-recording: "resize" does not apply to e.npz, a recording of events',
    );
    expect(await failure(() => framed(events, { how: { mean: 0.5 } }))).toContain('"mean"');
  });

  it("says what it knows of framing, key by key", async () => {
    const attempt = (how: object) => failure(() => framed(events, { how }));
    expect(await attempt({ events: { bins: 3 } })).toBe(
      'preprocess-unknown-key: p: there is no preprocessing step "events.bins"',
    );
    for (const wrong of [{ frames: 0 }, { binMicroseconds: 0.5 }, { width: 3 }]) {
      expect(await attempt({ events: wrong })).toContain('preprocess-value: p: "events" must be');
    }
  });

  it("is nothing for an input that stays the same", async () => {
    const set = await read(events);
    const input = { name: "in", type: real("f32", [1, 2, 2, 3]) };
    expect(await failure(() => sampleSource(set, [input], null))).toBe(
      'recording-input: e.npz is a recording of events, and the model\'s input "in" stays the same at every timestep',
    );
  });
});

describe("a recording of audio", () => {
  const audio = tensorOf("i16", [7], [1, -2, 3, 4, 5, 6, 7]);
  const sounds = { audio, offset: tensorOf("i64", [3], [0, 2, 7]), y };

  it("fills frames one after another, and the last one up with zeros", async () => {
    const source = await framed(sounds, { shape: [1, 3], how: { scale: 0.5, mean: 1 } });
    expect(source.get(0)).toEqual([tensorOf("f32", [1, 1, 3], [-0.5, -2, 0])]);
    expect(source.get(1)).toEqual([tensorOf("f32", [2, 1, 3], [0.5, 1, 1.5, 2, 2.5, 0])]);
    expect(source.longest()).toBe(2);
    expect(source.diagnostics).toEqual([]);
    const short = await framed(sounds, {
      shape: [1, 3],
      how: { scale: 0.5, mean: 1 },
      mostFrames: 1,
    });
    expect(short.get(1)).toEqual([tensorOf("f32", [1, 1, 3], [0.5, 1, 1.5])]);
  });

  it("is taken as it is stored with a warning", async () => {
    const source = await framed(sounds, { shape: [1, 3] });
    expect(source.diagnostics.map(line)).toEqual([
      "raw-audio: e.npz holds raw audio (i16), which the model receives as stored",
    ]);
  });
});

describe("an input that takes spikes", () => {
  it("takes events and no sound", async () => {
    const type = { ...real("f32", [1, 2, 2, 3]), domain: "spike" as const };
    const input = { name: "in", type, overTime: true };
    expect(sampleSource(await read(events), [input], null).longest()).toBe(3);
    const set = await read({
      audio: tensorOf("i16", [4], [1, 2, 3, 4]),
      offset: tensorOf("i64", [3], [0, 2, 4]),
      y,
    });
    expect(await failure(() => sampleSource(set, [input], null))).toBe(
      'audio-as-spikes: e.npz is a recording of audio, and the model\'s input "in" takes spikes',
    );
  });
});

describe("an array of frames", () => {
  const x = tensorOf("f32", [2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

  it("is [N, frames, …shape]", async () => {
    const source = await framed({ x }, { shape: [1, 2] });
    expect(source.get(1)).toEqual([tensorOf("f32", [3, 1, 2], [7, 8, 9, 10, 11, 12])]);
    expect(source.longest()).toBe(3);
    const short = await framed({ x }, { shape: [1, 2], mostFrames: 2 });
    expect(short.get(1)).toEqual([tensorOf("f32", [2, 1, 2], [7, 8, 9, 10])]);
    expect(short.longest()).toBe(3);
    const scaled = await framed({ x }, { shape: [1, 2], how: { scale: 2 } });
    expect(scaled.get(0)).toEqual([tensorOf("f32", [3, 1, 2], [2, 4, 6, 8, 10, 12])]);
  });

  it("must have frames of the input's shape", async () => {
    expect(await failure(() => framed({ x }, { shape: [1, 4] }))).toBe(
      'input-frames: the model\'s input "in" changes over time and takes frames of [1, 4]; e.npz holds [2, 3, 2]',
    );
  });
});

const there = existsSync(join(shared, "data/nmnist"));
if (!there) process.stderr.write(`NOT TESTED on real recordings: none in ${shared}/data\n`);

describe.skipIf(!there)("real recordings", () => {
  const overTime = (shape: Shape) => ({ name: "in", type: real("f32", shape), overTime: true });

  it("of N-MNIST have all their events in frames", async () => {
    const set = await openDataset(join(shared, "data/nmnist/test.npz"));
    expect([set.count, ...(set.labels?.subarray(0, 3) ?? [])].length).toBe(4);
    const source = sampleSource(set, [overTime([1, 2, 34, 34])], null);
    const [first] = source.get(0);
    // From 5,087 to 307,827 microseconds.
    expect(first?.shape).toEqual([303, 1, 2, 34, 34]);
    expect([...(first?.data ?? [])].reduce((sum, n) => sum + n, 0)).toBe(3330);
  });

  it("of spoken digits have frames of 80 samples, 10 ms", async () => {
    const set = await openDataset(join(shared, "data/fsdd/test.npz"));
    const how = parsePreprocess('{"scale": "1/32768"}', "p", null);
    const source = sampleSource(set, [overTime([1, 80])], how);
    expect(source.count).toBe(180);
    const [raw] = [set.sample(0)];
    const [first] = source.get(0);
    expect(first?.shape).toEqual([Math.ceil(raw.data.length / 80), 1, 80]);
    expect([...(first?.data.subarray(0, 80) ?? [])]).toEqual(
      [...raw.data.subarray(0, 80)].map((v) => v / 32768),
    );
  });
});
