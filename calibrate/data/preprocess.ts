/**
 * What turns stored samples into what a model was trained on, as the user's JSON file states it:
 *
 *     value = (pixel · scale − mean[c]) / std[c]
 *
 * computed in double and rounded once to float32; before it colours and size, after it the layout.
 */
import { z } from "zod";
import { type Diagnostic, fail, known } from "../../ir/diagnostic.ts";
import { type Tensor, allocate, f32, tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { type EventFraming, defaultFraming } from "./recordings/frames.ts";
import { type Resize, resizeImage } from "./resize.ts";

const fraction = /^\s*([0-9.]+(?:e-?\d+)?)\s*(?:\/\s*([0-9.]+(?:e-?\d+)?)\s*)?$/i;

/** More timesteps than a network can run for. */
const mostFrames = 2 ** 24;

/** More than any network has classes, and far from where 32-bit labels would wrap. */
const largestOffset = 1_000_000;

const expectations = {
  scale: 'a positive number, or a fraction in quotes such as "1/255"',
  mean: "a number, or a list of one per channel",
  std: "a positive number, or a list of one per channel",
  layout: '"NCHW" or "NHWC"',
  resize: '{"width": pixels, "height": pixels, "method": "bilinear" or "nearest"}',
  channels: '"RGB", "BGR" or "gray"',
  events:
    '{"binMicroseconds": microseconds of a frame, "frames": frames of a sample, "values": "counts" or "binary", "width" and "height": of the sensor}, the first two or one of them',
  labelOffset: `an integer from -${largestOffset} to ${largestOffset}`,
};

const scaleSchema = z.union([
  z.number().positive(),
  z
    .string()
    .regex(fraction)
    .transform((text) => {
      const [, numerator, denominator = "1"] = fraction.exec(text) ?? [];
      return Number(numerator) / Number(denominator);
    })
    .pipe(z.number().positive()),
]);
const perChannel = <T extends z.ZodType<number>>(value: T) =>
  z.union([value.transform((x) => [x]), z.array(value).min(1)]);
const layoutSchema = z.enum(["NCHW", "NHWC"]);

const schema = z.strictObject({
  /** What pixels are multiplied with first. 1 unless given. */
  scale: scaleSchema.optional(),
  /** Another name of `scale`. */
  pixelScale: scaleSchema.optional(),
  mean: perChannel(z.number()).optional(),
  std: perChannel(z.number().positive()).optional(),
  /** The layout that the model takes. NCHW unless given. */
  layout: layoutSchema.optional(),
  /** The layout that the data are stored in. NCHW unless given; image files are read as NCHW. */
  inputLayout: layoutSchema.optional(),
  resize: z
    .strictObject({
      width: z.int().min(1).max(65536),
      height: z.int().min(1).max(65536),
      method: z.enum(["bilinear", "nearest"]).default("bilinear"),
    })
    .optional(),
  /** Colours, in the order that the model takes them. */
  channels: z.enum(["RGB", "BGR", "gray"]).optional(),
  /** What the model adds to the class numbers of the data: 1 where its class 0 is "background". */
  labelOffset: z.int().min(-largestOffset).max(largestOffset).optional(),
  /** How a recording of events becomes frames. */
  events: z
    .strictObject({
      binMicroseconds: z.int().min(1).optional(),
      frames: z.int().min(1).max(mostFrames).optional(),
      values: z.enum(["counts", "binary"]).default("counts"),
      width: z.int().min(1).max(65536).optional(),
      height: z.int().min(1).max(65536).optional(),
    })
    .refine(({ width, height }) => (width === undefined) === (height === undefined))
    .optional(),
  /** Documentation for people; ignored. */
  formula: z.unknown().optional(),
});

type Layout = z.infer<typeof layoutSchema>;

/** Preprocessing with every default filled in. */
export interface Preprocess {
  readonly scale: number;
  /** One value, or one per channel in the order that the model takes them. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly layout: Layout;
  readonly inputLayout: Layout;
  readonly resize: Resize | null;
  readonly channels: "RGB" | "BGR" | "gray" | null;
  readonly labelOffset: number;
  /** How recordings of events become frames; null where nobody says. */
  readonly events: EventFraming | null;
}

/** The part of a file on several models that says how to preprocess for one. */
const modelsSchema = z.object({
  models: z.record(
    z.string(),
    z.object({
      preprocess: z.unknown().optional(),
      input: z.object({ layout: z.string().optional() }).optional(),
      labelOffset: z.unknown().optional(),
    }),
  ),
});

/**
 * Reads preprocessing from the text of a JSON file. A file on several models, {"models": {NAME:
 * {"preprocess": {…}, "input": {"layout"}, "labelOffset"}}}, needs the `model` to take.
 */
export function parsePreprocess(text: string, file: string, model: string | null): Preprocess {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail(diagnose("preprocess-not-json", null, { file, reason }));
  }
  const several = modelsSchema.safeParse(json);
  if (!several.success) {
    if (model === null) return validate(json, file);
    fail(diagnose("preprocess-selection", null, { file, name: model, models: [] }));
  }
  const { models } = several.data;
  const entry = model === null || !Object.hasOwn(models, model) ? undefined : models[model];
  if (entry === undefined) {
    const names = Object.keys(models);
    fail(diagnose("preprocess-selection", null, { file, name: model, models: names }));
  }
  const stated = z.record(z.string(), z.unknown()).safeParse(entry.preprocess);
  return validate(
    {
      ...(entry.input?.layout === undefined ? {} : { layout: entry.input.layout }),
      ...(entry.labelOffset === undefined ? {} : { labelOffset: entry.labelOffset }),
      ...(stated.success ? stated.data : {}),
    },
    `${file}#${model ?? ""}`,
  );
}

function validate(json: unknown, file: string): Preprocess {
  const parsed = schema.safeParse(json);
  if (!parsed.success) fail(...parsed.error.issues.flatMap((issue) => explain(issue, file)));
  const stated = parsed.data;
  if (stated.scale !== undefined && stated.pixelScale !== undefined) {
    const expected = 'left out where "scale" is given: they are the same step';
    fail(diagnose("preprocess-value", null, { file, what: '"pixelScale"', expected }));
  }
  return {
    scale: stated.scale ?? stated.pixelScale ?? 1,
    mean: stated.mean ?? [0],
    std: stated.std ?? [1],
    layout: stated.layout ?? "NCHW",
    inputLayout: stated.inputLayout ?? "NCHW",
    resize: stated.resize ?? null,
    channels: stated.channels ?? null,
    labelOffset: stated.labelOffset ?? 0,
    events: stated.events === undefined ? null : framingOf(stated.events),
  };
}

/** A width, a number, or both; a millisecond where neither is said. */
function framingOf(stated: NonNullable<z.infer<typeof schema>["events"]>): EventFraming {
  const { binMicroseconds = null, frames = null, values, width = null, height = null } = stated;
  const isFree = binMicroseconds === null && frames === null;
  const bin = isFree ? defaultFraming.binMicroseconds : binMicroseconds;
  return { binMicroseconds: bin, frames, values, width, height };
}

function explain(issue: z.core.$ZodIssue, file: string): Diagnostic[] {
  const inside = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const { resize, events } = schema.shape;
    const steps = Object.keys(
      inside[0] === "resize"
        ? resize.unwrap().shape
        : inside[0] === "events"
          ? events.unwrap().shape
          : schema.shape,
    );
    return issue.keys.map((key) =>
      diagnose("preprocess-unknown-key", null, {
        file,
        key: [...inside, key].join("."),
        known: steps.filter((step) => step !== "formula"),
      }),
    );
  }
  const [top = ""] = inside;
  const step = top === "pixelScale" ? "scale" : top === "inputLayout" ? "layout" : top;
  const expected = new Map(Object.entries(expectations)).get(step) ?? "an object of steps";
  return [
    diagnose("preprocess-value", null, {
      file,
      what: top === "" ? "its content" : `"${top}"`,
      expected,
    }),
  ];
}

/**
 * The shape that `preprocessSample` gives to samples of this shape, for which nothing is computed: the
 * size that is asked for may be one that no memory holds.
 */
export function preprocessedShape(raw: Shape, preprocess: Preprocess): Shape {
  const planes = planesShape(raw, preprocess.inputLayout);
  if (planes === null) return raw;
  const [stored = 0, height = 0, width = 0] = planes;
  const { channels, resize, layout } = preprocess;
  const image = [
    channels === null ? stored : channels === "gray" ? 1 : 3,
    resize?.height ?? height,
    resize?.width ?? width,
  ];
  return layout === "NHWC" ? [...image.slice(1), ...image.slice(0, 1)] : image;
}

/** The shape [C, H, W] of an image, or null where there is none. */
function planesShape(raw: Shape, inputLayout: Layout): Shape | null {
  let shape = raw;
  while (shape.length > 3 && shape[0] === 1) shape = shape.slice(1);
  if (shape.length === 2) return [1, ...shape];
  if (shape.length !== 3) return null;
  return inputLayout === "NCHW" ? shape : [...shape.slice(2), ...shape.slice(0, 2)];
}

/** A raw sample as float32, in the layout that the model takes. `file` is for messages. */
export function preprocessSample(raw: Tensor, preprocess: Preprocess, file: string): Tensor {
  const image = toPlanes(raw, preprocess.inputLayout);
  if (image === null) return preprocessVector(raw, preprocess, file);
  const coloured = toChannels(image, preprocess.channels, file);
  const sized = preprocess.resize === null ? coloured : resizeImage(coloured, preprocess.resize);
  const scaled = normalise(sized, preprocess, file);
  return preprocess.layout === "NHWC" ? fromPlanes(scaled) : scaled;
}

/** The sample as [C, H, W], or null where it is not an image. */
function toPlanes(raw: Tensor, inputLayout: Layout): Tensor | null {
  const shape = planesShape(raw.shape, inputLayout);
  if (shape === null) return null;
  const [channels = 0, height = 0, width = 0] = shape;
  // An image of one plane has no layout.
  const sameOrder = inputLayout === "NCHW" || channels === 1 || height * width === 1;
  if (sameOrder) return tensor(raw.dtype, shape, raw.data);
  const data = raw.data.slice();
  const size = height * width;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < channels; c++) data[c * size + i] = raw.data[i * channels + c] ?? 0;
  }
  return tensor(raw.dtype, shape, data);
}

function fromPlanes(image: Tensor): Tensor {
  const [channels = 0, height = 0, width = 0] = image.shape;
  const data = new Float32Array(image.data.length);
  const size = height * width;
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < channels; c++) data[i * channels + c] = image.data[c * size + i] ?? 0;
  }
  return f32([height, width, channels], data);
}

/** What is not an image has no colours, no size and no layout, and a value or one per element of axis 0. */
function preprocessVector(raw: Tensor, preprocess: Preprocess, file: string): Tensor {
  const step =
    preprocess.resize !== null ? "resize" : preprocess.channels !== null ? "channels" : null;
  if (step !== null) {
    fail(diagnose("preprocess-not-image", null, { file, step, shape: raw.shape }));
  }
  return normalise(raw, preprocess, file);
}

function toChannels(image: Tensor, channels: Preprocess["channels"], file: string): Tensor {
  const [stored = 0, height = 0, width = 0] = image.shape;
  if (channels === null) return image;
  if (stored !== 1 && stored !== 3) {
    fail(diagnose("preprocess-colour", null, { file, channels: stored, wanted: channels }));
  }
  const size = height * width;
  if (channels === "gray") return stored === 1 ? image : toGrey(image, size);
  const order = stored === 1 ? [0, 0, 0] : channels === "RGB" ? [0, 1, 2] : [2, 1, 0];
  const data = allocate(image.dtype, 3 * size);
  order.forEach((from, c) => {
    data.set(image.data.subarray(from * size, (from + 1) * size), c * size);
  });
  return tensor(image.dtype, [3, height, width], data);
}

/**
 * Luma of ITU-R BT.601. On uint8 in Pillow's fixed-point form, so that the levels are the same.
 */
function toGrey(image: Tensor, size: number): Tensor {
  const [, height = 0, width = 0] = image.shape;
  const pixels = image.dtype === "u8";
  const data = pixels ? new Uint8Array(size) : new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const red = image.data[i] ?? 0;
    const green = image.data[size + i] ?? 0;
    const blue = image.data[2 * size + i] ?? 0;
    data[i] = pixels
      ? (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16
      : 0.299 * red + 0.587 * green + 0.114 * blue;
  }
  return tensor(pixels ? "u8" : "f32", [1, height, width], data);
}

function normalise(image: Tensor, preprocess: Preprocess, file: string): Tensor {
  const [channels = 1, ...rest] = image.shape;
  const size = elementCount(rest);
  const mean = valuesFor("mean", preprocess.mean, channels, image.shape, file);
  const std = valuesFor("std", preprocess.std, channels, image.shape, file);
  const out = new Float32Array(image.data.length);
  for (let c = 0; c < channels; c++) {
    const shift = mean(c);
    const divisor = std(c);
    for (let i = c * size; i < (c + 1) * size; i++) {
      out[i] = ((image.data[i] ?? 0) * preprocess.scale - shift) / divisor;
    }
  }
  return f32(image.shape, out);
}

function valuesFor(
  key: "mean" | "std",
  values: readonly number[],
  channels: number,
  shape: Shape,
  file: string,
): (channel: number) => number {
  if (values.length !== 1 && values.length !== channels) {
    fail(
      diagnose("preprocess-channels", null, { file, key, values: values.length, channels, shape }),
    );
  }
  return (channel) => known(values[values.length === 1 ? 0 : channel], key);
}
