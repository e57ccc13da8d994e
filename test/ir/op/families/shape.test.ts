/** Types of moves: what keeps its domain, and what does not fit. */
import { describe, expect, it } from "vitest";
import type { OpAttrs } from "../../../../ir/op/op.ts";
import type { Domain, Type } from "../../../../ir/type.ts";
import { infer } from "../../one-op.ts";

const of = (domain: Domain, ...shape: number[]): Type => ({ domain, dtype: "f32", shape });
const spike = of("spike", 2, 3);
const x = of("real", 2, 3);

describe("ann.reshape, ann.transpose", () => {
  it("keep a spike a spike", () => {
    expect(infer("ann.reshape", { shape: [6] }, [spike])).toBe("spike[6]");
    expect(infer("ann.transpose", { perm: [1, 0] }, [spike])).toBe("spike[3, 2]");
  });

  it("want as many elements, and each axis once", () => {
    expect(infer("ann.reshape", { shape: [5] }, [x])).toBe(
      "ann.reshape cannot make [5] of [2, 3], which has 6 elements",
    );
    expect(infer("ann.reshape", { shape: [-2, -3] }, [x])).toContain("cannot make");
    expect(infer("ann.transpose", { perm: [0, 0] }, [x])).toContain("no order of the 2 axes");
    expect(infer("ann.transpose", { perm: [0] }, [x])).toContain("no order of the 2 axes");
  });
});

describe("ann.concat", () => {
  const domains = (...list: Domain[]): string =>
    infer(
      "ann.concat",
      { axis: 0 },
      list.map((domain) => of(domain, 1)),
    );

  it("is of spikes where all are, and real where all are", () => {
    expect(domains("spike", "spike")).toBe("spike[2]");
    expect(domains("real", "real", "real")).toBe("real[3]");
    expect(domains("spike", "real")).toBe("current[2]");
    expect(domains("current", "spike")).toBe("current[2]");
  });

  it("wants equal extents off its axis, and equal element types", () => {
    expect(infer("ann.concat", { axis: 1 }, [x, of("real", 2, 5)])).toBe("real[2, 8]");
    expect(infer("ann.concat", { axis: 0 }, [x, of("real", 2, 5)])).toBe(
      "ann.concat along axis 0: shapes [2, 3] and [2, 5] differ elsewhere",
    );
    expect(infer("ann.concat", { axis: 0 }, [x, { ...x, dtype: "f64" }])).toContain("f32 and f64");
    expect(infer("ann.concat", { axis: 2 }, [x])).toContain("axis 2");
    expect(infer("ann.concat", { axis: 0 }, [])).toBe(
      "ann.concat takes at least 1 operands, not 0",
    );
  });
});

describe("ann.slice", () => {
  it("stays inside", () => {
    const slice = (starts: number[], sizes: number[], steps: number[]): string =>
      infer("ann.slice", { starts, sizes, steps }, [spike]);
    expect(slice([1, 2], [1, 3], [1, -1])).toBe("spike[1, 3]");
    expect(slice([0, 9], [2, 0], [1, 1])).toBe("spike[2, 0]");
    expect(slice([0, 1], [2, 3], [1, 1])).toBe(
      "ann.slice takes elements 1 to 3 of axis 1, which has 3",
    );
    expect(slice([0, 0], [2, 2], [1, 0])).toBe("ann.slice cannot step by 0 along axis 1");
    expect(slice([0], [2], [1])).toBe("ann.slice needs 2 starts, one per axis, not 1");
  });
});

describe("ann.pad", () => {
  const pad = (x: Type, attrs: Partial<OpAttrs["ann.pad"]>): string =>
    infer("ann.pad", { begin: [0, 1], end: [0, 1], mode: "constant", value: 0, ...attrs }, [x]);

  it("pads what varies over time with 0 only", () => {
    expect(pad(spike, {})).toBe("spike[2, 5]");
    expect(pad(spike, { mode: "edge", value: 1 })).toBe("spike[2, 5]");
    expect(pad(x, { value: 1 })).toBe("real[2, 5]");
    expect(pad(spike, { value: 1 })).toBe(
      "ann.pad with 1 would add a constant to a spike at every timestep; " +
        "only 0 pads what varies over time",
    );
  });

  it("crops no more than there is, and repeats only what is there", () => {
    expect(pad(x, { begin: [-1, -2], end: [0, -1] })).toBe("real[1, 0]");
    expect(pad(x, { begin: [-3, 0] })).toContain("ann.pad would make [-1, 4]");
    expect(pad(of("real", 0, 3), { begin: [1, 0], mode: "edge" })).toBe(
      "ann.pad by edge has nothing to repeat along axis 0, which is empty",
    );
    expect(pad(of("real", 0, 3), { begin: [1, 0] })).toBe("real[1, 4]");
  });
});

describe("ann.expand, ann.tile, ann.trilu", () => {
  it("keep the domain", () => {
    expect(infer("ann.expand", { shape: [4, 2, 3] }, [spike])).toBe("spike[4, 2, 3]");
    expect(infer("ann.tile", { repeats: [2, 1] }, [spike])).toBe("spike[4, 3]");
    expect(infer("ann.trilu", { upper: true, diagonal: 0 }, [spike])).toBe("spike[2, 3]");
  });

  it("want shapes that fit", () => {
    expect(infer("ann.expand", { shape: [2, 1] }, [x])).toContain("does not broadcast");
    expect(infer("ann.tile", { repeats: [2] }, [x])).toContain("needs 2 repeats");
    expect(infer("ann.trilu", { upper: true, diagonal: 0 }, [of("real", 3)])).toContain("two axes");
  });
});

describe("ann.resize", () => {
  const resize = (x: Type, attrs: Partial<OpAttrs["ann.resize"]>): string =>
    infer(
      "ann.resize",
      {
        sizes: [2, 6],
        scales: [1, 2],
        mode: "linear",
        coordinates: "half_pixel",
        nearest: "floor",
        cubicCoefficient: -0.75,
        excludeOutside: false,
        extrapolation: 0,
        antialias: false,
        roi: [],
        ...attrs,
      },
      [x],
    );

  it("is linear", () => {
    expect(resize(x, {})).toBe("real[2, 6]");
    expect(resize(spike, {})).toBe("current[2, 6]");
    expect(resize(spike, { mode: "nearest" })).toBe("current[2, 6]");
  });

  it("fills what varies over time with 0 only", () => {
    const crop = { coordinates: "tf_crop_and_resize", roi: [0, 0, 1, 1] } as const;
    expect(resize(spike, crop)).toBe("current[2, 6]");
    expect(resize(x, { ...crop, extrapolation: 1 })).toBe("real[2, 6]");
    expect(resize(spike, { ...crop, extrapolation: 1 })).toContain("would add the constant 1");
    expect(resize(x, { ...crop, roi: [] })).toBe(
      "ann.resize needs 4 numbers for its region, not 0",
    );
  });

  it("wants sizes and scales for each axis", () => {
    expect(resize(x, { scales: [2] })).toContain("needs 2 scales");
    expect(resize(x, { scales: [1, 0] })).toContain("scales above 0");
    expect(resize(of("real", 2, 0), {})).toBe("ann.resize has nothing to stretch along axis 1");
  });
});
