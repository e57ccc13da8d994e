/**
 * A model of the size and structure of ResNet-50 (He et al. 2016, stride in the 3x3 convolution as
 * torchvision has it) with random weights, as ONNX: what compiling a large network is timed on.
 */
import onnxProto, { type onnx } from "onnx-proto";
import { heWeights } from "./noise.ts";

export interface ConvLayer {
  readonly name: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernel: number;
  readonly stride: number;
}

interface Block {
  readonly convolutions: readonly [ConvLayer, ConvLayer, ConvLayer];
  /** Brings the input to the output's shape; null where it has it. */
  readonly projection: ConvLayer | null;
}

const classes = 1000;
const stem: ConvLayer = layer("stem", 3, 64, 7, 2);

/** Three, four, six and three bottleneck blocks of 64, 128, 256 and 512 channels inside. */
export function blocksOfResnet50(): Block[] {
  const blocks: Block[] = [];
  let channels = stem.outChannels;
  for (const [stage, count] of [3, 4, 6, 3].entries()) {
    const inside = 64 * 2 ** stage;
    const outside = 4 * inside;
    for (let i = 0; i < count; i++) {
      const name = `stage${stage + 1}.${i}`;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      blocks.push({
        convolutions: [
          layer(`${name}.reduce`, channels, inside, 1, 1),
          layer(`${name}.spatial`, inside, inside, 3, stride),
          layer(`${name}.expand`, inside, outside, 1, 1),
        ],
        projection: i === 0 ? layer(`${name}.project`, channels, outside, 1, stride) : null,
      });
      channels = outside;
    }
  }
  return blocks;
}

function layer(
  name: string,
  inChannels: number,
  outChannels: number,
  kernel: number,
  stride: number,
): ConvLayer {
  return { name, inChannels, outChannels, kernel, stride };
}

/** The bytes of the model: input [batch, 3, 224, 224], output [batch, 1000]; 102 MB of weights. */
export function resnet50(seed: number): Uint8Array {
  const graph = new GraphWriter(seed);
  let value = graph.relu(graph.convolution("x", stem));
  value = graph.node("MaxPool", [value], { kernel_shape: [3, 3], strides: [2, 2], pads: ones });
  for (const { convolutions, projection } of blocksOfResnet50()) {
    const [reduce, spatial, expand] = convolutions;
    let inside = graph.relu(graph.convolution(value, reduce));
    inside = graph.relu(graph.convolution(inside, spatial));
    inside = graph.convolution(inside, expand);
    const shortcut = projection === null ? value : graph.convolution(value, projection);
    value = graph.relu(graph.node("Add", [inside, shortcut]));
  }
  value = graph.node("Flatten", [graph.node("GlobalAveragePool", [value])]);
  const weight = graph.weights("classifier.weight", [classes, 2048], 2048);
  const bias = graph.weights("classifier.bias", [classes], 2048);
  return graph.finish(graph.node("Gemm", [value, weight, bias], { transB: 1 }));
}

const ones = [1, 1, 1, 1];

type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** Writes nodes one after another. */
class GraphWriter {
  private readonly nodes: onnx.INodeProto[] = [];
  private readonly initializers: onnx.ITensorProto[] = [];
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = `v${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([name, value]) =>
      typeof value === "number" ? { name, type: 2, i: value } : { name, type: 7, ints: [...value] },
    );
    this.nodes.push({ opType, name: output, input: [...inputs], output: [output], attribute });
    return output;
  }

  relu(value: string): string {
    return this.node("Relu", [value]);
  }

  /** A convolution that keeps the extent but for its stride, and its normalisation. */
  convolution(input: string, layer: ConvLayer): string {
    const { name, inChannels, outChannels, kernel, stride } = layer;
    const shape = [outChannels, inChannels, kernel, kernel];
    const weight = this.weights(`${name}.weight`, shape, inChannels * kernel * kernel);
    const pad = (kernel - 1) / 2;
    const value = this.node("Conv", [input, weight], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    const each = (part: string, fill: number): string =>
      this.initializer(`${name}.${part}`, [outChannels], new Float32Array(outChannels).fill(fill));
    const parts = [each("scale", 1), each("shift", 0.01), each("mean", 0), each("variance", 1)];
    return this.node("BatchNormalization", [value, ...parts]);
  }

  weights(name: string, shape: readonly number[], fanIn: number): string {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const seed = this.seed * 1000 + this.initializers.length;
    return this.initializer(name, shape, heWeights(length, fanIn, seed));
  }

  initializer(name: string, dims: readonly number[], data: Float32Array): string {
    const rawData = new Uint8Array(data.buffer);
    this.initializers.push({ name, dims: [...dims], dataType: 1, rawData });
    return name;
  }

  finish(output: string): Uint8Array {
    const typeOf = (shape: readonly number[]): onnx.ITypeProto => ({
      tensorType: {
        elemType: 1,
        shape: { dim: [{ dimParam: "batch" }, ...shape.map((dimValue) => ({ dimValue }))] },
      },
    });
    const graph = {
      name: "resnet50",
      node: this.nodes,
      initializer: this.initializers,
      input: [{ name: "x", type: typeOf([3, 224, 224]) }],
      output: [{ name: output, type: typeOf([classes]) }],
    };
    const model = { irVersion: 8, opsetImport: [{ version: 13 }], graph };
    return onnxProto.onnx.ModelProto.encode(model).finish();
  }
}
