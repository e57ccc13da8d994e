/** Maxima over windows: of values as they are, and of running sums over time. */
import { magnitude } from "../../../ir/analysis/interval.ts";
import { known } from "../../../ir/diagnostic.ts";
import { shortName } from "../../../ir/loc.ts";
import type { OpOf } from "../../../ir/op/op.ts";
import { windowsOf } from "../../../ir/analysis/window.ts";
import { type Code, loop, scaled, sumOf } from "../text/code.ts";
import { nestOver } from "../text/nest.ts";
import { accumulate } from "./accumulators.ts";
import type { Lowering } from "./lowering.ts";
import { remaining } from "./sums.ts";
import { type Held, type View, orderOf, viewOf } from "./views.ts";

type Pool = OpOf<"ann.max-pool" | "snn.max-pool">;

/** Maxima of a value at one time. */
export function lowerMaxPool(lowering: Lowering, op: OpOf<"ann.max-pool">): Held {
  const value = lowering.operandOf(op);
  const from = lowering.valueOf(value);
  const input = viewOf(from) ?? known(viewOf(lowering.copyOf(value, from, imageOrder(from))), "a view");
  const held = lowering.scratchFor(op, "pooled");
  const output = known(viewOf(held), "a view of maxima");
  const part = lowering.part();
  part.uses(input, output);
  part.add(maxima(op, input, (at) => [`${at(output)} = (${held.array.type})most;`], output));
  lowering.emit(shortName(op.loc), lowering.phaseOf(op.result), [about(op)], part);
  return held;
}

/** What the maxima of sums so far have changed by since the timestep before. */
export function lowerMaxPoolOverTime(lowering: Lowering, op: OpOf<"snn.max-pool">): Held {
  const part = lowering.part();
  const { view, code, rest, about: synapses } = accumulate(lowering, part, op, {
    name: lowering.names.claim(`${shortName(op.loc)}_sums`),
    type: sumType(lowering, op),
    what: "sums so far",
    start: () => 0,
  });
  const held = lowering.scratchFor(op, "change");
  const output = known(viewOf(held), "a view of changes");
  part.uses(output);
  part.add(code);
  if (lowering.isFramed) {
    part.add(maxima(op, view, (at) => [`${at(output)} = (${held.array.type})most;`], output));
    lowering.emit(shortName(op.loc), "begin", [about(op), ...synapses.map((each) => `  ${each}.`)], part);
    return held;
  }
  part.add(remaining(view, rest));
  const before = lowering.kept(op, "maximum", view.array.type, op.type.shape, orderOf(output));
  const kept = known(viewOf(before), "a view of maxima");
  part.uses(kept);
  const first = lowering.part();
  first.uses(kept);
  const nest = nestOver([kept]);
  first.add(nest.around(`${nest.at(kept)} = 0;`));
  lowering.emit(`begin_${shortName(op.loc)}_maximum`, "begin", [`${shortName(op.loc)}: nothing yet.`], first);
  const change = (at: (place: View) => string): readonly Code[] => [
    `${at(output)} = (${held.array.type})(most - ${at(kept)});`,
    `${at(kept)} = most;`,
  ];
  part.add(maxima(op, view, change, output));
  lowering.emit(shortName(op.loc), "step", [about(op), ...synapses.map((each) => `  ${each}.`)], part);
  return held;
}

/** What sums over all timesteps are held in, with all that is added on the way. */
function sumType(lowering: Lowering, op: Pool): "int32_t" | "int64_t" {
  const value = lowering.operandOf(op);
  const timesteps = lowering.isFramed ? 1 : lowering.options.timesteps;
  const partial = lowering.bounds.partialSums.get(value) ?? 0;
  const most = magnitude(lowering.intervalOf(value)) * timesteps + partial;
  return most < 2 ** 31 ? "int32_t" : "int64_t";
}

function about(op: Pool): string {
  const size = op.attrs.kernel.join(" × ");
  return `${shortName(op.loc)}: maxima of ${size} windows${op.kind === "snn.max-pool" ? " of sums so far" : ""}.`;
}

/** Loops over windows; `put` says what is done with `most`, the maximum of each, at its place in views of the result. */
function maxima(
  op: Pool,
  input: View,
  put: (at: (view: View) => string) => readonly Code[],
  output: View,
): Code {
  const [batch = 1, channels = 1, ...extents] = input.shape;
  const windows = windowsOf(op.attrs, op.attrs.kernel, input.shape.length);
  const letters = ["z", "y", "x"].slice(3 - windows.length);
  const outputs = output.shape.slice(2);
  const place = (view: View, prefix: string, spatial: readonly number[]): string =>
    sumOf([
      String(view.offset),
      batch > 1 ? scaled("n", view.strides[0] ?? 0) : "",
      channels > 1 ? scaled("c", view.strides[1] ?? 0) : "",
      ...spatial.map((extent, i) =>
        extent > 1 ? scaled(`${prefix}${letters[i] ?? "x"}`, view.strides[i + 2] ?? 0) : "",
      ),
    ]);
  const at = (view: View): string => `${view.array.name}[${place(view, "o", outputs)}]`;
  const element = `${input.array.name}[${sumOf([
    String(input.offset),
    batch > 1 ? scaled("n", input.strides[0] ?? 0) : "",
    channels > 1 ? scaled("c", input.strides[1] ?? 0) : "",
    ...letters.map((letter, i) => scaled(`i${letter}`, input.strides[i + 2] ?? 0)),
  ])}]`;
  const inner: Code = [`const ${input.array.type === "int64_t" ? "int64_t" : "int32_t"} value = ${element};`, "if (value > most) most = value;"];
  const taps = windows.reduceRight<Code>((body, window, i) => {
    const letter = letters[i] ?? "x";
    const { kernel, stride, dilation, padBegin } = window;
    const extent = extents[i] ?? 1;
    const out = outputs[i] ?? 1;
    const terms = sumOf([
      out > 1 ? scaled(`o${letter}`, stride) : "",
      kernel > 1 ? scaled(`k${letter}`, dilation) : "",
    ]);
    const farthest = (out - 1) * stride + (kernel - 1) * dilation - padBegin;
    const checks = [
      ...(padBegin > 0 ? [`i${letter} < 0`] : []),
      ...(farthest >= extent ? [`i${letter} >= ${extent}`] : []),
    ];
    return loop(`k${letter}`, kernel, [
      `const int32_t i${letter} = ${padBegin === 0 ? terms : `${terms} - ${padBegin}`};`,
      ...(checks.length === 0 ? [] : [`if (${checks.join(" || ")}) continue;`]),
      body,
    ]);
  }, inner);
  const type = input.array.type === "int64_t" ? "int64_t" : "int32_t";
  const least = type === "int64_t" ? "INT64_MIN" : "INT32_MIN";
  const each: Code = [`${type} most = ${least};`, taps, put(at)];
  const plane = letters.reduceRight<Code>(
    (body, letter, i) => loop(`o${letter}`, outputs[i] ?? 1, body),
    channels > 1 ? loop("c", channels, each) : each,
  );
  return batch > 1 ? loop("n", batch, plane) : plane;
}

function imageOrder({ shape }: Held): readonly number[] {
  const axes = shape.map((_, axis) => axis);
  return [0, ...axes.slice(2), 1];
}
