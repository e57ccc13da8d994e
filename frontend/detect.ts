/**
 * Tells what a file is from its first bytes, so that each format finds its reader and everything
 * else gets a hint. It reads nothing else and decodes nothing.
 */

/** Formats that are told apart; `unknown` is everything that no importer will read. */
export type Format = "onnx" | "snn" | "tfjs" | "unknown";

export interface Detected {
  readonly format: Format;
  /** What it is, for a sentence that begins "it is". */
  readonly what: string;
  /** True where the bytes leave no doubt. ONNX has no signature, so it is never certain. */
  readonly certain: boolean;
  /** What to do with it. */
  readonly hint: string;
}

interface Signature {
  readonly at: number;
  readonly bytes: readonly number[];
  readonly what: string;
  readonly hint: string;
}

const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));
const exportIt = "export the network to ONNX first";

const signatures: readonly Signature[] = [
  {
    at: 0,
    bytes: [0x50, 0x4b, 3, 4],
    what: "it is a zip archive, as PyTorch (.pt), Keras (.keras) and NumPy (.npz) write them",
    hint: `unpack it, or ${exportIt}: torch.onnx.export, tf2onnx`,
  },
  {
    at: 0,
    bytes: [0x89, 0x48, 0x44, 0x46],
    what: "it is an HDF5 file, as Keras (.h5) and NIR write them",
    hint: `${exportIt}: tf2onnx`,
  },
  { at: 4, bytes: ascii("TFL3"), what: "it is a TensorFlow Lite model", hint: exportIt },
  { at: 0, bytes: [0x1f, 0x8b], what: "it is compressed with gzip", hint: "unpack it first" },
  {
    at: 0,
    bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    what: "it is compressed with xz",
    hint: "unpack it first",
  },
  {
    at: 0,
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    what: "it is compressed with zstd",
    hint: "unpack it first",
  },
  {
    at: 0,
    bytes: [0x93, ...ascii("NUMPY")],
    what: "it is a NumPy array",
    hint: "that is data; name the model here",
  },
  {
    at: 0,
    bytes: [0x89, 0x50, 0x4e, 0x47],
    what: "it is a PNG image",
    hint: "that is data; name the model here",
  },
  {
    at: 0,
    bytes: [0xff, 0xd8, 0xff],
    what: "it is a JPEG image",
    hint: "that is data; name the model here",
  },
  { at: 0, bytes: [0x80, 2], what: "it is a Python pickle", hint: exportIt },
  { at: 0, bytes: [0x80, 4], what: "it is a Python pickle", hint: exportIt },
  { at: 0, bytes: [0x80, 5], what: "it is a Python pickle", hint: exportIt },
  { at: 0, bytes: [0x7f, 0x45, 0x4c, 0x46], what: "it is an ELF program", hint: exportIt },
  { at: 4, bytes: ascii("ORTM"), what: "it is an ONNX Runtime (.ort) file", hint: exportIt },
];

/** What `bytes`, the whole file or its beginning, look like. */
export function detectFormat(bytes: Uint8Array): Detected {
  if (looksLikeSafetensors(bytes)) {
    return { format: "snn", what: "it is a safetensors file", certain: true, hint: snnHint };
  }
  for (const signature of signatures) {
    if (signature.bytes.every((byte, i) => bytes[signature.at + i] === byte)) {
      return { format: "unknown", what: signature.what, certain: true, hint: signature.hint };
    }
  }
  const text = asText(bytes);
  if (text !== null) return detectText(text);
  // A ModelProto begins with its version, as every exporter writes it: field 1, a varint.
  if (bytes[0] === 0x08) {
    return {
      format: "onnx",
      what: "it is an ONNX model",
      certain: false,
      hint: "the file may be damaged; export the model again, or download it again",
    };
  }
  return {
    format: "unknown",
    what: "it is of no known format",
    certain: false,
    hint: "name an .onnx model; other frameworks export to ONNX",
  };
}

const snnHint = "a compiled network (.snn) is read by eval, run, report, inspect and diff";

/** Safetensors: the length of the header as a 64-bit number, then JSON. */
function looksLikeSafetensors(bytes: Uint8Array): boolean {
  if (bytes.length < 10) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  return length >= 2 && length < 2 ** 27 && bytes[8] === 0x7b && /["}\s]/.test(charAt(bytes, 9));
}

function charAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0);
}

/** The beginning as text, or null where it holds bytes that text does not. */
function asText(bytes: Uint8Array): string | null {
  const head = bytes.subarray(0, 1024);
  for (const byte of head) {
    if (byte < 9 || (byte > 13 && byte < 32) || byte === 127) return null;
  }
  return new TextDecoder().decode(head);
}

function detectText(text: string): Detected {
  const plain = (what: string, hint: string): Detected => {
    return { format: "unknown", what, certain: true, hint };
  };
  if (text.startsWith("version https://git-lfs")) {
    return plain("it is a Git LFS pointer, not the file itself", "fetch the file: git lfs pull");
  }
  const start = text.trimStart();
  if (start.startsWith("{")) {
    if (/"(modelTopology|weightsManifest)"/.test(text)) {
      const hint = "convert it to ONNX first, for example with tfjs-to-onnx or tf2onnx --tfjs";
      return { format: "tfjs", what: "it is a TensorFlow.js model", certain: true, hint };
    }
    return plain("it is JSON", "name the model itself");
  }
  if (start.startsWith("<")) {
    return plain("it is HTML or XML", "the download gave a web page; download the raw file");
  }
  // The text of a fault of ours has its pipeline in a comment above.
  if (/^(\/\/[^\n]*\n\s*)*module\s/.test(start)) {
    return plain(
      "it is IR text, which no command reads",
      "name the .snn network or the model that the text was printed from",
    );
  }
  return plain("it is a text file", "name an .onnx model");
}
