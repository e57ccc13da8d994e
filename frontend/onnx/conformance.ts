/**
 * One case of the ONNX backend tests: import for the given inputs, interpret, compare with the
 * given outputs. Files are handed in as bytes.
 */
import { DiagnosticError, known } from "../../ir/diagnostic.ts";
import { evaluate } from "../../ir/run/evaluate.ts";
import { type Module, tensorAt } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { isFloat, sameShape } from "../../ir/type.ts";
import { formatLoc, sourceLoc } from "../../ir/loc.ts";
import type { ExternalFiles } from "../external.ts";
import { importOnnx } from "./import.ts";
import { defaultLimits } from "../limits.ts";
import { readModel } from "./file/model.ts";
import {
  type TensorProto,
  type ValueInfoProto,
  dataTypeOf,
  dataTypes,
  decodeTensorProto,
} from "./file/proto.ts";
import { decodeTensor } from "./file/tensors.ts";

export interface ConformanceCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly files: ExternalFiles | null;
  /** Serialised tensors, in the order of the model's inputs and outputs. */
  readonly sets: readonly {
    readonly inputs: readonly Uint8Array[];
    readonly outputs: readonly Uint8Array[];
  }[];
}

export type ConformanceResult =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly why: string }
  | {
      readonly kind: "unsupported";
      readonly operators: readonly string[];
      readonly why: string;
    };

/** How far floats may be from what is expected: the ONNX backend tests' own tolerances. */
const tolerance = { relative: 1e-3, absolute: 1e-5 };

/** One unit in the last place of bfloat16, whose test vectors were cut off instead of rounded. */
const bfloat16Step = 2 ** -7;

/** Codes that say "not supported" rather than "wrong". */
const refusalCodes: readonly string[] = [
  "unsupported-op",
  "unsupported-form",
  "unsupported-input",
  "unsupported-tensor",
  "not-constant",
];

/** Runs all data sets of a case; the first that does not pass is the result. */
export function runCase(testCase: ConformanceCase): ConformanceResult {
  for (const set of testCase.sets) {
    const result = runSet(testCase, set);
    if (result.kind !== "passed") return result;
  }
  return { kind: "passed" };
}

function runSet(
  testCase: ConformanceCase,
  set: ConformanceCase["sets"][number],
): ConformanceResult {
  const { files } = testCase;
  const file = testCase.name;
  const source = {
    files: null,
    loc: sourceLoc(file, "data", "file"),
    valueBytes: defaultLimits.valueBytes,
    rank: defaultLimits.rank,
    report: () => undefined,
  };
  const decode = (bytes: Uint8Array, info: ValueInfoProto | undefined): Tensor =>
    decodeTensor(storedAs(decodeTensorProto(bytes), info), "data", source);
  let named: readonly string[] = [];
  try {
    const { graph } = readModel(testCase.model, {
      file,
      limits: defaultLimits,
      report: () => undefined,
    });
    named = [...new Set(graph.nodes.map(({ opType }) => opType))];
    const untyped = [...graph.inputs, ...graph.outputs].find(
      ({ type }) => type?.tensorType === null || type?.tensorType === undefined,
    );
    if (untyped !== undefined) {
      const why = `${untyped.name ?? ""} is not a tensor`;
      return { kind: "unsupported", operators: named, why };
    }
    const inputs = new Map(
      set.inputs.map((bytes, i): [string, Tensor] => {
        return [graph.inputs[i]?.name ?? "", decode(bytes, graph.inputs[i])];
      }),
    );
    const expected = set.outputs.map((bytes, i) => decode(bytes, graph.outputs[i]));
    const imported = importOnnx(testCase.model, { file, files, batch: null, inputValues: inputs });
    if (imported.module === null) {
      const errors = imported.diagnostics.filter(({ severity }) => severity === "error");
      const why = errors
        .map(({ message, loc }) => message + (loc === null ? "" : ` (${formatLoc(loc)})`))
        .join("; ");
      if (!errors.every(({ code }) => refusalCodes.includes(code))) return { kind: "failed", why };
      const refused = [...new Set(imported.unsupported.map(({ op }) => op))];
      return { kind: "unsupported", operators: refused.length > 0 ? refused : named, why };
    }
    return compare(imported.module, run(imported.module, inputs), expected);
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const refusal = error.diagnostics.every(({ code }) => refusalCodes.includes(code));
    if (!refusal) return { kind: "failed", why: error.message };
    return { kind: "unsupported", operators: named, why: error.message };
  }
}

/** The test data has bfloat16 as bare 16-bit integers; the model says what they are. */
function storedAs(proto: TensorProto, info: ValueInfoProto | undefined): TensorProto {
  const declared = dataTypeOf(info?.type?.tensorType?.elemType);
  if (declared !== "bfloat16" || dataTypeOf(proto.dataType) !== "uint16") return proto;
  return { ...proto, dataType: dataTypes.indexOf("bfloat16") };
}

/** Values of all outputs, in their own element types. */
function run(module: Module, inputs: ReadonlyMap<string, Tensor>): readonly Tensor[] {
  const values = new Map<ValueId, Tensor>();
  const at = (value: ValueId): Tensor => known(values.get(value), `%${value}`);
  for (const op of module.ops) {
    const tensor =
      op.kind === "ann.input"
        ? known(inputs.get(op.attrs.name), `input ${op.attrs.name}`)
        : evaluate(op, op.inputs.map(at), (ref) => tensorAt(module, ref));
    values.set(op.result, tensor);
  }
  return module.outputs.map(({ value }) => at(value));
}

function compare(
  module: Module,
  found: readonly Tensor[],
  expected: readonly Tensor[],
): ConformanceResult {
  for (const [i, want] of expected.entries()) {
    const got = found[i];
    const name = module.outputs[i]?.name ?? `output ${i}`;
    if (got === undefined) return { kind: "failed", why: `${name} is missing` };
    const why = difference(got, want);
    if (why !== null) return { kind: "failed", why: `${name}: ${why}` };
  }
  return { kind: "passed" };
}

/** How a tensor differs from what is expected, or null where it does not. */
function difference(got: Tensor, want: Tensor): string | null {
  if (got.dtype !== want.dtype) return `element type ${got.dtype}, not ${want.dtype}`;
  if (!sameShape(got.shape, want.shape)) {
    return `shape [${got.shape.join(", ")}], not [${want.shape.join(", ")}]`;
  }
  const exact = !isFloat(got.dtype);
  const relative = got.dtype === "bf16" ? bfloat16Step : tolerance.relative;
  const { absolute } = tolerance;
  let wrong = 0;
  let first = "";
  want.data.forEach((y, i) => {
    const x = got.data[i] ?? 0;
    const same = x === y || (Number.isNaN(x) && Number.isNaN(y));
    if (same || (!exact && Math.abs(x - y) <= absolute + relative * Math.abs(y))) return;
    if (wrong++ === 0) first = `element ${i} is ${x}, not ${y}`;
  });
  return wrong === 0 ? null : `${first}; ${wrong} of ${want.data.length} differ`;
}
