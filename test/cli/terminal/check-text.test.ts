/** What `snnc check` prints of activations that no neuron replaces, and of a `.snn`, frozen. */
import { expect, it } from "vitest";
import { modelText, networkText } from "../../../cli/terminal/check-text.ts";
import { parseModule } from "../../../ir/text/parse.ts";
import { neuronsIn, withoutNeurons } from "../../../library/neurons.ts";

/** Two neurons that fire both ways, a sigmoid of what they have sent, and two neurons that send it. */
const spiking = `module @m attributes {code = "differential", timesteps = 4, properties = ["spiking"]} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = snn.difference(%0) : current[1, 2]
  %2 = snn.graded(%1) {threshold = @one, vInit = @zero, amplitude = @one, ceiling = none, bits = 4, alphabet = "word", sign = "free", schedule = "halving", shares = none} : spike[1, 2] loc("m.onnx" "/first" Relu)
  %3 = snn.accumulate(%2) : real[1, 2]
  %4 = ann.sigmoid(%3) : real[1, 2] loc("m.onnx" "/sigmoid" Sigmoid)
  %5 = snn.difference(%4) : current[1, 2]
  %6 = snn.graded(%5) {threshold = @one, vInit = @zero, amplitude = @one, ceiling = none, bits = 4, alphabet = "word", sign = "retract", schedule = "halving", shares = none} : spike[1, 2] loc("m.onnx" "/second" Relu)
  %7 = snn.accumulate(%6) : real[1, 2]
  ann.output(%7) {name = "y"}
}
tensors {
  @one = f32[] dense<1>
  @zero = f32[] dense<0>
}
`;

const module = parseModule(spiking, { file: "m" });
const neurons = neuronsIn(module);
const withoutNeuron = withoutNeurons(module);
const said = [
  "",
  "  no neuron replaces sigmoid ×1",
  "    at /sigmoid",
  "    it is computed at each timestep, on the values decoded so far",
  "    help: on hardware this needs a unit that computes it; train with ReLU or ReLU6 in its place, " +
    "or fit neurons to it with convert-few-spikes{activations=fitted}",
];

it("describes a network", () => {
  const ops = new Map([["snn.graded", 2]]);
  expect(networkText("n.snn", module, { ops, neurons, withoutNeuron }, false).split("\n")).toEqual([
    "n.snn holds a spiking network of differential code, for 4 timesteps",
    "  ops                         snn.graded ×2",
    "  neurons                     4: snn.graded ×2",
    "  of either sign              2 before weights, at /first",
    ...said,
  ]);
  const integers = { ...module, properties: new Set([...module.properties, "integer" as const]) };
  expect(networkText("n.snn", integers, { ops, neurons, withoutNeuron }, false)).toMatch(
    /^n\.snn holds a spiking network of differential code in integers, for 4 timesteps\n/,
  );
});

it("describes what a model becomes", () => {
  const result = {
    code: "differential",
    integer: false,
    convertible: true,
    operators: new Map([["Relu", 2]]),
    obstacles: [],
    fates: new Map([
      ["neuron", new Map([["relu", 2]])],
      ["decoded", new Map([["sigmoid", 1]])],
    ] as const),
    parameters: 0,
    remarks: [],
    converted: module,
    neurons,
    withoutNeuron,
  } as const;
  expect(modelText("n.onnx", result, false).split("\n")).toEqual([
    "n.onnx can be converted to differential code",
    "  become neurons              relu ×2",
    "  computed on decoded values  sigmoid ×1",
    "  neurons                     4: snn.graded ×2",
    "  of either sign              2 before weights, at /first",
    ...said,
  ]);
});
