/** What a figure depends on besides the code: the machine, and the versions of what ran. */
import { availableParallelism, cpus, totalmem } from "node:os";
import { version } from "../cli/version.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

export function describeVersions(): Record<string, string> {
  return { snnc: version, node: process.version };
}
