/**
 * Lets every neuron run a sample twice: once to learn what went wrong, once for the answer.
 *
 * Precondition: a spiking module of binary neurons that reset by subtraction, on floats. Result: the
 * network runs ρ + T timesteps. After the first ρ every op with a state starts anew, neurons with what
 * they learned (`snn.rehearsed-if` in `ir/op/attrs/neurons.ts` has the equations), and outputs are read from the
 * rest. With v the potential in units of θ, and v[0] included in it:
 *
 *     offset:   v[ρ] < 0, has fired       →  one spike less: v[0] lower by max(1, min v after a spike + 0.001)
 *               v[ρ] ≥ 1, has been silent →  one spike more: v[0] higher by max(1, min 1 − v in silence + 0.001)
 *     silence:  v[ρ] ≤ 0.001              →  none at all
 *
 * Charge is conserved, so v[ρ] < 0 means that more was sent than received, as when inhibition came
 * late. All layers rehearse at the same time, which is what hardware can do that goes step by step; for
 * offsets the authors go layer by layer, each on inputs that are corrected already. (Hao et al., ICLR
 * 2023, offset spikes, COS; Hao et al., AAAI 2023, residual membrane potentials, SRP.)
 */
import { isNeuron, isStateful } from "../../ir/op/known.ts";
import { type Builder, rewrite } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, maxTimesteps, rehearsalOf, tensorAt } from "../../ir/module.ts";
import { type Op, type OpOf, isOp } from "../../ir/op/op.ts";
import { type Tensor, tensorOf } from "../../ir/tensor.ts";
import { elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";

export const rehearse = definePass({
  name: "rehearse",
  role: "rehearse",
  summary:
    "run each sample twice: in the second run, neurons start with what they learned in the first",
  requires: ["spiking"],
  establishes: [],
  breaks: [],
  preservesOutputs: false,
  options: {
    steps: {
      kind: "integer",
      means: "rehearsal",
      default: 8,
      min: 1,
      max: 65_536,
      help: "timesteps of the rehearsal, which come before those that were asked for",
    },
    rule: {
      kind: "choice",
      default: "offset",
      of: ["offset", "silence"],
      help: "what neurons learn: to send one spike more or less (COS), or to send none (SRP)",
    },
  },
  run(module, { options: { steps, rule }, timesteps }) {
    if (rehearsalOf(module) > 0) return module;
    // Neurons first: they are what a code is known by.
    for (const op of module.ops.filter(isNeuron)) requireRestart(op, module);
    for (const op of module.ops) requireRestart(op, module);
    if (steps + timesteps > maxTimesteps) {
      const limit = maxTimesteps;
      fail(diagnose("rehearsal-too-long", null, { steps, timesteps, limit, most: limit - steps }));
    }
    const made = rewrite(module, (op, builder) => {
      switch (op.kind) {
        case "snn.if": {
          const { threshold, vInit, amplitude } = op.attrs;
          const attrs = { threshold, vInit, amplitude, rehearsal: steps, rule };
          return builder.add("snn.rehearsed-if", op.inputs, attrs, op.loc, op.result);
        }
        case "snn.max-pool": {
          const attrs = { ...op.attrs, rehearsal: steps };
          return builder.add("snn.rehearsed-max-pool", op.inputs, attrs, op.loc, op.result);
        }
        case "snn.readout": {
          const attrs = { ...op.attrs, rehearsal: steps };
          return builder.add("snn.rehearsed-readout", op.inputs, attrs, op.loc, op.result);
        }
        case "snn.temporal-bias":
          return biasFromTheStart(op, module, steps, builder);
        default:
          return null;
      }
    });
    return { ...made, timesteps: steps + timesteps };
  },
});

/** Fails for an op whose state cannot start anew, and for neurons that these rules are not for. */
function requireRestart(op: Op, module: Module): void {
  if (!isNeuron(op) && !isStateful(op)) return;
  const name = shortName(op.loc);
  const refuse = (reason: string): never =>
    fail(diagnose("cannot-rehearse", op.loc, { name, reason }));
  if (isOp(op, "snn.if") && op.attrs.reset === "zero") refuse("resets to zero");
  if (op.type.dtype !== "f32") refuse(`is made of ${op.type.dtype}`);
  if (!isOp(op, "snn.if", "snn.max-pool", "snn.readout", "snn.temporal-bias")) {
    refuse(`is ${op.kind}, of code ${module.code}`);
  }
}

/** The same biases in the rehearsal and in the run; the op itself where they do not change over time. */
function biasFromTheStart(
  op: OpOf<"snn.temporal-bias">,
  module: Module,
  steps: number,
  builder: Builder,
): ReturnType<Builder["add"]> | null {
  const table = tensorAt(module, op.attrs.table);
  if (table.shape[0] === 1) return null;
  const attrs = { table: builder.tensor(op.attrs.table, repeated(table, steps)) };
  return builder.add("snn.temporal-bias", op.inputs, attrs, op.loc, op.result);
}

/** The rows [R, …] of the first `steps` timesteps, the last one over and over if need be, and then all. */
function repeated({ dtype, shape, data }: Tensor, steps: number): Tensor {
  const [count = 0, ...rest] = shape;
  const size = elementCount(rest);
  const values = Array.from({ length: (steps + count) * size }, (_, i) => {
    const t = Math.floor(i / size);
    const row = t < steps ? Math.min(t, count - 1) : t - steps;
    return known(data[row * size + (i % size)], "a bias");
  });
  return tensorOf(dtype, [steps + count, ...rest], values);
}
