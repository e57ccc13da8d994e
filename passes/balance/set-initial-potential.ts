/**
 * Sets the membrane potential that neurons start from.
 *
 * Precondition: a spiking module. Result: v[0] = share · θ. With θ/2 the number of spikes is the
 * nearest integer to the input charge over θ instead of the next lower one, which takes the mean
 * error away. (Deng & Gu 2021; Bu et al., AAAI 2022, "optimal membrane potential initialization".)
 */
import { rewrite } from "../../ir/build.ts";
import { shortName } from "../../ir/loc.ts";
import { tensorAt } from "../../ir/module.ts";
import { sameTensor, tensorOf } from "../../ir/tensor.ts";
import { definePass } from "../pass.ts";
import { refuseFinished } from "./thresholds.ts";

const name = "set-initial-potential";

export const setInitialPotential = definePass({
  name,
  role: "start",
  remedy: { by: "start", text: "Start neurons at half their threshold" },
  summary: "set the initial membrane potential to a share of the threshold",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    share: {
      kind: "number",
      default: 0.5,
      min: -1,
      max: 1,
      help: "initial potential in units of the threshold",
    },
  },
  run(module, { options: { share } }) {
    refuseFinished(module, name);
    return rewrite(module, (op, builder) => {
      if (op.kind !== "snn.if") return null;
      const threshold = tensorAt(module, op.attrs.threshold);
      const wanted = tensorOf(
        "f32",
        threshold.shape,
        [...threshold.data].map((th) => th * share),
      );
      if (sameTensor(tensorAt(module, op.attrs.vInit), wanted)) return null;
      const vInit = builder.tensor(`${shortName(op.loc)}.v_init`, wanted);
      return builder.add("snn.if", op.inputs, { ...op.attrs, vInit }, op.loc, op.result);
    });
  },
});
