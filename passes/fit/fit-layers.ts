/**
 * Fits a rate-coded network to the analogue one it came from, layer by layer.
 *
 * Precondition: a spiking module of code rate, signed-rate or burst, and a calibration set. Result: in
 * the order of the layers, each on what the layers before it now really send,
 *
 *   1. weights and bias of the synapse, by least squares against what the analogue network has there
 *      (passes/fit/least-squares.ts): clipping and rounding before it are made up for as far as
 *      they are predictable;
 *   2. for each channel the threshold with the least squared error of simulated means, and a bias that
 *      takes the mean error away (passes/fit/response.ts).
 *
 * No gradient is followed through the network, and labels are not looked at. The thresholds are those of
 * Li et al. (ICML 2021) on spikes instead of a rounding model, the bias is their light calibration, and
 * the least squares are in place of their gradient descent.
 */
import { isNeuron } from "../../ir/op/known.ts";
import { rewrite } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { type Module, codeTraits, spikingCodes } from "../../ir/module.ts";
import { type Op, isOp } from "../../ir/op/op.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";
import { LayerFitter } from "./fitter.ts";
import { fitSiteOf } from "./fit-sites.ts";
import { refuseFinished } from "../balance/thresholds.ts";

const name = "fit-layers";

/** Fewer than these are told of. */
const fewestSamples = 64;

export const fitLayers = definePass({
  name,
  role: "fit",
  remedy: {
    by: "fit",
    text: "Fit layers to the values they receive",
    codes: spikingCodes.filter((code) => codeTraits[code].decoder === "mean"),
  },
  summary:
    "fit weights, thresholds and biases layer by layer to what the layers before really send",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    weights: {
      kind: "flag",
      default: true,
      help: "fit weights by least squares; if false, fit only thresholds and biases",
    },
    neurons: {
      kind: "flag",
      default: true,
      help: "choose thresholds, and biases of neurons; if false, fit only weights to the present thresholds",
    },
    samples: {
      kind: "integer",
      means: "samples",
      default: 256,
      min: 2,
      max: 100_000,
      help: "calibration samples to fit weights on; more are used where a sample has few terms",
    },
  },
  async run(module, context) {
    refuseFinished(module, name);
    const reference = context.reference ?? fail(diagnose("no-reference", null, { pass: name }));
    const misfit = module.ops.find((op) => isNeuron(op) && !isRateCoded(op));
    if (misfit !== undefined) {
      fail(diagnose("not-rate-coded", misfit.loc, { pass: name, kind: misfit.kind }));
    }
    const fitter = new LayerFitter(module, reference, context);
    const seen = await fitter.lookAtReference();
    if (seen < fewestSamples) {
      context.report(diagnose("few-samples-to-fit", null, { pass: name, samples: seen }));
    }
    for (const { result } of module.ops) {
      const op = known(
        fitter.module.ops.find((each) => each.result === result),
        "an op that was there",
      );
      const site = context.options.weights ? fitSiteOf(fitter.module, op) : null;
      if (site !== null) await fitter.fitSynapse(site);
      if (isNeuron(op) && context.options.neurons) await fitter.fitNeurons(op);
    }
    return readEverything(fitter.module);
  },
});

function isRateCoded(op: Op): boolean {
  if (isOp(op, "snn.if")) return op.attrs.reset === "subtract";
  return isOp(op, "snn.graded") && op.attrs.schedule === "constant" && op.attrs.alphabet === "word";
}

/** Means that were fitted are means over all timesteps. */
function readEverything(module: Module): Module {
  return rewrite(module, (op, builder) =>
    op.kind === "snn.readout" && op.attrs.start !== 0
      ? builder.add("snn.readout", op.inputs, { start: 0 }, op.loc, op.result)
      : null,
  );
}
