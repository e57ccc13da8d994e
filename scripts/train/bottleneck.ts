/**
 * A small network of inverted bottlenecks (Sandler et al. 2018, MobileNetV2): 1×1 convolutions expand,
 * 3×3 ones filter each channel, 1×1 ones project to few channels with no activation behind them, and
 * blocks whose result has the shape of their input add to it.
 */
import { known } from "../../ir/diagnostic.ts";
import { type Parameters, adamStep } from "./adam.ts";
import { crossEntropy } from "./loss.ts";
import { encodedModel, nodeOf, valueInfo } from "./model.ts";
import { Convolution, Pointwise } from "./stages/convolution.ts";
import { Depthwise } from "./stages/depthwise.ts";
import { GlobalAverage, Relu6 } from "./stages/plain.ts";
import type { Extent, Stage, Start, Written } from "./stages/stage.ts";
import type { Learner } from "./train.ts";

export interface Block {
  /** Channels of the 3×3 convolution over those of the input; 1 leaves the expansion away. */
  readonly expansion: number;
  readonly channels: number;
  readonly stride: number;
}

export interface Shape {
  /** Pixels of a row and of a column; images have one channel. */
  readonly size: number;
  /** Channels of the first convolution, which halves the resolution. */
  readonly stem: number;
  readonly blocks: readonly Block[];
  /** Channels of the last 1×1 convolution, whose activations are averaged. */
  readonly head: number;
  readonly classes: number;
}

/** What is trained on Fashion-MNIST: 0.8 M multiply-accumulates, two of its four blocks with a residual. */
export const smallBottleneck: Shape = {
  size: 28,
  stem: 16,
  blocks: [
    { expansion: 1, channels: 12, stride: 1 },
    { expansion: 4, channels: 12, stride: 1 },
    { expansion: 4, channels: 20, stride: 2 },
    { expansion: 4, channels: 20, stride: 1 },
  ],
  head: 64,
  classes: 10,
};

export class BottleneckNetwork implements Learner {
  readonly learnt: readonly Parameters[];
  private readonly shape: Shape;
  private readonly features: readonly Stage[];
  private readonly classifier: Pointwise;
  private readonly errors: Float32Array;
  private logits: Float32Array = new Float32Array();
  private steps = 0;

  constructor(shape: Shape, seed: number) {
    this.shape = shape;
    let layer = 0;
    const start = (gain: number): Start => ({ seed, layer: layer++, gain });
    const stages: Stage[] = [];
    let extent: Extent = { height: shape.size, width: shape.size, channels: 1 };
    const add = (stage: Stage): void => {
      stages.push(stage);
      extent = stage.output;
    };
    add(new Convolution(extent, shape.stem, 2, start(2)));
    add(new Relu6(extent));
    for (const block of shape.blocks) add(new InvertedBottleneck(extent, block, start));
    add(new Pointwise(extent, shape.head, start(2)));
    add(new Relu6(extent));
    add(new GlobalAverage(extent));
    this.features = stages;
    this.classifier = new Pointwise(extent, shape.classes, start(1));
    this.learnt = [...stages, this.classifier].flatMap((stage) => stage.learnt);
    this.errors = new Float32Array(shape.classes);
  }

  /** Starts from weights and biases by which channels differ on these images, before anything is learnt. */
  settle(images: readonly Float32Array[]): void {
    this.features.reduce<readonly Float32Array[]>((xs, stage) => stage.settle(xs, 1), images);
  }

  /** The logits of one image of `size` × `size` pixels, until the next call. */
  forward(image: Float32Array): Float32Array {
    const features = this.features.reduce((x, stage) => stage.forward(x), image);
    this.logits = this.classifier.forward(features);
    return this.logits;
  }

  backward(label: number): number {
    const loss = crossEntropy(this.logits, label, this.errors);
    const errors = this.classifier.backward(this.errors);
    this.features.reduceRight((above, stage) => stage.backward(above), errors);
    return loss;
  }

  step(rate: number, samples: number): void {
    this.steps++;
    adamStep(this.learnt, { step: this.steps, rate, samples });
  }

  /** The bytes of the ONNX model: input `image` [batch, 1, size, size], output `logits`. */
  onnx(): Uint8Array {
    const { size, classes } = this.shape;
    const parts = inTurn(this.features, "image", "features");
    const last = this.classifier.writtenAsLinear("features", "logits");
    return encodedModel({
      name: "bottleneck",
      node: [...parts.node, ...last.node],
      initializer: [...parts.initializer, ...last.initializer],
      input: [valueInfo("image", ["batch", 1, size, size])],
      output: [valueInfo("logits", ["batch", classes])],
    });
  }
}

class InvertedBottleneck implements Stage {
  readonly output: Extent;
  readonly learnt: readonly Parameters[];
  private readonly stages: readonly Stage[];
  private readonly isResidual: boolean;

  constructor(
    input: Extent,
    { expansion, channels, stride }: Block,
    start: (gain: number) => Start,
  ) {
    const stages: Stage[] = [];
    let wide = input;
    if (expansion > 1) {
      const expand = new Pointwise(input, input.channels * expansion, start(2));
      wide = expand.output;
      stages.push(expand, new Relu6(wide));
    }
    const filter = new Depthwise(wide, stride, start(2));
    const narrow = filter.output;
    this.isResidual = stride === 1 && channels === input.channels;
    const project = new Pointwise(narrow, channels, start(1));
    this.stages = [...stages, filter, new Relu6(narrow), project];
    this.output = project.output;
    this.learnt = this.stages.flatMap((stage) => stage.learnt);
  }

  forward(x: Float32Array): Float32Array {
    const result = this.stages.reduce((value, stage) => stage.forward(value), x);
    if (this.isResidual) addTo(result, x);
    return result;
  }

  backward(errors: Float32Array): Float32Array {
    const before = this.stages.reduceRight((above, stage) => stage.backward(above), errors);
    if (this.isResidual) addTo(before, errors);
    return before;
  }

  settle(xs: readonly Float32Array[], deviation: number): Float32Array[] {
    // What is added to a sum starts small, so that the sum does not grow from block to block.
    const last = this.stages.length - 1;
    const results = this.stages.reduce<readonly Float32Array[]>(
      (values, stage, i) =>
        stage.settle(values, i === last && this.isResidual ? deviation / 2 : deviation),
      xs,
    );
    return results.map((result, n) => {
      const sum = Float32Array.from(result);
      if (this.isResidual) addTo(sum, known(xs[n], "an image"));
      return sum;
    });
  }

  written(input: string, output: string): Written {
    if (!this.isResidual) return inTurn(this.stages, input, output);
    const added = `${output}.project`;
    const { node, initializer } = inTurn(this.stages, input, added);
    const sum = nodeOf("Add", { input: [added, input], output, name: output });
    return { node: [...node, sum], initializer };
  }
}

/** One stage after the other: the last makes `output`, and the others' values are named by numbers. */
function inTurn(stages: readonly Stage[], input: string, output: string): Written {
  let from = input;
  const parts = stages.map((stage, i) => {
    const to = i === stages.length - 1 ? output : `${output}.${i}`;
    const written = stage.written(from, to);
    from = to;
    return written;
  });
  return {
    node: parts.flatMap(({ node }) => node),
    initializer: parts.flatMap(({ initializer }) => initializer),
  };
}

function addTo(into: Float32Array, what: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + (what[i] ?? 0);
}
