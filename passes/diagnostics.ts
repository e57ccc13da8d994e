/** The messages of the passes and of the pass manager. What a pass finds out about one op or one
 * option that the user wrote; broken promises of ours are `InvariantError`s, not messages. */
import { catalogue } from "../ir/diagnostic.ts";

interface UnknownName {
  readonly name: string;
  readonly near: string | null;
  readonly known: readonly string[];
}

/** A name that was given where another kind of thing is wanted, or that nobody knows. */
interface MistakenName extends UnknownName {
  /** What the name is; null where it is nothing. */
  readonly kind: "pass" | "pipeline" | null;
}

interface MissingProperty {
  readonly pass: string;
  readonly property: string;
  readonly establishedBy: readonly string[];
}

/** A layer with channels that calibration never saw positive. */
interface SilentLayer {
  readonly layer: string;
  readonly dead: number;
  readonly channels: number;
}

/** A layer whose activations stay near a constant. */
interface OffsetLayer {
  readonly layer: string;
  readonly constant: number;
  readonly spread: number;
}

/** Enough of a number to know it by. */
function digits(x: number): string {
  return String(Number(x.toPrecision(3)));
}

/** What silent channels do: in the singular, and of several. */
function silentChannels(layers: readonly SilentLayer[], one: string, several: string): string {
  const dead = layers.reduce((n, layer) => n + layer.dead, 0);
  const [channels, rest] = dead === 1 ? ["1 channel is", one] : [`${dead} channels are`, several];
  return `${channels} never positive on the calibration set and ${rest}`;
}

function silentPlaces(layers: readonly SilentLayer[]): string {
  return listed(layers.map((l) => `${l.layer}: ${l.dead} of ${l.channels}`));
}

export const diagnose = catalogue({
  // Pipelines and the manager.
  "unknown-pass": {
    severity: "error",
    message: (p: UnknownName) => `there is no pass or pipeline named "${p.name}"`,
    help: (p: UnknownName) =>
      p.near === null
        ? `\`snnc passes\` lists the passes; pipelines: ${p.known.join(", ")}`
        : `did you mean ${p.near}?`,
  },
  "unknown-pipeline": {
    severity: "error",
    message: (p: MistakenName) =>
      p.kind === null
        ? `there is no pipeline named "${p.name}"`
        : `"${p.name}" is a ${p.kind}, not a pipeline`,
    help: (p: MistakenName) =>
      (p.kind === "pass" ? "--passes takes passes; " : "") +
      (p.near === null || p.kind !== null ? "" : `did you mean ${p.near}? `) +
      `pipelines: ${p.known.join(", ")}`,
  },
  "unknown-code": {
    severity: "error",
    message: (p: MistakenName) =>
      p.kind === null
        ? `there is no code named "${p.name}"`
        : `"${p.name}" is a ${p.kind}, not a code`,
    help: (p: MistakenName) =>
      (p.kind === "pipeline" ? `give it as --pipeline ${p.name}; ` : "") +
      (p.kind === "pass" ? "--passes takes passes; " : "") +
      (p.near === null || p.kind !== null ? "" : `did you mean ${p.near}? `) +
      `codes: ${p.known.join(", ")}`,
  },
  "pipeline-takes-no-options": {
    severity: "error",
    message: (p: { name: string; passes: string }) =>
      `"${p.name}" is a pipeline, which takes no options`,
    help: (p: { passes: string }) =>
      `write its passes out with --passes, and give options to the pass that has them: ${p.passes}`,
  },
  "property-missing": {
    severity: "error",
    message: (p: MissingProperty) =>
      `pass ${p.pass} needs a module that is ${p.property}, and this one is not`,
    help: (p: MissingProperty) =>
      p.establishedBy.length === 0
        ? "no pass of this build does this"
        : `run ${p.establishedBy.join(" or ")} before it`,
  },
  "pass-not-over-time": {
    severity: "error",
    message: (p: { pass: string; what: string }) =>
      `pass ${p.pass} works only on networks without feedback, on inputs that stay the same over time: here ${p.what}`,
    help:
      "passes of the phases clean and fuse take such networks (`snnc passes` lists phases); a recurrent model that " +
      "is read without --stream is unrolled and has no time of its own",
  },
  "no-calibration": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} runs the network on samples, and no calibration set was given`,
    help: "give one with --calib",
  },
  "batchnorm-not-finite": {
    severity: "error",
    message: () => "a batch normalisation divides by zero or overflows: its scale is not finite",
    help: "a variance of 0 with an epsilon of 0 causes this; export the model again with an epsilon",
  },
  "constant-not-finite": {
    severity: "error",
    message: (p: { count: number }) =>
      `whatever the input is, ${p.count === 1 ? "a value here is" : `${p.count} values here are`} NaN or infinite`,
    help: "a division by a constant 0 or a sum beyond float32 causes this; correct the constants and export the model again",
  },
  "no-spiking-form": {
    severity: "error",
    message: (p: { kind: string; count: number; places: readonly string[]; help: string }) =>
      `${p.kind} has no spiking form here (${p.count} of it: ${listed(p.places)})`,
    help: (p: { help: string }) => p.help,
  },
  "quantiser-not-relaxed": {
    severity: "error",
    message: (p: { places: readonly string[] }) =>
      `quantisers between layers receive positive and negative values: ${listed(p.places)}`,
    help: "run relax-quantisers before the conversion: it drops their rounding, or splits them by sign",
  },
  "rounding-dropped": {
    severity: "info",
    message: (p: { layers: readonly RoundedLayer[] }) =>
      "quantisers that are not activations are dropped; their rounding was " +
      `at most half a step, as a share of the values' range: ${roundedLayers(p.layers)}`,
  },
  "quantisers-split": {
    severity: "info",
    message: (p: { places: readonly string[] }) =>
      "quantisers with few steps, or that clip values, send positive and negative " +
      `values by separate neurons: ${listed(p.places)}`,
  },
  "activations-quantised": {
    severity: "info",
    message: (p: { layers: readonly RoundedLayer[]; bits: number | null }) =>
      "quantised activations become neurons of the same range; if these use other steps, " +
      "the model's rounding is lost, at most half a step, as a share of the range: " +
      roundedLayers(p.layers),
    help: (p: { bits: number | null }) =>
      p.bits === null
        ? "in few-spikes code, n timesteps send a value of n bits exactly"
        : `in few-spikes code with -T ${p.bits} the steps are those of the model, and nothing is lost here`,
  },
  "no-activation": {
    severity: "error",
    message: () => "the model has no activation that could become a neuron",
    help: "a model without activations gains nothing from spikes; `snnc run` and `snnc eval` take it without conversion",
  },
  "float16-widened": {
    severity: "info",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} on floats of 16 bits is computed in float32, the type of neurons: nothing is lost`,
  },
  "float64-narrowed": {
    severity: "warning",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} on float64 is computed in float32, the type of neurons: weights and values ` +
      "keep 24 of their 53 bits of precision",
    help: "if small differences of large numbers matter, scale the inputs before export",
  },
  "beyond-float32": {
    severity: "warning",
    message: (p: { count: number }) =>
      `${p.count === 1 ? "a number" : `${p.count} numbers`} of float64 beyond the largest float32 ` +
      "became the largest float32",
    help: "scale the weights before export",
  },
  "integers-in-float32": {
    severity: "info",
    message: (p: { ops: readonly string[]; exact: boolean }) =>
      `${listed(p.ops)} on whole numbers is computed in float32, ` +
      (p.exact ? "which is exact here" : "which rounds numbers above 16,777,216"),
  },
  "analogue-tail": {
    severity: "info",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} at the output stays analogue and works on the decoded values`,
  },
  "analogue-front": {
    severity: "info",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} at the input stays analogue and runs once per sample`,
  },
  "analogue-inside": {
    severity: "warning",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} between neurons stays analogue and works on running means: no spiking ` +
      "hardware can run this network as it is",
  },
  "ends-early": {
    severity: "info",
    message: (p: { asked: number; end: number; share: number }) =>
      `the network ends at T = ${p.end}, not ${p.asked}: ` +
      (p.share === 0
        ? "nothing is sent later"
        : `only ${digits(100 * p.share)} % of the bits of spikes would be sent later`) +
      " on the calibration set",
    help: "for more exact values use finer steps (fit-steps{precision=14}) or more bits",
  },
  "few-samples-to-fit": {
    severity: "warning",
    message: (p: { pass: string; samples: number }) =>
      `pass ${p.pass} fits layers to ${p.samples} calibration samples, which may not represent other samples`,
    help: "give 256 or more",
  },
  "no-graded-neurons": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} sets the bits of spikes, and no neuron here has bits to set`,
    help: "run it after convert-differential, or after convert-activations with more than one bit",
  },
  "not-rate-coded": {
    severity: "error",
    message: (p: { pass: string; kind: string }) =>
      `pass ${p.pass} fits neurons that send means and reset by subtraction; ${p.kind} is not one`,
    help: "use it with convert-activations; other codes do not need it",
  },
  "not-differential": {
    severity: "error",
    message: (p: { pass: string; code: string }) =>
      `pass ${p.pass} sets the steps of differential code, and this network's code is ${p.code}`,
    help: "run it after convert-differential; other codes do not need it",
  },
  "reset-of-graded": {
    severity: "error",
    message: () => "neurons with spikes of several sizes or signs reset by subtraction only",
    help: "remove reset=zero, or bits and sign",
  },
  "fewer-digits": {
    severity: "warning",
    message: (p: { timesteps: number; digits: number }) =>
      `${p.timesteps} binary digits are more than a float32 potential can resolve; ${p.digits} are sent`,
    help: "8 to 12 digits lose nothing that can be measured",
  },
  "decoded-inside": {
    severity: "info",
    message: (p: { ops: readonly string[] }) =>
      `${listed(p.ops)} between neurons is computed on the values decoded so far, at each timestep, ` +
      "and signed neurons send its changes",
    help: "hardware needs a unit that computes it; a model with only ReLUs needs none",
  },
  "real-layers": {
    severity: "info",
    message: (p: { layers: readonly string[]; products: number }) =>
      `the weights of ${p.layers.length} ${p.layers.length === 1 ? "layer" : "layers"} meet ` +
      `real values instead of spikes, ${p.products} multiply-accumulates at every timestep: ` +
      listed(p.layers),
    help: "differential code (the pipeline differential) has signed neurons before such weights",
  },
  "encoder-not-read": {
    severity: "error",
    message: (p: { encoder: string; code: string; places: readonly string[]; reason: string }) =>
      `encode-input cannot send the input of ${listed(p.places)} by encoder=${p.encoder} in code ${p.code}: ` +
      p.reason,
    help: (p: { encoder: string; code: string }) =>
      p.encoder === "latency" || p.encoder === "delta"
        ? "use encoder=poisson or encoder=phase with convert-activations, or convert-differential before " +
          `encoder=${p.encoder}`
        : "use convert-activations or convert-differential, or remove encode-input",
  },
  "not-encodable": {
    severity: "error",
    message: (p: { name: string; dtype: string }) =>
      `encode-input sends float32, and the operand of ${p.name} is ${p.dtype}`,
    help: "run use-float32 before the conversion",
  },
  "integers-not-encoded": {
    severity: "error",
    message: () => "encode-input sends float32, and this network consists of integers",
    help: "use either encode-input or quantise: networks of integers take their input as numbers",
  },
  "encoded-factor": {
    severity: "error",
    message: (p: { name: string; kind: string }) =>
      `encode-input would make both factors of ${p.name} (${p.kind}) change over time, and the product of ` +
      "two such values is not the product of what they stand for",
    help: "remove encode-input: this network needs an input that stays the same",
  },
  "periods-not-whole": {
    severity: "error",
    message: (p: { timesteps: number; bits: number | null }) =>
      p.bits === null
        ? `encode-input{encoder=phase} sends 4 to 8 binary digits in turn, and no such number divides ${p.timesteps} timesteps`
        : `encode-input{encoder=phase} sends ${p.bits} binary digits in turn, which do not divide ${p.timesteps} timesteps`,
    help: "the value is the mean over whole periods: choose bits, or -T, so that bits divides T",
  },
  "nothing-to-encode": {
    severity: "warning",
    message: () =>
      "encode-input found no weights that read the input as a value that stays the same, and changed nothing",
  },
  "input-encoded": {
    severity: "info",
    message: (p: {
      encoder: string;
      places: readonly string[];
      largest: number;
      signed: boolean;
    }) =>
      `the input of ${listed(p.places)} is sent as spikes (${p.encoder}); the largest value of the ` +
      `calibration set is ${digits(p.largest)}, larger ones are ` +
      (p.encoder === "delta" ? "not reached by the last timestep" : "clipped") +
      (p.signed
        ? "; values below 0 are spikes of \u22121"
        : "; none is below 0, and such values would send nothing"),
  },
  "rate-out-of-reach": {
    severity: "error",
    message: (p: { rate: number; limit: number }) =>
      `neurons cannot fire at ${p.rate} Hz: the refractory period and the timestep allow less than ` +
      `${p.limit} Hz`,
    help: "lower rate, or shorten tauRef and step",
  },
  "activations-fitted": {
    severity: "info",
    message: (p: { layers: readonly FittedLayer[] }) =>
      `${p.layers.length} activations are few-spikes neurons fitted to them; the error, as a share of their ` +
      `standard deviation, is: ${fittedLayers(p.layers)}`,
  },
  "activations-fitted-poorly": {
    severity: "warning",
    message: (p: { layers: readonly FittedLayer[] }) =>
      `${p.layers.length} activations are few-spikes neurons that fit them poorly; the error, as a share of ` +
      `their standard deviation, is: ${fittedLayers(p.layers)}`,
    help: "more digits fit better (-T 12 to 16); activations=decode computes them on decoded values",
  },
  "range-beyond-float": {
    severity: "error",
    message: (p: { name: string; largest: number }) =>
      `${p.name} reaches ${digits(p.largest)} on the calibration set, and float32 cannot hold thresholds ` +
      `and potentials of such values`,
    help: "check that the data has the scale of the training data (--preprocess)",
  },
  "dead-channels": {
    severity: "info",
    message: (p: { layers: readonly SilentLayer[] }) =>
      silentChannels(
        p.layers,
        "gets its layer's largest threshold: ",
        "get their layer's largest threshold: ",
      ) + silentPlaces(p.layers),
  },
  "offset-in-bias": {
    severity: "info",
    message: (p: { layers: readonly OffsetLayer[] }) =>
      `these values vary little around a large constant: the constant goes into biases, and two neurons ` +
      `instead of one send the difference from it: ` +
      listed(p.layers.map((l) => `${l.layer} ${digits(l.constant)} ± ${digits(l.spread)}`)),
  },
  "unfitted-channels": {
    severity: "info",
    message: (p: { layers: readonly SilentLayer[] }) =>
      silentChannels(
        p.layers,
        "is fitted to the largest activation of its layer: ",
        "are fitted to the largest activation of their layer: ",
      ) + silentPlaces(p.layers),
  },
  "no-integer-form": {
    severity: "error",
    message: (p: { kind: string; name: string; why: string; instead: string | null }) =>
      `${p.kind} (${p.name}) has no integer form: ${p.why}`,
    help: (p: { instead: string | null }) =>
      `${p.instead === null ? "" : `${p.instead}; or `}leave out --integer or quantise, and run it in float32`,
  },
  "own-units": {
    severity: "info",
    message: (p: { channels: number; of: number }) =>
      `the weights of ${p.channels} of ${p.of} channels are already whole multiples of a unit, as in a ` +
      "quantised model: they become these integers without rounding",
  },
  "input-in-bytes": {
    severity: "info",
    message: (p: { steps: number }) =>
      `on the calibration set, inputs are whole multiples of 1/${p.steps} of their largest: they become bytes without rounding`,
  },
  "units-limited": {
    severity: "info",
    message: (p: { channels: number; of: number; least: number }) =>
      `${p.channels} of ${p.of} channels have weights that are large compared with their threshold; their ` +
      `threshold is ${p.least} units, and larger weights are clipped`,
    help: "with more bits, larger weights are not clipped",
  },
  "already-integer": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} sets real numbers, and the network already consists of integers`,
    help: (p: { pass: string }) => `run ${p.pass} before quantise`,
  },
  "already-rehearsed": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} changes what neurons send, and the network already has a rehearsal`,
    help: (p: { pass: string }) => `run ${p.pass} before rehearse`,
  },
  "cannot-rehearse": {
    severity: "error",
    message: (p: { name: string; reason: string }) =>
      `a rehearsal is for binary neurons on floats that reset by subtraction, and ${p.name} ${p.reason}`,
    help:
      "convert with convert-activations, with the defaults of reset, sign and bits, and without " +
      "quantise",
  },
  "rehearsal-too-long": {
    severity: "error",
    message: (p: { steps: number; timesteps: number; limit: number; most: number }) =>
      `a rehearsal of ${p.steps} timesteps and a run of ${p.timesteps} are more than ${p.limit} timesteps together`,
    help: (p: { most: number }) => `use -T ${p.most} or less`,
  },
  "not-a-mean": {
    severity: "error",
    message: (p: { pass: string; kind: string; name: string; code: string }) =>
      `pass ${p.pass} corrects means of spikes, but ${p.kind} (${p.name}) of code ${p.code} does not ` +
      "send values as means",
    help: (p: { pass: string }) =>
      `convert with convert-activations before ${p.pass}, or remove it`,
  },
  "charge-not-conserved": {
    severity: "error",
    message: (p: { pass: string; name: string }) =>
      `pass ${p.pass} needs neurons that conserve charge, and ${p.name} resets to zero`,
    help: "convert with reset=subtract",
  },
  "nothing-to-hold-out": {
    severity: "warning",
    message: (p: { pass: string }) =>
      `pass ${p.pass} needs held-out samples to choose by, and there is only one sample; ` +
      "it changed nothing",
    help: "give some hundred samples with --calib",
  },
  "correction-left-out": {
    severity: "info",
    message: (p: { pass: string; samples: number; without: number; with: number }) =>
      `${p.pass} does not bring the outputs nearer to the ANN's on ${p.samples} held-out samples ` +
      `(relative error ${p.with.toPrecision(3)}, ${p.without.toPrecision(3)} without), so it changed ` +
      "nothing",
    help: "it is for spikes of one size and few timesteps",
  },
  "no-reference": {
    severity: "error",
    message: (p: { pass: string }) =>
      `pass ${p.pass} needs the analogue network too, and the pipeline began ` +
      "with a spiking one",
    help: "start from the ONNX model, with convert-activations in the same pipeline",
  },
});

/** A quantiser, and half of its step as a share of the range. */
interface RoundedLayer {
  readonly layer: string;
  readonly share: number;
}

function roundedLayers(layers: readonly RoundedLayer[]): string {
  return listed(layers.map((l) => `${l.layer} ${(l.share * 100).toPrecision(2)} %`));
}

interface FittedLayer {
  readonly layer: string;
  readonly kind: string;
  readonly error: number;
}

function fittedLayers(layers: readonly FittedLayer[]): string {
  return listed(layers.map((l) => `${l.layer} (${l.kind}) ${(l.error * 100).toFixed(2)} %`));
}

/** A list of names, shortened after the fifth. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
