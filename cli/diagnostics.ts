/** The messages of the command line itself: files, options, and what commands were given. */
import { catalogue } from "../ir/diagnostic.ts";
import { shortened } from "../ir/text/printable.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EACCES: "permission is denied",
  EPERM: "the operation is not permitted",
  EROFS: "the file system is read-only",
  EISDIR: "a folder has that name",
  ENOTDIR: "a part of the path is a file",
  // The system's errors where a folder is to be made and a file has its name.
  EEXIST: "a part of the path is a file",
  EFBIG: "the file is too large for this file system",
  ENAMETOOLONG: "a name in the path is too long",
  ELOOP: "symbolic links form a cycle",
  EBUSY: "another process is using it",
  EBADMSG: "the folder .snnc-commit there is not as snnc leaves it: move it away",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB; keep the weights as external data beside it",
  EDQUOT: "the quota is used up",
};

function reason(code: string): string {
  return reasons[code] ?? `the system says ${code}`;
}

/** The first of several names, and how many more there are. */
function listed(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.slice(0, 5).join(", ") + more;
}

export const diagnose = catalogue({
  "preprocess-recorded": {
    severity: "info",
    message: (p: { data: string }) =>
      `${p.data} holds raw pixels, which are preprocessed as at conversion`,
    help: "--preprocess FILE overrides this",
  },
  "file-not-found": {
    severity: "error",
    message: (p: { file: string }) => `there is no file ${p.file}`,
    help: "check the path; it is taken from the current folder",
  },
  "file-is-folder": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} is a folder, not a file`,
  },
  "file-unreadable": {
    severity: "error",
    cause: "environment",
    message: (p: { file: string; code: string }) => `cannot read ${p.file}: ${reason(p.code)}`,
  },
  "cannot-write": {
    severity: "error",
    cause: "environment",
    message: (p: { file: string; code: string }) => `cannot write ${p.file}: ${reason(p.code)}`,
    help: "no partial file was left; choose another place",
  },
  "cannot-print": {
    severity: "error",
    cause: "environment",
    message: (p: { code: string }) => `cannot write to standard output: ${reason(p.code)}`,
    help: "make space there, or redirect the output",
  },
  "out-of-memory": {
    severity: "error",
    cause: "environment",
    message: () => "there is not enough memory",
    help: "use fewer --threads, or NODE_OPTIONS=--max-old-space-size=…",
  },
  "output-is-input": {
    severity: "error",
    message: (p: { file: string }) => `the output ${p.file} would replace a file that is read`,
    help: "give another name with -o",
  },
  "outputs-collide": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} would be written twice, by two options`,
    help: "give each output a place of its own",
  },
  "folder-is-file": {
    severity: "error",
    message: (p: { folder: string }) => `${p.folder} is a file, but a folder must be written there`,
    help: "give another name with -o",
  },
  "folder-not-ours": {
    severity: "error",
    message: (p: { folder: string; others: readonly string[] }) =>
      `${p.folder} holds ${p.others.length} files that were not written by a build: ${listed(p.others)}`,
    help: "give an empty or a new folder, or use --force to write into it",
  },
  "report-not-ours": {
    severity: "error",
    message: (p: { folder: string; others: readonly string[] }) =>
      `${p.folder} holds ${listed(p.others)}, not written by a report of snnc; a report would ` +
      "replace it",
    help: "give another folder, or move it away",
  },
  "option-needs": {
    severity: "error",
    message: (p: { option: string; other: string }) =>
      `${p.option} has no effect without ${p.other}`,
  },
  "reading-recorded": {
    severity: "info",
    message: (p: { model: string; network: string }) =>
      `${p.model} is read with the options that ${p.network} records (outputs, shapes, values)`,
  },
  "bad-option": {
    severity: "error",
    message: (p: { option: string; given: string; wanted: string }) =>
      `${p.option} takes ${p.wanted}, not "${p.given}"`,
  },
  usage: {
    severity: "error",
    message: (p: { text: string }) => p.text,
    help: "see --help",
  },
  "needs-labels": {
    severity: "error",
    message: (p: { data: string }) =>
      `${p.data} holds no labels, so there is no accuracy to measure`,
    help: "give them with --labels FILE, or use `snnc run` for raw outputs",
  },
  "unknown-value": {
    severity: "error",
    message: (p: { name: string; near: readonly string[] }) => `no op is named "${p.name}"`,
    help: (p) =>
      p.near.length === 0 ? "`snnc inspect` shows the names" : `known names: ${p.near.join(", ")}`,
  },
  "array-renamed": {
    severity: "warning",
    message: (p: { name: string; written: string }) =>
      `array "${shortened(p.name)}" is written as "${shortened(p.written)}": an archive's entries are ` +
      "paths, and this name is not a valid path",
  },
  "not-spiking": {
    severity: "error",
    message: (p: { file: string; command: string }) =>
      `${p.file} is not a spiking network, and \`snnc ${p.command}\` works on those`,
    help: "convert it first: snnc convert MODEL --calib DATA -o OUT.snn",
  },
  "report-over-time": {
    severity: "error",
    message: (p: { file: string }) =>
      `the inputs of ${p.file} change over time: there is no ANN that takes them as one value, which a report ` +
      "could compare it with",
    help: "`snnc eval` measures it at each timestep",
  },
  "timesteps-ignored": {
    severity: "warning",
    message: (p: { file: string }) => `${p.file} is not a spiking network: -T has no effect`,
  },
  "frame-is-fixed": {
    severity: "warning",
    message: (p: { file: string; code: string; frame: number; given: number }) =>
      `${p.file} has ${p.code} code, whose neurons send a value in ${p.frame} timesteps: -T ${p.given} ` +
      "has no effect",
    help: (p: { code: string; given: number }) =>
      `convert again with --code ${p.code} -T ${p.given} for a frame of this length`,
  },
  "silent-timesteps": {
    severity: "info",
    message: (p: { file: string; end: number; given: number }) =>
      `${p.file} has no finer steps after t = ${p.end}: -T ${p.given} adds timesteps that send only ` +
      "values that earlier spikes could not reach",
  },
  "no-shared-models": {
    severity: "error",
    message: (p: { file: string }) => `there are no models to measure: ${p.file} is not there`,
    help: "say with --shared or SNNC_SHARED where models/ and data/ are, or give a model of your own with --model",
  },
  "no-such-model": {
    severity: "error",
    message: (p: { names: readonly string[]; known: readonly string[] }) =>
      `no model is called ${p.names.join(" or ")}`,
    help: (p: { names: readonly string[]; known: readonly string[] }) =>
      `there are ${p.known.join(", ")}`,
  },
  "no-such-folder": {
    severity: "error",
    message: (p: { folder: string; what: string }) => `${p.folder} holds no ${p.what}`,
    help: "give the folder that does",
  },
  "nothing-measured": {
    severity: "error",
    message: () => "none of the methods could be measured on any of the models",
    help: "the messages before say why",
  },
  "labels-wanted": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} has no labels, and accuracy needs labels`,
    help: "add an array y",
  },
  "ends-in-rehearsal": {
    severity: "warning",
    message: (p: { file: string; rehearsal: number; given: number }) =>
      `${p.file} rehearses for ${p.rehearsal} timesteps: with -T ${p.given} the answer is that of the rehearsal, ` +
      "and does not use what neurons learned in it",
    help: (p: { rehearsal: number; given: number }) =>
      `-T counts all timesteps: ${p.rehearsal + p.given} for ${p.given} after the rehearsal`,
  },
  "early-exit-ignored": {
    severity: "warning",
    message: (p: { file: string; code: string }) =>
      `${p.file} ${p.code === "none" ? "is not a spiking network" : `has ${p.code} code and answers once`}: ` +
      "--early-exit has no effect",
  },
  "early-exit-too-late": {
    severity: "warning",
    message: (p: { every: number; timesteps: number }) =>
      `answers are tested every ${p.every} timesteps, and there are ${p.timesteps}: no early exit is possible`,
    help: "give a smaller --exit-every, or a larger -T",
  },
  "early-exit-has-no-margin": {
    severity: "error",
    message: (p: { output: string; task: string; why: string }) =>
      `--early-exit stops a sample when its answer is clear, and output "${p.output}" (${p.task}) does not show ` +
      `when that is: ${p.why}`,
    help: "remove it, or give the task of the output with --task",
  },
  "other-model": {
    severity: "error",
    message: (p: { file: string; model: string }) =>
      `${p.file} was not made from ${p.model}, or not with these passes`,
    help: "give the ONNX file that it was converted from, or convert again with --report",
  },
  "other-calibration": {
    severity: "error",
    message: (p: { file: string; calib: string }) =>
      `${p.file} was not calibrated on these samples of ${p.calib}`,
    help: "give the samples of its conversion, or remove --calib",
  },
  "layers-not-compared": {
    severity: "info",
    message: (p: { file: string }) =>
      `${p.file} has constants from its calibration set in its biases (centre-activations): without that set ` +
      "its layers are not compared with the ANN's",
    help: "give it with --calib",
  },
});
