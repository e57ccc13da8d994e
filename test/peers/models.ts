/**
 * Small models of the structures on which other tools fail, by name: spiking layers on both sides
 * of the structure, so that it works on spikes and not on the input.
 */
import {
  behindNeurons,
  batchnormTensors,
  between,
  back,
  batchnorm,
  weights,
  bias,
  same,
  image,
} from "./parts.ts";
import { floats, ints, model, node, value } from "../frontend/build-model.ts";

const builders = {
  "batchnorm-after-relu": () =>
    between([batchnorm("front", "x", "bn")], [4, 8, 8], batchnormTensors("bn", 4)),

  "batchnorm-after-relu-before-pool": () =>
    between(
      [
        batchnorm("front", "n", "bn"),
        node("AveragePool", ["n"], ["x"], { kernel_shape: [2, 2], strides: [2, 2] }),
      ],
      [4, 4, 4],
      batchnormTensors("bn", 4),
    ),

  "max-pool-after-relu": () =>
    between(
      [node("MaxPool", ["front"], ["x"], { kernel_shape: [2, 2], strides: [2, 2] })],
      [4, 4, 4],
    ),

  /** The pool's operand has a second reader, so that the pool cannot move in front of the ReLU. */
  "max-pool-of-spikes": () =>
    between(
      [
        node("MaxPool", ["front"], ["p"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
        node("Add", ["p", "front"], ["x"]),
      ],
      [4, 8, 8],
    ),

  "overlapping-max-pool-of-current": () =>
    between(
      [
        node("Conv", ["front", "mid.w", "mid.b"], ["m"], same, { name: "mid" }),
        node("MaxPool", ["m"], ["x"], {
          kernel_shape: [3, 3],
          strides: [2, 2],
          pads: [0, 0, 1, 1],
        }),
      ],
      [3, 4, 4],
      [weights("mid.w", [3, 4, 3, 3]), bias("mid.b", 3)],
    ),

  "residual-add": () =>
    between(
      [
        node("Conv", ["front", "r1.w", "r1.b"], ["r1"], same, { name: "r1" }),
        node("Relu", ["r1"], ["r1r"], {}, { name: "r1.relu" }),
        node("Conv", ["r1r", "r2.w"], ["r2"], same, { name: "r2" }),
        node("Add", ["r2", "front"], ["sum"], {}, { name: "add" }),
        node("Relu", ["sum"], ["x"], {}, { name: "sum.relu" }),
      ],
      [4, 8, 8],
      [weights("r1.w", [4, 4, 3, 3]), bias("r1.b", 4), weights("r2.w", [4, 4, 3, 3])],
    ),

  /** One branch carries values some fifty times as large as the other's. */
  "residual-add-of-other-scale": () =>
    between(
      [
        node("Conv", ["front", "r1.w"], ["r1"], same, { name: "r1" }),
        node("Relu", ["r1"], ["r1r"], {}, { name: "r1.relu" }),
        node("Mul", ["r1r", "fifty"], ["large"], {}, { name: "scale" }),
        node("Add", ["large", "front"], ["sum"], {}, { name: "add" }),
        node("Relu", ["sum"], ["big"], {}, { name: "sum.relu" }),
        node("Mul", ["big", "small"], ["x"], {}, { name: "scale.back" }),
      ],
      [4, 8, 8],
      [weights("r1.w", [4, 4, 3, 3]), floats("fifty", [], [50]), floats("small", [], [0.02])],
    ),

  /** As ResNets do it: the shortcut changes the number of channels and the resolution. */
  "residual-add-with-projection": () =>
    between(
      [
        node("Conv", ["front", "r1.w"], ["r1"], { ...same, strides: [2, 2] }, { name: "r1" }),
        batchnorm("r1", "r1n", "bn1"),
        node("Relu", ["r1n"], ["r1r"], {}, { name: "r1.relu" }),
        node("Conv", ["r1r", "r2.w"], ["r2"], same, { name: "r2" }),
        batchnorm("r2", "r2n", "bn2"),
        node("Conv", ["front", "p.w"], ["p"], { strides: [2, 2] }, { name: "projection" }),
        batchnorm("p", "pn", "bn3"),
        node("Add", ["r2n", "pn"], ["sum"], {}, { name: "add" }),
        node("Relu", ["sum"], ["x"], {}, { name: "sum.relu" }),
      ],
      [6, 4, 4],
      [
        weights("r1.w", [6, 4, 3, 3]),
        weights("r2.w", [6, 6, 3, 3]),
        weights("p.w", [6, 4, 1, 1]),
        ...["bn1", "bn2", "bn3"].flatMap((name) => batchnormTensors(name, 6)),
      ],
    ),

  "asymmetric-pads": () =>
    between(
      [
        node("Conv", ["front", "mid.w"], ["m"], { pads: [0, 1, 2, 0], strides: [2, 2] }),
        node("Relu", ["m"], ["r"]),
        node("Pad", ["r", "pads"], ["x"], { mode: "constant" }),
      ],
      [3, 4, 5],
      [weights("mid.w", [3, 4, 3, 3]), ints("pads", [0, 0, 0, 1, 0, 0, 0, 0])],
    ),

  depthwise: () =>
    between(
      [
        node("Conv", ["front", "d.w", "d.b"], ["d"], { ...same, group: 4 }, { name: "depthwise" }),
        node("Clip", ["d", "zero", "six"], ["dr"], {}, { name: "relu6" }),
        node("Conv", ["dr", "p.w"], ["p"], {}, { name: "pointwise" }),
        node("Clip", ["p", "zero", "six"], ["x"], {}, { name: "relu6.1" }),
      ],
      [6, 8, 8],
      [
        weights("d.w", [4, 1, 3, 3]),
        bias("d.b", 4),
        weights("p.w", [6, 4, 1, 1]),
        floats("zero", [], [0]),
        floats("six", [], [6]),
      ],
    ),

  "transposed-convolution": () =>
    between(
      [
        node("ConvTranspose", ["front", "t.w", "t.b"], ["t"], {
          strides: [2, 2],
          pads: [1, 1, 0, 1],
          output_padding: [0, 1],
        }),
        node("Relu", ["t"], ["x"], {}, { name: "t.relu" }),
      ],
      [3, 16, 16],
      [weights("t.w", [4, 3, 3, 3], 9), bias("t.b", 3)],
    ),

  "split-concat": () =>
    between(
      [
        node("Split", ["front", "sizes"], ["left", "right"], { axis: 1 }, { name: "split" }),
        node("Conv", ["left", "l.w"], ["l"], same, { name: "left.conv" }),
        node("Relu", ["l"], ["lr"], {}, { name: "left.relu" }),
        node("Concat", ["lr", "right"], ["x"], { axis: 1 }, { name: "concat" }),
      ],
      [5, 8, 8],
      [ints("sizes", [1, 3]), weights("l.w", [2, 1, 3, 3])],
    ),

  "resize-nearest": () =>
    between(
      [
        node("Resize", ["front", "", "scales"], ["x"], {
          mode: "nearest",
          coordinate_transformation_mode: "asymmetric",
          nearest_mode: "floor",
        }),
      ],
      [4, 16, 16],
      [floats("scales", [4], [1, 1, 2, 2])],
    ),

  "resize-linear": () =>
    between(
      [node("Resize", ["front", "", "scales"], ["x"], { mode: "linear" })],
      [4, 16, 16],
      [floats("scales", [4], [1, 1, 2, 2])],
    ),

  "shared-activation": () =>
    between(
      [
        node("Conv", ["front", "a.w"], ["a"], same, { name: "a" }),
        node("Conv", ["front", "b.w"], ["b"], same, { name: "b" }),
        node("Relu", ["a"], ["ar"], {}, { name: "a.relu" }),
        node("Relu", ["b"], ["br"], {}, { name: "b.relu" }),
        node("Sub", ["ar", "br"], ["x"], {}, { name: "difference" }),
      ],
      [3, 8, 8],
      [weights("a.w", [3, 4, 3, 3]), weights("b.w", [3, 4, 3, 3])],
    ),

  "max-with-zero": () =>
    between(
      [
        node("Conv", ["front", "m.w"], ["m"], same, { name: "mid" }),
        node("Max", ["m", "zero"], ["x"], {}, { name: "functional" }),
      ],
      [3, 8, 8],
      [weights("m.w", [3, 4, 3, 3]), floats("zero", [], [0])],
    ),

  "clip-without-upper-bound": () =>
    between(
      [
        node("Conv", ["front", "m.w"], ["m"], same, { name: "mid" }),
        node("Clip", ["m", "zero"], ["x"], {}, { name: "clamp" }),
      ],
      [3, 8, 8],
      [weights("m.w", [3, 4, 3, 3]), floats("zero", [], [0])],
    ),

  /** A ceiling that much of the activations exceeds. */
  "relu6-that-saturates": () =>
    between(
      [
        node("Conv", ["front", "m.w"], ["m"], same, { name: "mid" }),
        node("Mul", ["m", "ten"], ["large"]),
        node("Clip", ["large", "zero", "six"], ["x"], {}, { name: "relu6" }),
      ],
      [3, 8, 8],
      [
        weights("m.w", [3, 4, 3, 3]),
        floats("ten", [], [10]),
        floats("zero", [], [0]),
        floats("six", [], [6]),
      ],
    ),

  "global-average-pool": () =>
    behindNeurons(
      [
        node("GlobalAveragePool", ["front"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "fc.w", "fc.b"], ["y"], { transB: 1 }),
      ],
      [5],
      [weights("fc.w", [5, 4]), bias("fc.b", 5)],
    ),

  /** As converters from TensorFlow write: transposes around every convolution. */
  "nhwc-transposes": () =>
    between(
      [
        node("Transpose", ["front"], ["last"], { perm: [0, 2, 3, 1] }),
        node("Mul", ["last", "gain"], ["scaled"], {}, { name: "gain" }),
        node("Relu", ["scaled"], ["again"], {}, { name: "again" }),
        node("Transpose", ["again"], ["first"], { perm: [0, 3, 1, 2] }),
        node("Conv", ["first", "m.w"], ["m"], same, { name: "mid" }),
        node("Transpose", ["m"], ["mlast"], { perm: [0, 2, 3, 1] }),
        node("Relu", ["mlast"], ["mrelu"], {}, { name: "mid.relu" }),
        node("Transpose", ["mrelu"], ["x"], { perm: [0, 3, 1, 2] }),
      ],
      [3, 8, 8],
      [floats("gain", [4], [0.5, 1, 1.5, 2]), weights("m.w", [3, 4, 3, 3])],
    ),

  dropout: () =>
    between([node("Dropout", ["front", "ratio"], ["x"])], [4, 8, 8], [floats("ratio", [], [0.5])]),

  "softmax-at-the-output": () =>
    behindNeurons(
      [
        node("Flatten", ["front"], ["f"]),
        node("Gemm", ["f", "fc.w", "fc.b"], ["logits"], { transB: 1 }),
        node("Softmax", ["logits"], ["y"], { axis: 1 }),
      ],
      [5],
      [weights("fc.w", [5, 256]), bias("fc.b", 5)],
    ),

  "one-dimensional": () =>
    model({
      inputs: [value("signal", ["batch", 2, 32])],
      outputs: [value("y", ["batch", 3])],
      nodes: [
        node("Conv", ["signal", "w1", "b1"], ["a"], { strides: [2], pads: [2, 1] }),
        node("Relu", ["a"], ["ar"]),
        node("MaxPool", ["ar"], ["p"], { kernel_shape: [2], strides: [2] }),
        node("Conv", ["p", "w2"], ["b"], { dilations: [2] }),
        node("Relu", ["b"], ["br"]),
        node("ReduceMean", ["br"], ["g"], { axes: [2], keepdims: 0 }),
        node("Gemm", ["g", "fc.w", "fc.b"], ["y"], { transB: 1 }),
      ],
      initializers: [
        weights("w1", [6, 2, 5]),
        bias("b1", 6),
        weights("w2", [8, 6, 3]),
        weights("fc.w", [3, 8]),
        bias("fc.b", 3),
      ],
    }),

  "gemm-only": () =>
    model({
      inputs: [value("x", ["batch", 20])],
      outputs: [value("y", ["batch", 4])],
      nodes: [
        node("Gemm", ["x", "w1", "b1"], ["a"], { transB: 1 }),
        node("Relu", ["a"], ["ar"]),
        node("MatMul", ["ar", "w2"], ["b"]),
        node("Add", ["b", "b2"], ["bb"]),
        node("Relu", ["bb"], ["br"]),
        node("Gemm", ["br", "w3"], ["y"], {}),
      ],
      initializers: [
        weights("w1", [32, 20]),
        bias("b1", 32),
        weights("w2", [32, 24], 32),
        bias("b2", 24),
        weights("w3", [24, 4], 24),
      ],
    }),

  /** The shortcut carries current that no activation has passed (He et al. 2016, version 2). */
  "pre-activation-residual": () =>
    between(
      [
        batchnorm("front.a", "n1", "bn1"),
        node("Relu", ["n1"], ["r1"], {}, { name: "r1.relu" }),
        node("Conv", ["r1", "r1.w"], ["c1"], same, { name: "r1" }),
        node("Add", ["c1", "front.a"], ["s1"], {}, { name: "add1" }),
        batchnorm("s1", "n2", "bn2"),
        node("Relu", ["n2"], ["r2"], {}, { name: "r2.relu" }),
        node("Conv", ["r2", "r2.w"], ["c2"], same, { name: "r2" }),
        node("Add", ["c2", "s1"], ["x"], {}, { name: "add2" }),
      ],
      [4, 8, 8],
      [
        weights("r1.w", [4, 4, 3, 3]),
        weights("r2.w", [4, 4, 3, 3]),
        ...["bn1", "bn2"].flatMap((name) => batchnormTensors(name, 4)),
      ],
    ),

  /** Down, up again, and both put side by side. */
  "encoder-decoder": () =>
    between(
      [
        node("MaxPool", ["front"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
        node("Conv", ["p", "d.w"], ["d"], same, { name: "deep" }),
        node("Relu", ["d"], ["dr"], {}, { name: "deep.relu" }),
        node("ConvTranspose", ["dr", "u.w"], ["u"], { strides: [2, 2] }, { name: "up" }),
        node("Concat", ["front", "u"], ["x"], { axis: 1 }, { name: "skip" }),
      ],
      [7, 8, 8],
      [weights("d.w", [6, 4, 3, 3]), weights("u.w", [6, 3, 2, 2], 6)],
    ),

  /** Two spiking layers and a bare convolution side by side. */
  "dense-concat": () =>
    between(
      [
        node("Conv", ["front", "a.w"], ["a"], same, { name: "a" }),
        node("Relu", ["a"], ["ar"], {}, { name: "a.relu" }),
        node("Concat", ["front", "ar"], ["both"], { axis: 1 }),
        node("Conv", ["both", "b.w"], ["b"], {}, { name: "b" }),
        node("Concat", ["both", "b"], ["x"], { axis: 1 }),
      ],
      [10, 8, 8],
      [weights("a.w", [3, 4, 3, 3]), weights("b.w", [3, 7, 1, 1])],
    ),

  "channel-shuffle": () =>
    between(
      [
        node("Reshape", ["front", "parts"], ["g"]),
        node("Transpose", ["g"], ["t"], { perm: [0, 2, 1, 3, 4] }),
        node("Reshape", ["t", "whole"], ["s"]),
        node("Conv", ["s", "m.w"], ["m"], { ...same, group: 2 }, { name: "grouped" }),
        node("Relu", ["m"], ["x"], {}, { name: "grouped.relu" }),
      ],
      [6, 8, 8],
      [ints("parts", [1, 2, 2, 8, 8]), ints("whole", [1, 4, 8, 8]), weights("m.w", [6, 2, 3, 3])],
    ),

  "depth-to-space": () =>
    between([node("DepthToSpace", ["front"], ["x"], { blocksize: 2 })], [1, 16, 16]),

  /** Sums of negative current are compared, not spikes. */
  "max-pool-of-negative-current": () =>
    between(
      [
        node("Neg", ["front"], ["n"]),
        node("MaxPool", ["n"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
        node("Add", ["p", "one"], ["q"]),
        node("Relu", ["q"], ["x"], {}, { name: "q.relu" }),
      ],
      [4, 4, 4],
      [floats("one", [], [0.6])],
    ),

  "pools-with-padding": () =>
    between(
      [
        node("AveragePool", ["front"], ["a"], {
          kernel_shape: [3, 3],
          strides: [2, 2],
          pads: [1, 1, 1, 1],
          ceil_mode: 1,
        }),
        node("MaxPool", ["a"], ["x"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
      ],
      [4, 5, 5],
    ),

  "relu-of-the-input": () =>
    model({
      inputs: [image],
      outputs: [value("y", ["batch", 5])],
      nodes: [
        node("Sub", ["image", "half"], ["c"]),
        node("Relu", ["c"], ["x"]),
        ...back("x", 2, [8, 8]).nodes,
      ],
      initializers: [floats("half", [], [0.5]), ...back("x", 2, [8, 8]).initializers],
    }),

  "two-outputs": () =>
    behindNeurons(
      [
        node("Conv", ["front", "h.w"], ["boxes"], {}, { name: "boxes" }),
        node("GlobalAveragePool", ["front"], ["g"]),
        node("Flatten", ["g"], ["f"]),
        node("Gemm", ["f", "fc.w"], ["y"], { transB: 1 }, { name: "classes" }),
      ],
      [5],
      [weights("h.w", [6, 4, 1, 1]), weights("fc.w", [5, 4])],
      { outputs: [value("y", ["batch", 5]), value("boxes", ["batch", 6, 8, 8])] },
    ),

  "identity-and-sum": () =>
    between(
      [
        node("Identity", ["front"], ["i"]),
        node("Sum", ["i", "front", "image4"], ["x"], {}, { name: "sum" }),
      ],
      [4, 8, 8],
      [floats("image4", [1, 4, 1, 1])],
    ),
} as const satisfies Readonly<Record<string, () => Uint8Array>>;

export type StructureName = keyof typeof builders;

function isStructure(name: string): name is StructureName {
  return name in builders;
}

/** Every structure once. */
export const structures = Object.keys(builders)
  .filter(isStructure)
  .map((name) => ({ name, build: builders[name] }));
