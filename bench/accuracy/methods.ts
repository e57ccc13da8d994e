/**
 * The ways to convert that are compared: what others do, made of passes, and pipelines of ours. Each
 * starts from the cleaned network.
 */
import { stepsOf } from "../../library/convert.ts";
import { withBits } from "../../passes/codes.ts";
import { pipelines } from "../../passes/index.ts";
import { aliases } from "../../passes/names.ts";
import type { PipelineStep } from "../../passes/pipeline.ts";

type Pipeline = string | readonly PipelineStep[];

export interface Method {
  readonly name: string;
  /** What follows cleaning and fusing: a pipeline's name, or passes. */
  readonly pipeline: Pipeline;
  readonly ours: boolean;
  readonly source: string;
  /** The network that is measured: a spiking one, or the ANN whose values are rounded as its words are. */
  readonly kind: "spiking" | "quantised";
}

const peers: readonly Method[] = [
  peer("max", "convert-activations,balance-max", "IF, largest activation (Diehl et al. 2015)"),
  peer("percentile", "convert-activations,balance-percentile", "IF, P99.9 (Rueckauer et al. 2017)"),
  peer("local", "convert-activations,balance-local", "LTB (Bu, Li & Yu 2025)"),
  peer("mmse", "convert-activations,balance-mmse", "IF, mmse thresholds (Li et al. 2021)"),
  peer(
    "snnc-light",
    "convert-activations,balance-mmse,correct-bias",
    "SNN calibration, biases (Li et al. 2021)",
  ),
  peer(
    "snnc-potential",
    "convert-activations,balance-mmse,correct-bias,calibrate-potential{scope=neuron}",
    "SNN calibration, biases and potentials (Li et al. 2021)",
  ),
  peer(
    "snnc-weights",
    "convert-activations,balance-mmse,fit-layers{neurons=false}",
    "like SNN calibration, weights refitted (Li et al. 2021)",
  ),
  peer("ftbc", "convert-activations,balance-mmse,ftbc", "FTBC (Wu et al. 2024)"),
  peer("cos", "convert-activations,balance-mmse,rehearse", "COS, 8 steps first (Hao et al. 2023)"),
  peer(
    "srp",
    "convert-activations,balance-mmse,rehearse{rule=silence}",
    "SRP, 8 steps first (Hao et al. 2023)",
  ),
  peer(
    "signed-if",
    "convert-activations{sign=retract},balance-mmse",
    "signed IF (Wang et al. 2022)",
  ),
  peer("burst", spikesOf(2, "convert-activations,balance-percentile"), "bursts (Li & Zeng 2022)"),
  peer("fs", "convert-few-spikes,balance-max", "few spikes (Stoeckl & Maass 2021)"),
  peer(
    "h-mt",
    spikesOf(4, "convert-activations,balance-gaussian{levels=15}"),
    "H-MT, words of 4 bits (Zhang et al. 2026)",
  ),
  peer("h-mt-max", spikesOf(4, "convert-activations,balance-max"), "H-MT that clips nothing"),
  peer(
    "css-like",
    spikesOf(1, "convert-differential,balance-max"),
    "like canonic signed spikes, without their silent step (Gu et al. 2024)",
  ),
  peer(
    "dcgs",
    spikesOf(
      4,
      "convert-differential{alphabet=power,schedule=reciprocal},balance-gaussian{levels=8}",
    ),
    "like DCGS, 4 sizes, closed form (Huang et al. 2025)",
  ),
  peer(
    "dcgs-percentile",
    spikesOf(4, "convert-differential{alphabet=power,schedule=reciprocal},balance-percentile"),
    "like DCGS, 4 sizes, P99.9",
  ),
  peer("ttfs", "convert-ttfs,balance-max", "first spikes (Stanojevic et al. 2022)"),
];

/** Names of ours, of which those are taken that this build has. */
const names = [
  "differential",
  "sparse",
  "low-latency",
  "signed-rate",
  "rate",
  "few-spikes",
  // By its former name: `ttfs` is the published method above.
  "one-spike",
  "exact",
  "lif",
] as const;

const ours: readonly Method[] = names
  .filter((name) => pipelines.has(name))
  .map((name) => ({ name, pipeline: name, ours: true, source: "", kind: "spiking" }));

/** No spiking networks: what is lost by rounding activations alone. */
const quantised: readonly Method[] = [4, 8].map((bits) => ({
  name: `quantised-ann-${bits}`,
  pipeline: spikesOf(bits, "convert-differential,balance-mmse"),
  ours: false,
  source: `the ANN with activations of ${bits} bits`,
  kind: "quantised",
}));

export const methods: readonly Method[] = [...quantised, ...peers, ...ours];

/** Passes with spikes of so many bits. */
function spikesOf(bits: number, passes: string): Pipeline {
  return withBits(stepsOf(passes), bits);
}

function peer(name: string, pipeline: Pipeline, source: string): Method {
  return { name, pipeline, ours: false, source, kind: "spiking" };
}

/** The methods that a list names; `all`, `quantised-ann`, `peers` and `ours` stand for theirs, and passes for themselves. */
export function methodsOf(list: string): Method[] {
  const chosen = splitList(list).flatMap((name): readonly Method[] => {
    if (name === "all") return methods;
    if (name === "peers") return peers;
    if (name === "ours") return ours;
    if (name === "quantised-ann") return quantised;
    const present = methods.some((method) => method.name === name) ? name : aliases.get(name);
    const known = methods.find((method) => method.name === present);
    return [known ?? { name, pipeline: name, ours: false, source: "", kind: "spiking" }];
  });
  return [...new Map(chosen.map((method) => [method.name, method])).values()];
}

/** Splits at commas outside of braces and quotes: a method may be a list of passes in quotes. */
function splitList(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|[^,"]+/g)].map((match) => match[1] ?? match[0]);
}
