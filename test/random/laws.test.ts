/** Laws of every network: builders make valid ones, and text and files give back what they got. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { valueIdOf } from "../../ir/build.ts";
import { type OpKind } from "../../ir/op/op.ts";
import type { Module } from "../../ir/module.ts";
import { decodePackage, encodePackage } from "../../ir/file/package.ts";
import { parseModule } from "../../ir/text/parse.ts";
import { printModule } from "../../ir/text/print.ts";
import { hashTensor } from "../../ir/tensor.ts";
import { verify } from "../../ir/verify.ts";
import {
  type RandomNetwork,
  networks as oneWay,
  recurrentNetworks,
  streamingNetworks,
} from "./module.ts";

/** Networks of all kinds. */
function networks(): fc.Arbitrary<RandomNetwork> {
  return fc.oneof(oneWay(), recurrentNetworks(), streamingNetworks());
}

const file = "random.snnir";

describe("every random network", () => {
  it("is valid", () => {
    fc.assert(
      fc.property(networks(), ({ module }) => {
        expect(verify(module)).toEqual([]);
      }),
    );
  });

  it("comes back from text as it was", () => {
    fc.assert(
      fc.property(networks(), ({ module }) => {
        const text = printModule(module, { locs: "full" });
        const parsed = parseModule(text, { file, tensors: module.tensors });
        expect(plain(parsed)).toEqual(plain(renumbered(module, (i) => i)));
        expect(printModule(parsed, { locs: "full" })).toBe(text);
      }),
    );
  });

  it("has a text that does not depend on its ids", () => {
    fc.assert(
      fc.property(networks(), fc.integer({ min: 1, max: 9 }), ({ module }, stride) => {
        const other = renumbered(module, (i) => 1000 - i * stride);
        expect(printModule(other)).toBe(printModule(module));
      }),
    );
  });

  it("comes back from a file as it was, and gives the same bytes again", () => {
    fc.assert(
      fc.property(networks(), ({ module }) => {
        const bytes = encodePackage({ module, provenance: { seed: 1 } });
        const read = decodePackage(bytes, "random.snn");
        expect(plain(read.module)).toEqual(plain(renumbered(module, (i) => i)));
        expect(encodePackage(read)).toEqual(bytes);
      }),
    );
  });
});

describe("random networks, taken together", () => {
  it("hold every kind of op that they are made of", () => {
    const seen = new Set<OpKind>();
    for (const { module } of fc.sample(networks(), { numRuns: 400, seed: 7 })) {
      for (const op of module.ops) seen.add(op.kind);
    }
    expect(seen.size).toBeGreaterThanOrEqual(25);
  });
});

/** The module with the ids that `idOf` gives to its ops by their place. */
function renumbered(module: Module, idOf: (index: number) => number): Module {
  const ids = new Map(module.ops.map((op, i) => [op.result, valueIdOf(idOf(i))]));
  const rename = (value: ReturnType<typeof valueIdOf>): ReturnType<typeof valueIdOf> =>
    ids.get(value) ?? value;
  return {
    ...module,
    ops: module.ops.map((op) => ({
      ...op,
      result: rename(op.result),
      inputs: op.inputs.map(rename),
    })),
    outputs: module.outputs.map(({ name, value }) => ({ name, value: rename(value) })),
    // In the order of the ops that they come back in, as text has them.
    carries: module.ops.flatMap(({ result: source }) =>
      module.carries
        .filter((carry) => carry.source === source)
        .map(({ value }) => ({ value: rename(value), source: rename(source) })),
    ),
  };
}

/** A module in a form that compares by content: the table in order, tensors by hash. */
function plain(module: Module): unknown {
  const hashes = new Map([...module.tensors].map(([ref, value]) => [ref, hashTensor(value)]));
  return { ...module, tensors: hashes, properties: [...module.properties] };
}
