/** How many of many numbers are not finite: nearly always none, which a sum shows. */

/** Of the elements of `data` from `first` on to before `end`. */
export function notFiniteIn(data: ArrayLike<number>, first: number, end: number): number {
  let sum = 0;
  for (let i = first; i < end; i++) sum += (data[i] ?? 0) * 0;
  // Zeros add up to zero; what is not finite becomes NaN, and stays.
  if (sum === 0) return 0;
  let count = 0;
  for (let i = first; i < end; i++) if (!Number.isFinite(data[i])) count++;
  return count;
}
