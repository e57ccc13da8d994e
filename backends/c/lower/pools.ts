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
import { axesOf, inputOf, leaving, overTaps, stepped } from "./synapses/geometry.ts";
import { type Held, type View, isWhole, orderOf, viewOf } from "./views.ts";

type Pool = OpOf<"ann.max-pool" | "snn.max-pool">;

/** Maxima of a value at one time. */
export function lowerMaxPool(lowering: Lowering, op: OpOf<"ann.max-pool">): Held {
  const value = lowering.operandOf(op);
  const from = lowering.valueOf(value);
  const input =
    viewOf(from) ?? known(viewOf(lowering.copyOf(value, from, imageOrder(from))), "a view");
  const made = lowering.scratchFor(op, "pooled");
  const held = isInPlace(lowering, op, from, made)
    ? { ...made, array: { ...made.array, within: from.array } }
    : made;
  const output = known(viewOf(held), "a view of maxima");
  const part = lowering.part();
  part.uses(input, output);
  part.add(maxima(op, input, (at) => [`${at(output)} = (${held.array.type})most;`], output));
  lowering.emit(shortName(op.loc), lowering.phaseOf(op.result), [about(op)], part);
  return held;
}

/**
 * Whether maxima may be written where the values were: nothing else reads these, both lie row by row, and no window
 * reaches back, so that what is written is behind all that is still to be read.
 */
function isInPlace(lowering: Lowering, op: Pool, from: Held, to: Held): boolean {
  const { array } = from;
  const [input, output] = [viewOf(from), viewOf(to)];
  const isOwn = lowering.isReadOnce(lowering.operandOf(op)) && array.kind === "scratch";
  const reachesBack = [...op.attrs.padsBegin, ...op.attrs.padsEnd].some((pad) => pad > 0);
  if (!isOwn || reachesBack || input === null || output === null) return false;
  const isAlike = orderOf(input).join() === orderOf(output).join();
  return isAlike && isWhole(input) && array.type === to.array.type;
}

/** What the maxima of sums so far have changed by since the timestep before. */
export function lowerMaxPoolOverTime(lowering: Lowering, op: OpOf<"snn.max-pool">): Held {
  const part = lowering.part();
  const {
    view,
    code,
    rest,
    about: synapses,
  } = accumulate(lowering, part, op, {
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
    lowering.emit(
      shortName(op.loc),
      "begin",
      [about(op), ...synapses.map((each) => `  ${each}.`)],
      part,
    );
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
  lowering.emit(
    `begin_${shortName(op.loc)}_maximum`,
    "begin",
    [`${shortName(op.loc)}: nothing yet.`],
    first,
  );
  const change = (at: (place: View) => string): readonly Code[] => [
    `${at(output)} = (${held.array.type})(most - ${at(kept)});`,
    `${at(kept)} = most;`,
  ];
  part.add(maxima(op, view, change, output));
  lowering.emit(
    shortName(op.loc),
    "step",
    [about(op), ...synapses.map((each) => `  ${each}.`)],
    part,
  );
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
  const [batch = 1, channels = 1] = input.shape;
  const axes = axesOf(windowsOf(op.attrs, op.attrs.kernel, input.shape.length), input, output);
  const place = (view: View, spatial: readonly string[]): string =>
    sumOf([
      String(view.offset),
      batch > 1 ? scaled("n", view.strides[0] ?? 0) : "",
      channels > 1 ? scaled("c", view.strides[1] ?? 0) : "",
      ...spatial,
    ]);
  const at = (view: View): string => {
    const spatial = axes.map(({ letter, output: extent }, i) =>
      extent > 1 ? scaled(`o${letter}`, view.strides[i + 2] ?? 0) : "",
    );
    return `${view.array.name}[${place(view, spatial)}]`;
  };
  const found = new Map(axes.map((axis) => [axis, inputOf(axis)]));
  const from = place(
    input,
    axes.map((axis) => stepped(found.get(axis)?.index ?? "0", axis.inputStep)),
  );
  const isWide = input.array.type === "int64_t";
  const inner: Code = [
    `const ${isWide ? "int64_t" : "int32_t"} value = ${input.array.name}[${from}];`,
    "if (value > most) most = value;",
  ];
  const taps = overTaps(
    axes,
    (axis) => {
      const own = found.get(axis);
      return own === undefined ? [] : [...own.lines, ...leaving(own.outside)];
    },
    inner,
  );
  const least = isWide ? "int64_t most = INT64_MIN;" : "int32_t most = INT32_MIN;";
  const each: Code = [least, taps, put(at)];
  const plane = axes.reduceRight<Code>(
    (body, { letter, output: extent }) => loop(`o${letter}`, extent, body),
    channels > 1 ? loop("c", channels, each) : each,
  );
  return batch > 1 ? loop("n", batch, plane) : plane;
}

function imageOrder({ shape }: Held): readonly number[] {
  const axes = shape.map((_, axis) => axis);
  return [0, ...axes.slice(2), 1];
}
