/** docs/ir.md: every op with its operands, attributes, exactness and spiking form. */
import type { OpKind } from "../../ir/op.ts";
import { type AttrKind, isOpKind, specOf, specs } from "../../ir/spec.ts";
import { dtypes } from "../../ir/type.ts";
import { spikingFormOf } from "../../passes/convert/spiking-form.ts";
import { code, generatedNote, table } from "./markdown.ts";
import { type OpComment, opComments } from "./op-comments.ts";

/** The page; `source` is the text of ir/op.ts. */
export function irPage(source: string): string {
  const comments = opComments(source);
  const kinds = Object.keys(specs).filter(isOpKind);
  const isPlain = (kind: OpKind): boolean => attributesOf(kind).length === 0;
  const plain = kinds.filter(isPlain);
  const others = kinds.filter((kind) => !isPlain(kind));
  return [
    "# The intermediate representation",
    generatedNote,
    introduction,
    `## Ops without attributes\n\n${plainTable(plain, comments)}`,
    "## Ops with attributes",
    ...others.map((kind) => section(kind, comments.get(kind) ?? null)),
  ].join("\n\n");
}

function attributesOf(kind: OpKind): readonly (readonly [string, AttrKind])[] {
  return Object.entries(specOf(kind).attributes);
}

function plainTable(kinds: readonly OpKind[], comments: ReadonlyMap<string, OpComment>): string {
  const rows = kinds.map((kind) => {
    const { summary, exactness } = specOf(kind);
    const more = comments.get(kind)?.text ?? "";
    const what = more === "" ? summary : `${summary}. ${oneLine(more)}`;
    return [code(kind), arityOf(kind), sentence(what), exactness, spikingFormOf(kind)];
  });
  return table(["op", "operands", "result", "exactness", "spiking form"], rows);
}

function section(kind: OpKind, comment: OpComment | null): string {
  const { summary, exactness } = specOf(kind);
  const parts = [`### ${code(kind)}`, `${sentence(summary)}.`];
  const text = comment?.text ?? "";
  if (text !== "" && text !== `${sentence(summary)}.`) parts.push("```text\n" + text + "\n```");
  const attributes = attributesOf(kind).map(([name, attribute]) => {
    const more = oneLine(comment?.attributes.get(name) ?? "");
    return `- ${code(name)}: ${kindText(attribute)}${more === "" ? "" : `. ${more}`}`;
  });
  parts.push(attributes.join("\n"));
  parts.push(
    `Operands: ${arityOf(kind)}. Exactness: ${exactness}. Spiking form: ${spikingFormOf(kind)}.`,
  );
  return parts.join("\n\n");
}

/** With a capital, unless it begins with a formula. */
function sentence(text: string): string {
  return text.replace(/^(?!x\b)[a-z](?=[a-z-]* [a-z])/, (first) => first.toUpperCase());
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ");
}

function arityOf(kind: OpKind): string {
  const { arity } = specOf(kind);
  return typeof arity === "number" ? String(arity) : `${arity.atLeast} or more`;
}

function kindText(kind: AttrKind): string {
  switch (kind) {
    case "tensor":
      return "tensor";
    case "tensor?":
      return "tensor or `none`";
    case "int":
      return "whole number";
    case "ints":
      return "whole numbers";
    case "float":
      return "number";
    case "floats":
      return "numbers";
    case "bool":
      return "`true` or `false`";
    case "string":
      return "string";
    case "dtype":
      return "element type";
    default:
      return kind.oneOf.map((choice) => code(`"${choice}"`)).join(", ");
  }
}

const introduction = `A network is a list of ops in an order in which every value is made before it is used, and a
table of the tensors that ops name. [architecture.md](architecture.md) says why it is so. \`snnc inspect\`
prints a network as text; \`snnc ops\` prints the summaries below.

## Text

\`\`\`text
module @m attributes {code = "none", timesteps = 1, properties = []} {
  %0 = ann.input() {name = "x"} : real[1, 2]
  %1 = ann.linear(%0) {weight = @w, bias = none} : real[1, 3]
  %2 = ann.relu(%1) : real[1, 3]
  ann.output(%2) {name = "y"}
}
tensors {
  @w = f32[3, 2] dense<[1, 0, 0, 1, 0.5, -0.5]>
}
\`\`\`

An op reads \`%result = kind(%operand, …) {attribute = value, …} : type\`. Every attribute is written;
there are no defaults in text. A tensor of at most 8 elements is written out; of a larger one the text
has type, shape, hash and range, and a \`.snn\` file has the elements beside the text. With locations
(\`--locs full\`) each op ends in \`loc(…)\`: a node of the source model, a position in a text, or what a
pass fused. The parser reads its own output back, and printing that gives the same bytes.

## Types

A type is a domain, an element type and a shape: \`current[1, 16, 20, 20]\`, \`real<i64>[2]\`. The element
type is written where it is not \`f32\`. Shapes are complete; axis 0 of what the model calls a batch has
extent 1.

| domain    | meaning                                                                           |
| --------- | --------------------------------------------------------------------------------- |
| \`real\`    | the same at every timestep of a run: the input, a decoded output, all of an ANN   |
| \`current\` | one value per timestep: the weighted input that neurons integrate                 |
| \`spike\`   | one value per timestep that is zero except where a neuron fired                   |

Linear ops (spiking form \`shared\`) take any domain; their result is \`real\` if all operands are, else
\`current\`. Moves keep the domain. A nonlinear op takes \`real\` operands only, and a neuron no \`spike\`: what
breaks these rules does not type, and the error says why.

Element types: ${dtypes.map((dtype) => code(dtype)).join(", ")}. 64-bit integers are exact up to 2^53.

## Columns

**Exactness** says how closely an engine must agree with the interpreter (\`ir/interpret.ts\`) on equal
operands: \`exact\`, bit for bit; \`rounding\`, sums may be taken in another order.
[numerics.md](numerics.md) has the details.

**Spiking form** says what an op can be in a spiking network: \`shared\`, the same op over time; \`neuron\`;
\`running sums\`, a pool over time; \`one over time\`, where at most one operand changes over time;
\`analogue only\`, on the input or on decoded outputs, or refused.`;
