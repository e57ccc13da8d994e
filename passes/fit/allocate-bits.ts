/**
 * Chooses for each layer how many bits its spikes have, under a budget of spikes.
 *
 * Precondition: graded neurons, a calibration set, and the analogue network. Result: of all ways to give
 * each layer 1, 2, 3, 4, 6 or 8 bits whose spikes are within the budget, the one with the least error at
 * the outputs, as far as the errors of layers add up:
 *
 *     min Σ_l error(l, bits_l)   subject to   Σ_l spikes(l, bits_l) ≤ budget · Σ_l spikes(l, bits now)
 *
 * error(l, b) is the squared error of the outputs, relative to the analogue network's, when layer l has
 * b bits and all others have the most; spikes are counted per bit that is set. Solved by dynamic
 * programming over the spikes. Ranges are set anew, as balance-mmse does. (Wang et al., AAAI 2025, choose
 * the length of bursts so, with a divergence for the error.)
 */
import { rewrite } from "../../ir/build.ts";
import { fail, known } from "../../ir/diagnostic.ts";
import { shortName } from "../../ir/loc.ts";
import { type Module, opsOf } from "../../ir/module.ts";
import { type OpOf, type ValueId, isOp } from "../../ir/op/op.ts";
import { diagnose } from "../diagnostics.ts";
import { definePass } from "../pass.ts";
import { leastErrorThreshold } from "../balance/balance-mmse.ts";
import { balance, refuseFinished } from "../balance/thresholds.ts";
import { diagnose as diagnoseAllocation } from "./diagnostics.ts";
import { type AllocationContext, type Option, OutputErrors, cheapest } from "./allocation.ts";

const name = "allocate-bits";

/** What a layer may have: 5 and 7 are hardly different from their neighbours. */
const choices = [1, 2, 3, 4, 6, 8] as const;
const mostBits = 8;
/** Candidates on the grid of balance-mmse. */
const grid = 100;

export const allocateBits = definePass({
  name,
  role: "allocate",
  summary: "choose the bits of spikes for each layer, within a budget of set bits",
  requires: ["spiking"],
  establishes: ["balanced"],
  breaks: [],
  preservesOutputs: false,
  options: {
    budget: {
      kind: "number",
      default: 1,
      min: 0.01,
      max: 100,
      help: "budget: set bits of spikes, as a share of those with the present bits of all neurons",
    },
    samples: {
      kind: "integer",
      default: 48,
      min: 1,
      max: 100_000,
      help: "calibration samples on which layers are tried",
    },
  },
  async run(module, context) {
    refuseFinished(module, name);
    const neurons = opsOf(module, "snn.graded");
    const [first] = neurons;
    if (first === undefined) fail(diagnose("no-graded-neurons", null, { pass: name }));
    const trial = new BitTrial(module, context, await OutputErrors.of(name, context));
    await trial.prepare();
    const options: Option[][] = [];
    for (const neuron of neurons) options.push(await trial.optionsOf(neuron));
    const allowed = context.options.budget * (await trial.spikesNow());
    const chosen = cheapest(options, allowed);
    if (chosen === null) {
      const least = options.reduce((sum, all) => sum + Math.min(...all.map(({ cost }) => cost)), 0);
      fail(diagnoseAllocation("budget-too-small", null, { spikes: allowed, least }));
    }
    const bits = new Map(neurons.map(({ result }, i) => [result, known(chosen[i], "bits")]));
    context.report(
      diagnoseAllocation("bits-allocated", null, {
        layers: neurons.map((op) => ({ layer: shortName(op.loc), bits: bits.get(op.result) ?? 0 })),
      }),
    );
    return trial.mixed(bits);
  },
});

/** Networks with other bits, and what they cost. */
class BitTrial {
  private readonly module: Module;
  private readonly context: AllocationContext;
  /** The whole network with so many bits everywhere, ranges to match. */
  private readonly uniform = new Map<number, Module>();
  private readonly outputs: OutputErrors;

  constructor(module: Module, context: AllocationContext, outputs: OutputErrors) {
    this.module = module;
    this.context = context;
    this.outputs = outputs;
  }

  async prepare(): Promise<void> {
    const { context } = this;
    for (const bits of choices) {
      const resized = withBits(this.module, () => bits);
      // Remarks on dead channels are balance-mmse's to make.
      const quiet = { ...context, report: () => undefined };
      const rule = (choice: Parameters<typeof leastErrorThreshold>[0]): number =>
        leastErrorThreshold(choice, choice.levels, grid);
      this.uniform.set(bits, await balance(resized, name, quiet, "channel", rule));
    }
  }

  async optionsOf(neuron: OpOf<"snn.graded">): Promise<Option[]> {
    const options: Option[] = [];
    for (const bits of choices) {
      const { error, spikes } = await this.run(this.mixed(new Map([[neuron.result, bits]])));
      options.push({ bits, error, cost: spikes.get(neuron.result) ?? 0 });
    }
    return options;
  }

  async spikesNow(): Promise<number> {
    const { spikes } = await this.run(this.module);
    return opsOf(this.module, "snn.graded").reduce(
      (sum, { result }) => sum + (spikes.get(result) ?? 0),
      0,
    );
  }

  /** The network in which some layers have these bits, and all others the most. */
  mixed(bits: ReadonlyMap<ValueId, number>): Module {
    const most = known(this.uniform.get(mostBits), "a network of the most bits");
    return rewrite(most, (op, builder) => {
      const wanted = bits.get(op.result);
      if (!isOp(op, "snn.graded") || wanted === undefined || wanted === mostBits) return null;
      const source = known(this.uniform.get(wanted), `a network of ${wanted} bits`);
      const other = known(
        opsOf(source, "snn.graded").find(({ result }) => result === op.result),
        "the same neurons",
      );
      const threshold = builder.tensor(
        `${shortName(op.loc)}.threshold`,
        known(source.tensors.get(other.attrs.threshold), "a threshold"),
      );
      const attrs = { ...op.attrs, bits: wanted, threshold, amplitude: threshold };
      return builder.add("snn.graded", op.inputs, attrs, op.loc, op.result);
    });
  }

  private run(module: Module): ReturnType<OutputErrors["run"]> {
    return this.outputs.run(module, { timesteps: this.context.timesteps, count: true });
  }
}

function withBits(module: Module, bitsOf: (value: ValueId) => number): Module {
  return rewrite(module, (op, builder) => {
    if (!isOp(op, "snn.graded")) return null;
    const attrs = { ...op.attrs, bits: bitsOf(op.result) };
    return builder.add("snn.graded", op.inputs, attrs, op.loc, op.result);
  });
}
