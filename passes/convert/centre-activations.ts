/**
 * Takes the constant part out of activations that vary little around a large value.
 *
 * Precondition: no batch normalisation is left; a calibration set. Result: where the elements of an
 * activation stay near a constant c that is large beside what they vary by, what is sent is the
 * difference, by two rectifiers in place of one, and c goes through the linear ops behind into their
 * biases:
 *
 *     relu(x) = c + relu(x − c) − clip(c − x, 0, c)                  for every x
 *     W·relu(x) + b = W·(relu(x − c) − clip(c − x, 0, c)) + (W·c + b)
 *
 * so that steps and thresholds fit what varies. c is half of the least and the largest value that was
 * seen; the equations hold whatever it is. With zero padding W·c differs at the border and is a bias
 * for each neuron. Other functions, and the input if asked, have c taken off where they are sent on.
 * Networks without such activations stay as they are. (Ours.)
 */
import { shortName } from "../../ir/loc.ts";
import { known } from "../../ir/diagnostic.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";
import { withoutOffsets } from "./centre/carry.ts";
import { findOffsets } from "./centre/offsets.ts";

const name = "centre-activations";

export const centreActivations = definePass({
  name,
  role: "prepare",
  summary: "move constants out of activations that vary little around them",
  requires: ["batchnorm-free"],
  establishes: [],
  breaks: [],
  preservesOutputs: true,
  options: {
    inputs: {
      kind: "flag",
      default: false,
      help: "also move constants out of inputs, for networks that quantise them",
    },
  },
  async run(module, { options: { inputs }, watch, report, hasCalibration }) {
    // Without samples the conversion says first what cannot be converted; a later pass asks for them.
    if (module.code !== "none" || !hasCalibration) return module;
    const offsets = await findOffsets(module, watch, { inputs });
    if (offsets.size === 0) return module;
    const layers = [...offsets].map(([value, { largest, spread }]) => {
      const op = known(
        module.ops.find(({ result }) => result === value),
        "an op with an offset",
      );
      return { layer: shortName(op.loc), constant: largest, spread };
    });
    report(diagnose("offset-in-bias", null, { layers }));
    return withoutOffsets(module, offsets, name);
  },
});
