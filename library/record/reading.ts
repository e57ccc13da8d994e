/** How a model is read (what is asked of it, where its batch is, values and shapes of inputs), as a `.snn` records it. */
import type { ImportOptions } from "../../frontend/import.ts";
import { type Json, membersOf } from "../../ir/file/json.ts";
import type { Provenance } from "../../ir/file/package.ts";

/** What of the importer's options belongs to a model. */
export type ModelReading = Pick<
  ImportOptions,
  "inputShapes" | "dimensions" | "outputs" | "batchAxis" | "stream" | "inputConstants"
>;

/** What a network's record keeps of it; null where the model was read without options. */
export function recordOfReading(reading: ModelReading): Json {
  const { inputShapes, dimensions, outputs, batchAxis, stream, inputConstants } = reading;
  const record: Record<string, Json> = {};
  if (inputShapes !== undefined) {
    record["inputShapes"] = Object.fromEntries([...inputShapes].map(([k, v]) => [k, [...v]]));
  }
  if (dimensions !== undefined) record["dimensions"] = Object.fromEntries(dimensions);
  if (outputs !== undefined) record["outputs"] = [...outputs];
  if (batchAxis !== undefined) {
    record["batchAxis"] =
      batchAxis === null || typeof batchAxis === "number"
        ? (batchAxis ?? "none")
        : Object.fromEntries(batchAxis);
  }
  if (stream !== undefined) record["stream"] = Object.fromEntries(stream);
  if (inputConstants !== undefined) {
    record["inputValues"] = Object.fromEntries(
      [...inputConstants].map(([name, value]) => [
        name,
        [...("data" in value ? value.data : value)],
      ]),
    );
  }
  return Object.keys(record).length === 0 ? null : record;
}

/** The reading that a network's file records; null where it records none. */
export function recordedReading(provenance: Provenance | null): ModelReading | null {
  return readingIn(provenance?.["reading"] ?? null);
}

/** The reading that `recordOfReading` made this of; null where there was none. */
export function readingIn(recorded: Json): ModelReading | null {
  const record = membersOf(recorded);
  if (record === null) return null;
  const lists = (name: string): Map<string, number[]> =>
    new Map([...(membersOf(record.get(name) ?? null) ?? [])].map(([k, v]) => [k, numbersIn(v)]));
  const numbers = (value: Json | undefined): Map<string, number | null> =>
    new Map(
      [...(membersOf(value ?? null) ?? [])].map(([k, v]) => [k, typeof v === "number" ? v : null]),
    );
  const outputs = record.get("outputs");
  const axis = record.get("batchAxis");
  const dimensions = [...numbers(record.get("dimensions"))].map(([k, v]) => [k, v ?? 1] as const);
  return {
    ...(record.has("inputShapes") ? { inputShapes: lists("inputShapes") } : {}),
    ...(dimensions.length === 0 ? {} : { dimensions: new Map(dimensions) }),
    ...(Array.isArray(outputs) ? { outputs: outputs.map(String) } : {}),
    ...(axis === undefined
      ? {}
      : { batchAxis: axis === "none" ? null : typeof axis === "number" ? axis : numbers(axis) }),
    ...(record.has("stream") ? { stream: axesIn(numbers(record.get("stream"))) } : {}),
    ...(record.has("inputValues") ? { inputConstants: lists("inputValues") } : {}),
  };
}

function axesIn(axes: ReadonlyMap<string, number | null>): Map<string, number> {
  return new Map([...axes].map(([name, axis]) => [name, axis ?? 0]));
}

function numbersIn(value: Json): number[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "number") : [];
}
