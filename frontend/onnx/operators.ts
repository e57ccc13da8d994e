/**
 * The table of supported ONNX operators, put together from the families, and what to advise where
 * an operator is not in it.
 */
import { activationOperators, ownActivationOperators } from "./ops/layers/activation.ts";
import { arithmeticOperators } from "./ops/arithmetic.ts";
import { channelsLastOperators } from "./ops/quantised/channels-last.ts";
import { constantOperators } from "./ops/constant.ts";
import { controlOperators } from "./ops/control.ts";
import { convolutionOperators } from "./ops/layers/convolution.ts";
import { indexingOperators } from "./ops/indexing.ts";
import { linearOperators } from "./ops/layers/linear.ts";
import { normalisationOperators } from "./ops/layers/normalisation.ts";
import { poolingOperators } from "./ops/layers/pooling.ts";
import { microsoftOperators, qlinearOperators } from "./ops/quantised/qlinear.ts";
import { qonnxOperators } from "./ops/quantised/qonnx.ts";
import { quantisationOperators } from "./ops/quantised/quantisation.ts";
import { recurrentOperators } from "./ops/layers/recurrent.ts";
import { reductionOperators } from "./ops/reduction.ts";
import { resamplingOperators } from "./ops/resampling.ts";
import { sequenceOperators } from "./ops/sequence.ts";
import { shapeOperators } from "./ops/shape.ts";
import type { OnnxOperator } from "./operator.ts";

/** Every operator that is imported, by name. */
export const onnxOperators: readonly OnnxOperator[] = [
  ...activationOperators,
  ...arithmeticOperators,
  ...constantOperators,
  ...controlOperators,
  ...convolutionOperators,
  ...indexingOperators,
  ...linearOperators,
  ...normalisationOperators,
  ...poolingOperators,
  ...qlinearOperators,
  ...quantisationOperators,
  ...recurrentOperators,
  ...reductionOperators,
  ...resamplingOperators,
  ...sequenceOperators,
  ...shapeOperators,
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** The domain of operators that ONNX does not have, and networks made for spikes need. */
export const ownDomain = "snnc";

export const ownOperators: readonly OnnxOperator[] = ownActivationOperators;

/**
 * Operators of other projects' domains: what ONNX Runtime's quantiser writes, and the quantisers of
 * QONNX, which Brevitas and FINN write too.
 */
export const foreignOperators: ReadonlyMap<string, readonly OnnxOperator[]> = new Map([
  ["com.microsoft", microsoftOperators],
  ["qonnx.custom_op.general", qonnxOperators],
  ["onnx.brevitas", qonnxOperators],
  ["finn.custom_op.general", qonnxOperators],
  ["qonnx.custom_op.channels_last", channelsLastOperators],
]);

/** The version by which operators of a domain are read that a model uses without importing it; null: none. */
export function assumedVersion(domain: string): number | null {
  return foreignOperators.has(domain) ? 1 : null;
}

const tables: ReadonlyMap<string, ReadonlyMap<string, OnnxOperator>> = new Map(
  [["", onnxOperators] as const, [ownDomain, ownOperators] as const, ...foreignOperators].map(
    ([domain, rows]) => [domain, new Map(rows.map((row) => [row.name, row]))],
  ),
);

/** The row of an operator; undefined where it is not supported. */
export function operatorOf(domain: string, name: string): OnnxOperator | undefined {
  return tables.get(domain)?.get(name);
}

const recurrent =
  "unroll the recurrence before exporting, so that only Gemm and activations are left";
const postProcessing = "cut the model before its post-processing; that part runs on the host";
const random = "export in inference mode; random numbers are not part of a converted network";
const text = "cut off the part of the model that works on text";
const sequences = "export without sequences: pass tensors between the parts";

/** Advice for operators that people meet; the others get the general one. */
const advice: ReadonlyMap<string, string> = new Map([
  ["Scan", recurrent],
  ["NonMaxSuppression", postProcessing],
  ["TopK", postProcessing],
  ["Unique", postProcessing],
  ["RoiAlign", postProcessing],
  ["MaxRoiPool", postProcessing],
  ["RandomNormal", random],
  ["RandomNormalLike", random],
  ["RandomUniform", random],
  ["RandomUniformLike", random],
  ["Bernoulli", random],
  ["Multinomial", random],
  ["StringNormalizer", text],
  ["StringConcat", text],
  ["StringSplit", text],
  ["RegexFullMatch", text],
  ["TfIdfVectorizer", text],
  ["SequenceMap", sequences],
]);

/** True of operators whose results are drawn, and so are no function of the inputs. */
export function isRandom(op: string, domain: string): boolean {
  return domain === "" && advice.get(op) === random;
}

/** Whether an operator of ONNX Runtime's is one that its quantiser writes: QAttention, MatMulNBits … */
function isQuantised(op: string): boolean {
  return /^(DynamicQuantize|Q[A-Z]|MatMul(Integer|NBits|BnbInt|Fpq4)|Gather(Block)?Quantized|(De)?[qQ]uantize)/.test(
    op,
  );
}

/** What to do about an operator that cannot be imported. `row` is its row, where it has one. */
export function wayOut(
  op: string,
  domain: string,
  opset: number,
  row: OnnxOperator | undefined,
): string {
  if (domain === "com.microsoft.extensions" || domain === "ai.onnx.contrib") {
    return "cut the model's pre- and post-processing; those parts run on the host";
  }
  if (domain === "com.microsoft" || domain.startsWith("com.microsoft.")) {
    return isQuantised(op)
      ? "quantise the model with QuantFormat.QDQ, statically (quantize_static), without optimising it"
      : "use the model as it was before ONNX Runtime optimised it";
  }
  if (domain.startsWith("ai.onnx.ml")) {
    return "classical machine learning is not converted; only neural networks are";
  }
  if (domain.startsWith("ai.onnx.preview.training")) return "export the inference graph";
  if (domain === ownDomain) {
    const names = ownOperators.map(({ name }) => name).join(", ");
    return `the operators of domain ${ownDomain} are ${names}`;
  }
  if (domain.startsWith("finn.custom_op.") || op === "MultiThreshold") {
    return "use the model as it was before FINN streamlined it or made hardware layers of it";
  }
  const neighbours = foreignOperators.get(domain);
  if (neighbours !== undefined) {
    return `of domain ${domain} these are read: ${neighbours.map(({ name }) => name).join(", ")}`;
  }
  if (domain !== "") return "replace the custom operator by ONNX ones before exporting";
  if (row !== undefined) {
    return `${op} exists from opset ${row.since[0] ?? 1} on, the model says opset ${opset}`;
  }
  return advice.get(op) ?? "replace it by supported operators (see snnc ops), or cut the model";
}
