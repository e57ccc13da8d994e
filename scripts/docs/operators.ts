/** docs/onnx-operators.md: the ONNX operators that the importer reads. */
import { onnxOperators } from "../../frontend/onnx/operators.ts";
import { code, generatedNote, table } from "./markdown.ts";

export function operatorsPage(): string {
  const rows = [...onnxOperators.values()].map(({ name, since }) => [code(name), since.join(", ")]);
  return [
    "# ONNX operators",
    generatedNote,
    `The importer reads ${rows.length} operators of ONNX's own domain. The second column lists the opsets that
changed an operator; a node is read by the definition in force at its model's opset.

Reading an operator is one thing, converting it another: whether an op can be part of a spiking network
depends on where it stands. \`snnc check MODEL\` decides for a model; [ir.md](ir.md) lists what each op can
become.`,
    table(["operator", "opsets"], rows),
  ].join("\n\n");
}
