/**
 * Windows that fold their elements into one: maxima and means. Windows that hang over an edge are
 * loops of their own over the taps that meet an element, so that padding is never read. Channels are
 * vectors where they are neighbours in both views.
 */
import { known } from "../../../../ir/diagnostic.ts";
import type { Expr } from "../../assembler/types.ts";
import type { FunctionWriter, Local } from "../../assembler/code.ts";
import { placeOf, pointerTo, shareOf, storeLanes } from "../../assembler/memory.ts";
import { type View, elementBytes } from "../../memory/view.ts";

/** One axis along which windows slide; strides in elements. */
export interface SlideAxis {
  readonly extent: number;
  readonly count: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBegin: number;
  readonly padEnd: number;
  readonly inputStride: number;
  readonly outputStride: number;
}

/** How the elements of a window become one; vectors of the input's element. */
export interface WindowFold {
  /** What any element may be folded with without changing it. */
  readonly identity: () => Expr;
  readonly combine: (sum: Expr, value: Expr) => Expr;
  /** `taps` elements were folded, of `padded` where padding counts too. */
  readonly finish: (sum: Local, taps: number, padded: number) => Expr;
}

/** [batch, channels, …spatial] in both views. */
export interface Slide {
  readonly input: View;
  readonly output: View;
  readonly axes: readonly SlideAxis[];
  readonly steps: number;
}

/** What is done for the first `lanes` channels of one window; pointers are the loops' to move. */
export type Leaf = (window: readonly Segment[], x: Local, y: Local, lanes: number) => void;

/** Neighbouring windows of which the same taps meet an element, along one axis. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly firstTap: number;
  readonly taps: number;
  /** Taps within the padded extent. */
  readonly padded: number;
}

function segmentsOf(axis: SlideAxis): readonly Segment[] {
  const segments: Segment[] = [];
  for (let window = 0; window < axis.count; window++) {
    const taps = Array.from(
      { length: axis.kernel },
      (_, k) => window * axis.stride + k * axis.dilation - axis.padBegin,
    );
    const firstTap = taps.findIndex((at) => at >= 0 && at < axis.extent);
    const count = taps.filter((at) => at >= 0 && at < axis.extent).length;
    const padded = taps.filter((at) => at < axis.extent + axis.padEnd).length;
    const last = segments.at(-1);
    if (last?.firstTap === firstTap && last.taps === count && last.padded === padded) {
      segments[segments.length - 1] = { ...last, to: window + 1 };
    } else segments.push({ from: window, to: window + 1, firstTap, taps: count, padded });
  }
  return segments;
}

/** Most taps that are written out one after the other. */
const mostUnrolled = 16;

/** Folds each window into one element. */
export function slide(code: FunctionWriter, job: Slide, fold: WindowFold): void {
  overWindows(code, job, (window, x, y, lanes) => {
    emitFold(code, job, fold, window, x, y, lanes);
  });
}

/**
 * Emits the loops around a leaf; threads share windows along the first spatial axis. `enter` is asked for what is done once
 * for each of these: it is given which it is, and its part of the axis.
 */
export function overWindows(
  code: FunctionWriter,
  job: Slide,
  leaf: Leaf,
  enter?: (row: Local, segment: Segment) => void,
): void {
  const { i32 } = code.wasm;
  const { input, output, axes } = job;
  const bytes = elementBytes(input.element);
  const outBytes = elementBytes(output.element);
  const first = known(axes[0], "a spatial axis");
  const share = shareOf(code, first.count);
  const [batch = 1] = output.shape;
  const time = [pointerTo(code, input.buffer), pointerTo(code, output.buffer)] as const;
  code.times(job.steps, () => {
    const at = time.map((pointer) => code.define("i32", pointer.get()));
    const [x, y] = [known(at[0], "x"), known(at[1], "y")];
    code.times(batch, () => {
      emitAxis(0, x, y, []);
      x.step(bytes * (input.strides[0] ?? 0));
      y.step(outBytes * (output.strides[0] ?? 0));
    });
    time[0].step(bytes * input.lead);
    time[1].step(outBytes * output.lead);
  });

  function emitAxis(index: number, x: Local, y: Local, window: readonly Segment[]): void {
    const axis = axes[index];
    if (axis === undefined) {
      emitChannels(code, job, leaf, window, x, y);
      return;
    }
    for (const segment of segmentsOf(axis)) {
      const start = segment.from * axis.stride + segment.firstTap * axis.dilation - axis.padBegin;
      const px = code.define(
        "i32",
        i32.add(x.get(), code.int(bytes * axis.inputStride * Math.max(0, start))),
      );
      const py = code.define(
        "i32",
        i32.add(y.get(), code.int(outBytes * axis.outputStride * segment.from)),
      );
      const body = (): void => {
        emitAxis(index + 1, px, py, [...window, segment]);
        px.step(bytes * axis.inputStride * axis.stride);
        py.step(outBytes * axis.outputStride);
      };
      if (index > 0) {
        code.times(segment.to - segment.from, body);
        continue;
      }
      const from = code.define("i32", larger(share.from.get(), segment.from));
      const ahead = (): Expr => i32.sub(from.get(), code.int(segment.from));
      px.advance(i32.mul(ahead(), code.int(bytes * axis.inputStride * axis.stride)));
      py.advance(i32.mul(ahead(), code.int(outBytes * axis.outputStride)));
      code.while(
        () =>
          i32.and(i32.lt_s(from.get(), share.to.get()), i32.lt_s(from.get(), code.int(segment.to))),
        () => {
          enter?.(from, segment);
          body();
          from.step(1);
        },
      );
    }
  }

  function larger(a: Expr, b: number): Expr {
    const local = code.define("i32", a);
    return code.wasm.select(i32.gt_s(local.get(), code.int(b)), local.get(), code.int(b));
  }
}

/** All channels of one window. */
function emitChannels(
  code: FunctionWriter,
  job: Slide,
  leaf: Leaf,
  window: readonly Segment[],
  x: Local,
  y: Local,
): void {
  const { input, output } = job;
  const channels = output.shape[1] ?? 1;
  const [inStride, outStride] = [input.strides[1] ?? 0, output.strides[1] ?? 0];
  const bytes = elementBytes(input.element);
  const width = input.element === "f64" ? 2 : 4;
  const dense = channels === 1 || (inStride === 1 && outStride === 1);
  const [px, py] = [code.define("i32", x.get()), code.define("i32", y.get())];
  const emit = (lanes: number): void => {
    leaf(window, px, py, lanes);
    px.step(bytes * inStride * lanes);
    py.step(elementBytes(output.element) * outStride * lanes);
  };
  const whole = dense ? Math.floor(channels / width) : 0;
  code.times(whole, () => {
    emit(width);
  });
  const rest = channels - whole * width;
  if (dense && rest > 0) emit(rest);
  else
    code.times(rest, () => {
      emit(1);
    });
}

/** Elements from the first tap that meets one to each that does. */
export function tapOffsets(job: Slide, window: readonly Segment[]): readonly number[] {
  let offsets: readonly number[] = [0];
  window.forEach((segment, index) => {
    const axis = known(job.axes[index], "a spatial axis");
    const step = axis.dilation * axis.inputStride;
    offsets = offsets.flatMap((at) =>
      Array.from({ length: segment.taps }, (_, tap) => at + tap * step),
    );
  });
  return offsets;
}

/** The first `lanes` channels of one window. */
function emitFold(
  code: FunctionWriter,
  job: Slide,
  fold: WindowFold,
  window: readonly Segment[],
  x: Local,
  y: Local,
  lanes: number,
): void {
  const { v128 } = code.wasm;
  const { input, output, axes } = job;
  const bytes = elementBytes(input.element);
  const taps = window.reduce((product, segment) => product * segment.taps, 1);
  const padded = window.reduce((product, segment) => product * segment.padded, 1);
  code.borrow("v128", 1, ([local]) => {
    const sum = known(local, "a sum");
    let isFirst = taps <= mostUnrolled && taps > 0;
    if (!isFirst) sum.set(fold.identity());
    const visit = (index: number, offset: number, pointer: Local): void => {
      const segment = window[index];
      const axis = axes[index];
      if (segment === undefined || axis === undefined) {
        const value = v128.load(placeOf(input, offset), bytes, pointer.get());
        sum.set(isFirst ? value : fold.combine(sum.get(), value));
        isFirst = false;
        return;
      }
      const left = window.slice(index).reduce((product, each) => product * each.taps, 1);
      const step = axis.dilation * axis.inputStride;
      if (left <= mostUnrolled) {
        for (let tap = 0; tap < segment.taps; tap++) visit(index + 1, offset + tap * step, pointer);
        return;
      }
      code.borrow("i32", 1, ([moving]) => {
        const at = known(moving, "a pointer");
        at.set(pointer.get());
        code.times(segment.taps, () => {
          visit(index + 1, offset, at);
          at.step(bytes * step);
        });
      });
    };
    visit(0, 0, x);
    sum.set(fold.finish(sum, taps, padded));
    storePart(code, output, y, sum, lanes);
  });
}

function storePart(
  code: FunctionWriter,
  view: View,
  pointer: Local,
  value: Local,
  lanes: number,
): void {
  const { v128 } = code.wasm;
  const place = placeOf(view);
  if (view.element === "f64" && lanes === 1) {
    code.push(v128.store64_lane(place, 8, 0, pointer.get(), value.get()));
    return;
  }
  const words = view.element === "f64" ? 2 * lanes : lanes;
  storeLanes(
    code,
    place,
    () => pointer.get(),
    () => value.get(),
    words,
  );
}
