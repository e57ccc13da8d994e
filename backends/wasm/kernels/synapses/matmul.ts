/**
 * Products of two matrices that are both values: a tile of rows by vectors of columns stays in
 * registers. Terms are summed in the order of the inner axis, whatever the tile or the thread.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import type { View } from "../../memory/view.ts";

/** One axis that all three have, with the stride of each (0 where one is stretched). */
export interface ProductAxis {
  readonly extent: number;
  readonly strides: readonly [number, number, number];
}

/** output[…, i, j] = Σ left[…, i, k] · right[…, k, j]; neighbours along j in output and right. */
export interface Product {
  readonly left: View;
  readonly right: View;
  readonly output: View;
  /** Outermost first, time included; strides of output, left and right. */
  readonly batch: readonly ProductAxis[];
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  /** Elements from row to row of output and left, and along the inner axis of left and right. */
  readonly outputRow: number;
  readonly leftRow: number;
  readonly leftInner: number;
  readonly rightInner: number;
}

const tileRows = 4;
const tileVectors = 2;

/** Emits the loops; threads share tiles of rows. */
export function multiply(code: FunctionWriter, job: Product): void {
  const { i32 } = code.wasm;
  const views = [job.output, job.left, job.right];
  const tiles = Math.ceil(job.rows / tileRows);
  const whole = Math.floor(job.rows / tileRows);
  const share = shareOf(code, tiles);
  const start = views.map((view) => pointerTo(code, view.buffer));

  const visit = (at: number, pointers: readonly Local[]): void => {
    const axis = job.batch[at];
    if (axis !== undefined) {
      const moving = pointers.map((pointer) => code.define("i32", pointer.get()));
      code.times(axis.extent, () => {
        visit(at + 1, moving);
        moving.forEach((pointer, i) => {
          pointer.step(4 * (axis.strides[i] ?? 0));
        });
      });
      return;
    }
    const [y, a, b] = pointers.map((pointer) => code.define("i32", pointer.get()));
    const [output, left, right] = [known(y, "y"), known(a, "a"), known(b, "b")];
    const tile = code.define("i32", share.from.get());
    output.advance(i32.mul(tile.get(), code.int(4 * tileRows * job.outputRow)));
    left.advance(i32.mul(tile.get(), code.int(4 * tileRows * job.leftRow)));
    code.while(
      () => i32.and(i32.lt_s(tile.get(), share.to.get()), i32.lt_s(tile.get(), code.int(whole))),
      () => {
        emitRows(code, job, tileRows, output, left, right);
        output.step(4 * tileRows * job.outputRow);
        left.step(4 * tileRows * job.leftRow);
        tile.step(1);
      },
    );
    if (whole < tiles) {
      code.when(i32.lt_s(tile.get(), share.to.get()), () => {
        emitRows(code, job, job.rows - whole * tileRows, output, left, right);
      });
    }
  };
  visit(0, start);
}

/** All columns of `rows` rows. */
function emitRows(
  code: FunctionWriter,
  job: Product,
  rows: number,
  output: Local,
  left: Local,
  right: Local,
): void {
  const width = 4 * tileVectors;
  const [y, b] = [code.define("i32", output.get()), code.define("i32", right.get())];
  const emit = (lanes: number): void => {
    emitTile(code, job, rows, lanes, y, left, b);
    y.step(4 * lanes);
    b.step(4 * lanes);
  };
  code.times(Math.floor(job.columns / width), () => {
    emit(width);
  });
  if (job.columns % width > 0) emit(job.columns % width);
}

function emitTile(
  code: FunctionWriter,
  job: Product,
  rows: number,
  lanes: number,
  output: Local,
  left: Local,
  right: Local,
): void {
  const { v128, f32x4, i32x4 } = code.wasm;
  const unit = job.left.element === "f32" ? f32x4 : i32x4;
  const vectors = Math.ceil(lanes / 4);
  code.borrow("v128", rows * vectors + vectors + 1, (locals) => {
    const splat = known(locals[rows * vectors], "a temporary");
    const columns = locals.slice(rows * vectors + 1);
    const sums = locals.slice(0, rows * vectors);
    for (const sum of sums) sum.set(v128.const(new Array<number>(16).fill(0)));
    code.borrow("i32", 2, ([first, second]) => {
      const [a, b] = [known(first, "a"), known(second, "b")];
      a.set(left.get());
      b.set(right.get());
      code.times(job.inner, () => {
        columns.forEach((column, vector) => {
          column.set(v128.load(placeOf(job.right, 4 * vector), 4, b.get()));
        });
        for (let row = 0; row < rows; row++) {
          splat.set(v128.load32_splat(placeOf(job.left, row * job.leftRow), 4, a.get()));
          columns.forEach((column, vector) => {
            const sum = known(sums[row * vectors + vector], "a sum");
            sum.set(unit.add(sum.get(), unit.mul(splat.get(), column.get())));
          });
        }
        a.step(4 * job.leftInner);
        b.step(4 * job.rightInner);
      });
    });
    for (let row = 0; row < rows; row++) {
      for (let vector = 0; vector < vectors; vector++) {
        storeLanes(
          code,
          placeOf(job.output, row * job.outputRow + 4 * vector),
          () => output.get(),
          () => known(sums[row * vectors + vector], "a sum").get(),
          Math.min(4, lanes - 4 * vector),
        );
      }
    }
  });
}
