/**
 * What can be wrong with a network that someone hands us as text or as a `.snn` package, or with a
 * safetensors file. Networks that we made ourselves never get here: a fault in those is a bug.
 */
import { catalogue } from "./diagnostic.ts";

export const diagnose = catalogue({
  // Text.
  "ir-character": {
    severity: "error",
    message: (p: { character: string }) => `unexpected character ${p.character}`,
  },
  "ir-string": {
    severity: "error",
    message: (p: { why: string }) => `malformed string: ${p.why}`,
    help: 'strings are written as in JSON: "text", with \\", \\\\, \\n and \\u0000 as escapes',
  },
  "ir-number": {
    severity: "error",
    message: (p: { text: string; why: string }) => `malformed number ${p.text}: ${p.why}`,
  },
  "ir-syntax": {
    severity: "error",
    message: (p: { expected: string; found: string }) => `expected ${p.expected}, found ${p.found}`,
  },
  "ir-nesting": {
    severity: "error",
    message: (p: { limit: number }) => `locations are nested deeper than ${p.limit} levels`,
  },
  "ir-unknown-op": {
    severity: "error",
    message: (p: { name: string; near: string | null }) => `there is no op ${p.name}`,
    help: (p: { near: string | null }) =>
      p.near === null
        ? "`snnc ops` lists all ops"
        : `did you mean ${p.near}? \`snnc ops\` lists all ops`,
  },
  "ir-attribute-unknown": {
    severity: "error",
    message: (p: { owner: string; name: string; known: readonly string[] }) =>
      `${p.owner} has no attribute ${p.name}`,
    help: (p: { known: readonly string[] }) =>
      p.known.length === 0 ? "it has none" : `it has ${p.known.join(", ")}`,
  },
  "ir-attribute-missing": {
    severity: "error",
    message: (p: { owner: string; names: readonly string[] }) =>
      `${p.owner} lacks ${p.names.length === 1 ? "attribute" : "attributes"} ${p.names.join(", ")}`,
    help: "write out every attribute: the text has no defaults",
  },
  "ir-attribute-repeated": {
    severity: "error",
    message: (p: { name: string }) => `attribute ${p.name} is given twice`,
    help: "remove one of them",
  },
  "ir-value-undefined": {
    severity: "error",
    message: (p: { value: string }) => `${p.value} is used, but no op above defines it`,
    help: "an op may use only results of ops above it",
  },
  "ir-value-repeated": {
    severity: "error",
    message: (p: { value: string }) => `${p.value} is defined twice`,
    help: "give each result a number of its own",
  },
  "ir-ill-typed": {
    severity: "error",
    message: (p: { reason: string }) => p.reason,
  },
  "ir-type-differs": {
    severity: "error",
    message: (p: { op: string; written: string; inferred: string }) =>
      `the result of ${p.op} is ${p.inferred}, but the text says ${p.written}`,
    help: "correct the type in the text, or the operands",
  },
  "ir-tensor-undefined": {
    severity: "error",
    message: (p: { tensor: string }) => `${p.tensor} is not in the table of tensors`,
    help: "add it to `tensors { … }` at the end of the text",
  },
  "ir-tensor-repeated": {
    severity: "error",
    message: (p: { tensor: string }) => `${p.tensor} is in the table of tensors twice`,
    help: "give each tensor a name of its own",
  },
  "ir-tensor-elements": {
    severity: "error",
    message: (p: { tensor: string; wanted: number; found: number }) =>
      `the shape of ${p.tensor} has ${p.wanted} elements, but the text lists ${p.found}`,
    help: "list one number for each element",
  },
  "ir-tensor-element": {
    severity: "error",
    message: (p: { tensor: string; value: string; type: string }) =>
      `${p.tensor} holds ${p.value}, which is no ${p.type}`,
  },
  "ir-tensor-data": {
    severity: "error",
    message: (p: { tensor: string }) =>
      `the text holds only the hash of ${p.tensor}, not its elements`,
    help: "read the network from its `.snn` file, which holds the elements",
  },
  "ir-tensor-differs": {
    severity: "error",
    message: (p: { tensor: string; what: string; written: string; found: string }) =>
      `${p.what} of ${p.tensor} is ${p.found}, but the text says ${p.written}`,
    help: "the text and its tensors belong to different networks: use those that were written together",
  },

  // Invariants.
  "ir-invalid": {
    severity: "error",
    message: (p: { invariant: number; message: string }) =>
      `${p.message} (invariant ${p.invariant})`,
    help: "the network was damaged or edited: take a sound copy of it, or convert the model again",
  },

  // Integer mode.
  "integer-timesteps": {
    severity: "error",
    message: (p: { name: string; timesteps: number; proven: number }) =>
      `in a run of ${p.timesteps} timesteps the integers of ${p.name} might overflow 32 bits; ` +
      `${p.proven} timesteps are proven safe`,
    help: (p: { proven: number }) =>
      `run it for ${p.proven} timesteps or fewer, or quantise to fewer bits`,
  },
  "integer-overflow": {
    severity: "error",
    message: (p: { name: string; low: number; high: number }) =>
      `the integers of ${p.name} can reach any value from ${p.low} to ${p.high} in one timestep: ` +
      "no number of timesteps is proven safe in 32 bits",
    help: "quantise to fewer bits, or run the network in float32",
  },

  // Files.
  "safetensors-malformed": {
    severity: "error",
    message: (p: { file: string; why: string }) =>
      `${p.file} is not a valid safetensors file: ${p.why}`,
    help: "the file may be cut short, or of another format",
  },
  "safetensors-tensor": {
    severity: "error",
    message: (p: { file: string; name: string; why: string }) =>
      `tensor "${p.name}" of ${p.file} cannot be read: ${p.why}`,
    help: "the file may be damaged: copy it again, or write it again",
  },
  "package-malformed": {
    severity: "error",
    message: (p: { file: string; why: string }) =>
      `${p.file} is not a valid .snn network: ${p.why}`,
    help: "`snnc convert` makes a .snn file from a model",
  },
  "package-version": {
    severity: "error",
    message: (p: { file: string; found: string; known: string }) =>
      `${p.file} has format version ${p.found}; this program reads versions ${p.known}`,
    help: "use the version of snnc that wrote it, or convert the model again",
  },
});
