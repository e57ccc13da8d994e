/** Numbers as people read them, the same in every form of the report. No locale, no clock. */

/** A share as a percentage with two decimals: 97.35 %. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${(share * 100).toFixed(2)} %`;
}

/** A difference of shares in percentage points, with its sign. */
export function points(difference: number | null): string {
  if (difference === null) return "–";
  const text = (difference * 100).toFixed(2);
  // Rounding may leave a zero with a sign, which says nothing.
  if (Number(text) === 0) return "0.00";
  return difference > 0 ? `+${text}` : text.replace("-", "−");
}

/**
 * A loss in percentage points: a share before less that after, so positive is worse, and has no sign. The
 * conversion loss is the ANN's share less the spiking network's.
 */
export function lossPoints(loss: number | null): string {
  return points(loss).replace("+", "");
}

/** Of a difference that has no spread: what was counted is the same on every sample, which bounds it by 3/n. */
export const noneDiffers = "no sample differs";

/** Points with the standard error of what they are, a share: −0.12 ± 0.09, or 0.00 (no sample differs). */
export function withError(text: string, standardError: number | null): string {
  if (standardError === null) return text;
  if (standardError === 0 && /^\D?0\.00$/.test(text)) return `${text} (${noneDiffers})`;
  const rounded = (standardError * 100).toFixed(2);
  return `${text} ± ${standardError > 0 && Number(rounded) === 0 ? "< 0.01" : rounded}`;
}

/** A relative quantity as a percentage that keeps small values apart: 12 %, 0.31 %, 0.004 %. */
export function relative(x: number | null): string {
  if (x === null) return "–";
  if (x === 0) return "0 %";
  const value = x * 100;
  if (Math.abs(value) < 1e-4) return "< 0.0001 %";
  const digits = Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value)))));
  return `${value.toFixed(digits).replace("-", "−")} %`;
}

const countUnits = [
  { at: 1e12, unit: " T" },
  { at: 1e9, unit: " G" },
  { at: 1e6, unit: " M" },
  { at: 1e3, unit: " k" },
] as const;

/** A count in three digits: 812, 3.40 k, 12.1 M. Whole numbers below 1000 stay whole. */
export function quantity(x: number | null): string {
  if (x === null) return "–";
  for (const { at, unit } of countUnits) {
    // 999.5 k would print as "1000 k".
    if (Math.abs(x) >= at * 0.9995) return `${digits3(x / at)}${unit}`;
  }
  return Number.isInteger(x) ? String(x) : digits3(x);
}

/**
 * A tick of an axis, as short as tells all of its ticks apart: 0.05, 89.5, 2.5 M, 1.2e−4. Decimals are
 * as many for each of them.
 */
export function tickText(value: number, _: number, ticks: readonly number[] = [value]): string {
  if (value === 0) return "0";
  const magnitudes = ticks.map(Math.abs).filter((x) => x > 0);
  const short = (x: number): string => String(Number(x.toPrecision(4)));
  if (Math.min(...magnitudes) < 1e-3) {
    return Number(value.toPrecision(3)).toExponential().replaceAll("-", "−");
  }
  if (Math.max(...magnitudes) >= 1e16) return value.toExponential(0);
  if (Math.max(...magnitudes) >= 1e4) {
    const scale = countUnits.find(({ at }) => Math.abs(value) >= at * 0.9995);
    return scale === undefined ? short(value) : `${short(value / scale.at)}${scale.unit}`;
  }
  const decimals = Math.max(...magnitudes.map((x) => short(x).split(".")[1]?.length ?? 0));
  return value.toFixed(decimals).replace("-", "−");
}

/** A whole number with its noun: 1 timestep, 32 timesteps. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** Energy with a unit that fits: pJ, nJ, µJ, mJ, J. */
export function energy(pJ: number): string {
  if (pJ >= 1e12) return `${digits3(pJ / 1e12)} J`;
  if (pJ >= 1e9) return `${digits3(pJ / 1e9)} mJ`;
  if (pJ >= 1e6) return `${digits3(pJ / 1e6)} µJ`;
  if (pJ >= 1e3) return `${digits3(pJ / 1e3)} nJ`;
  return `${digits3(pJ)} pJ`;
}

/** A plain number in three significant digits. */
export function digits3(x: number | null): string {
  if (x === null) return "–";
  if (x === 0) return "0";
  const magnitude = Math.abs(x);
  if (magnitude >= 1e6 || magnitude < 1e-4) return x.toExponential(2).replace("-", "−");
  return x.toPrecision(magnitude >= 1000 ? 4 : 3).replace("-", "−");
}

/** A text cut to `length` characters, from the middle, where names differ least. */
export function shorten(text: string, length: number): string {
  const characters = Array.from(text);
  if (characters.length <= length) return text;
  const head = Math.ceil((length - 1) * 0.4);
  const tail = length - 1 - head;
  return `${characters.slice(0, head).join("")}…${characters.slice(-tail).join("")}`;
}

/**
 * Short labels for the names of one figure: without the last path segment where all share it, cut
 * in the middle, or at the front where that would make two names read the same. Names that still
 * do are numbered.
 */
export function labelsOf(names: readonly string[], length: number): string[] {
  const bare = withoutSharedEnd(names);
  const cutFront = (text: string): string => {
    const characters = Array.from(text);
    return characters.length <= length ? text : `…${characters.slice(1 - length).join("")}`;
  };
  const cuts = [(text: string) => shorten(text, length), cutFront];
  for (const cut of cuts) {
    const labels = bare.map(cut);
    if (new Set(labels).size === names.length) return labels;
  }
  return bare.map((text, i) => shorten(`${i + 1} ${text}`, length));
}

function withoutSharedEnd(names: readonly string[]): readonly string[] {
  const end = /\/[^/]+$/.exec(names[0] ?? "")?.[0];
  if (end === undefined || names.length < 2) return names;
  return names.every((name) => name.endsWith(end) && name.length > end.length)
    ? names.map((name) => name.slice(0, -end.length))
    : names;
}

/** The timesteps a table shows: powers of two up to T, and T. */
export function landmarks(timesteps: readonly number[]): number[] {
  const last = timesteps.at(-1);
  return timesteps.filter((t, i) => Number.isInteger(Math.log2(i + 1)) || t === last);
}

/** Whether there is one answer, at the end of the last layer's frame, and none before. */
export function answersOnce(timesteps: readonly number[]): boolean {
  return timesteps.length === 1 && timesteps[0] !== 1;
}

/** Of a logarithmic axis' length: neighbours that are nearer have labels that touch. */
const nearestTicks = 0.24;

/**
 * Round values between two bounds: 1, 2, 3 and 5 times powers of ten, or fewer of them until they stand
 * apart on a logarithmic axis. Between bounds that hold none: the value amid them.
 */
export function logTicks([low, high]: readonly [number, number]): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Math.ceil(Math.log10(high)) - first + 1;
  const within = (steps: readonly number[], every: number): number[] =>
    Array.from({ length: Math.ceil(decades / every) }, (_, i) => first + i * every)
      .flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)))
      .filter((value) => value >= low && value <= high);
  const shortest = nearestTicks * Math.log(high / low);
  const candidates = [
    ...[[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]].map((steps) => within(steps, 1)),
    ...Array.from({ length: decades }, (_, i) => within([1], i + 2)),
  ];
  const fitting = candidates.find(
    (ticks) =>
      ticks.length > 0 &&
      ticks.every((tick, i) => i === 0 || Math.log(tick / (ticks[i - 1] ?? tick)) >= shortest),
  );
  return fitting ?? [Number(Math.sqrt(low * high).toPrecision(2))];
}

/** Digits that tell ticks of a logarithmic axis apart, and no more. */
export function shortNumber(x: number): string {
  const value = Number(x.toPrecision(2));
  return value >= 1e4 || value < 1e-2
    ? value.toExponential().replace("e+", "e").replace("-", "−")
    : String(value);
}
