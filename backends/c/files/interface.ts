/** The functions that the caller calls, as C declares them. */
import type { Program } from "../lower/program.ts";

export interface Prototypes {
  readonly run: string;
  readonly begin: string;
  readonly step: string;
  readonly output: string;
}

export function prototypes({ inputs, outputs }: Program, prefix: string): Prototypes {
  const given = inputs.map(({ type, identifier }) => `const ${type} *${identifier}`);
  const got = outputs.map(({ type, identifier }) => `${type} *${identifier}`);
  return {
    run: `int ${prefix}_run(${[...given, "int32_t timesteps", ...got].join(", ")})`,
    begin: `void ${prefix}_begin(${given.join(", ")})`,
    step: `int ${prefix}_step(void)`,
    output: `void ${prefix}_output(${got.join(", ")})`,
  };
}
