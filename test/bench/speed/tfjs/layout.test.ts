/** Channels last: where axes and elements go. */
import { describe, expect, it } from "vitest";
import {
  liesPlain,
  stored,
  storedAxis,
  transposedData,
} from "../../../../bench/speed/tfjs/layout.ts";

describe("what is stored", () => {
  it("is an image with channels last, and all else as it is", () => {
    expect(stored(["n", "c", "h", "w"], [1, 3, 32, 32])).toEqual(["n", "h", "w", "c"]);
    expect(stored(["n", "c"], [1, 10])).toEqual(["n", "c"]);
    expect([0, 1, 2, 3].map((axis) => storedAxis(axis, [1, 3, 8, 8]))).toEqual([0, 3, 1, 2]);
  });

  it("lies in the same order where there is one channel or one pixel", () => {
    expect(
      [
        [1, 5],
        [1, 1, 4, 4],
        [1, 9, 1, 1],
        [1, 9, 1, 2],
      ].map(liesPlain),
    ).toEqual([...[true, true, true], false]);
  });
});

describe("transposedData", () => {
  it("moves elements as Transpose of ONNX does", () => {
    // [[0, 1, 2], [3, 4, 5]], and two images of two channels of two pixels.
    expect([...transposedData([0, 1, 2, 3, 4, 5], [2, 3], [1, 0])]).toEqual([0, 3, 1, 4, 2, 5]);
    const images = [...Array(8).keys()];
    expect([...transposedData(images, [2, 2, 1, 2], [0, 2, 3, 1])]).toEqual([
      ...[0, 2, 1, 3],
      ...[4, 6, 5, 7],
    ]);
  });
});
