/** The name that a misspelt one was probably meant to be, for the help of diagnostics. */

/** The first name of `names` that is nearest to `word`: at most a third of its letters differ. */
export function nearest(word: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const name of names) {
    if (Math.abs(name.length - word.length) >= least) continue;
    const distance = editDistance(word, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b` (Wagner & Fischer 1974). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Ends a sentence about a name that nobody knows: the nearest name, or all of them. */
export function wayOut(near: string | null, known: readonly string[], what: string): string {
  if (near !== null) return `did you mean ${near}?`;
  return known.length === 0 ? `it takes no ${what}` : `${what}: ${known.join(", ")}`;
}
