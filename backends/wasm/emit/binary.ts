/**
 * What the build does to a finished WebAssembly binary: finds the byte that says whether its memory
 * is shared, and adds a section of its own. It reads no code. Section ids, import kinds and LEB128
 * are those of the WebAssembly core specification, chapter 5.
 */
import { invariant, known } from "../../../ir/diagnostic.ts";

const headerBytes = 8;
const customSection = 0;
const importSection = 2;
/** Kinds of imports: function, table, memory, global. */
const [functionImport, tableImport, memoryImport, globalImport] = [0, 1, 2, 3];
/** Limits with a maximum; bit 1 makes a memory shared. */
const [ownMemory, sharedMemory] = [1, 3];

class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return known(this.bytes[this.at++], "a byte of the binary");
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  skip(count: number): void {
    this.at += count;
  }

  limits(): void {
    const flags = this.byte();
    this.number();
    if (flags % 2 === 1) this.number();
  }
}

/**
 * The offset of the flag of the imported memory: 1 as it must be now, 3 would share it. Null where
 * the code needs no memory.
 */
export function findSharedFlag(binary: Uint8Array): number | null {
  const reader = new Reader(binary, headerBytes);
  while (reader.at < binary.length) {
    const id = reader.byte();
    const size = reader.number();
    if (id !== importSection) {
      reader.skip(size);
      continue;
    }
    for (let left = reader.number(); left > 0; left--) {
      reader.skip(reader.number());
      reader.skip(reader.number());
      const kind = reader.byte();
      if (kind === memoryImport) {
        const flag = binary[reader.at];
        invariant(flag === ownMemory || flag === sharedMemory, `memory limits of kind ${flag}`);
        return reader.at;
      }
      if (kind === functionImport) reader.number();
      else if (kind === globalImport) reader.skip(2);
      else {
        invariant(kind === tableImport, `an import of kind ${kind}`);
        reader.skip(1);
        reader.limits();
      }
    }
  }
  return null;
}

/** The binary with a custom section at its end; what stands before keeps its place. */
export function withSection(
  binary: Uint8Array,
  name: string,
  content: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const label = new TextEncoder().encode(name);
  const head = [...lebOf(label.length), ...label];
  const section = [customSection, ...lebOf(head.length + content.length), ...head];
  const joined = new Uint8Array(binary.length + section.length + content.length);
  joined.set(binary);
  joined.set(section, binary.length);
  joined.set(content, binary.length + section.length);
  return joined;
}

/** `value` as unsigned LEB128. */
function lebOf(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) + 128);
  }
}
