/** Every message of the ONNX frontend. Places are the source's own nodes and tensors. */
import { catalogue } from "../../ir/diagnostic.ts";

const reexport = "export the model again, or download it again";

export const diagnose = catalogue({
  // The file.
  "empty-file": {
    severity: "error",
    message: (_: { file: string }) => "the file is empty",
    help: reexport,
  },
  "not-onnx": {
    severity: "error",
    message: (p: { what: string }) => `this is not an ONNX model: ${p.what}`,
    help: (p: { hint: string }) => p.hint,
  },
  "truncated-model": {
    severity: "error",
    message: (p: { bytes: number }) => `the model ends in the middle, after ${p.bytes} bytes`,
    help: reexport,
  },
  "invalid-model": {
    severity: "error",
    message: (p: { what: string }) => `the model breaks the ONNX rules: ${p.what}`,
    help: "run onnx.checker.check_model on it, and export it again",
  },
  "missing-opset": {
    severity: "error",
    message: (p: { what: string }) => `${p.what}, so the meaning of its operators is unknown`,
    help: "export the model again with an opset version; the file may also be cut off",
  },
  "assumed-opset": {
    severity: "info",
    message: (p: { domain: string; version: number }) =>
      `the model imports no opset of domain ${p.domain}; version ${p.version} is assumed`,
  },
  "newer-opset": {
    severity: "warning",
    message: (p: { opset: number; known: number }) =>
      `the model uses opset ${p.opset}; operators are known up to opset ${p.known}`,
    help: "compare the outputs with those of the source, or export with an older opset",
  },

  // The graph.
  "duplicate-name": {
    severity: "error",
    message: (p: { what: string; name: string }) => `${p.what} "${p.name}" is defined twice`,
    help: "run onnx.checker.check_model on it, and export it again",
  },
  "undefined-input": {
    severity: "error",
    message: (p: { name: string }) => `the value "${p.name}" is used but never computed`,
    help: "run onnx.checker.check_model on it, and export it again",
  },
  "cyclic-graph": {
    severity: "error",
    message: (p: { count: number; names: string }) =>
      `${p.count} nodes depend on one another in a cycle: ${p.names}`,
    help: "unroll the recurrence before exporting",
  },
  "missing-output": {
    severity: "error",
    message: (p: { name: string }) => `no node computes the output "${p.name}"`,
    help: "run onnx.checker.check_model on it, and export it again",
  },
  "unsupported-output": {
    severity: "error",
    message: (p: { name: string }) => `the output "${p.name}" is a sequence, not a tensor`,
    help: "export the tensors of the sequence as outputs of their own",
  },
  "no-outputs": {
    severity: "error",
    message: (_: Record<never, never>) => "the graph declares no outputs",
    help: reexport,
  },
  "unsorted-graph": {
    severity: "info",
    message: (_: Record<never, never>) =>
      "the nodes are not in topological order, which ONNX requires; they were sorted",
  },
  "graph-too-large": {
    severity: "error",
    message: (p: { what: string }) => `the graph is too large: ${p.what}`,
    help: "inline or simplify the model before exporting it",
  },
  "repeated-output": {
    severity: "info",
    message: (p: { name: string; count: number }) =>
      `the model lists its output "${p.name}" ${p.count} times; it is given once`,
  },
  "unneeded-nodes": {
    severity: "info",
    message: (p: { count: number; nodes: string }) =>
      `${p.count === 1 ? "1 node was" : `${p.count} nodes were`} dropped, because no requested output ` +
      `depends on ${p.count === 1 ? "it" : "them"}: ${p.nodes}`,
  },
  "unneeded-input": {
    severity: "info",
    message: (p: { input: string }) =>
      `input "${p.input}" was dropped, because no requested output depends on it`,
  },
  "random-output": {
    severity: "warning",
    message: (p: { outputs: string; op: string; kept: string }) =>
      `output ${p.outputs} was dropped, because it depends on random numbers (${p.op}); ` +
      `kept: ${p.kept}`,
    help: "choose outputs by --model-outputs; to keep all, export without random numbers",
  },
  "outputs-importable": {
    severity: "info",
    message: (p: { outputs: string }) =>
      `other outputs of the model do not depend on that: ${p.outputs}`,
    help: (p: { names: string }) => `to convert only these: --model-outputs ${p.names}`,
  },
  "unknown-output": {
    severity: "error",
    message: (p: { name: string; outputs: string }) =>
      `the model has no output or value "${p.name}"; its outputs are ${p.outputs}`,
    help: "check the name",
  },
  "recursive-function": {
    severity: "error",
    message: (p: { name: string }) => `the model function ${p.name} calls itself`,
    help: "ONNX forbids recursion; unroll it before exporting",
  },

  // Tensors.
  "unsupported-tensor": {
    severity: "error",
    message: (p: { name: string; why: string }) => `tensor "${p.name}" cannot be read: ${p.why}`,
    help: (p: { help: string }) => p.help,
  },
  "tensor-size": {
    severity: "error",
    message: (p: { name: string; expected: string; found: string }) =>
      `tensor "${p.name}" declares ${p.expected} but holds ${p.found}`,
    help: reexport,
  },
  "nan-weight": {
    severity: "error",
    message: (p: { name: string; nan: number; infinite: number; total: number }) =>
      `tensor "${p.name}" holds ${p.nan} NaN and ${p.infinite} infinite values among ${p.total}`,
    help: "the training diverged or the export broke; use a checkpoint with finite weights",
  },
  "large-integer": {
    severity: "warning",
    message: (p: { name: string; value: string }) =>
      `tensor "${p.name}" holds the integer ${p.value}, which a double cannot represent exactly`,
    help: "integers beyond 2^53 are rounded to the nearest double",
  },
  "external-data": {
    severity: "error",
    message: (p: { name: string; why: string }) =>
      `the external data of tensor "${p.name}" is refused: ${p.why}`,
    help: "external data must be in the model's own folder; save the model again as one file",
  },
  "external-missing": {
    severity: "error",
    message: (p: { name: string; path: string }) =>
      `tensor "${p.name}" is stored in the file ${p.path}, which does not exist`,
    help: "copy the data file into the model's folder, under that name",
  },
  "external-short": {
    severity: "error",
    message: (p: { name: string; path: string; expected: number; found: number }) =>
      `tensor "${p.name}" needs ${p.expected} bytes of ${p.path}, which has ${p.found} there`,
    help: "the data file is cut off or belongs to another model; copy it again",
  },

  // Inputs.
  "unknown-dimension": {
    severity: "error",
    message: (p: { input: string; axis: number; dimension: string }) =>
      `dimension ${p.axis} of input "${p.input}" is ${p.dimension}, but shapes must be known`,
    help: (p: { input: string; option: string }) => p.option,
  },
  "unknown-rank": {
    severity: "error",
    message: (p: { input: string }) => `input "${p.input}" declares no shape`,
    help: (p: { input: string }) => `give it: --input-shape ${p.input}=1,3,32,32 (for example)`,
  },
  "unsupported-input": {
    severity: "error",
    message: (p: { input: string; what: string }) => `input "${p.input}" is ${p.what}`,
    help: "inputs must be tensors of numbers; cut the model where it is one",
  },
  "given-shape": {
    severity: "error",
    message: (p: { input: string; given: string; declared: string }) =>
      `input "${p.input}" was given the shape ${p.given}, but the model declares ${p.declared}`,
    help: "give a shape that fits",
  },
  "stream-axis": {
    severity: "error",
    message: (p: { input: string; axis: number; rank: number }) =>
      `input "${p.input}" has ${p.rank} axes, so axis ${p.axis} cannot be its axis of time`,
    help: "axes count from 0: --stream NAME=AXIS",
  },
  "stream-differs": {
    severity: "error",
    message: (p: { output: string }) =>
      `output "${p.output}" cannot be computed one timestep at a time: an operator combines timesteps, or the axis of time is another one`,
    help: "name the axis with --stream NAME=AXIS, cut the model with --model-outputs, or leave out --stream to unroll it",
  },
  "stream-unchecked": {
    severity: "warning",
    message: (p: { steps: number }) =>
      `the model cannot be unrolled for ${p.steps} timesteps, so the stream was not compared with it`,
    help: "compare outputs with those of the model on a sequence of yours",
  },
  "unknown-input": {
    severity: "error",
    message: (p: { input: string; inputs: string }) =>
      `the model has no input "${p.input}"; it has ${p.inputs}`,
    help: "check the name",
  },
  "input-specialised": {
    severity: "info",
    message: (p: { input: string; operator: string }) =>
      `the module is valid only for the given value of input "${p.input}": ${p.operator} needs it`,
  },
  "input-value": {
    severity: "error",
    message: (p: { input: string; why: string }) =>
      `the value given for input "${p.input}" does not fit: ${p.why}`,
    help: "give one number, which fills the input, or as many as it has elements",
  },
  "batch-axis": {
    severity: "error",
    message: (p: { why: string }) => `the batch axis that was given does not fit: ${p.why}`,
    help: "give --batch-axis N, NAME=N for single inputs, or none",
  },
  rebatched: {
    severity: "info",
    message: (p: { input: string; from: number; axis: number }) =>
      `input "${p.input}" has a fixed batch of ${p.from}` +
      `${p.axis === 0 ? "" : ` (axis ${p.axis})`}; the module takes one sample`,
    help: "a module is the program for one sample; a batch is many runs. --batch-axis overrides this",
  },
  "batch-kept": {
    severity: "warning",
    message: (p: { input: string; extent: number; why: string }) =>
      `axis 0 of input "${p.input}" (${p.extent}) looks like a batch, but cannot be removed ` +
      `(${p.why}); a sample has all ${p.extent}`,
    help:
      "if it is a batch, export the model with batch 1 or a symbolic one; if it is part of a " +
      "sample, use --batch-axis none",
  },
  "samples-meet": {
    severity: "warning",
    message: () =>
      "samples of a batch are mixed here: the model's outputs depend on which samples are in a batch; this import " +
      "computes each sample alone",
    help:
      "if the model really needs whole batches, export it with the batch size in its shapes; if the axis is not a " +
      "batch, use --batch-axis none",
  },
  "rebatched-constant": {
    severity: "info",
    message: (p: { what: string; from: string; to: string }) =>
      `the batch was removed from ${p.what}: ${p.from} became ${p.to}`,
  },
  "rebatch-failed": {
    severity: "error",
    message: (p: { output: string; expected: string; found: string }) =>
      `with one sample, output "${p.output}" has shape ${p.found} instead of ${p.expected}`,
    help: "export the model with batch 1, or with a symbolic batch",
  },

  // Operators.
  "unsupported-op": {
    severity: "error",
    message: (p: { op: string; opset: number; domain: string }) =>
      p.domain === ""
        ? `operator ${p.op} (opset ${p.opset}) is not supported`
        : `operator ${p.op} of domain ${p.domain} is not supported`,
    help: (p: { help: string }) => p.help,
  },
  "unsupported-form": {
    severity: "error",
    message: (p: { op: string; why: string }) => `${p.op} in this form is not supported: ${p.why}`,
    help: (p: { help: string }) => p.help,
  },
  "invalid-node": {
    severity: "error",
    message: (p: { op: string; why: string }) => `${p.op} breaks its operator's rules: ${p.why}`,
    help: "run onnx.checker.check_model on the model, and export it again",
  },
  "shape-mismatch": {
    severity: "error",
    message: (p: { op: string; reason: string }) => `${p.op} does not fit its inputs: ${p.reason}`,
    help: "check the input shapes that were given; if they are right, the model itself is inconsistent",
  },
  "not-constant": {
    severity: "error",
    message: (p: { op: string; input: string; behind: readonly string[] }) => {
      const inputs = p.behind.map((name) => `"${name}"`).join(", ");
      const on = p.behind.length === 0 ? "the data" : `the value of ${inputs}`;
      return `${p.op} needs its input "${p.input}" to be a constant, but it depends on ${on}`;
    },
    help: (p: { behind: readonly string[] }) =>
      p.behind.length === 0
        ? "make it an initializer before exporting, or run onnx-simplifier on the model"
        : `give it: ${p.behind.map((name) => `--input-value ${name}=VALUE`).join(" ")}`,
  },
  "ignored-attribute": {
    severity: "warning",
    message: (p: { op: string; attribute: string }) =>
      `attribute ${p.attribute} of ${p.op} is not in the ONNX specification and was ignored`,
    help: "check that the attribute has no meaning in the source framework",
  },
  "value-too-large": {
    severity: "error",
    message: (p: { what: string; bytes: number; limit: number }) =>
      `${p.what} takes ${p.bytes} bytes; the limit is ${p.limit}`,
    help: "use smaller inputs, or give another limit: --max-value-bytes N",
  },
  "values-too-large": {
    severity: "error",
    message: (p: { limit: number }) =>
      `the values of the model take more than ${p.limit} bytes in total up to here`,
    help: "use smaller inputs, or give another limit: --max-value-bytes N",
  },
  "too-much-memory": {
    severity: "error",
    message: (p: { op: string; limit: number }) =>
      `the constant operands of ${p.op} need more memory to fold than remains of ${p.limit} bytes`,
    help: "fold the model's constants before exporting it, or give another limit: --max-value-bytes N",
  },
  "too-much-work": {
    severity: "error",
    message: (p: { op: string }) =>
      `folding the constant operands of ${p.op} would take too much time`,
    help: "fold the model's constants before exporting it, for example with onnx-simplifier",
  },
});
