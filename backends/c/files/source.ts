/** The source of a program: constants, memory, a function for each part, and those that the caller calls. */
import { type Code, block, comment, linesOf } from "../text/code.ts";
import { definitionOf } from "../text/data.ts";
import { helpers, textOfHelper } from "../text/helpers.ts";
import type { CArray, Phase } from "../lower/arrays.ts";
import type { Part } from "../lower/part.ts";
import type { Program } from "../lower/program.ts";
import type { About } from "./about.ts";
import { prototypes } from "./interface.ts";

export function sourceOf(program: Program, about: About): string {
  const { memory, constants, parts, lowering } = program;
  const used = new Set(parts.flatMap(({ arrays }) => [...arrays]));
  const needed = constants.filter((array) => used.has(array));
  const sections: (readonly string[])[] = [
    [comment(about.head), `#include "${about.prefix}.h"`],
    [
      comment(["What watches the neurons, if anything does: see the self-test."]),
      "#ifndef OBSERVE\n#define OBSERVE(layer, i, spike, potential) ((void)0)\n#endif",
    ],
    [
      comment([
        "Of layers that take long, gcc on x86-64 Linux makes a second version for processors with AVX2, and takes it there.",
      ]),
      clones,
    ],
    needed.map(definitionOf),
    [
      ...(memory.kept.length > 0 ? [comment(["What is kept from one call to the next."])] : []),
      memory.kept
        .map(({ type, name, length, what }) => `static ${type} ${name}[${length}]; /* ${what} */`)
        .join("\n"),
      ...(memory.pools.size > 0
        ? [comment(["Scratch, which layers share one after another."])]
        : []),
      [...memory.pools]
        .map(([type, length]) => `static ${storedAs(type)} ${poolOf(type)}[${length}];`)
        .join("\n"),
      program.isFramed ? "" : "static int32_t t; /* the timestep, from 1 on */",
    ],
    helpers.filter((name) => lowering.helpers.has(name)).map(textOfHelper),
    parts.map((part) => functionOf(part, program)),
    interfaceOf(program, about),
  ];
  return `${sections.flatMap((section) => section.filter((each) => each !== "")).join("\n\n")}\n`;
}

/**
 * Floats are rounded where they are stored, and have to be read as they were stored: gcc 12 at -O3 goes on with the
 * double where it sees both.
 */
function storedAs(type: string): string {
  return type === "float" ? "volatile float" : type;
}

function poolOf(type: string): string {
  return `scratch_${type.replace("_t", "")}`;
}

/** Any compiler that does not know it leaves it out; the same is computed either way. */
const clones = `#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define LAYER static __attribute__((target_clones("avx2", "default")))
#else
#define LAYER static
#endif`;

/** What the caller gives or gets in a phase, as parameters of a part that touches it. */
function parametersOf(part: Part, program: Program): readonly string[] {
  return [
    ...program.inputs
      .filter(({ identifier }) => touches(part, identifier))
      .map(({ type, identifier }) => `const ${type} *${identifier}`),
    ...program.outputs
      .filter(({ identifier }) => writes(part, identifier))
      .map(({ type, identifier }) => `${type} *${identifier}`),
  ];
}

function touches(part: Part, name: string): boolean {
  return [...part.arrays].some((array) => array.kind === "given" && array.name === name);
}

/** Outputs are no arrays of the program: the part that fills one is found by its text. */
function writes(part: Part, name: string): boolean {
  return part.phase === "output" && linesOf(part.body).some((line) => line.includes(`${name}[`));
}

function functionOf(part: Part, program: Program): string {
  const { memory } = program;
  const parameters = parametersOf(part, program);
  const pointers = [...part.arrays]
    .filter((array) => memory.places.has(array))
    .map((array) => pointerTo(array, memory.places.get(array) ?? 0));
  const head = `${part.isHeavy ? "LAYER" : "static"} void ${part.name}(${parameters.length === 0 ? "void" : parameters.join(", ")})`;
  return [comment(part.about), ...linesOf(block(head, [pointers, part.body]))].join("\n");
}

function pointerTo({ type, name, what }: CArray, place: number): string {
  const from = place === 0 ? poolOf(type) : `${poolOf(type)} + ${place}`;
  return `${storedAs(type)} *const ${name} = ${from}; /* ${what} */`;
}

function callsOf(program: Program, phase: Phase): readonly string[] {
  return program.parts
    .filter((part) => part.phase === phase)
    .map((part) => {
      const names = [
        ...program.inputs.filter(({ identifier }) => touches(part, identifier)),
        ...program.outputs.filter(({ identifier }) => writes(part, identifier)),
      ].map(({ identifier }) => identifier);
      return `${part.name}(${names.join(", ")});`;
    });
}

function interfaceOf(program: Program, about: About): readonly string[] {
  const { run, begin, step, output } = prototypes(program, about.prefix);
  const names = (ports: readonly { readonly identifier: string }[]): string =>
    ports.map(({ identifier }) => identifier).join(", ");
  const { prefix } = about;
  const upper = prefix.toUpperCase();
  const body = (head: string, code: Code): string => linesOf(block(head, code)).join("\n");
  if (program.isFramed) {
    return [
      body(run, [
        `if (timesteps != ${upper}_TIMESTEPS) return -1;`,
        callsOf(program, "begin"),
        callsOf(program, "output"),
        "return 0;",
      ]),
    ];
  }
  return [
    body(begin, ["t = 0;", callsOf(program, "begin")]),
    body(step, [
      `if (t >= ${upper}_MAX_TIMESTEPS) return -1;`,
      "t++;",
      callsOf(program, "step"),
      "return 0;",
    ]),
    body(output, callsOf(program, "output")),
    body(run, [
      `if (timesteps < 1 || timesteps > ${upper}_MAX_TIMESTEPS) return -1;`,
      `${prefix}_begin(${names(program.inputs)});`,
      block("for (int32_t i = 0; i < timesteps; i++)", `if (${prefix}_step() != 0) return -1;`),
      `${prefix}_output(${names(program.outputs)});`,
      "return 0;",
    ]),
  ];
}
