/** What is gathered of samples, channel by channel, is each element in its place, however many samples come. */
import { describe, expect, it } from "vitest";
import { Gathered, channelsAlong } from "../../../passes/fit/channels.ts";
import { drawPlaces } from "../../../passes/fit/places.ts";

/** Tells sample, timestep and element apart. */
const valueAt = (sample: number, t: number, element: number): number =>
  sample * 1000 + t * 100 + element;

describe.each([
  { shape: [1, 3, 2, 2], axis: 1, places: 4 },
  { shape: [2, 3, 4], axis: 1, places: 3 },
  { shape: [5, 3], axis: 1, places: 5 },
])("of $shape along $axis, $places places", ({ shape, axis, places }) => {
  const along = channelsAlong(shape, axis);
  const timesteps = 2;
  const size = shape.reduce((a, b) => a * b, 1);

  it.each([1, 128, 130, 300])("%d samples", (count) => {
    const gathered = new Gathered(along, timesteps, places);
    const drawn = (sample: number): Int32Array => drawPlaces(along.all, places, sample, 0);
    for (let sample = 0; sample < count; sample++) {
      const value = Float32Array.from({ length: timesteps * size }, (_, i) =>
        valueAt(sample, Math.floor(i / size), i % size),
      );
      gathered.add(value, drawn(sample), (element) => element / 2);
    }
    const { samples, channels } = gathered.finish();
    expect(samples).toBe(count);
    channels.forEach((channel, number) => {
      const expected: number[] = [];
      for (let t = 0; t < timesteps; t++) {
        for (let sample = 0; sample < count; sample++) {
          for (const place of drawn(sample)) {
            const element = along.elementAt(number, place);
            expected.push(valueAt(sample, t, element) + (t === 0 ? element / 2 : 0));
          }
        }
      }
      expect([...channel]).toEqual(expected);
    });
  });
});
