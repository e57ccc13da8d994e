/**
 * Random networks of graded neurons on integers, as `quantise` makes them of differential code: an image of 8
 * bits, convolutions with i8 weights, shortcuts of each kind, steps that shrink over time, and a sum
 * at the end. Most send words that the WebAssembly engine multiplies as bytes; some have what it
 * does not, so that both kinds meet.
 */
import fc from "fast-check";
import { Builder } from "../../ir/build.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { uniform } from "../../ir/random.ts";
import { printModule } from "../../ir/text/print.ts";
import { type TensorRef, tensorOf } from "../../ir/tensor.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { provenTimesteps } from "../../ir/analysis/bounds.ts";
import type { RandomNetwork } from "./module.ts";

/** What a layer is to be; numbers choose among few things each. */
export interface LayerChoice {
  readonly channels: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly isDepthwise: boolean;
  readonly shortcut: "none" | "identity" | "rescaled" | "projected";
  readonly hasBias: boolean;
  /**
   * A pool over time of what the convolution gives: of windows beside each other, of ones that overlap and hang over, one
   * after another, or one that is read twice.
   */
  readonly pool?: "none" | "apart" | "overlapping" | "chained" | "twice";
  readonly neurons: NeuronChoice;
}

export interface NeuronChoice {
  readonly bits: number;
  readonly sign: "positive" | "free" | "retract";
  readonly alphabet: "word" | "power";
  readonly hasCeiling: boolean;
  readonly shares: "constant" | "powers" | "any" | "by channel";
  /** Steps: small ones, such as are usual, such as float32 does not divide by, and such as are never reached. */
  readonly size: "one" | "small" | "usual" | "large" | "huge";
  readonly amplitude: "one" | "any";
}

const neurons: fc.Arbitrary<NeuronChoice> = fc.record({
  bits: fc.integer({ min: 1, max: 7 }),
  sign: fc.constantFrom("positive", "free", "retract", "retract"),
  alphabet: fc.constantFrom("word", "word", "word", "power"),
  hasCeiling: fc.boolean(),
  shares: fc.constantFrom("constant", "powers", "powers", "any", "by channel"),
  size: fc.constantFrom("one", "small", "usual", "usual", "large", "huge"),
  amplitude: fc.constantFrom("one", "one", "one", "any"),
});

const layers: fc.Arbitrary<LayerChoice> = fc.record({
  channels: fc.constantFrom(1, 3, 4, 8, 9, 16, 20),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 2 }),
  pad: fc.integer({ min: 0, max: 1 }),
  isDepthwise: fc.boolean(),
  shortcut: fc.constantFrom("none", "identity", "rescaled", "projected"),
  hasBias: fc.boolean(),
  pool: fc.constantFrom("none", "none", "none", "apart", "overlapping", "chained", "twice"),
  neurons,
});

/** Networks of words with a sample each. */
export function wordNetworks(): fc.Arbitrary<RandomNetwork> {
  return fc
    .record({
      seed: fc.nat({ max: 9999 }),
      extents: fc.tuple(fc.integer({ min: 3, max: 9 }), fc.integer({ min: 1, max: 9 })),
      isImage: fc.boolean(),
      first: neurons,
      layers: fc.array(layers, { minLength: 1, maxLength: 3 }),
      dense: fc.array(neurons, { maxLength: 2 }),
    })
    .map(({ seed, extents, isImage, first, layers: chosen, dense }) => {
      const shape = isImage ? [1, 3, ...extents] : [1, 4 * extents[0] + extents[1]];
      return wordNetwork(seed, shape, first, chosen, dense);
    })
    .filter(({ module }) => provenTimesteps(module) >= 70);
}

/**
 * The network of these choices, for inputs of `shape`: an image's, or a vector's. `dense`: layers on the flat vector of
 * what the others send.
 */
export function wordNetwork(
  seed: number,
  shape: Shape,
  first: NeuronChoice,
  chosen: readonly LayerChoice[],
  dense: readonly NeuronChoice[] = [],
): RandomNetwork {
  return new WordSketch(seed).network(shape, first, chosen, dense);
}

/** Steps from and to. */
const stepRanges = {
  one: [1, 1],
  small: [2, 9],
  usual: [300, 3000],
  large: [40_000, 90_000],
  huge: [2 ** 16, 2 ** 22],
} as const;

class WordSketch {
  private readonly builder = new Builder();
  private readonly seed: number;
  private draws = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  network(
    shape: Shape,
    first: NeuronChoice,
    chosen: readonly LayerChoice[],
    dense: readonly NeuronChoice[],
  ): RandomNetwork {
    const { builder } = this;
    const x = builder.input("x", real("f32", shape), this.loc("input"));
    const scale = builder.constant("scale", tensorOf("f32", [], [1 / 64]), this.loc("scale"));
    const zero = builder.constant("zero", tensorOf("i8", [], [0]), this.loc("zero"));
    const attrs = { axis: 0, to: "i8" } as const;
    const image = builder.add("ann.quantize-linear", [x, scale, zero], attrs, this.loc("image"));
    const isImage = shape.length === 4;
    const begun = isImage
      ? this.conv(image, { channels: 8, kernel: 3, stride: 1, pad: 1, groups: 1 })
      : this.linear(image, 24);
    let last = this.fire(builder.add("snn.difference", [begun], {}, this.loc("begin")), first);
    for (const layer of chosen) last = this.layer(last, layer);
    const shapeOfLast = builder.typeOf(last).shape;
    const flat = [1, elementCount(shapeOfLast)];
    let vector = isImage
      ? builder.add("ann.reshape", [last], { shape: flat }, this.loc("flat"))
      : last;
    for (const choice of dense) vector = this.fire(this.linear(vector, 37), choice);
    const summed = builder.add("snn.accumulate", [this.linear(vector, 5)], {}, this.loc("sum"));
    const unit = builder.tensor("unit", tensorOf("f32", [], [2 ** -12]));
    const shift = builder.tensor("shift", tensorOf("f32", [], [0]));
    const value = builder.add("ann.affine", [summed], { scale: unit, shift }, this.loc("scale"));
    const module = builder.finish({
      name: "words",
      code: "differential",
      timesteps: 4,
      properties: new Set(["spiking", "integer"] as const),
      outputs: [{ name: "y", value }],
    });
    const data = Array.from({ length: elementCount(shape) }, () => this.draw(-200, 200) / 100);
    const inputs = [tensorOf("f32", shape, data)];
    const text = (): string => printModule(module);
    return Object.defineProperty({ module, inputs }, fc.toStringMethod, { value: text });
  }

  private layer(from: ValueId, choice: LayerChoice): ValueId {
    const { builder } = this;
    const { shape } = builder.typeOf(from);
    if (shape.length !== 4) {
      const driven = this.linear(from, 3 * choice.channels, choice.hasBias);
      return this.fire(driven, choice.neurons);
    }
    const [, into = 1, height = 1, width = 1] = shape;
    const fits = Math.min(height, width) + 2 * choice.pad >= choice.kernel;
    const kernel = fits ? choice.kernel : 1;
    const { stride, pad, shortcut } = choice;
    const channels = choice.isDepthwise ? into : choice.channels;
    const groups = choice.isDepthwise ? into : 1;
    let driven = this.conv(from, {
      ...{ channels, kernel, stride, pad, groups, hasBias: choice.hasBias },
    });
    const { pool = "none" } = choice;
    driven = this.pool(driven, pool);
    const target = builder.typeOf(driven).shape;
    const past = this.shortcut(from, target, shortcut, pool === "none" ? stride : 2 * stride);
    if (past !== null) driven = builder.add("ann.add", [driven, past], {}, this.loc("add"));
    return this.fire(driven, choice.neurons);
  }

  private pool(from: ValueId, kind: NonNullable<LayerChoice["pool"]>): ValueId {
    const [, , height = 1, width = 1] = this.builder.typeOf(from).shape;
    if (kind === "none" || Math.min(height, width) < 2) return from;
    const [size, pad] = kind === "apart" ? [2, 0] : [3, 1];
    const attrs = {
      kernel: [size, size],
      strides: [2, 2],
      padsBegin: [pad, pad],
      padsEnd: [pad, pad],
      dilations: [1, 1],
      ceilMode: false,
    };
    const pooled = this.builder.add("snn.max-pool", [from], attrs, this.loc("pool"));
    if (kind === "twice") return this.builder.add("ann.add", [pooled, pooled], {}, this.loc("add"));
    if (kind !== "chained") return pooled;
    const again = { ...attrs, strides: [1, 1] };
    return this.builder.add("snn.max-pool", [pooled], again, this.loc("pool"));
  }

  private shortcut(
    from: ValueId,
    target: Shape,
    kind: LayerChoice["shortcut"],
    stride: number,
  ): ValueId | null {
    const { builder } = this;
    const { shape } = builder.typeOf(from);
    const [, into = 1, height = 1, width = 1] = shape;
    const [, channels = 1, rows = 1, columns = 1] = target;
    if (kind === "none") return null;
    const isAlike = shape.every((extent, axis) => extent === target[axis]);
    if (kind === "projected") {
      const given = this.conv(from, { channels, kernel: 1, stride, pad: 0, groups: 1 });
      const found = builder.typeOf(given).shape;
      return found.every((extent, axis) => extent === target[axis]) ? given : null;
    }
    let past = from;
    if (!isAlike) {
      const reach = (extent: number): number => (extent - 1) * stride + 1;
      if (reach(rows) > height || reach(columns) > width || into > channels) return null;
      const sizes = [1, into, rows, columns];
      const slice = { starts: [0, 0, 0, 0], sizes, steps: [1, 1, stride, stride] };
      past = builder.add("ann.slice", [past], slice, this.loc("slice"));
      const before = channels - into >= 8 ? 8 : 0;
      const pad = {
        begin: [0, before, 0, 0],
        end: [0, channels - into - before, 0, 0],
        mode: "constant" as const,
        value: 0,
      };
      past = builder.add("ann.pad", [past], pad, this.loc("pad"));
    }
    if (kind === "identity") return past;
    return this.conv(past, { channels, kernel: 1, stride: 1, pad: 0, groups: channels });
  }

  private conv(
    from: ValueId,
    shape: {
      readonly channels: number;
      readonly kernel: number;
      readonly stride: number;
      readonly pad: number;
      readonly groups: number;
      readonly hasBias?: boolean;
    },
  ): ValueId {
    const { builder } = this;
    const { channels, kernel, stride, pad, groups } = shape;
    const [, into = 1, height = 1, width = 1] = builder.typeOf(from).shape;
    const size = Math.min(kernel, height + 2 * pad, width + 2 * pad);
    const attrs = {
      strides: [stride, stride],
      padsBegin: [pad, pad],
      padsEnd: [pad, pad],
      dilations: [1, 1],
      weight: this.integers("w", "i8", [channels, into / groups, size, size], -128, 127),
      bias: shape.hasBias === true ? this.integers("b", "i32", [channels], -50, 50) : null,
      groups,
    };
    return builder.add("ann.conv", [from], attrs, this.loc("conv"));
  }

  private linear(from: ValueId, outputs: number, hasBias = false): ValueId {
    const inputs = this.builder.typeOf(from).shape.at(-1) ?? 1;
    const weight = this.integers("w", "i8", [outputs, inputs], -128, 127);
    const bias = hasBias ? this.integers("b", "i32", [outputs], -50, 50) : null;
    return this.builder.add("ann.linear", [from], { weight, bias }, this.loc("linear"));
  }

  private fire(current: ValueId, choice: NeuronChoice): ValueId {
    const { builder } = this;
    const { shape } = builder.typeOf(current);
    const perChannel = shape.map((extent, axis) => (axis === 1 ? extent : 1));
    const [low, high] = stepRanges[choice.size];
    const rows = 3;
    const { shares: kind } = choice;
    const shares =
      kind === "constant"
        ? null
        : kind === "by channel"
          ? this.integers("shares", "i32", [rows, ...perChannel], 1, 5)
          : builder.tensor(
              "shares",
              tensorOf(
                "i32",
                [rows, ...shape.map(() => 1)],
                kind === "powers" ? [4, 2, 1] : [5, 3, 1],
              ),
            );
    const attrs = {
      threshold: this.integers("theta", "i32", perChannel, low, high),
      vInit: this.integers("v", "i32", this.draw(0, 3) === 0 ? shape : perChannel, -high, high),
      amplitude:
        choice.amplitude === "one"
          ? builder.tensor("one", tensorOf("i32", [], [1]))
          : this.integers("sizes", "i32", perChannel, -2, 3),
      ceiling: choice.hasCeiling
        ? this.integers("top", "i32", perChannel, -2 * high, 9 * high)
        : null,
      bits: choice.bits,
      alphabet: choice.alphabet,
      sign: choice.sign,
      schedule: shares === null ? "constant" : "table",
      shares,
    } as const;
    return builder.add("snn.graded", [current], attrs, this.loc("neurons"));
  }

  private integers(
    hint: string,
    dtype: "i8" | "i32",
    shape: Shape,
    low: number,
    high: number,
  ): TensorRef {
    const data = Array.from({ length: elementCount(shape) }, () => this.draw(low, high));
    return this.builder.tensor(hint, tensorOf(dtype, shape, data));
  }

  private draw(low: number, high: number): number {
    return low + Math.floor(uniform(this.seed, this.draws++, 0, 0) * (high - low + 1));
  }

  private loc(name: string): ReturnType<typeof sourceLoc> {
    return sourceLoc("words.onnx", `/${name}/${this.builder.ops.length}`, name);
  }
}
