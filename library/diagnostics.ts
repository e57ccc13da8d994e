/**
 * The messages of the library's own steps: errors found while a pass runs the network, and targets without
 * a build.
 */
import { catalogue } from "../ir/diagnostic.ts";

function percentOf(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}

export const diagnose = catalogue({
  "calibration-empty": {
    severity: "error",
    message: () => "the calibration set has no samples to choose thresholds from",
    help: "give a few hundred training samples",
  },
  "value-not-finite": {
    severity: "error",
    message: (p: { name: string; count: number; samples: number }) =>
      `${p.name} computes ${p.count === 1 ? "a value that is" : `${p.count} values that are`} NaN or infinite ` +
      `on ${p.samples === 1 ? "a calibration sample" : `${p.samples} calibration samples`}`,
    help: "check that the data has the scale of the training data (--preprocess)",
  },
  "engine-differs": {
    severity: "error",
    cause: "fault",
    message: (p: {
      engine: string;
      output: string;
      sample: number;
      at: number;
      is: number;
      ought: number;
      largest: number;
      op: string | null;
    }) =>
      `the engine ${p.engine} computes ${p.is} for element ${p.at} of ${p.output} of sample ${p.sample}, ` +
      `and the interpreter ${p.ought}, where the largest is ${p.largest}: rounding does not explain this; ` +
      (p.op === null ? "no single op differs" : `the first op to differ is ${p.op}`),
    help: "this is a fault of snnc: evaluate with --engine typed or --engine interpret, and report it",
  },
  "engine-not-checked": {
    severity: "info",
    message: (p: { engine: string; why: string }) =>
      `the engine ${p.engine} was not checked against the interpreter, which ${p.why}`,
    help: "`snnc run --limit 1` with --engine interpret gives its values",
  },
  "frames-dropped": {
    severity: "warning",
    message: (p: { data: string; frames: number; timesteps: number }) =>
      `the longest sample of ${p.data} has ${p.frames} frames: -T ${p.timesteps} drops those behind the ` +
      `first ${p.timesteps}`,
    help: "without -T a run takes as many timesteps as the longest sample has frames",
  },
  "too-many-frames": {
    severity: "error",
    message: (p: { data: string; index: number; frames: number; limit: number }) =>
      `sample ${p.index} of ${p.data} has ${p.frames} frames; a run takes at most ${p.limit} timesteps`,
    help:
      "check the times of a recording; make fewer and larger frames with binMicroseconds or frames of `events` in the " +
      "preprocessing file, or evaluate and run only the first frames with -T",
  },
  "bits-not-of-choice": {
    severity: "error",
    message: (p: { bits: number; pipeline: string; code: string | null }) =>
      `--bits ${p.bits} has no effect with ${p.pipeline}: ` +
      (p.code === null ? "it makes no spikes" : `spikes of code ${p.code} have one size`),
    help: "codes burst and differential let you choose bits (`--pipeline burst`, `differential`, `sparse`); quantise has bits for weights",
  },
  "weight-bits-of-floats": {
    severity: "error",
    message: (p: { weightBits: string; pipeline: string }) =>
      `--weight-bits ${p.weightBits} has no effect with ${p.pipeline}: its weights stay floats`,
    help: "add --integer, or take `--pipeline integer`",
  },
  "filter-left-out": {
    severity: "info",
    message: () =>
      "a synaptic filter has no integers: neurons receive each spike at once, and fire with the timestep",
    help: "rates are less exact that way (docs/passes/soft-lif.md); without --integer the filter stays",
  },
  "auto-needs-samples": {
    severity: "error",
    message: (p: { samples: number; least: number }) =>
      `${p.samples} calibration samples are too few for a choice: one half calibrates and the other half judges`,
    help: (p: { least: number }) => `give at least ${p.least}, better 300 or more`,
  },
  "auto-judges-too-few": {
    severity: "error",
    message: (p: {
      judges: number;
      maxLoss: number;
      confidence: number;
      needed: number;
      shown: number | null;
    }) =>
      `${p.judges} samples cannot prove that at most ${p.maxLoss} is lost` +
      (p.shown === null
        ? ": so few squared errors have no reliable mean"
        : `: if none of them changes, up to ${p.shown.toFixed(2)} points may still be lost ` +
          `(${percentOf(p.confidence)} confidence)`),
    help: (p: { needed: number; suffices: string | null }) =>
      (Number.isFinite(p.needed)
        ? `give ${p.needed} calibration samples or more`
        : "no number of samples proves that nothing is lost") +
      (p.suffices === null
        ? ""
        : `; these can show --max-loss ${p.suffices}, or less at a lower --confidence`),
  },
  "auto-found-none": {
    severity: "error",
    message: (p: {
      maxLoss: number;
      nearest: number;
      bound: number;
      confidence: number;
      pipeline: string;
      timesteps: number;
    }) =>
      `no conversion that was tried loses at most ${p.maxLoss} with ${percentOf(p.confidence)} confidence; the ` +
      `nearest, ${p.pipeline} with ${p.timesteps} timesteps, changes ${p.nearest.toFixed(2)} on the samples, which ` +
      `shows at most ${p.bound.toFixed(2)}`,
    help: "allow more with --max-loss, or give more calibration samples, which lower the bound",
  },
  "target-unknown": {
    severity: "error",
    message: (p: { target: string }) => `there is no target "${p.target}"`,
    help: (p: { known: readonly string[] }) =>
      `build for ${p.known.join(", ")}; emulator, hdl and nir are planned`,
  },
  "target-not-there-yet": {
    severity: "error",
    message: (p: { target: string; what: string }) =>
      `the target ${p.target} is not supported yet: this version cannot write ${p.what}`,
    help: (p: { known: readonly string[] }) => `build for ${p.known.join(", ")}`,
  },
  "target-takes-no": {
    severity: "error",
    message: (p: { target: string; what: string }) =>
      `the target ${p.target} has no use for ${p.what}`,
    help: (p: { takes: readonly string[] }) =>
      `leave it out; besides the network it takes ${p.takes.length === 0 ? "nothing" : p.takes.join(", ")}`,
  },
  "limit-drawn": {
    severity: "info",
    message: (p: { data: string; count: number; of: number; seed: number }) =>
      `${p.data} is sorted by class, and its first ${p.count} samples lack some classes: ${p.count} of ${p.of} were drawn ` +
      `with seed ${p.seed}`,
    help: "another --seed draws others",
  },
  "already-spiking": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} is a spiking network already`,
    help: "convert takes the ONNX model",
  },
  "not-measured": {
    severity: "warning",
    message: (p: { spiking: boolean; data: boolean }) =>
      p.spiking
        ? "accuracy was not measured, and no report written: there is " +
          (p.data ? "no analogue network to compare with" : "no data")
        : "the result is not a spiking network: nothing was measured, and no report written",
    help: (p) =>
      p.spiking && !p.data
        ? "give --data or --calib"
        : "start from the ONNX model, with convert-activations among the passes",
  },
  "auto-needs-calibration": {
    severity: "error",
    message: () => "--auto chooses by trying on calibration samples, and none were given",
    help: "give some with --calib",
  },
  "runs-twice": {
    severity: "info",
    message: (p: { timesteps: number; rehearsal: number }) =>
      `the network runs for ${p.timesteps} timesteps, of which the first ${p.rehearsal} are a rehearsal ` +
      "and have no answer",
    help: "compare it with the plain network at the same total number of timesteps",
  },
  "job-not-json": {
    severity: "error",
    message: (p: { file: string; reason: string }) => `${p.file} is not a job: ${p.reason}`,
    help: "`snnc convert … --print-job` prints one",
  },
  "job-other-file": {
    severity: "error",
    message: (p: { file: string; what: string }) =>
      `${p.file} is not the ${p.what} that the job names: its hash is another`,
    help: "give the file that the job was made with, or set its sha256 in the job to null",
  },
});
