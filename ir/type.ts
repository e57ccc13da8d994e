/**
 * What flows on an edge: a domain, an element type and a shape.
 *
 * A module is the program for one sample, so every shape is static and complete. Where the source
 * model had a batch axis it stays as axis 0 with extent 1: operators keep the axis numbers that
 * their source gave them, and a batch is many runs, never one bigger shape.
 */

/**
 * What a value means over time.
 *
 * - `real`: an analogue value that means something at each timestep by itself (an image, a frame of
 *   audio, a decoded output). The only domain there is before conversion.
 * - `current`: one value per timestep, the weighted input that neurons integrate.
 * - `spike`: one value per timestep that is zero except where a neuron fired.
 */
export type Domain = "real" | "current" | "spike";

export const domains = ["real", "current", "spike"] as const satisfies readonly Domain[];

/** Element types. `f16` and `bf16` are held as float32 values that the format can represent. */
export type DType =
  | "f64"
  | "f32"
  | "f16"
  | "bf16"
  | "i64"
  | "i32"
  | "i16"
  | "i8"
  | "u64"
  | "u32"
  | "u16"
  | "u8"
  | "bool";

export const dtypes = [
  "f64",
  "f32",
  "f16",
  "bf16",
  "i64",
  "i32",
  "i16",
  "i8",
  "u64",
  "u32",
  "u16",
  "u8",
  "bool",
] as const satisfies readonly DType[];

export type Shape = readonly number[];

export interface Type {
  readonly domain: Domain;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A real-valued type: the type of every value before conversion. */
export function real(dtype: DType, shape: Shape): Type {
  return { domain: "real", dtype, shape };
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const extent of shape) count *= extent;
  return count;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

export function sameType(a: Type, b: Type): boolean {
  return a.domain === b.domain && a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/**
 * The shape two operands broadcast to under NumPy's rule (trailing axes aligned, extent 1 stretches),
 * or null where they do not.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - (rank - a.length)] ?? 1;
    const y = b[axis - (rank - b.length)] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    out.push(x === 1 ? y : x);
  }
  return out;
}

/** True when `shape` broadcasts to exactly `target`, without enlarging it. */
export function broadcastsTo(shape: Shape, target: Shape): boolean {
  const joined = broadcastShapes(shape, target);
  return joined !== null && sameShape(joined, target);
}

export function isFloat(dtype: DType): boolean {
  return dtype === "f64" || dtype === "f32" || dtype === "f16" || dtype === "bf16";
}

/** Bytes per element in a file (not in memory, where 64-bit integers are held as doubles). */
export function bytesOf(dtype: DType): number {
  switch (dtype) {
    case "f64":
    case "i64":
    case "u64":
      return 8;
    case "f32":
    case "i32":
    case "u32":
      return 4;
    case "f16":
    case "bf16":
    case "i16":
    case "u16":
      return 2;
    case "i8":
    case "u8":
    case "bool":
      return 1;
  }
}

/** `current[1, 6, 24, 24]`; the element type is spelled only where it is not float32. */
export function formatType(type: Type): string {
  const dtype = type.dtype === "f32" ? "" : `<${type.dtype}>`;
  return `${type.domain}${dtype}[${type.shape.join(", ")}]`;
}
