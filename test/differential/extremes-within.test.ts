/**
 * Infinities, NaN and the largest floats that ordinary inputs make within a network, where an exponential
 * overflows or a divisor is 0: no engine looks for them there, so every kernel has to have the
 * interpreter's answer, in a built network too.
 */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadEngine } from "../../backends/typed/single.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { known } from "../../ir/diagnostic.ts";
import { type Module, inputsOf } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { type Tensor, scalar, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { Growth } from "../../scripts/verify/graphs/growth.ts";
import { type DrawnKind, recipes } from "../../scripts/verify/graphs/recipes.ts";
import { runOn } from "../../scripts/verify/graphs/run.ts";

const kinds = Object.keys(recipes).filter((kind): kind is DrawnKind => kind in recipes);
const shapes: readonly Shape[] = [
  [1, 2, 4, 4],
  [1, 3, 5],
  [1, 4, 3, 3],
];

/** e^(100·x), and that of −x from it: 0, ±3.7e32 and ±∞. */
function overflowing(growth: Growth, x: ValueId): ValueId {
  const { builder } = growth;
  const at = growth.loc("source");
  const powerOf = (by: number): ValueId => {
    const factors = {
      scale: builder.tensor("by", scalar("f32", by)),
      shift: builder.tensor("zero", scalar("f32", 0)),
    };
    return builder.add("ann.exp", [builder.add("ann.affine", [x], factors, at)], {}, at);
  };
  return builder.add("ann.sub", [powerOf(100), powerOf(-100)], {}, at);
}

/** log x, or 1/x: −∞ and NaN, or ±∞. */
function undefinedAt(kind: "ann.log" | "ann.reciprocal") {
  return (growth: Growth, x: ValueId): ValueId =>
    growth.builder.add(kind, [x], {}, growth.loc(kind));
}

/** The kind behind a source of extremes; null where the kind does not take what there is. */
function network(
  kind: DrawnKind,
  seed: number,
  source: (growth: Growth, x: ValueId) => ValueId,
): Module | null {
  const growth = new Growth(seed, "eighths");
  const shape = known(shapes[seed % shapes.length], "a shape");
  const x = source(growth, growth.input(real("f32", shape)));
  growth.values.push(x);
  const { inputs, attrs } = recipes[kind](growth, x);
  const made = growth.builder.tryAdd(kind, inputs, attrs, growth.loc(kind));
  if (!made.ok) return null;
  return growth.builder.finish({ name: kind, outputs: [{ name: "y", value: made.value }] });
}

/** Quarters from −1 to 1, zero included. */
function ordinary(module: Module): readonly Tensor[] {
  return inputsOf(module).map(({ type: { dtype, shape } }, input) =>
    tensorOf(
      dtype,
      shape,
      Array.from({ length: elementCount(shape) }, (_, i) => (((i * 7 + input) % 9) - 4) / 4),
    ),
  );
}

/** Kinds that WebAssembly adds the products of in float32: two that overflow may cancel out to NaN. */
const inFloat32: ReadonlySet<DrawnKind> = new Set<DrawnKind>([
  "ann.conv",
  "ann.conv-transpose",
  "ann.linear",
  "ann.matmul",
]);

/** The first element in which they are not alike; null where there is none. */
function firstDifference(
  kind: DrawnKind,
  wanted: Float32Array,
  found: Float32Array,
): string | null {
  for (const [i, y] of wanted.entries()) {
    const x = found[i] ?? NaN;
    if (Object.is(x, y) || x === y) continue;
    if (inFloat32.has(kind) && Math.abs(y) === Infinity && Number.isNaN(x)) continue;
    if (!(Math.abs(x - y) <= 1e-4 * Math.max(Math.abs(y), 1e-2))) return `${i}: ${x}, not ${y}`;
  }
  return null;
}

describe.each([
  ["overflow", overflowing],
  ["the logarithm of what is not above 0", undefinedAt("ann.log")],
  ["a division by 0", undefinedAt("ann.reciprocal")],
])("behind %s", (_, source) => {
  it("every kind of op gives what the interpreter gives", async () => {
    const differing: string[] = [];
    let extremes = 0;
    for (const [seed, kind] of kinds.entries()) {
      const module = network(kind, seed, source);
      if (module === null) continue;
      const inputs = ordinary(module);
      const wanted = known((await runOn(interpretEngine, module, inputs)).outputs[0], "an output");
      if (wanted.some((y) => !(Math.abs(y) < 1e20))) extremes++;
      for (const engine of [singleThreadEngine, singleThreadWasmEngine]) {
        const found = known((await runOn(engine, module, inputs)).outputs[0], "an output");
        const where = firstDifference(kind, wanted, found);
        if (where !== null) differing.push(`${kind} on ${engine.name}, element ${where}`);
      }
    }
    expect(differing).toEqual([]);
    expect(extremes).toBeGreaterThan(kinds.length / 4);
  });
});

describe("sums of squares", () => {
  const all = ["ann.reduce-l2", "ann.groupnorm", "ann.layernorm", "ann.resize"] as const;
  it.each(all)("and weights of 0 in %s, whatever it is drawn with", async (kind) => {
    for (let seed = 0; seed < 6; seed++) {
      for (const source of [overflowing, undefinedAt("ann.reciprocal")]) {
        const module = network(kind, seed, source);
        if (module === null) continue;
        const inputs = ordinary(module);
        const wanted = await runOn(interpretEngine, module, inputs);
        const found = await runOn(singleThreadWasmEngine, module, inputs);
        const [y, x] = [wanted, found].map(({ outputs }) => known(outputs[0], "an output"));
        expect(firstDifference(kind, known(y, "y"), known(x, "x")), `seed ${seed}`).toBeNull();
      }
    }
  });
});
