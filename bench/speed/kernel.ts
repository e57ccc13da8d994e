/**
 * Suite `kernel`: single spiking kernels beside the limit of the machine that they run into. Each is
 * measured in one process with that limit, in turns. What is listed in `kernelCases` is measured.
 */
import type { LimitName } from "./limit-modules.ts";
import type { Meter } from "./meter.ts";

export interface KernelCase {
  /** The layer, the arithmetic and the firing rate, for people: "16 × 32 × 32, 3×3, i16, 10 %". */
  readonly name: string;
  readonly limit: LimitName;
  /** What the kernel's work counts, in the limit's unit. */
  readonly note: string;
  /** Sets everything up that is not to be timed. */
  prepare(): Promise<Meter>;
}

export const kernelCases: readonly KernelCase[] = [];
