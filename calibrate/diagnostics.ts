/**
 * Every message about the data a user hands in: sets, labels, preprocessing. The codes are stable.
 * What a message calls `file` is the path as the user wrote it.
 */
import { catalogue } from "../ir/diagnostic.ts";
import { shortened } from "../ir/text/printable.ts";
import type { Shape } from "../ir/type.ts";

const formats =
  ".npy, .npz, IDX, CIFAR binary or python batches, safetensors, PNG, JPEG (each but .npz and images also gzipped), or a folder of images";

const recordings =
  '.npz with "xyp" [events, 3] (x, y, polarity), "t" [events] (microseconds) and "offset" [samples + 1] (where each sample begins), or with "audio" and "offset"';

function list(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** The first of several things, and how many more there are: a thousand help nobody. */
function first(count: number, values: readonly string[]): string {
  const more = values.length > count ? ` and ${values.length - count} more` : "";
  return values.slice(0, count).map(shortened).join(", ") + more;
}

function names(values: readonly string[]): string {
  return values.length === 0
    ? "none"
    : first(
        20,
        values.map((value) => `"${value}"`),
      );
}

function few(values: readonly string[]): string {
  return values.length === 0
    ? "none"
    : first(
        8,
        values.map((value) => `"${value}"`),
      );
}

/** The way out where another axis than the first numbers the samples, as models may have it; null elsewhere. */
function samplesElsewhere(stored: Shape, wanted: Shape): string | null {
  if (stored.length !== wanted.length) return null;
  const differing = wanted.flatMap((extent, axis) => (extent === stored[axis] ? [] : [axis]));
  const [axis = 0, ...more] = differing;
  if (axis === 0 || more.length > 0 || wanted[axis] !== 1) return null;
  return `does axis ${axis} number the samples? Move it to the front: np.expand_dims(np.moveaxis(x, ${axis}, 0), ${axis + 1})`;
}

/** The way out where samples of one shape are to have another: colours, size, or both. */
function preparationFor(sample: Shape, wanted: Shape): string {
  const target = wanted[0] === 1 ? wanted.slice(1) : wanted;
  const plain = `save the samples as [N, ${target.join(", ")}]`;
  const images = [sample, target].map((shape) => imageOf(shape));
  const [from, to] = images;
  if (from === null || from === undefined || to === null || to === undefined) return plain;
  const steps = [
    ...(from.channels === 3 && to.channels === 1 ? ['"channels": "gray"'] : []),
    ...(from.channels === 1 && to.channels === 3 ? ['"channels": "RGB"'] : []),
  ];
  if (from.channels !== to.channels && steps.length === 0) return plain;
  const resized = from.width !== to.width || from.height !== to.height;
  if (resized) {
    steps.push(`"resize": {"width": ${to.width}, "height": ${to.height}, "method": "bilinear"}`);
  }
  if (from.last) steps.push('"inputLayout": "NHWC"');
  if (to.last) steps.push('"layout": "NHWC"');
  return steps.length === 0
    ? plain
    : `save the samples so, or say with --preprocess FILE: {${steps.join(", ")}}`;
}

/** The extents of a picture of one channel or three, channels first or last, or null for what is none. */
function imageOf(shape: Shape) {
  const [a = 0, b = 0, c = 0] = shape.length === 2 ? [1, ...shape] : shape;
  if (shape.length !== 2 && shape.length !== 3) return null;
  // A row or a column is no picture.
  if ([a, b, c].filter((extent) => extent > 1).length < 2) return null;
  if (a === 1 || a === 3) return { channels: a, height: b, width: c, last: false };
  return c === 1 || c === 3 ? { channels: c, height: a, width: b, last: true } : null;
}

const cutShort = "the file is incomplete or damaged: download or copy it again";

/** Declares and makes the diagnostics of this folder. */
export const diagnose = catalogue({
  // Finding and reading files.
  "data-not-found": {
    severity: "error",
    message: (p: { file: string }) => `there is no file or folder ${p.file}`,
    help: "give a file, a folder of images by class, or a prefix such as mnist/test of mnist/test-images-idx3-ubyte.gz; commas join several",
  },
  "data-unreadable": {
    severity: "error",
    cause: "environment",
    message: (p: { file: string; reason: string }) => `${p.file} cannot be read: ${p.reason}`,
  },
  "data-folder": {
    severity: "error",
    message: (p: { file: string }) => `the folder ${p.file} holds no data in a known format`,
    help: "a folder holds PNG or JPEG images, or one sub-folder of them per class, or IDX files",
  },
  "data-ambiguous": {
    severity: "error",
    message: (p: { file: string; choices: readonly string[] }) =>
      `${p.file} holds ${p.choices.length} data sets: ${first(20, p.choices)}`,
    help: (p: { choices: readonly string[] }) =>
      `name one of them, for example ${p.choices[0] ?? ""}`,
  },
  "data-format": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} is in no known data format`,
    help: `known formats are ${formats}`,
  },
  "data-size": {
    severity: "error",
    message: (p: { file: string; format: string; expected: number; found: number }) =>
      `${p.file}: the ${p.format} header announces ${p.expected} bytes of data, and the file holds ${p.found}`,
    help: cutShort,
  },
  "data-header": {
    severity: "error",
    message: (p: { file: string; format: string; reason: string }) =>
      `${p.file} is not a valid ${p.format} file: ${p.reason}`,
    help: cutShort,
  },
  "data-records": {
    severity: "error",
    message: (p: { file: string; bytes: number }) =>
      `${p.file} holds ${p.bytes} bytes, which is not a whole number of CIFAR records`,
    help: "a CIFAR-10 record is 3073 bytes, a CIFAR-100 record 3074; the file may be cut short",
  },
  "data-dtype": {
    severity: "error",
    message: (p: { file: string; dtype: string }) =>
      `${p.file} holds elements of type ${p.dtype}, which cannot be read`,
    help: "save it as float32, float64, float16, bool or an integer type, little-endian",
  },
  "data-integer-range": {
    severity: "error",
    message: (p: { file: string; value: string }) =>
      `${p.file} holds the 64-bit integer ${p.value}, which is beyond 2^53`,
    help: "save it as float64, or scale it",
  },
  "data-compression": {
    severity: "error",
    message: (p: { file: string; reason: string }) =>
      `${p.file} cannot be decompressed: ${p.reason}`,
    help: cutShort,
  },
  "data-too-large": {
    severity: "error",
    message: (p: { file: string; needs: number | null; limit: number }) =>
      p.needs === null
        ? `reading ${p.file} takes more memory than the limit of ${p.limit} bytes for data`
        : `reading ${p.file} takes ${p.needs} bytes of memory; the limit for data is ${p.limit}`,
    help: "if this is the right file, allow more with --max-data-bytes (maxDataBytes in the library), or give fewer or smaller samples",
  },
  "pickle-refused": {
    severity: "error",
    message: (p: { file: string; reason: string }) => `${p.file}: the pickle ${p.reason}`,
    help: "only dicts, lists, numbers, strings and numpy arrays are read from a pickle, because it can name code to run; save other things as .npz",
  },

  // What a set holds.
  "data-empty": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} holds no sample`,
  },
  "data-arrays": {
    severity: "error",
    message: (p: { file: string; found: readonly string[] }) =>
      `${p.file} does not say which of its arrays are the samples: it holds ${names(p.found)}`,
    help: 'name them with --x NAME and --y NAME, or call the samples "x" and the labels "y", or each array by the name of a model input',
  },
  "data-labels": {
    severity: "error",
    message: (p: { file: string; found: readonly string[] }) =>
      `${p.file} does not say which of its arrays are the labels: it holds ${names(p.found)}`,
    help: "name them with --y NAME",
  },
  "array-not-found": {
    severity: "error",
    message: (p: { file: string; option: string; name: string; found: readonly string[] }) =>
      `${p.file} has no array "${p.name}", which ${p.option} names: it holds ${names(p.found)}`,
  },
  "array-without-name": {
    severity: "warning",
    message: (p: { file: string; option: string }) =>
      `${p.file} is not an archive of named arrays: ${p.option} has no effect`,
  },
  "arrays-taken": {
    severity: "info",
    message: (p: { file: string; x: string | null; y: string | null }) =>
      `of ${p.file}, ${[
        ...(p.x === null ? [] : [`"${p.x}" is taken as the samples`]),
        ...(p.y === null ? [] : [`"${p.y}" ${p.x === null ? "is taken " : ""}as the labels`]),
      ].join(" and ")}`,
    help: "--x NAME and --y NAME choose others",
  },
  "x-of-several-inputs": {
    severity: "error",
    message: (p: { file: string; inputs: readonly string[] }) =>
      `--x names one array of ${p.file}, and the model has the inputs ${names(p.inputs)}`,
    help: "give an .npz or safetensors file with one array per input, by the input's name",
  },
  "data-parts": {
    severity: "error",
    message: (p: { first: string; second: string; what: string; a: string; b: string }) =>
      `${p.first} and ${p.second} cannot be joined: their ${p.what} differ, ${p.a} and ${p.b}`,
    help: "joined files must hold samples of one shape and type, and all or none of them labels",
  },
  "data-not-finite": {
    severity: "error",
    message: (p: { file: string; index: number; value: string }) =>
      `sample ${p.index} of ${p.file} holds ${p.value}`,
    help: "remove the sample, or correct it where it was made",
  },
  "data-not-representable": {
    severity: "error",
    message: (p: { file: string; index: number; value: number; input: string; dtype: string }) =>
      `sample ${p.index} of ${p.file} holds ${p.value}, which the input "${p.input}" of type ${p.dtype} cannot hold`,
  },
  "sample-out-of-range": {
    severity: "error",
    message: (p: { file: string; index: number; count: number }) =>
      `there is no sample ${p.index} in ${p.file}: it has samples 0 to ${p.count - 1}`,
  },

  // Labels.
  "labels-count": {
    severity: "error",
    message: (p: { file: string; labels: number; samples: number }) =>
      `${p.file} has ${p.labels} labels for ${p.samples} samples`,
    help: "give the labels of exactly these samples",
  },
  "labels-shape": {
    severity: "error",
    message: (p: { file: string; shape: Shape }) =>
      `the labels of ${p.file} have shape ${list(p.shape)}, not one number per sample`,
    help: "labels are class numbers of shape [N]; for one-hot rows, take the argmax",
  },
  "labels-not-integer": {
    severity: "error",
    message: (p: { file: string; index: number; value: number }) =>
      `label ${p.index} of ${p.file} is ${p.value}, which is not a class number`,
    help: "labels are integers from 0",
  },

  // Classes by name.
  "class-folders": {
    severity: "error",
    message: (p: { file: string; folders: number; classes: number }) =>
      `${p.file} has ${p.folders} class folders, and the network has ${p.classes} classes: ` +
      "labels counted in folder order may be shifted",
    help: "give the names of all classes in the order of the output with --classes FILE; a network converted with --calib on folders of all classes remembers them",
  },
  "class-unknown": {
    severity: "error",
    message: (p: { file: string; unknown: readonly string[]; known: readonly string[] }) =>
      `${p.file} has ${p.unknown.length === 1 ? "a class folder" : `${p.unknown.length} class folders`} of no known class: ${few(p.unknown)}`,
    help: (p: { known: readonly string[] }) =>
      `the classes are ${few(p.known)}; --classes FILE names others, and --label-map NAME=CLASS adds to them`,
  },
  "not-classes": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} holds no names of classes`,
    help: "write one name per line in the order of the output, or JSON: a list, or an object from names to class numbers",
  },
  "folders-without-images": {
    severity: "info",
    message: (p: { file: string; folders: readonly string[] }) =>
      `${p.folders.length === 1 ? "a folder" : `${p.folders.length} folders`} in ${p.file} without images ` +
      `${p.folders.length === 1 ? "is" : "are"} no class: ${few(p.folders)}`,
  },
  "label-map": {
    severity: "error",
    message: (p: { file: string }) => `${p.file} does not give a class for each label`,
    help: "write --label-map 10=0,11=1, or name a file of such lines or of a JSON object",
  },
  "label-map-unused": {
    severity: "error",
    message: (p: { file: string; labels: readonly string[] }) =>
      `--label-map names ${few(p.labels)}, and ${p.file} has none of them`,
    help: "it maps stored labels, or names of class folders",
  },

  // Images.
  "image-unreadable": {
    severity: "error",
    message: (p: { file: string; reason: string }) => `${p.file} cannot be decoded: ${p.reason}`,
  },
  "image-kind": {
    severity: "error",
    message: (p: { file: string; kind: string }) => `${p.file} is ${p.kind}, which is not read`,
    help: "save it as a grey or RGB image of 8 bits per channel without transparency",
  },
  "image-sizes": {
    severity: "error",
    message: (p: { first: string; second: string; a: string; b: string }) =>
      `${p.first} is ${p.a} pixels large and ${p.second} is ${p.b}`,
    help: 'make them equal, or let "resize" in the preprocessing file do it',
  },

  "class-order": {
    severity: "warning",
    message: (p: { file: string; name: string; label: number }) =>
      `the class folders of ${p.file} are numbers but count as text: "${p.name}" is class ${p.label}`,
    help: "write the numbers with leading zeros",
  },

  // Preprocessing.
  "preprocess-not-json": {
    severity: "error",
    message: (p: { file: string; reason: string }) => `${p.file} is not JSON: ${p.reason}`,
  },
  "preprocess-unknown-key": {
    severity: "error",
    message: (p: { file: string; key: string; known: readonly string[] }) =>
      `${p.file}: there is no preprocessing step "${p.key}"`,
    help: (p: { known: readonly string[] }) => `there are ${first(20, p.known)}`,
  },
  "preprocess-value": {
    severity: "error",
    message: (p: { file: string; what: string; expected: string }) =>
      `${p.file}: ${p.what} must be ${p.expected}`,
  },
  "preprocess-selection": {
    severity: "error",
    message: (p: { file: string; name: string | null; models: readonly string[] }) =>
      p.name === null
        ? `${p.file} describes several models`
        : `${p.file} describes no model "${p.name}"`,
    help: (p: { file: string; models: readonly string[] }) =>
      p.models.length === 0
        ? "remove #NAME: the file describes one preprocessing for all models"
        : `write ${p.file}#NAME with one of ${first(20, p.models)}`,
  },
  "preprocess-channels": {
    severity: "error",
    message: (p: { file: string; key: string; values: number; channels: number; shape: Shape }) =>
      `"${p.key}" of the preprocessing has ${p.values} values, and samples of ${p.file}, read as ${list(p.shape)}, have ${p.channels} ${p.channels === 1 ? "channel" : "channels"}`,
    help: 'give one value, or one per channel; if channels are stored last, set "inputLayout": "NHWC"',
  },
  "preprocess-not-image": {
    severity: "error",
    message: (p: { file: string; step: string; shape: Shape }) =>
      `the preprocessing step "${p.step}" is for images, and samples of ${p.file} have shape ${list(p.shape)}`,
    help: "images are stored as [N, C, H, W], [N, H, W, C] or [N, H, W]",
  },
  "preprocess-colour": {
    severity: "error",
    message: (p: { file: string; channels: number; wanted: string }) =>
      `images of ${p.file} have ${p.channels} channel${p.channels === 1 ? "" : "s"} and cannot be made ${p.wanted}`,
    help: '"channels" takes images of one channel (grey) or three (red, green, blue)',
  },
  "raw-pixels": {
    severity: "warning",
    message: (p: { file: string }) =>
      `${p.file} holds raw pixels (uint8), which the model receives as 0 to 255`,
    help: 'if the model was trained on scaled pixels, say how with --preprocess FILE, for example {"scale": "1/255", "mean": [0.5], "std": [0.5]}',
  },
  "scaled-twice": {
    severity: "warning",
    message: (p: { file: string; scale: number; largest: number }) =>
      `the preprocessing scales by ${p.scale}, but the data seems to be scaled already: ${p.file} holds floats up to ${p.largest}`,
    help: "remove --preprocess if the data is already preprocessed",
  },

  // From a set to a model's inputs.
  "input-shape": {
    severity: "error",
    message: (p: { file: string; stored: Shape; sample: Shape; input: string; wanted: Shape }) =>
      `samples of ${p.file} have shape ${list(p.sample)}, and the model's input "${p.input}" takes ${list(p.wanted)}; the file holds ${list(p.stored)}, whose axis 0 numbers the samples`,
    help: (p: { stored: Shape; sample: Shape; wanted: Shape }) =>
      samplesElsewhere(p.stored, p.wanted) ?? preparationFor(p.sample, p.wanted),
  },
  "input-frames": {
    severity: "error",
    message: (p: { file: string; stored: Shape; input: string; wanted: Shape }) =>
      `the model's input "${p.input}" changes over time and takes frames of ${list(p.wanted)}; ${p.file} holds ${list(p.stored)}`,
    help: (p: { wanted: Shape }) =>
      `save the samples as [N, ${["frames", ...(p.wanted[0] === 1 ? p.wanted.slice(1) : p.wanted)].join(", ")}], or as a recording: ${recordings}`,
  },
  "recording-header": {
    severity: "error",
    message: (p: { file: string; reason: string }) =>
      `${p.file} is not a valid recording: ${p.reason}`,
    help: `a recording is ${recordings}`,
  },
  "recording-input": {
    severity: "error",
    message: (p: { file: string; kind: "events" | "audio"; input: string }) =>
      `${p.file} is a recording of ${p.kind}, and the model's input "${p.input}" stays the same at every timestep`,
    help: "give a network whose input changes over time (snn.input), or save each sample as one array of the input's shape",
  },
  "audio-as-spikes": {
    severity: "error",
    message: (p: { file: string; input: string }) =>
      `${p.file} is a recording of audio, and the model's input "${p.input}" takes spikes`,
    help: "give events, or a network whose input takes real numbers",
  },
  "event-value": {
    severity: "error",
    message: (p: { file: string; index: number; event: number; what: string; value: number }) =>
      `${p.file}: event ${p.event} of sample ${p.index} has ${p.what} ${p.value}`,
    help: "x and y are whole numbers from 0, the polarity is 0 (or -1) or 1, and times are whole microseconds",
  },
  "event-outside": {
    severity: "error",
    message: (p: {
      file: string;
      index: number;
      x: number;
      y: number;
      input: string;
      width: number;
      height: number;
    }) =>
      `${p.file}: sample ${p.index} has an event at x = ${p.x}, y = ${p.y}, outside the ${p.width}x${p.height} of the model's input "${p.input}"`,
    help: "the network was made for another sensor; crop or shrink the recording first",
  },
  "event-planes": {
    severity: "error",
    message: (p: { file: string; input: string; wanted: Shape }) =>
      `${p.file} records events, and the model's input "${p.input}", ${list(p.wanted)}, is not [1 or 2 polarities, height, width]`,
    help: 'if the input is flat, give the size of the sensor with --preprocess FILE: {"events": {"width": 34, "height": 34}}',
  },
  "events-framed": {
    severity: "info",
    message: (p: { file: string }) =>
      `each timestep counts the events of a millisecond of ${p.file}`,
    help: 'change this with --preprocess FILE: {"events": {"binMicroseconds": 5000}}, {"events": {"frames": 20}}, or "values": "binary" in it',
  },
  "events-beyond": {
    severity: "warning",
    message: (p: { file: string; beyond: number; frames: number }) =>
      p.beyond === 1
        ? `one event of ${p.file} comes after the last of ${p.frames} frames and is dropped`
        : `${p.beyond} events of ${p.file} come after the last of ${p.frames} frames and are dropped`,
    help: 'allow more "frames", or remove "binMicroseconds" to divide the whole time of each sample',
  },
  "raw-audio": {
    severity: "warning",
    message: (p: { file: string; dtype: string }) =>
      `${p.file} holds raw audio (${p.dtype}), which the model receives as stored`,
    help: 'if the model was trained on scaled audio, say how with --preprocess FILE, for example {"scale": "1/32768"}',
  },
  "preprocess-recording": {
    severity: "error",
    message: (p: { file: string; step: string; kind: "events" | "audio" }) =>
      `"${p.step}" does not apply to ${p.file}, a recording of ${p.kind}`,
    help: 'a recording of events takes "scale", "std" (one value) and "events"; one of audio takes "scale", "mean" and "std", one value each',
  },
  "input-layout": {
    severity: "error",
    message: (p: { file: string; sample: Shape; input: string; wanted: Shape }) =>
      `samples of ${p.file} have shape ${list(p.sample)}, the axes of the model's input "${p.input}", ${list(p.wanted)}, in another order`,
    help: 'say in --preprocess FILE which layout the model takes, "layout": "NCHW" or "NHWC", and which one is stored, "inputLayout"',
  },
  "input-reshaped": {
    severity: "info",
    message: (p: { file: string; sample: Shape; input: string; wanted: Shape }) =>
      `samples of ${p.file}, ${list(p.sample)}, are reshaped to the model's input "${p.input}", ${list(p.wanted)}`,
  },
  "input-whole": {
    severity: "info",
    message: (p: { file: string; stored: Shape; input: string }) =>
      `${p.file} holds ${list(p.stored)}, exactly the model's input "${p.input}", and is taken as one sample`,
  },
  "input-missing": {
    severity: "error",
    message: (p: { file: string; missing: readonly string[]; found: readonly string[] }) =>
      `${p.file} lacks ${p.missing.length === 1 ? "an array for the model's input" : "arrays for the model's inputs"} ${names(p.missing)}; it holds ${names(p.found)}`,
    help: "give an .npz or safetensors file with one array per input, by the input's name",
  },
  "input-counts": {
    severity: "error",
    message: (p: { file: string; first: string; a: number; second: string; b: number }) =>
      `in ${p.file} "${p.first}" has ${p.a} samples and "${p.second}" has ${p.b}`,
    help: "axis 0 of every array numbers the same samples",
  },
});
