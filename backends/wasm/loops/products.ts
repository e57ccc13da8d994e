/** The products of passes/fit/products.ts, two columns to a vector. All numbers are doubles. */
import { known } from "../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../assembler/code.ts";
import type { Expr } from "../assembler/types.ts";

/** Rows whose products are added at a time, one after the other. */
const together = 4;

/**
 * Writes the function of the parameters: a, its width, b, its width, how many rows both have, where their
 * aᵀ·b is added to, and whether only columns from the row's own number on are wanted.
 */
export function writeTransposedProduct(code: FunctionWriter): void {
  const { i32 } = code.wasm;
  const a = code.parameter(0);
  const m = code.parameter(1);
  const b = code.parameter(2);
  const n = code.parameter(3);
  const rows = code.parameter(4);
  const into = code.parameter(5);
  const upper = code.parameter(6);
  const i = code.define("i32", code.int(0));
  const from = code.local("i32");
  /** For `columns` columns of a from number i on. */
  const columns = (count: number): void => {
    from.set(code.wasm.select(upper.get(), i.get(), code.int(0)));
    overRows(code, rows, (row, taken) => {
      const x = address(code, a, i32.add(i32.mul(row.get(), m.get()), i.get()));
      const y = address(code, b, i32.add(i32.mul(row.get(), n.get()), from.get()));
      const to = address(code, into, i32.add(i32.mul(i.get(), n.get()), from.get()));
      const factors = Array.from({ length: count }, (_, column) =>
        splats(code, x, m, taken, 8 * column),
      );
      addMultiples(code, { y, n, from, to, factors });
    });
  };
  code.while(
    () => i32.le_s(i32.add(i.get(), code.int(2)), m.get()),
    () => {
      columns(2);
      i.step(2);
    },
  );
  code.when(i32.lt_s(i.get(), m.get()), () => {
    columns(1);
  });
}

/**
 * Writes the function of the parameters: a, its width, b, its width, how many rows a has, and where a·b is
 * added to.
 */
export function writeProduct(code: FunctionWriter): void {
  const { i32, v128, f64x2, f64 } = code.wasm;
  const a = code.parameter(0);
  const k = code.parameter(1);
  const b = code.parameter(2);
  const n = code.parameter(3);
  const rows = code.parameter(4);
  const into = code.parameter(5);
  const zero = code.define("i32", code.int(0));
  code.while(
    () => rows.get(),
    () => {
      overRows(code, k, (row, taken) => {
        const x = address(code, a, row.get());
        const y = address(code, b, i32.mul(row.get(), n.get()));
        const factors = Array.from({ length: taken }, (_, j) =>
          code.define("v128", v128.load64_splat(8 * j, 8, x.get())),
        );
        const add = (): void => {
          const to = code.define("i32", into.get());
          addMultiples(code, { y, n, from: zero, to, factors: [factors] });
        };
        if (taken === 1) add();
        else {
          const others = factors.map((factor) => f64x2.ne(factor.get(), f64x2.splat(f64.const(0))));
          code.when(v128.any_true(others.reduce((all, each) => v128.or(all, each))), add);
        }
      });
      a.advance(i32.mul(k.get(), code.int(8)));
      into.advance(i32.mul(n.get(), code.int(8)));
      rows.step(-1);
    },
  );
}

interface Multiples {
  /** The first element of the first row that is added. */
  readonly y: Local;
  readonly n: Local;
  /** The column that y and `to` begin at. */
  readonly from: Local;
  /** The first element of the first row that they are added to. */
  readonly to: Local;
  /** For each row that is added to, a factor for each row that is added. */
  readonly factors: readonly (readonly Local[])[];
}

/** Adds multiples of rows to rows, from a column to the last; y and `to` move on. */
function addMultiples(code: FunctionWriter, { y, n, from, to, factors }: Multiples): void {
  const { i32, v128, f64x2 } = code.wasm;
  const count = known(factors[0], "factors of a row").length;
  const stride = code.define("i32", i32.mul(n.get(), code.int(8)));
  const others = Array.from({ length: count }, (_, row) =>
    row === 0 ? y : code.define("i32", i32.add(y.get(), i32.mul(stride.get(), code.int(row)))),
  );
  const targets = factors.map((_, row) =>
    row === 0 ? to : code.define("i32", i32.add(to.get(), i32.mul(stride.get(), code.int(row)))),
  );
  const values = code.several(count, "v128");
  const step = (load: (pointer: Expr) => Expr, store: (pointer: Expr, sum: Expr) => Expr): void => {
    values.forEach((value, row) => {
      value.set(load(known(others[row], "a row").get()));
    });
    factors.forEach((ofRow, target) => {
      const pointer = known(targets[target], "a row");
      const sum = ofRow.reduce(
        (all, factor, row) =>
          f64x2.add(all, f64x2.mul(factor.get(), known(values[row], "values").get())),
        load(pointer.get()),
      );
      code.push(store(pointer.get(), sum));
    });
  };
  const left = code.define("i32", i32.sub(n.get(), from.get()));
  code.while(
    () => i32.ge_s(left.get(), code.int(2)),
    () => {
      step(
        (pointer) => v128.load(0, 8, pointer),
        (pointer, sum) => v128.store(0, 8, pointer, sum),
      );
      for (const pointer of [...others, ...targets]) pointer.step(16);
      left.step(-2);
    },
  );
  code.when(left.get(), () => {
    step(
      (pointer) => v128.load64_zero(0, 8, pointer),
      (pointer, sum) => v128.store64_lane(0, 8, 0, pointer, sum),
    );
  });
}

/** Runs `body` for rows 0, 4, … and then for each that is left, with how many it is to take. */
function overRows(
  code: FunctionWriter,
  rows: Local,
  body: (row: Local, taken: number) => void,
): void {
  const { i32 } = code.wasm;
  const row = code.define("i32", code.int(0));
  code.while(
    () => i32.le_s(i32.add(row.get(), code.int(together)), rows.get()),
    () => {
      body(row, together);
      row.step(together);
    },
  );
  code.upTo(
    row,
    () => rows.get(),
    1,
    () => {
      body(row, 1);
    },
  );
}

/** One element of each of some rows, in both lanes. */
function splats(
  code: FunctionWriter,
  x: Local,
  width: Local,
  count: number,
  offset: number,
): readonly Local[] {
  const { i32, v128 } = code.wasm;
  return Array.from({ length: count }, (_, row) => {
    const at = i32.add(x.get(), i32.mul(width.get(), code.int(8 * row)));
    return code.define("v128", v128.load64_splat(offset, 8, at));
  });
}

/** The address of element number `index` behind `base`. */
function address(code: FunctionWriter, base: Local, index: Expr): Local {
  const { i32 } = code.wasm;
  return code.define("i32", i32.add(base.get(), i32.mul(index, code.int(8))));
}
