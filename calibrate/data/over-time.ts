/**
 * Fits an array of a data set to an input that changes over time: a sample is [frames, …shape], made of
 * a recording, or stored as frames.
 */
import { type Diagnostic, fail } from "../../ir/diagnostic.ts";
import { type Tensor, f32, tensor } from "../../ir/tensor.ts";
import { type Shape, elementCount } from "../../ir/type.ts";
import { diagnose } from "../diagnostics.ts";
import { type Binding, type Pairing, asInput, fitOf } from "./binding.ts";
import { Budget } from "./budget.ts";
import { type Preprocess, preprocessSample } from "./preprocess.ts";
import { defaultFraming, eventsBeyond, frameCountOf, framesOf } from "./recordings/frames.ts";
import type { RecordingKind } from "./recordings/kind.ts";

/** The binding of an input over time; what is taken for granted is said in `diagnostics`. */
export function bindOverTime(pairing: Pairing, diagnostics: Diagnostic[]): Binding {
  const { field, dataset } = pairing;
  if (field.count === 0) fail(diagnose("data-empty", null, { file: dataset.name }));
  return field.recording === null
    ? bindFrames(pairing, diagnostics)
    : bindRecording(pairing, field.recording, diagnostics);
}

function bindRecording(pairing: Pairing, kind: RecordingKind, diagnostics: Diagnostic[]): Binding {
  const { dataset, field, input, steps, options } = pairing;
  const file = dataset.name;
  const said = steps?.events ?? null;
  const framing = said ?? defaultFraming;
  const target = { file, input: input.name, shape: input.type.shape };
  const map = steps === null ? (x: number): number => x : mapOf(steps, kind, file);
  if (elementCount(target.shape) === 0) fail(diagnose("data-empty", null, { file }));
  if (kind === "audio" && input.type.domain === "spike") {
    fail(diagnose("audio-as-spikes", null, { file, input: input.name }));
  }
  if (kind === "events" && said === null) {
    diagnostics.push(diagnose("events-framed", null, { file }));
  }
  if (kind === "audio" && steps === null && field.dtype !== "f32" && field.dtype !== "f64") {
    diagnostics.push(diagnose("raw-audio", null, { file, dtype: field.dtype }));
  }
  if (framing.frames !== null && framing.binMicroseconds !== null && kind === "events") {
    let beyond = 0;
    for (let index = 0; index < field.count; index++) {
      beyond += eventsBeyond(field.sample(index), framing);
    }
    const { frames } = framing;
    if (beyond > 0) diagnostics.push(diagnose("events-beyond", null, { file, beyond, frames }));
  }
  const budget = new Budget(options.maxDataBytes);
  const { mostFrames: most = Infinity } = options;
  return {
    name: field.name,
    count: field.count,
    framesOf: (index) => frameCountOf(kind, field.sample(index), target, framing),
    get(index) {
      const rule = { index, budget, map, most };
      const frames = framesOf(kind, field.sample(index), target, framing, rule);
      return asInput(frames, pairing, index, frames.shape);
    },
  };
}

/** What becomes of a number of a recording: it has no colours, no size and no layout. */
function mapOf(steps: Preprocess, kind: RecordingKind, file: string): (x: number) => number {
  const { scale, mean, std } = steps;
  const [shift = 0] = mean;
  const [divisor = 1] = std;
  const step =
    steps.resize !== null
      ? "resize"
      : steps.channels !== null
        ? "channels"
        : steps.layout !== "NCHW" || steps.inputLayout !== "NCHW"
          ? "layout"
          : std.length > 1
            ? "std"
            : mean.length > 1 || (kind === "events" && shift !== 0)
              ? "mean"
              : null;
  if (step !== null) fail(diagnose("preprocess-recording", null, { file, step, kind }));
  return (x) => Math.fround((x * scale - shift) / divisor);
}

/** An array [N, frames, …shape]: all samples have as many frames. */
function bindFrames(pairing: Pairing, diagnostics: Diagnostic[]): Binding {
  const { dataset, field, input, steps, options } = pairing;
  const file = dataset.name;
  const wanted = input.type.shape;
  const [frames = 0, ...stored] = field.sampleShape;
  const frameAt = (raw: Tensor, t: number): Tensor => {
    const size = elementCount(stored);
    const frame = tensor(raw.dtype, stored, raw.data.subarray(t * size, (t + 1) * size));
    return steps === null ? frame : preprocessSample(frame, steps, file);
  };
  const names = { file, input: input.name, wanted };
  const sample = frames === 0 ? stored : frameAt(field.sample(0), 0).shape;
  const fit = frames === 0 ? "other" : fitOf(sample, [], wanted);
  if (fit === "other" || fit === "whole") {
    const shape: Shape = field.storedShape;
    fail(diagnose("input-frames", null, { ...names, stored: shape }));
  }
  if (fit === "transposed") fail(diagnose("input-layout", null, { ...names, sample }));
  if (fit === "reshaped") diagnostics.push(diagnose("input-reshaped", null, { ...names, sample }));
  return {
    name: field.name,
    count: field.count,
    framesOf: () => frames,
    get(index) {
      const raw = field.sample(index);
      const made = Math.min(frames, options.mostFrames ?? frames);
      const shape = [made, ...wanted];
      if (steps === null) {
        const rows = tensor(raw.dtype, shape, raw.data.subarray(0, elementCount(shape)));
        return asInput(rows, pairing, index, shape);
      }
      const data = new Float32Array(elementCount(shape));
      const size = elementCount(wanted);
      for (let t = 0; t < made; t++) data.set(frameAt(raw, t).data, t * size);
      return asInput(f32(shape, data), pairing, index, shape);
    },
  };
}
