/** What files of a program say of where they come from, and of what they were made for. */
import { provenTimesteps } from "../../../ir/analysis/bounds.ts";
import type { Module } from "../../../ir/module.ts";
import type { Program } from "../lower/program.ts";

export interface About {
  /** What all public names begin with. */
  readonly prefix: string;
  /** Lines at the head of each file. */
  readonly head: readonly string[];
  /** Timesteps that the network was made for. */
  readonly timesteps: number;
  /** Timesteps for which all integers are proved to fit. */
  readonly maxTimesteps: number;
}

export function aboutOf(
  program: Program,
  module: Module,
  prefix: string,
  head: readonly string[],
): About {
  const { timesteps } = program.lowering.options;
  const proven = Math.min(provenTimesteps(module), 2 ** 31 - 1);
  const isSafe = program.lowering.isFramed ? module.timesteps : timesteps;
  return { prefix, head, timesteps: isSafe, maxTimesteps: Math.min(proven, isSafe) };
}
