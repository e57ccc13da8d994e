/**
 * Tables of sums that look-ups read, made in memory from weights that are there: they are many times
 * as large as the weights, so neither a program nor a file carries them. Depends on nothing, as
 * whatever loads a program needs it.
 */

/** How to fill a table: weight rows [group, input, lane] summed by every value of eight inputs' bits. */
export interface SumTables {
  /** Bytes from the start of memory to the table and to the weights. */
  readonly address: number;
  readonly from: number;
  readonly element: "f32" | "i32" | "i16";
  readonly groups: number;
  readonly inputs: number;
  readonly width: number;
}

/** Inputs whose bits index one table; fewer where there are fewer. */
export function tableBits(inputs: number): number {
  return Math.min(8, inputs);
}

/**
 * Rows from one table to the next: one more than there are values of the bits. Tables a power of two
 * apart would have the rows of a value, and most bytes are 0, in the same few lines of a cache.
 */
export function tableRows(inputs: number): number {
  return 2 ** tableBits(inputs) + 1;
}

/** Tables of one group. */
export function tablesPerGroup(inputs: number): number {
  return Math.ceil(inputs / 8);
}

/** Elements of all tables: [group, byte of inputs, row, lane]. */
export function tableLength(shape: Pick<SumTables, "groups" | "inputs" | "width">): number {
  const { groups, inputs, width } = shape;
  return groups * tablesPerGroup(inputs) * tableRows(inputs) * width;
}

/** Fills a table. Each entry is that without its highest bit, plus one row. */
export function fillTables(memory: ArrayBufferLike, recipe: SumTables): void {
  const { address, from, element, groups, inputs, width } = recipe;
  const view = (at: number, length: number): Float32Array | Int32Array | Int16Array => {
    if (element === "f32") return new Float32Array(memory, at, length);
    if (element === "i32") return new Int32Array(memory, at, length);
    return new Int16Array(memory, at, length);
  };
  const rows = view(from, groups * inputs * width);
  const table = view(address, tableLength(recipe));
  const values = 2 ** tableBits(inputs);
  let entry = 0;
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < inputs; first += 8) {
      table.fill(0, entry, entry + width);
      for (let value = 1; value < values; value++) {
        const top = 31 - Math.clz32(value);
        const rest = entry + (value - 2 ** top) * width;
        const row = (group * inputs + first + top) * width;
        const into = entry + value * width;
        const present = first + top < inputs;
        for (let lane = 0; lane < width; lane++) {
          table[into + lane] = (table[rest + lane] ?? 0) + (present ? (rows[row + lane] ?? 0) : 0);
        }
      }
      entry += tableRows(inputs) * width;
    }
  }
}
