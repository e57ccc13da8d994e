/**
 * A reader of Python pickles that cannot be made to run anything: it knows the opcodes for plain
 * data, and of the callables a pickle may name only those that make numpy arrays, which it carries
 * out itself. Everything else is refused by name. Not a writer, and no general unpickler.
 */
import { fail } from "../../../ir/diagnostic.ts";
import type { Tensor } from "../../../ir/tensor.ts";
import { diagnose } from "../../diagnostics.ts";
import type { Budget } from "../budget.ts";
import { type Dtype, isDtype, makeArray, makeDtype } from "./pickle-numpy.ts";

export interface Ndarray {
  readonly kind: "ndarray";
  readonly tensor: Tensor;
}

/** A name of a callable that is allowed; never a value that leaves the reader. */
interface Callable {
  readonly kind: "callable";
  readonly name: CallableName;
}

/** An array that has been announced and is filled by BUILD: whatever remembers it means the array. */
interface Blank {
  readonly kind: "blank";
  array: Ndarray | null;
}

/** What a pickle holds. Python 2 strings come as bytes, except as keys of dicts. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | PickleValue[]
  | Map<string, PickleValue>
  | Ndarray
  | Dtype
  | Callable
  | Blank;

const callables = {
  "numpy.core.multiarray _reconstruct": "reconstruct",
  "numpy._core.multiarray _reconstruct": "reconstruct",
  "numpy.core.numeric _frombuffer": "frombuffer",
  "numpy._core.numeric _frombuffer": "frombuffer",
  "numpy ndarray": "ndarray",
  "numpy dtype": "dtype",
  "_codecs encode": "encode",
} as const;
type CallableName = (typeof callables)[keyof typeof callables];
const callableByGlobal: ReadonlyMap<string, CallableName> = new Map(Object.entries(callables));

/** True for a numpy array in a pickle. */
export function isNdarray(value: PickleValue): value is Ndarray {
  return isKind(value, "ndarray");
}

function isKind<K extends "ndarray" | "callable" | "blank">(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleValue, { readonly kind: K }> {
  return value !== null && typeof value === "object" && "kind" in value && value.kind === kind;
}

/** True where the bytes begin and end as a binary pickle (protocol 2 to 5). */
export function isPickle(bytes: Uint8Array): boolean {
  const protocol = bytes[1] ?? 0;
  return bytes[0] === 0x80 && protocol >= 2 && protocol <= 5;
}

/** The value that a pickle holds; fails on whatever is not plain data. */
export function readPickle(bytes: Uint8Array, file: string, budget: Budget): PickleValue {
  return new PickleReader(bytes, file, budget).read();
}

/**
 * Bytes that may be copied for each byte of the file. Every text and array is in the file once, so two
 * copies of each do; a pickle that asks for the same long text again and again asks for more.
 */
const copiesPerByte = 8;

/**
 * Bytes of memory that a step takes, whose opcode may be a single byte: a list, a mark, a place in the
 * memo. Measured were 48 to 84, whatever was repeated.
 */
const bytesPerStep = 96;

const latin1 = new TextDecoder("latin1");
const utf8 = new TextDecoder("utf-8");

/** The stack machine. A class because stack, memo and position are its state. */
class PickleReader {
  private at = 0;
  private stack: PickleValue[] = [];
  /** The stacks that MARK put aside. */
  private readonly marked: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  private readonly file: string;
  private readonly budget: Budget;
  /** Bytes copied so far. */
  private copied = 0;

  constructor(bytes: Uint8Array, file: string, budget: Budget) {
    this.bytes = bytes;
    this.file = file;
    this.budget = budget;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): PickleValue {
    for (;;) {
      const opcode = this.u8();
      if (opcode === 0x2e) return this.pop(); // STOP
      this.budget.take(bytesPerStep, this.file);
      this.step(opcode);
    }
  }

  /** Opcodes are named as in Python's pickle.py. */
  private step(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        this.take(1);
        return;
      case 0x95: // FRAME
        this.take(8);
        return;
      case 0x28: // MARK
        this.marked.push(this.stack);
        this.stack = [];
        return;
      case 0x30: // POP
        this.pop();
        return;
      case 0x4e: // NONE
        return this.push(null);
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case 0x4a: // BININT
        return this.push(this.view.getInt32(this.advance(4), true));
      case 0x4b: // BININT1
        return this.push(this.u8());
      case 0x4d: // BININT2
        return this.push(this.view.getUint16(this.advance(2), true));
      case 0x8a: // LONG1
        return this.push(this.longOf(this.take(this.u8())));
      case 0x47: // BINFLOAT
        return this.push(this.view.getFloat64(this.advance(8)));
      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
        return this.push(this.take(this.u8()));
      case 0x54: // BINSTRING
      case 0x42: // BINBYTES
        return this.push(this.take(this.u32()));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.push(this.take(this.u64()));
      case 0x8c: // SHORT_BINUNICODE
        return this.push(this.decoded(this.u8()));
      case 0x58: // BINUNICODE
        return this.push(this.decoded(this.u32()));
      case 0x7d: // EMPTY_DICT
        return this.push(new Map());
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        return this.push([]);
      case 0x74: // TUPLE
      case 0x6c: // LIST
        return this.push(this.popMark());
      case 0x85: // TUPLE1
        return this.push(this.popMany(1));
      case 0x86: // TUPLE2
        return this.push(this.popMany(2));
      case 0x87: // TUPLE3
        return this.push(this.popMany(3));
      case 0x61: // APPEND
        return this.append(this.popMany(1));
      case 0x65: // APPENDS
        return this.append(this.popMark());
      case 0x73: // SETITEM
        return this.setItems(this.popMany(2));
      case 0x75: // SETITEMS
        return this.setItems(this.popMark());
      case 0x71: // BINPUT
        this.memo.set(this.u8(), this.peek());
        return;
      case 0x72: // LONG_BINPUT
        this.memo.set(this.u32(), this.peek());
        return;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.peek());
        return;
      case 0x68: // BINGET
        return this.push(this.recall(this.u8()));
      case 0x6a: // LONG_BINGET
        return this.push(this.recall(this.u32()));
      case 0x63: // GLOBAL
        return this.push(this.callable(this.line(), this.line()));
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.popMany(2);
        return this.push(this.callable(this.text(module), this.text(name)));
      }
      case 0x52: {
        // REDUCE
        const [callable, args] = this.popMany(2);
        return this.push(this.reduce(callable, args));
      }
      case 0x62: // BUILD
        return this.build();
      default:
        return this.refuse(
          `has the opcode 0x${opcode.toString(16).padStart(2, "0")} at byte ${this.at - 1}, which is not plain data`,
        );
    }
  }

  private reduce(callable: PickleValue | undefined, args: PickleValue | undefined): PickleValue {
    if (!isKind(callable, "callable") || !Array.isArray(args)) {
      return this.refuse("calls what is not a function");
    }
    switch (callable.name) {
      case "reconstruct":
        return { kind: "blank", array: null };
      case "dtype":
        return makeDtype(this.text(args[0]));
      case "encode":
        return this.encode(this.text(args[0]));
      case "frombuffer": {
        const [buffer, dtype, shape, order] = args;
        return this.arrayOf(shape, dtype, order === "F", buffer);
      }
      case "ndarray":
        return this.refuse("makes an array in an unknown way");
    }
  }

  /** Gives an object its state: only dtypes and announced arrays have one. */
  private build(): void {
    const [object, state] = this.popMany(2);
    if (isDtype(object) && Array.isArray(state)) {
      const [, byteOrder] = state;
      object.bigEndian = this.text(byteOrder) === ">";
      return this.push(object);
    }
    if (!isKind(object, "blank") || !Array.isArray(state) || state.length !== 5) {
      return this.refuse("gives a state to what is not an array");
    }
    const [, shape, dtype, fortranOrder, data] = state;
    const array = this.arrayOf(shape, dtype, fortranOrder === true, data);
    object.array = array;
    this.push(array);
  }

  private arrayOf(
    shape: PickleValue | undefined,
    dtype: PickleValue | undefined,
    fortranOrder: boolean,
    data: PickleValue | undefined,
  ): Ndarray {
    if (!isDtype(dtype) || !(data instanceof Uint8Array)) {
      return this.refuse("holds an array whose elements are no numbers");
    }
    const extents = this.extentsOf(shape);
    this.copy(data.length);
    const described = { shape: extents, dtype, fortranOrder, bytes: data };
    const made = makeArray(described, this.file, this.budget);
    if (!made.ok) return this.refuse(made.reason);
    return { kind: "ndarray", tensor: made.value };
  }

  private extentsOf(shape: PickleValue | undefined): readonly number[] {
    if (!Array.isArray(shape)) return this.refuse("holds an array without a shape");
    this.copy(shape.length);
    return shape.map((n) =>
      typeof n === "number" ? n : this.refuse("holds an array whose extents are no numbers"),
    );
  }

  private text(value: PickleValue | undefined): string {
    if (value instanceof Uint8Array) {
      this.copy(value.length);
      return latin1.decode(value);
    }
    if (typeof value !== "string") return this.refuse("names something by no string");
    this.copy(value.length);
    return value;
  }

  /** A text of `count` bytes, which takes two for each character. */
  private decoded(count: number): string {
    const bytes = this.take(count);
    this.budget.take(2 * count, this.file);
    return utf8.decode(bytes);
  }

  /** Latin-1, as which protocols 0 to 2 write the bytes of an array. */
  private encode(text: string): Uint8Array {
    this.budget.take(text.length, this.file);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0xff) return this.refuse("encodes a text that is no Latin-1");
      bytes[i] = code;
    }
    return bytes;
  }

  /** Counts bytes that are gone through once more. */
  private copy(bytes: number): void {
    this.copied += bytes;
    if (this.copied > copiesPerByte * this.bytes.length + 4096) {
      this.refuse("asks for the same bytes again and again");
    }
  }

  private callable(module: string, name: string): Callable {
    const known = callableByGlobal.get(`${module} ${name}`);
    if (known === undefined) return this.refuse(`names ${module}.${name}`);
    return { kind: "callable", name: known };
  }

  private append(values: readonly PickleValue[]): void {
    const list = this.peek();
    if (!Array.isArray(list)) return this.refuse("appends to what is not a list");
    for (const value of values) list.push(value);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.peek();
    if (!(dict instanceof Map)) return this.refuse("sets items of what is not a dict");
    for (let i = 0; i + 1 < items.length; i += 2) {
      const key = items[i];
      if (!(key instanceof Uint8Array) && typeof key !== "string") {
        return this.refuse("has a key that is not a string");
      }
      dict.set(this.text(key), items[i + 1] ?? null);
    }
  }

  /** A two's complement integer, little-endian. */
  private longOf(bytes: Uint8Array): number {
    let value = 0;
    bytes.forEach((byte, i) => {
      value += byte * 256 ** i;
    });
    return (bytes.at(-1) ?? 0) >= 0x80 ? value - 256 ** bytes.length : value;
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private peek(): PickleValue {
    return this.stack.at(-1) ?? (this.stack.length === 0 ? this.refuse("is damaged") : null);
  }

  private pop(): PickleValue {
    return this.popMany(1)[0] ?? null;
  }

  private popMany(count: number): PickleValue[] {
    if (this.stack.length < count) return this.refuse("is damaged");
    return this.stack.splice(this.stack.length - count);
  }

  private popMark(): PickleValue[] {
    const items = this.stack;
    this.stack = this.marked.pop() ?? this.refuse("is damaged");
    return items;
  }

  private recall(key: number): PickleValue {
    const value = this.memo.get(key);
    if (value === undefined) return this.refuse("is damaged");
    return isKind(value, "blank") && value.array !== null ? value.array : value;
  }

  private advance(count: number): number {
    const start = this.at;
    if (start + count > this.bytes.length) this.refuse("is cut short");
    this.at += count;
    return start;
  }

  private take(count: number): Uint8Array {
    const start = this.advance(count);
    return this.bytes.subarray(start, start + count);
  }

  private u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  private u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  private u64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  private line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    const text = latin1.decode(this.take((end < 0 ? this.bytes.length : end) - this.at));
    this.advance(1);
    return text;
  }

  private refuse(reason: string): never {
    return fail(diagnose("pickle-refused", null, { file: this.file, reason }));
  }
}
