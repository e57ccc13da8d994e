/** What WebAssembly can do where this runs. */

export interface Support {
  /** What is missing for any program to run, or null. */
  readonly missing: string | null;
  readonly sharedMemory: boolean;
  /** Whether there is relaxed SIMD. */
  readonly relaxed: boolean;
}

/** (func (result v128) (i8x16.splat (i32.const 0))) */
const simdModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x08, 0x01, 0x06, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x0b],
);

/** (func (result v128) (i16x8.relaxed_dot_i8x16_i7x16_s (i8x16.splat (i32.const 0)) (…))) */
const relaxedModule = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f],
  ...[0xfd, 0x92, 0x02, 0x0b],
);

/** Looks afresh each time it is asked. */
export function supportHere(): Support {
  if (!("WebAssembly" in globalThis)) {
    return { missing: "WebAssembly", sharedMemory: false, relaxed: false };
  }
  const simd = WebAssembly.validate(simdModule);
  return {
    missing: simd ? null : "WebAssembly's SIMD",
    sharedMemory: sharesMemory(),
    relaxed: WebAssembly.validate(relaxedModule),
  };
}

/** Browsers have the class, but refuse to share with pages that are not isolated. */
function sharesMemory(): boolean {
  if (!("SharedArrayBuffer" in globalThis)) return false;
  if ("crossOriginIsolated" in globalThis && !globalThis.crossOriginIsolated) return false;
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return memory.buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}
