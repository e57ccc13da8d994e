/** docs/onnx-operators.md: the ONNX operators that the importer reads. */
import { known } from "../../ir/diagnostic.ts";
import {
  foreignOperators,
  onnxOperators,
  ownDomain,
  ownOperators,
} from "../../frontend/onnx/operators.ts";
import { code, generatedNote, table } from "./markdown.ts";

/** Attributes with their defaults, and the op that an operator becomes. */
const ownOperatorTexts: ReadonlyMap<string, { attributes: string; op: string }> = new Map([
  [
    "SoftLif",
    {
      attributes:
        "`tau_rc` = 0.02 and `tau_ref` = 0.002 (seconds), `sigma` = 0.02, `amplitude` = 0.01",
      op: "ann.soft-lif",
    },
  ],
]);

export function operatorsPage(): string {
  const rows = [...onnxOperators.values()].map(({ name, since }) => [code(name), since.join(", ")]);
  return [
    "# ONNX operators",
    generatedNote,
    `The importer reads ${rows.length} operators of ONNX's own domain. The second column lists the opsets that
changed an operator; a node has the meaning that its operator has in the model's opset.

Not every operator that can be read can be converted. Whether an op can be part of a spiking network
depends on its place in the model: \`snnc check MODEL\` says so for a model, and [ir.md](ir.md) lists what each
op can become.`,
    table(["operator", "opsets"], rows),
    `## Domain ${ownDomain}`,
    `Operators that ONNX lacks, for networks that are trained for spikes. A model that uses them imports version 1
of domain \`${ownDomain}\`; all attributes are floats and optional. \`npm run train:soft-lif\` writes such a model.`,
    table(
      ["operator", "versions", "attributes", "is"],
      ownOperators.map(({ name, since }) => {
        const { attributes, op } = known(ownOperatorTexts.get(name), `the text of ${name}`);
        return [code(name), since.join(", "), attributes, `[${code(op)}](ir.md)`];
      }),
    ),
    "## Domains of quantisers",
    `Operators that ONNX Runtime's quantiser writes, and the quantisers of QONNX, Brevitas and FINN;
[quantised-models.md](quantised-models.md) says what becomes of them.`,
    table(
      ["domain", "operators"],
      [...foreignOperators].map(([domain, rows]) => [
        code(domain),
        rows.map(({ name }) => code(name)).join(", "),
      ]),
    ),
  ].join("\n\n");
}
