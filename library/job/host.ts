/** What a job needs of whoever runs it: bytes, engines, and somebody to tell. */
import type { SetPart } from "../../calibrate/data/archive/roles.ts";
import type { ClassNames, LabelMap } from "../../calibrate/data/classes.ts";
import type { Preprocess } from "../../calibrate/data/preprocess.ts";
import type { ExternalFiles } from "../../frontend/import.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";
import type { SampleSource } from "../../ir/executable.ts";
import type { Module } from "../../ir/module.ts";
import type { PassRecord, PipelineOptions } from "../../passes/manager.ts";
import type { AutoResult, Objective } from "../auto/auto.ts";
import type { Opened } from "../data.ts";
import type { Running } from "../measure.ts";
import type { DataReference, EngineName, Job } from "./job.ts";

/** A file of a model as the host found it. */
export interface ModelFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Where external data are. */
  readonly files?: ExternalFiles;
}

/** How a data set is to be opened. */
export interface DataWish {
  readonly module: Module;
  /** What the data are for: where an archive holds several parts, this one is taken. */
  readonly part: SetPart;
  readonly withLabels: boolean;
  /** As the job says it. */
  readonly preprocess: Preprocess | null;
  /** As the network was converted with: for raw pixels and recordings only. */
  readonly recorded: Preprocess | null;
  readonly classes: ClassNames | null;
  readonly labelMap: LabelMap | null;
}

export interface JobHost {
  /** Of snnc, as the network's file names it. */
  readonly version: string;
  model(reference: Job["model"]): Promise<ModelFile>;
  data(reference: DataReference, wish: DataWish): Promise<Opened>;
  running(engine: EngineName): Running;
  /** Takes what is no error; errors are thrown. */
  report(...diagnostics: readonly Diagnostic[]): void;
  /** All that was reported so far, which a report lists. */
  readonly diagnostics: readonly Diagnostic[];
  /** Called with what the search found, before it is used. */
  onChoice?(result: AutoResult, maxLoss: number, objective: Objective): void;
  onPass?(record: PassRecord): void;
  /** Called with the parts of the `.snn` as soon as there is one: measuring may take long. */
  onNetwork?(parts: readonly Uint8Array[]): void;
  /** Whether the network is checked after each pass; true unless given. */
  readonly verify?: boolean;
  /** Whether reports have the wall time of each pass. */
  readonly timed?: boolean;
  readonly checkNumerics?: (samples: SampleSource) => NonNullable<PipelineOptions["checkNumerics"]>;
}
