/**
 * The sums of tasks that decide for classes: one for a sample, or one at each of several places. A share
 * of samples and a share of places are the same sums.
 */
import { known } from "../../ir/diagnostic.ts";
import { PairedDifference } from "../confidence.ts";
import type { MetricName, Scores, TallyOptions, TaskTally } from "./task.ts";

/** How an output turns into classes. */
export interface Decisions {
  /** Decisions for each sample. */
  readonly places: number;
  /** Classes that each chooses from. */
  readonly classes: number;
  /** Writes the classes of y[offset …] into `into`, one for each place. */
  decide(y: ArrayLike<number>, offset: number, into: Int32Array): void;
  /** Writes the classes that targets ask for; −1 where none is asked for. */
  ask(index: number, into: Int32Array): void;
  /** Figures beside the share of right decisions, where there are targets. */
  readonly extra?: "exactMatch" | "meanIou";
}

export class DecisionTally implements TaskTally {
  private readonly size: number;
  private readonly decisions: Decisions;
  private readonly options: TallyOptions;
  private readonly correct: Float64Array;
  /** Beside the reference, by timestep; empty without targets or reference. */
  private readonly losses: readonly PairedDifference[];
  private readonly agreeing: Float64Array;
  private readonly exact: Float64Array;
  /** By timestep and class: places decided for it, places of it, and places of both. */
  private readonly decided: Float64Array;
  private readonly asked: Float64Array;
  private readonly both: Float64Array;
  private readonly shifted = { less: 0, more: 0 };
  private askedFor = 0;
  private readonly predictions: Int32Array;
  private readonly seen = new Set<number>();
  private readonly now: Int32Array;
  private readonly wanted: Int32Array;
  private readonly theirs: Int32Array;

  constructor(size: number, decisions: Decisions, options: TallyOptions) {
    const { steps, samples } = options;
    const { places, classes } = decisions;
    this.size = size;
    this.decisions = decisions;
    this.options = options;
    this.correct = new Float64Array(steps);
    const paired = options.targets !== null && options.reference !== null;
    this.losses = Array.from({ length: paired ? steps : 0 }, () => new PairedDifference());
    this.agreeing = new Float64Array(steps);
    this.exact = new Float64Array(steps);
    const overlaps = decisions.extra === "meanIou" && options.targets !== null ? classes : 0;
    this.decided = new Float64Array(steps * overlaps);
    this.asked = new Float64Array(steps * overlaps);
    this.both = new Float64Array(steps * overlaps);
    this.predictions = new Int32Array(places === 1 ? samples : 0);
    this.now = new Int32Array(places);
    this.wanted = new Int32Array(places);
    this.theirs = new Int32Array(places);
  }

  add(index: number, y: Float32Array): void {
    const { decisions, size, now, wanted, theirs, options } = this;
    const { steps, targets, reference } = options;
    if (targets !== null) {
      decisions.ask(index, wanted);
      for (const target of wanted) if (target >= 0) this.askedFor++;
    }
    if (reference !== null) decisions.decide(reference, index * size, theirs);
    const theirRight = this.losses.length === 0 ? 0 : this.rightOf(theirs).right;
    for (let t = 0; t < steps; t++) {
      decisions.decide(y, t * size, now);
      if (targets !== null) this.compare(t, theirRight);
      if (reference === null) continue;
      let same = 0;
      for (let p = 0; p < now.length; p++) if (now[p] === theirs[p]) same++;
      increment(this.agreeing, t, same);
    }
    for (const decision of now) this.seen.add(decision);
    if (now.length > 1) return;
    const [decision = 0] = now;
    this.predictions[index] = decision;
    if (wanted[0] === decision + 1) this.shifted.less++;
    if (wanted[0] === decision - 1) this.shifted.more++;
  }

  /** Beside the targets, at timestep `t`; the reference has so many right. */
  private compare(t: number, theirRight: number): void {
    const { right, counted } = this.rightOf(this.now);
    increment(this.correct, t, right);
    if (right === counted) increment(this.exact, t, 1);
    this.losses[t]?.add(theirRight - right, counted);
    if (this.decided.length > 0) this.addOverlaps(t);
  }

  /** How many of one sample's decisions are what is asked for, of how many that are asked for. */
  private rightOf(decided: Int32Array): { readonly right: number; readonly counted: number } {
    let right = 0;
    let counted = 0;
    for (let p = 0; p < decided.length; p++) {
      const target = this.wanted[p] ?? -1;
      if (target < 0) continue;
      counted++;
      if (decided[p] === target) right++;
    }
    return { right, counted };
  }

  private addOverlaps(t: number): void {
    const { now, wanted, decisions } = this;
    const row = t * decisions.classes;
    for (let p = 0; p < now.length; p++) {
      const target = wanted[p] ?? -1;
      if (target < 0) continue;
      const decision = now[p] ?? -1;
      increment(this.decided, row + decision, 1);
      increment(this.asked, row + target, 1);
      if (decision === target) increment(this.both, row + decision, 1);
    }
  }

  finish(first: number): Scores {
    const { decisions, options, shifted } = this;
    const { samples, targets, reference } = options;
    const shares = (sums: Float64Array, of: number): number[] =>
      Array.from(sums.subarray(first), (sum) => sum / of);
    const extra = targets === null ? undefined : decisions.extra;
    return {
      accuracy: targets === null ? null : shares(this.correct, this.askedFor),
      lossStandardError:
        targets === null || reference === null
          ? null
          : this.losses.slice(first).map(({ standardError }) => standardError),
      agreement: reference === null ? null : shares(this.agreeing, samples * decisions.places),
      metrics: extra === undefined ? {} : this.extraFigures(extra, first),
      classes: decisions.classes,
      predictions: this.predictions,
      distinctPredictions: this.seen.size,
      squaredErrors: null,
      uncounted: targets === null ? 0 : samples * decisions.places - this.askedFor,
      shifted:
        targets === null || decisions.places > 1 || decisions.classes < 3
          ? null
          : { less: shifted.less / samples, more: shifted.more / samples },
    };
  }

  private extraFigures(extra: "exactMatch" | "meanIou", first: number): Scores["metrics"] {
    const { steps, samples } = this.options;
    const figures: Partial<Record<MetricName, (number | null)[]>> = {};
    figures[extra] = Array.from({ length: steps - first }, (_, i) =>
      extra === "exactMatch"
        ? known(this.exact[first + i], "a timestep") / samples
        : this.meanOverlap(first + i),
    );
    return figures;
  }

  /** Mean over the classes that are there or were decided for of |both| / |either|. */
  private meanOverlap(t: number): number | null {
    const { classes } = this.decisions;
    let sum = 0;
    let found = 0;
    for (let c = 0; c < classes; c++) {
      const at = t * classes + c;
      const both = this.both[at] ?? 0;
      const either = (this.decided[at] ?? 0) + (this.asked[at] ?? 0) - both;
      if (either === 0) continue;
      sum += both / either;
      found++;
    }
    return found === 0 ? null : sum / found;
  }
}

function increment(sums: Float64Array, index: number, by: number): void {
  sums[index] = (sums[index] ?? 0) + by;
}

/** Index of the greatest of `count` elements of data[offset], data[offset + stride] …; the first of several. */
export function argmax(data: ArrayLike<number>, offset: number, count: number, stride = 1): number {
  let best = 0;
  let greatest = -Infinity;
  for (let k = 0; k < count; k++) {
    const x = data[offset + k * stride] ?? NaN;
    if (x > greatest) {
      greatest = x;
      best = k;
    }
  }
  return best;
}
