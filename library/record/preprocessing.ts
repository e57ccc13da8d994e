/** How raw data become what a network takes, as a `.snn` and a job keep it. */
import { type Preprocess, parsePreprocess } from "../../calibrate/data/preprocess.ts";
import { type Json, membersOf } from "../../ir/file/json.ts";
import type { Provenance } from "../../ir/file/package.ts";

/** What the network was converted with, where its file says so. */
export function recordedPreprocess(provenance: Provenance | null, file: string): Preprocess | null {
  return preprocessIn(provenance?.["preprocess"] ?? null, file);
}

/** The preprocessing that `recordOfPreprocess` made this of; null where there was none. */
export function preprocessIn(recorded: Json, file: string): Preprocess | null {
  const members = membersOf(recorded);
  if (members === null) return null;
  const stated = Object.fromEntries([...members].filter(([, value]) => value !== null));
  return parsePreprocess(JSON.stringify(stated), file, null);
}

/** Every step, with its default filled in. */
export function recordOfPreprocess({ resize, events, ...steps }: Preprocess): Json {
  const stated = Object.entries(events ?? {}).filter(([, value]) => value !== null);
  return {
    ...steps,
    resize: resize === null ? null : { ...resize },
    ...(events === null ? {} : { events: Object.fromEntries(stated) }),
  };
}
