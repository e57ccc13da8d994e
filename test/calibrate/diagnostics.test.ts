/** The text of every message about data, frozen: people search for it, and scripts match it. */
import { expect, it } from "vitest";
import { diagnose } from "../../calibrate/diagnostics.ts";
import type { Diagnostic } from "../../ir/diagnostic.ts";

const file = "d";
const all: readonly Diagnostic[] = [
  diagnose("data-not-found", null, { file }),
  diagnose("data-unreadable", null, { file, reason: "permission denied" }),
  diagnose("data-folder", null, { file }),
  diagnose("data-ambiguous", null, { file, choices: ["d/a", "d/b"] }),
  diagnose("data-format", null, { file }),
  diagnose("data-size", null, { file, format: "IDX", expected: 8, found: 7 }),
  diagnose("data-header", null, { file, format: ".npy", reason: "it ends within its header" }),
  diagnose("data-records", null, { file, bytes: 5 }),
  diagnose("data-dtype", null, { file, dtype: "object" }),
  diagnose("data-integer-range", null, { file, value: "9007199254740993" }),
  diagnose("data-compression", null, { file, reason: "its checksum does not hold" }),
  diagnose("data-too-large", null, { file, needs: 3000, limit: 2000 }),
  diagnose("data-too-large", null, { file, needs: null, limit: 2000 }),
  diagnose("pickle-refused", null, { file, reason: "names os.system" }),
  diagnose("data-empty", null, { file }),
  diagnose("data-arrays", null, { file, found: ["a", "b"] }),
  diagnose("data-labels", null, { file, found: ["label", "target"] }),
  diagnose("array-not-found", null, { file, option: "--x", name: "z", found: ["a", "b"] }),
  diagnose("array-without-name", null, { file, option: "--x" }),
  diagnose("arrays-taken", null, { file, x: "images", y: "labels" }),
  diagnose("arrays-taken", null, { file, x: null, y: "label" }),
  diagnose("x-of-several-inputs", null, { file, inputs: ["i", "j"] }),
  diagnose("data-parts", null, { first: "a", second: "b", what: "labels", a: "none", b: "some" }),
  diagnose("input-frames", null, {
    file,
    stored: [2, 3, 2],
    input: "i",
    wanted: [1, 4],
  }),
  diagnose("recording-header", null, { file, reason: 'its "offset" begins with 1, not with 0' }),
  diagnose("recording-input", null, { file, kind: "events", input: "i" }),
  diagnose("audio-as-spikes", null, { file, input: "i" }),
  diagnose("event-value", null, { file, index: 3, event: 7, what: "polarity", value: 2 }),
  diagnose("event-outside", null, {
    file,
    index: 3,
    x: 40,
    y: 2,
    input: "i",
    width: 34,
    height: 34,
  }),
  diagnose("event-planes", null, { file, input: "i", wanted: [1, 12] }),
  diagnose("events-framed", null, { file }),
  diagnose("events-beyond", null, { file, beyond: 1, frames: 20 }),
  diagnose("events-beyond", null, { file, beyond: 9, frames: 20 }),
  diagnose("raw-audio", null, { file, dtype: "i16" }),
  diagnose("preprocess-recording", null, { file, step: "resize", kind: "audio" }),
  diagnose("data-not-finite", null, { file, index: 3, value: "NaN" }),
  diagnose("data-not-representable", null, {
    file,
    index: 3,
    value: 0.5,
    input: "i",
    dtype: "i64",
  }),
  diagnose("sample-out-of-range", null, { file, index: 9, count: 9 }),
  diagnose("labels-count", null, { file, labels: 9, samples: 10 }),
  diagnose("labels-shape", null, { file, shape: [10, 3] }),
  diagnose("labels-not-integer", null, { file, index: 3, value: -1 }),
  diagnose("class-folders", null, { file, folders: 9, classes: 10 }),
  diagnose("class-unknown", null, { file, unknown: ["z"], known: ["a", "b"] }),
  diagnose("class-unknown", null, { file, unknown: ["y", "z"], known: [..."abcdefghij"] }),
  diagnose("not-classes", null, { file }),
  diagnose("folders-without-images", null, { file, folders: ["@eaDir"] }),
  diagnose("label-map", null, { file }),
  diagnose("label-map-unused", null, { file, labels: ["10"] }),
  diagnose("image-unreadable", null, { file, reason: "it is neither PNG nor JPEG" }),
  diagnose("image-kind", null, { file, kind: "transparent" }),
  diagnose("image-sizes", null, { first: "a", second: "b", a: "2x1", b: "1x2" }),
  diagnose("class-order", null, { file, name: "2", label: 11 }),
  diagnose("preprocess-not-json", null, { file, reason: "unexpected end" }),
  diagnose("preprocess-unknown-key", null, { file, key: "blur", known: ["scale", "mean"] }),
  diagnose("preprocess-value", null, { file, what: '"std"', expected: "a positive number" }),
  diagnose("preprocess-selection", null, { file, name: null, models: ["a", "b"] }),
  diagnose("preprocess-selection", null, { file, name: "c", models: ["a", "b"] }),
  diagnose("preprocess-selection", null, { file, name: "c", models: [] }),
  diagnose("preprocess-channels", null, {
    file,
    key: "mean",
    values: 3,
    channels: 1,
    shape: [1, 2, 2],
  }),
  diagnose("preprocess-not-image", null, { file, step: "resize", shape: [6] }),
  diagnose("preprocess-colour", null, { file, channels: 4, wanted: "gray" }),
  diagnose("raw-pixels", null, { file }),
  diagnose("scaled-twice", null, { file, scale: 0.01, largest: 1 }),
  diagnose("input-shape", null, {
    file,
    stored: [9, 3, 2, 2],
    sample: [3, 2, 2],
    input: "i",
    wanted: [1, 3, 4, 5],
  }),
  diagnose("input-shape", null, {
    file,
    stored: [9, 7],
    sample: [7],
    input: "i",
    wanted: [1, 6],
  }),
  diagnose("input-shape", null, {
    file,
    stored: [9, 4, 4, 3],
    sample: [4, 4, 3],
    input: "i",
    wanted: [1, 1, 2, 5],
  }),
  diagnose("input-shape", null, {
    file,
    stored: [2, 9, 4],
    sample: [9, 4],
    input: "state",
    wanted: [2, 1, 4],
  }),
  diagnose("input-shape", null, {
    file,
    stored: [9, 6, 3],
    sample: [6, 3],
    input: "i",
    wanted: [1, 7, 1],
  }),
  diagnose("input-layout", null, { file, sample: [2, 2, 3], input: "i", wanted: [1, 3, 2, 2] }),
  diagnose("input-reshaped", null, { file, sample: [2, 2], input: "i", wanted: [1, 4] }),
  diagnose("input-whole", null, { file, stored: [2, 3], input: "i" }),
  diagnose("input-missing", null, { file, missing: ["a"], found: [] }),
  diagnose("input-missing", null, { file, missing: ["a", "b"], found: ["c"] }),
  diagnose("input-counts", null, { file, first: "a", a: 2, second: "b", b: 3 }),
];

it("every message is listed", () => {
  expect([...new Set(all.map(({ code }) => code))].sort()).toEqual(
    Object.keys(diagnose.specs).sort(),
  );
});

it("messages and help read as they do", () => {
  const text = all.map(
    ({ severity, cause, code, message, help }) =>
      `${severity}[${code}]${cause === "input" ? "" : ` (${cause})`}: ${message}` +
      (help === null ? "" : `\n  help: ${help}`),
  );
  expect(`\n${text.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    error[data-not-found]: there is no file or folder d
      help: give a file, a folder of images by class, or a prefix such as mnist/test of mnist/test-images-idx3-ubyte.gz; commas join several
    error[data-unreadable] (environment): d cannot be read: permission denied
    error[data-folder]: the folder d holds no data in a known format
      help: a folder holds PNG or JPEG images, or one sub-folder of them per class, or IDX files
    error[data-ambiguous]: d holds 2 data sets: d/a, d/b
      help: name one of them, for example d/a
    error[data-format]: d is in no known data format
      help: known formats are .npy, .npz, IDX, CIFAR binary or python batches, safetensors, PNG, JPEG (each but .npz and images also gzipped), or a folder of images
    error[data-size]: d: the IDX header announces 8 bytes of data, and the file holds 7
      help: the file is incomplete or damaged: download or copy it again
    error[data-header]: d is not a valid .npy file: it ends within its header
      help: the file is incomplete or damaged: download or copy it again
    error[data-records]: d holds 5 bytes, which is not a whole number of CIFAR records
      help: a CIFAR-10 record is 3073 bytes, a CIFAR-100 record 3074; the file may be cut short
    error[data-dtype]: d holds elements of type object, which cannot be read
      help: save it as float32, float64, float16, bool or an integer type, little-endian
    error[data-integer-range]: d holds the 64-bit integer 9007199254740993, which is beyond 2^53
      help: save it as float64, or scale it
    error[data-compression]: d cannot be decompressed: its checksum does not hold
      help: the file is incomplete or damaged: download or copy it again
    error[data-too-large]: reading d takes 3000 bytes of memory; the limit for data is 2000
      help: if this is the right file, allow more with --max-data-bytes (maxDataBytes in the library), or give fewer or smaller samples
    error[data-too-large]: reading d takes more memory than the limit of 2000 bytes for data
      help: if this is the right file, allow more with --max-data-bytes (maxDataBytes in the library), or give fewer or smaller samples
    error[pickle-refused]: d: the pickle names os.system
      help: only dicts, lists, numbers, strings and numpy arrays are read from a pickle, because it can name code to run; save other things as .npz
    error[data-empty]: d holds no sample
    error[data-arrays]: d does not say which of its arrays are the samples: it holds "a", "b"
      help: name them with --x NAME and --y NAME, or call the samples "x" and the labels "y", or each array by the name of a model input
    error[data-labels]: d does not say which of its arrays are the labels: it holds "label", "target"
      help: name them with --y NAME
    error[array-not-found]: d has no array "z", which --x names: it holds "a", "b"
    warning[array-without-name]: d is not an archive of named arrays: --x has no effect
    info[arrays-taken]: of d, "images" is taken as the samples and "labels" as the labels
      help: --x NAME and --y NAME choose others
    info[arrays-taken]: of d, "label" is taken as the labels
      help: --x NAME and --y NAME choose others
    error[x-of-several-inputs]: --x names one array of d, and the model has the inputs "i", "j"
      help: give an .npz or safetensors file with one array per input, by the input's name
    error[data-parts]: a and b cannot be joined: their labels differ, none and some
      help: joined files must hold samples of one shape and type, and all or none of them labels
    error[input-frames]: the model's input "i" changes over time and takes frames of [1, 4]; d holds [2, 3, 2]
      help: save the samples as [N, frames, 4], or as a recording: .npz with "xyp" [events, 3] (x, y, polarity), "t" [events] (microseconds) and "offset" [samples + 1] (where each sample begins), or with "audio" and "offset"
    error[recording-header]: d is not a valid recording: its "offset" begins with 1, not with 0
      help: a recording is .npz with "xyp" [events, 3] (x, y, polarity), "t" [events] (microseconds) and "offset" [samples + 1] (where each sample begins), or with "audio" and "offset"
    error[recording-input]: d is a recording of events, and the model's input "i" stays the same at every timestep
      help: give a network whose input changes over time (snn.input), or save each sample as one array of the input's shape
    error[audio-as-spikes]: d is a recording of audio, and the model's input "i" takes spikes
      help: give events, or a network whose input takes real numbers
    error[event-value]: d: event 7 of sample 3 has polarity 2
      help: x and y are whole numbers from 0, the polarity is 0 (or -1) or 1, and times are whole microseconds
    error[event-outside]: d: sample 3 has an event at x = 40, y = 2, outside the 34x34 of the model's input "i"
      help: the network was made for another sensor; crop or shrink the recording first
    error[event-planes]: d records events, and the model's input "i", [1, 12], is not [1 or 2 polarities, height, width]
      help: if the input is flat, give the size of the sensor with --preprocess FILE: {"events": {"width": 34, "height": 34}}
    info[events-framed]: each timestep counts the events of a millisecond of d
      help: change this with --preprocess FILE: {"events": {"binMicroseconds": 5000}}, {"events": {"frames": 20}}, or "values": "binary" in it
    warning[events-beyond]: one event of d comes after the last of 20 frames and is dropped
      help: allow more "frames", or remove "binMicroseconds" to divide the whole time of each sample
    warning[events-beyond]: 9 events of d come after the last of 20 frames and are dropped
      help: allow more "frames", or remove "binMicroseconds" to divide the whole time of each sample
    warning[raw-audio]: d holds raw audio (i16), which the model receives as stored
      help: if the model was trained on scaled audio, say how with --preprocess FILE, for example {"scale": "1/32768"}
    error[preprocess-recording]: "resize" does not apply to d, a recording of audio
      help: a recording of events takes "scale", "std" (one value) and "events"; one of audio takes "scale", "mean" and "std", one value each
    error[data-not-finite]: sample 3 of d holds NaN
      help: remove the sample, or correct it where it was made
    error[data-not-representable]: sample 3 of d holds 0.5, which the input "i" of type i64 cannot hold
    error[sample-out-of-range]: there is no sample 9 in d: it has samples 0 to 8
    error[labels-count]: d has 9 labels for 10 samples
      help: give the labels of exactly these samples
    error[labels-shape]: the labels of d have shape [10, 3], not one number per sample
      help: labels are class numbers of shape [N]; for one-hot rows, take the argmax
    error[labels-not-integer]: label 3 of d is -1, which is not a class number
      help: labels are integers from 0
    error[class-folders]: d has 9 class folders, and the network has 10 classes: labels counted in folder order may be shifted
      help: give the names of all classes in the order of the output with --classes FILE; a network converted with --calib on folders of all classes remembers them
    error[class-unknown]: d has a class folder of no known class: "z"
      help: the classes are "a", "b"; --classes FILE names others, and --label-map NAME=CLASS adds to them
    error[class-unknown]: d has 2 class folders of no known class: "y", "z"
      help: the classes are "a", "b", "c", "d", "e", "f", "g", "h" and 2 more; --classes FILE names others, and --label-map NAME=CLASS adds to them
    error[not-classes]: d holds no names of classes
      help: write one name per line in the order of the output, or JSON: a list, or an object from names to class numbers
    info[folders-without-images]: a folder in d without images is no class: "@eaDir"
    error[label-map]: d does not give a class for each label
      help: write --label-map 10=0,11=1, or name a file of such lines or of a JSON object
    error[label-map-unused]: --label-map names "10", and d has none of them
      help: it maps stored labels, or names of class folders
    error[image-unreadable]: d cannot be decoded: it is neither PNG nor JPEG
    error[image-kind]: d is transparent, which is not read
      help: save it as a grey or RGB image of 8 bits per channel without transparency
    error[image-sizes]: a is 2x1 pixels large and b is 1x2
      help: make them equal, or let "resize" in the preprocessing file do it
    warning[class-order]: the class folders of d are numbers but count as text: "2" is class 11
      help: write the numbers with leading zeros
    error[preprocess-not-json]: d is not JSON: unexpected end
    error[preprocess-unknown-key]: d: there is no preprocessing step "blur"
      help: there are scale, mean
    error[preprocess-value]: d: "std" must be a positive number
    error[preprocess-selection]: d describes several models
      help: write d#NAME with one of a, b
    error[preprocess-selection]: d describes no model "c"
      help: write d#NAME with one of a, b
    error[preprocess-selection]: d describes no model "c"
      help: remove #NAME: the file describes one preprocessing for all models
    error[preprocess-channels]: "mean" of the preprocessing has 3 values, and samples of d, read as [1, 2, 2], have 1 channel
      help: give one value, or one per channel; if channels are stored last, set "inputLayout": "NHWC"
    error[preprocess-not-image]: the preprocessing step "resize" is for images, and samples of d have shape [6]
      help: images are stored as [N, C, H, W], [N, H, W, C] or [N, H, W]
    error[preprocess-colour]: images of d have 4 channels and cannot be made gray
      help: "channels" takes images of one channel (grey) or three (red, green, blue)
    warning[raw-pixels]: d holds raw pixels (uint8), which the model receives as 0 to 255
      help: if the model was trained on scaled pixels, say how with --preprocess FILE, for example {"scale": "1/255", "mean": [0.5], "std": [0.5]}
    warning[scaled-twice]: the preprocessing scales by 0.01, but the data seems to be scaled already: d holds floats up to 1
      help: remove --preprocess if the data is already preprocessed
    error[input-shape]: samples of d have shape [3, 2, 2], and the model's input "i" takes [1, 3, 4, 5]; the file holds [9, 3, 2, 2], whose axis 0 numbers the samples
      help: save the samples so, or say with --preprocess FILE: {"resize": {"width": 5, "height": 4, "method": "bilinear"}}
    error[input-shape]: samples of d have shape [7], and the model's input "i" takes [1, 6]; the file holds [9, 7], whose axis 0 numbers the samples
      help: save the samples as [N, 6]
    error[input-shape]: samples of d have shape [4, 4, 3], and the model's input "i" takes [1, 1, 2, 5]; the file holds [9, 4, 4, 3], whose axis 0 numbers the samples
      help: save the samples so, or say with --preprocess FILE: {"channels": "gray", "resize": {"width": 5, "height": 2, "method": "bilinear"}, "inputLayout": "NHWC"}
    error[input-shape]: samples of d have shape [9, 4], and the model's input "state" takes [2, 1, 4]; the file holds [2, 9, 4], whose axis 0 numbers the samples
      help: does axis 1 number the samples? Move it to the front: np.expand_dims(np.moveaxis(x, 1, 0), 2)
    error[input-shape]: samples of d have shape [6, 3], and the model's input "i" takes [1, 7, 1]; the file holds [9, 6, 3], whose axis 0 numbers the samples
      help: save the samples as [N, 7, 1]
    error[input-layout]: samples of d have shape [2, 2, 3], the axes of the model's input "i", [1, 3, 2, 2], in another order
      help: say in --preprocess FILE which layout the model takes, "layout": "NCHW" or "NHWC", and which one is stored, "inputLayout"
    info[input-reshaped]: samples of d, [2, 2], are reshaped to the model's input "i", [1, 4]
    info[input-whole]: d holds [2, 3], exactly the model's input "i", and is taken as one sample
    error[input-missing]: d lacks an array for the model's input "a"; it holds none
      help: give an .npz or safetensors file with one array per input, by the input's name
    error[input-missing]: d lacks arrays for the model's inputs "a", "b"; it holds "c"
      help: give an .npz or safetensors file with one array per input, by the input's name
    error[input-counts]: in d "a" has 2 samples and "b" has 3
      help: axis 0 of every array numbers the same samples
    "
  `);
});
