/**
 * How raw data become what a network takes: as a file says, or as the network was converted with.
 * What was recorded is for raw pixels and recordings only: numbers that were prepared already stay as they
 * are.
 */
import type { Dataset } from "../../calibrate/data/dataset.ts";
import { openPreprocess } from "../../calibrate/data/open.ts";
import type { Preprocess } from "../../calibrate/data/preprocess.ts";
import type { CommandContext } from "../action.ts";
import { diagnose } from "../diagnostics.ts";

/** Where preprocessing comes from: a file that an option names comes first. */
export interface Preparation {
  readonly preprocess?: string | undefined;
  /** What such a file said, where it was read already. */
  readonly preprocessing?: Preprocess | null | undefined;
  /** What the network was converted with. */
  readonly recorded?: Preprocess | null | undefined;
}

/** What a file says that an option names, as FILE or FILE#NAME. */
export async function readPreprocess(spec: string, context: CommandContext): Promise<Preprocess> {
  context.outputs.reads(spec, spec.replace(/#[^#]*$/, ""));
  return openPreprocess(spec);
}

/** Opens data with the preprocessing that belongs to them, and says where that was recorded. */
export async function openPrepared(
  file: string,
  { preprocess, preprocessing = null, recorded = null }: Preparation,
  openAny: (preprocess: Preprocess | null) => Promise<Dataset>,
  context: CommandContext,
): Promise<{ readonly dataset: Dataset; readonly preprocess: Preprocess | null }> {
  const open = async (how: Preprocess | null): Promise<Dataset> => {
    const dataset = await openAny(how);
    context.outputs.reads(...dataset.files.map((each) => each.path));
    return dataset;
  };
  const stated =
    preprocess === undefined ? preprocessing : await readPreprocess(preprocess, context);
  if (stated !== null || recorded === null) {
    return { dataset: await open(stated), preprocess: stated };
  }
  const dataset = await open(recorded);
  if (!dataset.fields.some(({ dtype, recording }) => dtype === "u8" || recording !== null)) {
    return { dataset: await open(null), preprocess: null };
  }
  context.report(diagnose("preprocess-recorded", null, { data: file }));
  return { dataset, preprocess: recorded };
}
