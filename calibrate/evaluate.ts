/**
 * Measures a network on samples: accuracy, agreement with a reference, logit error, spikes and
 * operations, at every timestep of one run. Reads no file and no clock.
 */
import { type Diagnostic, fail, known } from "../ir/diagnostic.ts";
import type { Executable, MemoryUse, SampleSource } from "../ir/executable.ts";
import { shortName } from "../ir/loc.ts";
import {
  type Module,
  type Output,
  answersOf,
  isFramed,
  producerOf,
  rehearsalOf,
} from "../ir/module.ts";
import type { ValueId } from "../ir/op.ts";
import { elementCount } from "../ir/type.ts";
import { neuronDepth } from "../ir/walk.ts";
import { diagnoseEvaluation } from "./evaluation-diagnostics.ts";

export interface EvaluateOptions {
  /** Steps to run; ignored for an ANN, and in framed codes, whose frame has a fixed length. */
  readonly timesteps: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Predicted class of a reference network (the ANN) per sample. */
  readonly reference?: Int32Array;
  /** Logits of the reference network, [samples, classes]. */
  readonly referenceLogits?: Float32Array;
  /** Whether spikes and operations are wanted; else they are not to be read. True unless given. */
  readonly countOperations?: boolean;
  /** Keep the final logits of every sample, to be another evaluation's reference. */
  readonly keepLogits?: boolean;
}

export interface Evaluation {
  readonly kind: "ann" | "snn";
  readonly samples: number;
  readonly classes: number;
  /** 1 … T, [T] in a framed code, or [0] for an ANN; what every list below goes by. */
  readonly timesteps: readonly number[];
  /** Share of samples whose label has the greatest logit; null without labels. */
  readonly accuracy: readonly number[] | null;
  /** Share of samples predicted as the reference does. */
  readonly agreement: readonly number[] | null;
  /** Σ |y − y_ref|² / Σ |y_ref|², over samples and classes. */
  readonly relativeLogitError: readonly number[] | null;
  /** Spikes of all neurons up to each timestep, mean over samples. */
  readonly spikesPerSample: readonly number[];
  /** Additions that spikes caused up to each timestep, mean over samples. */
  readonly synapticOperationsPerSample: readonly number[];
  /** Multiply-accumulates on analogue values per run, mean over samples. */
  readonly analogueOperations: number;
  /** Timesteps from the first input to the answer, for the whole depth; 0 for an ANN. */
  readonly latencyTimesteps: number;
  /** Predicted class per sample, after the last timestep. */
  readonly predictions: Int32Array;
  /** How many different classes were predicted at all. */
  readonly distinctPredictions: number;
  /** [samples, classes], after the last timestep; null unless asked for. */
  readonly logits: Float32Array | null;
  readonly neurons: readonly NeuronActivity[];
  /** Of the run, where the engine plans its memory. */
  readonly memory: MemoryUse | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** What one neuron op did in a whole run, mean over samples. */
export interface NeuronActivity {
  readonly value: ValueId;
  readonly name: string;
  readonly neurons: number;
  readonly spikesPerSample: number;
  /** Spikes per neuron and timestep. */
  readonly firingRate: number;
}

/** Index of the greatest element of data[offset …, length]; the first of several. */
export function argmax(data: Float32Array, offset: number, length: number): number {
  let best = 0;
  let greatest = -Infinity;
  for (let k = 0; k < length; k++) {
    const x = data[offset + k] ?? NaN;
    if (x > greatest) {
      greatest = x;
      best = k;
    }
  }
  return best;
}

/**
 * Runs every sample once. Accuracy is that of the module's first output. Fails with a diagnostic
 * where labels or samples are missing or do not fit.
 */
export async function evaluate(
  executable: Executable,
  samples: SampleSource,
  labels: Int32Array | null,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { module } = executable;
  const output = known(module.outputs[0], "an output");
  const classes = classesOf(module);
  if (samples.count === 0) fail(diagnoseEvaluation("no-samples", null, {}));
  if (labels !== null) checkLabels(module, labels, samples.count);
  const steps = answersOf(module, options.timesteps);
  const tally = new Tally(samples.count, classes, steps, executable.neurons.length, options);

  await executable.run(
    samples,
    {
      timesteps: steps,
      countOperations: options.countOperations ?? true,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
    (result) => {
      tally.addLogits(result.index, known(result.outputs[0], "an output"), labels);
      tally.addActivity(result);
    },
  );

  const memory = executable.memory?.() ?? null;
  return { ...tally.finish(module, executable.neurons, output, labels !== null), memory };
}

function classesOf(module: Module): number {
  const output = known(module.outputs[0], "an output");
  return elementCount(producerOf(module, output.value).type.shape);
}

/** Fails where these are not `samples` labels of classes that the module tells apart. */
export function checkLabels(module: Module, labels: Int32Array, samples: number): void {
  const classes = classesOf(module);
  if (labels.length !== samples) {
    fail(
      diagnoseEvaluation("labels-do-not-match-samples", null, { labels: labels.length, samples }),
    );
  }
  const wrong = (label: number): boolean => label < 0 || label >= classes;
  const index = labels.findIndex(wrong);
  if (index >= 0) {
    const label = known(labels[index], "the label");
    const count = labels.filter(wrong).length;
    const params = { label, index, classes, count, of: samples };
    fail(diagnoseEvaluation("label-out-of-range", null, params));
  }
}

/** The sums over samples, by timestep. Mutable; lives inside one evaluation. */
class Tally {
  private readonly samples: number;
  private readonly classes: number;
  private readonly steps: number;
  private readonly options: EvaluateOptions;
  private readonly correct: Float64Array;
  private readonly agreeing: Float64Array;
  private readonly squaredError: Float64Array;
  private squaredReference = 0;
  private readonly spikes: Float64Array;
  private readonly synapticOperations: Float64Array;
  private readonly spikesByOp: Float64Array;
  private analogueOperations = 0;
  private notFinite = 0;
  private readonly predictions: Int32Array;
  private readonly logits: Float32Array | null;

  constructor(
    samples: number,
    classes: number,
    steps: number,
    neuronOps: number,
    options: EvaluateOptions,
  ) {
    this.samples = samples;
    this.classes = classes;
    this.steps = steps;
    this.options = options;
    this.correct = new Float64Array(steps);
    this.agreeing = new Float64Array(steps);
    this.squaredError = new Float64Array(steps);
    this.spikes = new Float64Array(steps);
    this.synapticOperations = new Float64Array(steps);
    this.spikesByOp = new Float64Array(neuronOps);
    this.predictions = new Int32Array(samples);
    this.logits = options.keepLogits === true ? new Float32Array(samples * classes) : null;
  }

  /** `y` is [T, classes]. */
  addLogits(index: number, y: Float32Array, labels: Int32Array | null): void {
    const { classes, steps } = this;
    const { reference, referenceLogits } = this.options;
    let predicted = 0;
    for (let t = 0; t < steps; t++) {
      predicted = argmax(y, t * classes, classes);
      if (labels !== null && predicted === labels[index]) increment(this.correct, t, 1);
      if (reference !== undefined && predicted === reference[index]) increment(this.agreeing, t, 1);
      if (referenceLogits === undefined) continue;
      let error = 0;
      for (let k = 0; k < classes; k++) {
        error += ((y[t * classes + k] ?? NaN) - (referenceLogits[index * classes + k] ?? NaN)) ** 2;
      }
      increment(this.squaredError, t, error);
    }
    if (referenceLogits !== undefined) {
      for (let k = 0; k < classes; k++) {
        this.squaredReference += (referenceLogits[index * classes + k] ?? NaN) ** 2;
      }
    }
    const last = y.subarray((steps - 1) * classes, steps * classes);
    if (!last.every(Number.isFinite)) this.notFinite++;
    this.predictions[index] = predicted;
    this.logits?.set(last, index * classes);
  }

  addActivity(result: {
    readonly spikes: Float64Array;
    readonly spikesByStep: Float64Array;
    readonly synapticOperationsByStep: Float64Array;
    readonly analogueOperations: number;
  }): void {
    for (let t = 0; t < this.steps; t++) {
      increment(this.spikes, t, result.spikesByStep[t] ?? 0);
      increment(this.synapticOperations, t, result.synapticOperationsByStep[t] ?? 0);
    }
    result.spikes.forEach((count, i) => {
      increment(this.spikesByOp, i, count);
    });
    this.analogueOperations += result.analogueOperations;
  }

  finish(
    module: Module,
    neurons: readonly ValueId[],
    output: Output,
    labelled: boolean,
  ): Omit<Evaluation, "memory"> {
    const { samples, steps } = this;
    const first = firstAnswer(module, steps);
    const perSample = (sums: Float64Array): number[] =>
      Array.from(sums.subarray(first), (sum) => sum / samples);
    const isAnn = module.code === "none";
    return {
      kind: isAnn ? "ann" : "snn",
      samples,
      classes: this.classes,
      timesteps: timestepsOf(module, steps),
      accuracy: labelled ? perSample(this.correct) : null,
      agreement: this.options.reference === undefined ? null : perSample(this.agreeing),
      relativeLogitError:
        this.options.referenceLogits === undefined || this.squaredReference === 0
          ? null
          : Array.from(this.squaredError.subarray(first), (error) => error / this.squaredReference),
      spikesPerSample: perSample(this.spikes),
      synapticOperationsPerSample: perSample(this.synapticOperations),
      analogueOperations: this.analogueOperations / samples,
      latencyTimesteps: latencyOf(module, steps),
      predictions: this.predictions,
      distinctPredictions: new Set(this.predictions).size,
      logits: this.logits,
      neurons: neurons.map((value, i) => {
        const op = producerOf(module, value);
        const count = elementCount(op.type.shape);
        const spikesPerSample = (this.spikesByOp[i] ?? 0) / samples;
        const firingRate =
          spikesPerSample / count / (isFramed(module.code) ? module.timesteps : steps);
        return { value, name: shortName(op.loc), neurons: count, spikesPerSample, firingRate };
      }),
      diagnostics: this.diagnose(module, output, labelled),
    };
  }

  private diagnose(module: Module, output: Output, labelled: boolean): Diagnostic[] {
    const found: Diagnostic[] = [];
    const { shape } = producerOf(module, output.value).type;
    const classified = labelled || this.options.reference !== undefined;
    if (classified && module.outputs.length > 1) {
      const ignored = module.outputs.slice(1).map((other) => other.name);
      found.push(diagnoseEvaluation("other-outputs-ignored", null, { used: output.name, ignored }));
    }
    if (classified && shape.filter((extent) => extent > 1).length > 1) {
      found.push(
        diagnoseEvaluation("output-is-no-class-score", null, { output: output.name, shape }),
      );
    }
    if (this.notFinite > 0) {
      const count = this.notFinite;
      found.push(diagnoseEvaluation("logits-not-finite", null, { count, samples: this.samples }));
    }
    return found;
  }
}

/**
 * Timesteps from the first input to the answer for the whole depth. Where every layer sees the spikes
 * of its own timestep, depth adds nothing: the answer is there after all T steps. In framed codes each
 * layer of neurons takes a frame of its own, and the outputs are there with the last one's.
 */
function latencyOf(module: Module, timesteps: number): number {
  if (module.code === "none") return 0;
  return isFramed(module.code) ? module.timesteps * neuronDepth(module) : timesteps;
}

/** What lists by timestep go by: those at which there is an answer. */
function timestepsOf(module: Module, steps: number): number[] {
  if (module.code === "none") return [0];
  if (isFramed(module.code)) return [module.timesteps];
  const first = firstAnswer(module, steps);
  return Array.from({ length: steps - first }, (_, i) => first + i + 1);
}

/**
 * Where the answers start: there are none while a network rehearses. A run that is over by then shows
 * what there is.
 */
function firstAnswer(module: Module, steps: number): number {
  const rehearsal = rehearsalOf(module);
  return rehearsal < steps ? rehearsal : 0;
}

function increment(sums: Float64Array, index: number, by: number): void {
  sums[index] = (sums[index] ?? 0) + by;
}
