/**
 * The data that a network is run or measured on: prepared, named and measured as the network's file records
 * it, unless options say otherwise. The commands that take a network and data start here.
 */
import { fail } from "../ir/diagnostic.ts";
import type { Module } from "../ir/module.ts";
import { type Data, type Opened, fitData } from "../library/data.ts";
import type { Network } from "../library/network.ts";
import { recordedClasses } from "../library/record/classes.ts";
import { recordedScaleWarnings, recordedTask } from "../library/record/network-record.ts";
import { recordedPreprocess } from "../library/record/preprocessing.ts";
import type { CommandContext } from "./action.ts";
import { diagnose } from "./diagnostics.ts";
import { type DataOptions, openData } from "./options/data.ts";

/** Opens `file` for `network`; labels are read only where they are wanted. */
export function openFor(
  network: Network,
  file: string,
  given: DataOptions,
  context: CommandContext,
  withLabels: boolean,
): Promise<Opened> {
  const { module, provenance } = network;
  const recorded = recordedPreprocess(provenance, network.file);
  const knownClasses = recordedClasses(provenance);
  return openData(file, module, { ...given, recorded, knownClasses }, context, withLabels);
}

export interface Measuring {
  /** Whether there is nothing to measure without labels. */
  readonly needsLabels?: boolean;
  /** What the samples are to fit: the network, or the model that it was made from. */
  readonly module?: Module;
}

/**
 * Samples of `file` with their labels, to measure `network` on; warns where they are of another scale than
 * those that it was calibrated on.
 */
export async function measuredData(
  network: Network,
  file: string,
  given: DataOptions,
  context: CommandContext,
  { needsLabels = false, module = network.module }: Measuring = {},
): Promise<Data> {
  const wanted = { ...given, task: given.task ?? recordedTask(network), part: "test" } as const;
  const opened = await openFor({ ...network, module }, file, wanted, context, true);
  const data = fitData(file, opened, module, wanted, context.report);
  if (needsLabels && data.labels === null) fail(diagnose("needs-labels", null, { data: file }));
  context.report(...recordedScaleWarnings(network, data.samples, data.name));
  return data;
}
