/** What a job needs of this machine: files, engines, and the terminal. */
import { fail } from "../../ir/diagnostic.ts";
import { printModule } from "../../ir/text/print.ts";
import { printable } from "../../ir/text/printable.ts";
import type { JobHost } from "../../library/job/host.ts";
import type { Job } from "../../library/job/job.ts";
import { allPasses, pipelines } from "../../passes/index.ts";
import type { PassRecord } from "../../passes/manager.ts";
import { type CommandContext, runningOf } from "../action.ts";
import { choiceWords } from "../auto.ts";
import { diagnose } from "../diagnostics.ts";
import { readInput, sha256, writeOutput } from "../files/files.ts";
import { externalFiles } from "../load.ts";
import { openData } from "../options/data.ts";
import { numericsCheck } from "../options/numerics.ts";
import { version } from "../version.ts";
import type { Given } from "./job.ts";

/** Opens what `job` names, and shows its progress. */
export function hostOf(job: Job, given: Given, context: CommandContext): JobHost {
  const { terminal, outputs } = context;
  const { checkNumerics } = given;
  return {
    version,
    async model({ file }) {
      outputs.reads(file);
      const bytes = await readInput(file);
      const files = externalFiles(file, (name) => {
        outputs.reads(name);
      });
      return { bytes, sha256: sha256(bytes), files };
    },
    data({ file, labels, x, y, maxDataBytes }, wish) {
      outputs.reads(file, ...(labels === null ? [] : [labels]));
      const { module, part, withLabels, preprocess, recorded, classes, labelMap } = wish;
      return openData(
        file,
        module,
        {
          engine: job.engine,
          labels: labels ?? undefined,
          x: x ?? undefined,
          y: y ?? undefined,
          maxDataBytes: maxDataBytes ?? undefined,
          preprocessing: preprocess,
          recorded,
          knownClasses: classes,
          labelMap: labelMap ?? undefined,
          part,
        },
        context,
        withLabels,
      );
    },
    running: (engine) => runningOf({ engine, threads: given.threads }, context),
    report: context.report,
    diagnostics: context.diagnostics,
    onChoice(result, maxLoss, objective) {
      terminal.note(choiceWords(result, maxLoss, objective));
    },
    onPass: (record) => {
      showPass(record, given, context);
    },
    onNetwork(parts) {
      const out = job.outputs.network;
      writeOutput(out, parts);
      const size = parts.reduce((sum, part) => sum + part.length, 0);
      terminal.note(`wrote ${printable(out)} (${size} bytes)`);
    },
    verify: given.verify,
    timed: given.timePasses === true,
    ...(checkNumerics === undefined
      ? {}
      : { checkNumerics: (samples) => numericsCheck(samples, checkNumerics) }),
  };
}

function showPass(record: PassRecord, given: Given, { terminal }: CommandContext): void {
  const wanted = given.printAfter;
  if (wanted !== undefined && wanted !== "all" && !allPasses.some((p) => p.name === wanted)) {
    const known = pipelines.has(wanted)
      ? "the name of a pass, or all: this is a pipeline"
      : "the name of a pass, or all";
    fail(diagnose("bad-option", null, { option: "--print-after", given: wanted, wanted: known }));
  }
  if (given.timePasses === true) {
    const text = `${record.pass.padEnd(26)} ${record.seconds.toFixed(2).padStart(8)} s`;
    terminal.note(record.changed ? text : `${text}  (no change)`);
  }
  if (record.changed && (wanted === "all" || wanted === record.pass)) {
    terminal.alert(`// after ${record.pass}\n${printModule(record.after, { locs: "none" })}`);
  }
}
