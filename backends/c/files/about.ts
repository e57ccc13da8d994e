/** What files of a program say of where they come from, and of what they were made for. */
import type { Making } from "../../../ir/backend.ts";
import { codeTraitsOf, type Module } from "../../../ir/module.ts";

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

export function headOf(
  module: Module,
  timesteps: number,
  making: Making | null,
): readonly string[] {
  const decoder = codeTraitsOf(module.code)?.decoder ?? "mean";
  const made =
    making === null
      ? []
      : [
          `Made by ${making.tool.name} ${making.tool.version} from ${making.network.file}`,
          `(SHA-256 ${making.network.sha256}).`,
        ];
  return [
    `${module.name}: a spiking network of code ${module.code} (${decoder} over ${timesteps} timesteps), in integers.`,
    ...made,
  ];
}
