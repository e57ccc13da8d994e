/**
 * A report made of plausible numbers, for tests of how reports look. No network stands behind it;
 * shapes and magnitudes are those of a ten-class network of six layers.
 */
import { isNeuron } from "../../../ir/op/known.ts";
import type { Account, NeuronAccount } from "../../../ir/account/account.ts";
import { neuronCost } from "../../../ir/account/costs.ts";
import { noOperations } from "../../../ir/account/operations.ts";
import { makeOp, valueIdOf } from "../../../ir/build.ts";
import { invariant } from "../../../ir/diagnostic.ts";
import { allPasses } from "../../../passes/index.ts";
import { tensorOf } from "../../../ir/tensor.ts";
import type { Comparison } from "../../../calibrate/compare.ts";
import type { Evaluation, OutputEvaluation } from "../../../calibrate/evaluate.ts";
import { type ReportPieces, buildReport } from "../../../calibrate/report/model.ts";
import type { ConversionReport } from "../../../calibrate/report/schema.ts";

/** Rate code: neurons of units, whose steps stay the same. */
function neuronsOf(count: number): NeuronAccount {
  const shape = [1, count];
  const attrs = { threshold: "one", vInit: "one", amplitude: "one", reset: "subtract" } as const;
  const type = { domain: "spike", dtype: "f32", shape } as const;
  const op = makeOp("snn.if", valueIdOf(0), [], attrs, type, {
    kind: "text",
    file: "",
    line: 1,
    column: 1,
  });
  invariant(isNeuron(op), "a neuron");
  const cost = neuronCost(op, () => tensorOf("f32", [], [1]), 1);
  return { op, neurons: count, ticks: 1, shifts: true, cost };
}

const noAccount: Account = {
  inputProducts: 0,
  currentProducts: 0,
  valueProducts: 0,
  stillProducts: 0,
  realLayers: [],
  other: { once: noOperations, each: noOperations },
  neurons: [],
};

const layerNames = [
  "/features/conv1/Relu",
  "/features/layer1/0/relu/Relu",
  "/features/layer1/0/relu_1/Relu",
  "/features/layer2/0/relu/Relu",
  "/features/layer2/0/relu_1/Relu",
  "/classifier/fc1/Relu",
];

export interface Synthetic {
  readonly timesteps?: number;
  readonly names?: readonly string[];
  readonly annAccuracy?: number | null;
  /** Accuracy at T = ∞; approached as 1 / T. */
  readonly limit?: number;
  readonly labelled?: boolean;
}

export function syntheticPieces(options: Synthetic = {}): ReportPieces {
  const T = options.timesteps ?? 32;
  const names = options.names ?? layerNames;
  const annAccuracy = options.annAccuracy === undefined ? 0.9312 : options.annAccuracy;
  const limit = options.limit ?? 0.929;
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  const rate = (layer: number): number => 0.19 / (1 + 0.5 * layer);
  const neurons = (layer: number): number => Math.max(256, 16384 >> layer);
  const perStep = names.reduce((sum, _, layer) => sum + neurons(layer) * rate(layer), 0);
  const accuracy = steps.map((t) => round(0.1 + (limit - 0.1) * (1 - Math.exp(-t / 2.6))));
  const outputs = [outputOf()];
  const ann: Evaluation = {
    kind: "ann",
    samples: 10000,
    classes: 10,
    timesteps: [0],
    outputs,
    accuracy: annAccuracy === null ? null : [annAccuracy],
    lossStandardError: null,
    agreement: null,
    relativeLogitError: null,
    spikesPerSample: [0],
    bitsPerSample: [0],
    synapticOperationsPerSample: [0],
    plainSynapticOperationsPerSample: [0],
    synapticBitsPerSample: [0],
    multiplyAccumulatesPerSample: [40_551_000],
    account: { ...noAccount, inputProducts: 40_551_000 },
    latencyTimesteps: 0,
    latency: { timesteps: 0, phases: 0, withDelay: 0 },
    predictions: new Int32Array(0),
    distinctPredictions: 10,
    logits: null,
    neurons: [],
    memory: null,
    diagnostics: [],
  };
  const snn: Evaluation = {
    ...ann,
    kind: "snn",
    timesteps: steps,
    accuracy: annAccuracy === null ? null : accuracy,
    lossStandardError:
      annAccuracy === null ? null : accuracy.map((a) => round(0.01 * Math.sqrt(1.02 - a))),
    agreement: accuracy.map((a) => round(Math.min(1, a * 1.05))),
    relativeLogitError: steps.map((t) => round(0.9 / t ** 1.2)),
    spikesPerSample: steps.map((t) => Math.round(perStep * t)),
    bitsPerSample: steps.map((t) => Math.round(perStep * t)),
    synapticOperationsPerSample: steps.map((t) => Math.round(perStep * t * 310)),
    plainSynapticOperationsPerSample: steps.map((t) => Math.round(perStep * t * 310)),
    synapticBitsPerSample: steps.map((t) => Math.round(perStep * t * 310)),
    multiplyAccumulatesPerSample: steps.map(() => 442_368),
    account: {
      ...noAccount,
      inputProducts: 442_368,
      neurons: names.map((_, layer) => neuronsOf(neurons(layer))),
    },
    latencyTimesteps: T,
    latency: { timesteps: T, phases: names.length, withDelay: T + names.length - 1 },
    neurons: names.map((name, layer) => ({
      value: valueIdOf(layer),
      name,
      neurons: neurons(layer),
      spikesPerSample: neurons(layer) * rate(layer) * T,
      firingRate: rate(layer),
    })),
  };
  const comparison: Comparison = {
    samples: 256,
    timesteps: T,
    layers: names.map((name, layer) => {
      const clipping = layer === 3 ? 0.031 : 0.002 + 0.0004 * layer;
      const quantisation = 0.006 / (T / 32) ** 2;
      const inherited = 0.004 * layer;
      const unevenness = layer === 0 ? 0 : 0.005 + 0.003 * layer;
      const total = 0.9 * (clipping + quantisation + inherited + unevenness);
      const centre = 2.4 / (1 + 0.4 * layer);
      return {
        name,
        value: valueIdOf(layer),
        neurons: neurons(layer),
        error: {
          clipping,
          quantisation,
          inherited,
          unevenness,
          interaction: total - (clipping + quantisation + inherited + unevenness),
          total,
        },
        correlation: 0.999 - 0.006 * layer,
        firingRate: rate(layer),
        dead: 0.02 * layer,
        silenced: 0.01 * layer,
        saturated: layer === 3 ? 0.004 : 0,
        clippedShare: 0.003,
        thresholds: {
          count: 16 << Math.floor(layer / 2),
          min: centre * 0.35,
          lowerQuartile: centre * 0.8,
          median: centre,
          upperQuartile: centre * 1.2,
          max: centre * 2.1,
        },
        initialPotential: 0.5,
      };
    }),
    diagnostics: [],
  };
  return {
    tool: { name: "snnc", version: "0.1.0" },
    model: {
      name: "resnet-mini",
      file: "resnet-mini.onnx",
      sha256: "9f2c41d0".repeat(8),
      parameters: 272_474,
      ops: 31,
      inputs: [{ name: "image", shape: [1, 3, 32, 32] }],
      outputs: [{ name: "logits", shape: [1, 10] }],
    },
    settings: { code: "rate", timesteps: T, seed: 1 },
    calibrationData: {
      name: "calib.npz",
      samples: 512,
      sha256: "01234567".repeat(8),
      labelled: false,
    },
    evaluationData: {
      name: "test.npz",
      samples: 10000,
      sha256: "89abcdef".repeat(8),
      labelled: annAccuracy !== null,
    },
    pipeline: [
      { pass: "fold-batchnorm", options: {}, seconds: 0.041, changed: true },
      {
        pass: "convert-activations",
        options: { analogue: "refuse", reset: "subtract" },
        seconds: 0.012,
        changed: true,
      },
      {
        pass: "balance-mmse",
        options: { levels: 0, grid: 100, scope: "channel" },
        seconds: 2.31,
        changed: true,
      },
      { pass: "set-initial-potential", options: { share: 0.5 }, seconds: 0.004, changed: true },
    ],
    ann,
    snn,
    lossByPass: [
      {
        pass: "import",
        accuracy: 0.9336,
        agreement: 1,
        relativeLogitError: 0,
        relativeRmseToAnn: null,
      },
      {
        pass: "fold-batchnorm",
        accuracy: 0.9336,
        agreement: 1,
        relativeLogitError: 2.1e-13,
        relativeRmseToAnn: null,
      },
      {
        pass: "convert-activations",
        accuracy: 0.4121,
        agreement: 0.4453,
        relativeLogitError: 0.82,
        relativeRmseToAnn: null,
      },
      {
        pass: "balance-mmse",
        accuracy: 0.9043,
        agreement: 0.9453,
        relativeLogitError: 0.061,
        relativeRmseToAnn: null,
      },
      {
        pass: "set-initial-potential",
        accuracy: 0.9258,
        agreement: 0.9746,
        relativeLogitError: 0.024,
        relativeRmseToAnn: null,
      },
    ],
    lossByPassData: { name: "calib.npz", samples: 512, sha256: null, labelled: true },
    comparison,
    rateDrift: null,
    catalogue: allPasses,
    diagnostics: [
      {
        code: "max-pool-over-time",
        severity: "info",
        cause: "input",
        message: "max-pooling follows running sums",
        loc: { kind: "source", file: "resnet-mini.onnx", name: "/pool/MaxPool", op: "MaxPool" },
        notes: [],
        help: null,
      },
    ],
  };
}

export function syntheticReport(options: Synthetic = {}): ConversionReport {
  return buildReport(syntheticPieces(options));
}

/** Of a classifier. Reports read no more of it than its task. */
function outputOf(): OutputEvaluation {
  const name = "logits";
  return {
    name,
    task: { name: "classify", reason: "labels are class numbers", assumed: false, threshold: null },
    view: { name, shape: [1, 10], size: 10, ending: "other", choices: null },
    accuracy: null,
    lossStandardError: null,
    agreement: null,
    metrics: {},
    classes: 10,
    predictions: new Int32Array(0),
    distinctPredictions: 10,
    squaredErrors: null,
    shifted: null,
    relativeLogitError: null,
    logits: null,
  };
}

function round(x: number): number {
  return Math.round(x * 1e4) / 1e4;
}
