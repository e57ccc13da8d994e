/** Parts of the models that peers are given: weights, normalisations, layers around neurons. */
import type { onnx } from "onnx-proto";
import {
  type ModelParts,
  floats,
  model,
  node,
  pseudoRandom,
  value,
} from "../frontend/build-model.ts";

export const image = value("image", ["batch", 2, 8, 8]);
export const same = { pads: [1, 1, 1, 1] } as const;

/** Weights with as much variance as keeps activations at their size (He et al. 2015). */
export function weights(
  name: string,
  dims: readonly number[],
  fanIn = dims.slice(1).reduce((a, b) => a * b, 1),
): onnx.ITensorProto {
  const count = dims.reduce((a, b) => a * b, 1);
  // A uniform distribution of width 1 has variance 1/12; the one of He has 2 / fanIn.
  const gain = Math.sqrt(24 / fanIn);
  return floats(
    name,
    dims,
    pseudoRandom(count, name).map((x) => gain * x),
  );
}

/** A small bias for each of `count` channels. */
export function bias(name: string, count: number): onnx.ITensorProto {
  return floats(
    name,
    [count],
    pseudoRandom(count, name).map((x) => 0.4 * x + 0.1),
  );
}

export function batchnorm(x: string, y: string, name: string): onnx.INodeProto {
  const parts = ["scale", "bias", "mean", "var"].map((part) => `${name}.${part}`);
  return node("BatchNormalization", [x, ...parts], [y], {}, { name });
}

export function batchnormTensors(name: string, channels: number): onnx.ITensorProto[] {
  const around = (part: string, centre: number): onnx.ITensorProto =>
    floats(
      `${name}.${part}`,
      [channels],
      pseudoRandom(channels, `${name}.${part}`).map((x) => centre + 0.6 * x),
    );
  return [around("scale", 1), around("bias", 0.1), around("mean", 0.3), around("var", 0.6)];
}

/** `image` → conv of 4 channels → relu as "front", then `nodes`, the last of which makes `out`. */
export function behindNeurons(
  nodes: readonly onnx.INodeProto[],
  out: readonly number[],
  initializers: readonly onnx.ITensorProto[] = [],
  parts: Partial<ModelParts> = {},
): Uint8Array {
  return model({
    inputs: [image],
    outputs: [value("y", ["batch", ...out])],
    nodes: [
      node("Conv", ["image", "front.w", "front.b"], ["front.a"], same, { name: "front.conv" }),
      node("Relu", ["front.a"], ["front"], {}, { name: "front.relu" }),
      ...nodes,
    ],
    initializers: [weights("front.w", [4, 2, 3, 3]), bias("front.b", 4), ...initializers],
    ...parts,
  });
}

/** A convolution, a ReLU and a linear layer behind `x` of `channels` channels. */
export function back(
  x: string,
  channels: number,
  [height, width]: readonly [number, number],
): { readonly nodes: onnx.INodeProto[]; readonly initializers: onnx.ITensorProto[] } {
  return {
    nodes: [
      node("Conv", [x, "back.w", "back.b"], ["back.a"], same, { name: "back.conv" }),
      node("Relu", ["back.a"], ["back"], {}, { name: "back.relu" }),
      node("Flatten", ["back"], ["flat"]),
      node("Gemm", ["flat", "fc.w", "fc.b"], ["y"], { transB: 1 }, { name: "fc" }),
    ],
    initializers: [
      weights("back.w", [4, channels, 3, 3]),
      bias("back.b", 4),
      weights("fc.w", [5, 4 * height * width]),
      bias("fc.b", 5),
    ],
  };
}

/** `nodes` between two spiking layers; they make `x` of this shape from "front" [4, 8, 8]. */
export function between(
  nodes: readonly onnx.INodeProto[],
  shape: readonly [channels: number, height: number, width: number],
  initializers: readonly onnx.ITensorProto[] = [],
): Uint8Array {
  const [channels, height, width] = shape;
  const rest = back("x", channels, [height, width]);
  return behindNeurons([...nodes, ...rest.nodes], [5], [...initializers, ...rest.initializers]);
}
