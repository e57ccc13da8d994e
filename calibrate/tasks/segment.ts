/**
 * A class at each place: the greatest along the axis of classes, a threshold where that axis is one long,
 * or the numbers that an argmax gave. Places may be pixels, or anything else that labels are given for.
 */
import { diagnoseEvaluation } from "../evaluation-diagnostics.ts";
import { type Shape, elementCount, sameShape } from "../../ir/type.ts";
import { type Decisions, DecisionTally, argmax } from "./decisions.ts";
import type { TargetSet } from "./targets.ts";
import { type OutputView, type Task, thresholdFor } from "./task.ts";

/** What label maps hold, by custom, where a pixel is not to be counted; so does anything negative. */
const ignoredLabel = 255;

export const segment: Task = {
  name: "segment",
  refuse(output, targets) {
    const refused = (why: string): ReturnType<Task["refuse"]> =>
      diagnoseEvaluation("task-does-not-fit", null, { task: "segment", why });
    const found = mapOf(output, targets?.shape ?? null);
    if (found === null) {
      const shape = `[${output.shape.join(", ")}]`;
      return refused(
        targets === null
          ? `the output "${output.name}" of shape ${shape} has no axis of classes beside others`
          : `label maps of shape [N, ${targets.shape.join(", ")}] are not the output's, ${shape}, without its classes`,
      );
    }
    if (targets === null) return null;
    const { classes } = found;
    for (let i = 0; i < targets.data.length; i++) {
      const label = targets.data[i] ?? NaN;
      if (label === ignoredLabel || label < 0) continue;
      if (Number.isInteger(label) && label < classes) continue;
      return refused(`a label map holds ${label}, and there are ${classes} classes`);
    }
    for (let i = 0; i < targets.data.length; i++) {
      if (isCounted(targets.data[i] ?? NaN, classes)) return null;
    }
    return refused("label maps hold nothing but marks for pixels that do not count");
  },
  thresholdOf: (output) =>
    mapOf(output, null)?.along === 1 && output.choices === null ? thresholdFor(output) : null,
  tally: (output, options) =>
    new DecisionTally(output.size, decisionsOf(output, options.targets), options),
};

/** Where in an output the classes of each place lie. */
interface ClassMap {
  /** Scores for each place; 1 where a threshold or an argmax decides. */
  readonly along: number;
  readonly classes: number;
  /** Elements before, and elements behind, the axis of classes. */
  readonly outer: number;
  readonly inner: number;
}

/**
 * The axis of classes: the one without which the output has the labels' shape, [C, H, W] before [H, W, C].
 * Without labels it is the first. Null where there is none.
 */
export function mapOf({ shape, choices, size }: OutputView, labels: Shape | null): ClassMap | null {
  const bare = (extents: Shape): Shape => extents.filter((extent) => extent !== 1);
  const [, ...rest] = shape;
  if (choices !== null) {
    const fits = labels === null ? size > 1 : sameShape(bare(rest), labels);
    return fits ? { along: 1, classes: choices, outer: 1, inner: size } : null;
  }
  for (const axis of rest.length < 2 ? [] : [0, rest.length - 1]) {
    const others = rest.filter((_, i) => i !== axis);
    if (elementCount(others) === 1) continue;
    if (labels !== null && !sameShape(bare(others), labels)) continue;
    const along = rest[axis] ?? 1;
    return {
      along,
      classes: along === 1 ? 2 : along,
      outer: elementCount(rest.slice(0, axis)),
      inner: elementCount(rest.slice(axis + 1)),
    };
  }
  return null;
}

function isCounted(label: number, classes: number): boolean {
  return label >= 0 && label < classes;
}

function decisionsOf(output: OutputView, targets: TargetSet | null): Decisions {
  const map = mapOf(output, targets?.shape ?? null);
  const { along, classes, outer, inner } = map ?? { along: 1, classes: 2, outer: 1, inner: 1 };
  const places = outer * inner;
  const threshold = thresholdFor(output);
  return {
    places,
    classes,
    extra: "meanIou",
    decide(y, offset, into) {
      for (let p = 0; p < places; p++) {
        const at = offset + Math.floor(p / inner) * along * inner + (p % inner);
        const value = y[at] ?? NaN;
        if (output.choices !== null) into[p] = value;
        else if (along === 1) into[p] = value >= threshold ? 1 : 0;
        else into[p] = argmax(y, at, along, inner);
      }
    },
    ask(index, into) {
      for (let p = 0; p < places; p++) {
        const label = targets?.data[index * places + p] ?? -1;
        into[p] = isCounted(label, classes) ? label : -1;
      }
    },
  };
}
