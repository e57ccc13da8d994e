/** What a bar of `npm run verify` is, and how its options are read. Runs nothing. */

export interface BarModule {
  /** Runs the bar with the options after its name, prints what it found, and says whether it holds. */
  readonly verify: (options: readonly string[]) => Promise<boolean>;
}

export interface Bar {
  /** What it shows, in one line. */
  readonly summary: string;
  readonly load: () => Promise<BarModule>;
}

/** The bar of this name; null where there is none. */
export function parseName(
  bars: Readonly<Record<string, Bar>>,
  name: string | undefined,
): Bar | null {
  return name !== undefined && Object.hasOwn(bars, name) ? (bars[name] ?? null) : null;
}
