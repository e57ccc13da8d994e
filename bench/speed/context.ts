/** What every suite is given, and the few things that all of them do alike. */
import type { CommandContext } from "../../cli/action.ts";
import type { Case } from "../suite.ts";
import { DiagnosticError } from "../../ir/diagnostic.ts";
import { type Contestant, ContestantError } from "./processes/contestant.ts";
import type { EngineName } from "./engines.ts";
import type { NodeBinary } from "./node-binary.ts";
import type { Measurement, MemoryReport, PeerName, Spec } from "./processes/protocol.ts";
import { type Row, digits } from "./rows.ts";

/** The command line, resolved. */
export interface Settings {
  readonly engine: EngineName;
  readonly threads: number;
  readonly seed: number;
  readonly rounds: number;
  /** For one measurement of one contestant in one round. */
  readonly seconds: number;
  /** Timesteps to measure spiking networks at. */
  readonly timesteps: readonly number[];
  /** Further ones to look for "within half a point of the ANN" at, in ascending order. */
  readonly furtherTimesteps: readonly number[];
  readonly calibrationSamples: number;
  readonly accuracySamples: number;
  /** As `conversionOf` reads it. */
  readonly pipeline: string;
  /** Convert again, whatever was kept of an earlier run. */
  readonly fresh: boolean;
  readonly quick: boolean;
  /** Pythons that may have torch, in the order in which they are tried. */
  readonly pythons: readonly string[];
  /** Folder of converted networks. */
  readonly snnFolder: string;
}

export interface Bench {
  /** Folder with models/ and data/. */
  readonly shared: string;
  readonly settings: Settings;
  readonly cases: readonly Case[];
  /** What engines run on. */
  readonly node: NodeBinary;
  /** Peers that are ready to be measured. */
  readonly peers: readonly PeerName[];
  readonly context: CommandContext;
  /** Versions of everything that ran, filled in as it is started. */
  readonly versions: Map<string, string>;
  /** Shows what is being done, on a terminal. */
  readonly status: (text: string) => void;
  /** Says that something is missing from the result, and why; always. */
  readonly alert: (text: string) => void;
}

export type Start = (name: string, spec: Spec) => Promise<Contestant>;

/** One part of the benchmark. */
export type Suite = (bench: Bench) => Promise<Row[]>;

/**
 * The rows that `work` finds. Where a process or a network fails, there are none of this case, which
 * is said, and the others go on: a long run is not lost for one that cannot be measured.
 */
export async function rowsOrAlert(
  bench: Pick<Bench, "alert">,
  what: string,
  work: () => Promise<Row[]>,
): Promise<Row[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ContestantError || error instanceof DiagnosticError)) throw error;
    bench.alert(`${what} is left out: ${error.message}`);
    return [];
  }
}

/** How our side is named in rows. */
export function ourName(settings: Settings): string {
  return `snnc ${settings.engine}`;
}

/** The line that every row's figures were made under. */
export function threadsNote(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

/** "peak 150 MB", and what the engine planned of it. */
export function memoryNote({ peakBytes, planned }: MemoryReport): string {
  const megabytes = (bytes: number): string => `${digits(bytes / 1e6)} MB`;
  const peak = `peak ${megabytes(peakBytes)}`;
  if (planned === null) return peak;
  const { weightsBytes, arenaBytes, threads } = planned;
  const arenas = `${threads === 1 ? "" : `${threads} x `}${megabytes(arenaBytes)}`;
  return `${peak}, of which weights ${megabytes(weightsBytes)} and arena ${arenas} planned`;
}

/** A measurement of `mode` for the time that the settings give one. */
export function timed(settings: Settings, mode: "call" | "stream"): Measurement {
  return { mode, seconds: settings.seconds };
}
