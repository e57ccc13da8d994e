/** What a figure depends on besides the code: the machine, and the versions of what ran. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { version } from "../cli/version.ts";

export interface Machine {
  /** Its name, and the widest vectors that native code may use, where the system tells: `AMD EPYC, AVX2`. */
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
}

/** Flags of /proc/cpuinfo that decide how fast native engines are, from the widest vectors on. */
const vectors: ReadonlyMap<string, string> = new Map([
  ["avx512_vnni", "AVX-512 VNNI"],
  ["avx_vnni", "AVX VNNI"],
  ["avx512f", "AVX-512"],
  ["avx2", "AVX2"],
]);

export function describeMachine(): Machine {
  const model = cpus()[0]?.model.trim() ?? "unknown";
  const widest = widestVectors(cpuFlags());
  return {
    processor: widest === null ? model : `${model}, ${widest}`,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

export function describeVersions(): Record<string, string> {
  return { snnc: version, node: process.version };
}

/** The name of the widest vectors among flags; null if none of them is known. */
export function widestVectors(flags: string): string | null {
  const given = new Set(flags.split(/\s+/));
  return [...vectors].find(([flag]) => given.has(flag))?.[1] ?? null;
}

/** The flags of the first processor as Linux lists them; none elsewhere. */
function cpuFlags(): string {
  try {
    return /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}
