/** The header of a program: what a caller may call, and with what. */
import { elementCount } from "../../../ir/type.ts";
import { comment } from "../text/code.ts";
import { isOp } from "../../../ir/op/op.ts";
import { scaleOfEncoder } from "../lower/inputs.ts";
import type { InputPort, Port, Program } from "../lower/program.ts";
import type { About } from "./about.ts";
import { prototypes } from "./interface.ts";

export function headerOf(program: Program, about: About): string {
  const { inputs, outputs, isFramed } = program;
  const { prefix, head, timesteps, maxTimesteps } = about;
  const upper = prefix.toUpperCase();
  const { run, begin, step, output } = prototypes(program, prefix);
  const size = ({ identifier, type, shape }: Port): string =>
    `typedef ${type} ${prefix}_${identifier}_t;\n` +
    `#define ${upper}_${identifier.toUpperCase()}_SIZE ${elementCount(shape)}`;
  const sections = [
    comment(head),
    `#ifndef ${upper}_H\n#define ${upper}_H`,
    "#include <stdint.h>",
    '#ifdef __cplusplus\nextern "C" {\n#endif',
    [
      ...inputs.map(
        (port) => [port, `${describePort(port)}${encodingOf(program, port)}.`] as const,
      ),
      ...outputs.map((port) => [port, `${describePort(port)}.`] as const),
    ]
      .map(([port, said]) => `${comment([said])}\n${size(port)}`)
      .join("\n"),
    isFramed
      ? `${comment([`Timesteps of the frame that a run takes: no more and no fewer.`])}\n#define ${upper}_TIMESTEPS ${timesteps}`
      : `${comment(["Timesteps that the network was made for, and for which all integers are proved to fit."])}\n` +
        `#define ${upper}_TIMESTEPS ${timesteps}\n#define ${upper}_MAX_TIMESTEPS ${maxTimesteps}`,
    `${comment(["Runs one sample. 0, or -1 where there are too many timesteps or too few."])}\n${run};`,
    ...(isFramed
      ? []
      : [
          `${comment(["Takes a sample. Nothing of it is needed afterwards."])}\n${begin};`,
          `${comment(["Goes on by one timestep. 0, or -1 where the last one was the last that is proved to fit."])}\n${step};`,
          `${comment(["Gives what the network answers after the timesteps so far; there has to be one."])}\n${output};`,
        ]),
    "#ifdef __cplusplus\n}\n#endif",
    "#endif",
  ];
  return `${sections.join("\n\n")}\n`;
}

/** How a value of the network's input becomes an integer that the program takes; nothing where it takes floats. */
function encodingOf({ lowering }: Program, { value }: InputPort): string {
  const op = lowering.opOf(value);
  if (!isOp(op, "ann.quantize-linear")) return "";
  const scale = scaleOfEncoder(lowering, op);
  if (scale === null) return "";
  const shift = scale.zero === 0 ? "" : `, plus ${scale.zero}`;
  return `: the network's value / ${scale.unit}, rounded to the nearest (a tie to the even one)${shift}`;
}

function describePort({ name, type, shape }: Port): string {
  return `"${name}": ${shape.join(" × ")} of ${type}, row by row`;
}
