/**
 * What elementwise ops compute: a table of functions of plain numbers, by op. The functions that
 * take more than a line are in `scalar.ts`, changes of element type in `cast.ts`.
 */
import type { Op } from "../../op/op.ts";
import type { BinaryKind } from "../../op/families/binary.ts";
import type { ElementwiseKind } from "../../op/families/elementwise.ts";
import type { UnaryKind } from "../../op/families/unary.ts";
import type { Tensor } from "../../tensor.ts";
import type { DType } from "../../type.ts";
import { type BinaryFunction, type UnaryFunction, mapElements, zipElements } from "../broadcast.ts";
import { dequantize, fakeQuantize, quantize } from "./cast.ts";
import { erf } from "./error-function.ts";
import * as scalar from "./scalar.ts";
import { type SemanticsTable, operand } from "../semantics.ts";
import { softLif } from "../soft-lif.ts";

/** The meaning of any op that has no attributes of interest: it fits the place of each of them. */
type PlainSemantics = (op: Pick<Op, "type">, inputs: readonly Tensor[]) => Tensor;

function unary(f: UnaryFunction): PlainSemantics {
  return (op, inputs) => mapElements(op, operand(inputs, 0), f);
}

function binary(f: BinaryFunction): PlainSemantics {
  return (op, inputs) => zipElements(op, operand(inputs, 0), operand(inputs, 1), f);
}

/** As `binary`, of a function that depends on the left operand's element type. */
function typed(choose: (dtype: DType) => BinaryFunction): PlainSemantics {
  return (op, inputs) => {
    const a = operand(inputs, 0);
    return zipElements(op, a, operand(inputs, 1), choose(a.dtype));
  };
}

const unarySemantics: SemanticsTable<UnaryKind> = {
  "ann.abs": unary(Math.abs),
  "ann.acos": unary(Math.acos),
  "ann.acosh": unary(Math.acosh),
  "ann.asin": unary(Math.asin),
  "ann.asinh": unary(Math.asinh),
  "ann.atan": unary(Math.atan),
  "ann.atanh": unary(Math.atanh),
  "ann.ceil": unary(Math.ceil),
  "ann.cos": unary(Math.cos),
  "ann.cosh": unary(Math.cosh),
  "ann.erf": unary(erf),
  "ann.exp": unary(Math.exp),
  "ann.floor": unary(Math.floor),
  "ann.hard-swish": unary((x) => x * scalar.hardSigmoid(x, 1 / 6, 1 / 2)),
  "ann.identity": (_op, inputs) => operand(inputs, 0),
  "ann.is-nan": unary((x) => Number(Number.isNaN(x))),
  "ann.log": unary(Math.log),
  "ann.mish": unary(scalar.mish),
  "ann.neg": unary((x) => -x),
  "ann.not": unary((x) => Number(x === 0)),
  "ann.reciprocal": unary((x) => 1 / x),
  "ann.relu": unary((x) => Math.max(x, 0)),
  "ann.round": unary(scalar.roundEven),
  "ann.sigmoid": unary(scalar.sigmoid),
  "ann.sign": unary(scalar.sign),
  "ann.sin": unary(Math.sin),
  "ann.sinh": unary(Math.sinh),
  "ann.softplus": unary(scalar.softplus),
  "ann.softsign": unary((x) => x / (1 + Math.abs(x))),
  "ann.sqrt": unary(Math.sqrt),
  "ann.tan": unary(Math.tan),
  "ann.tanh": unary(Math.tanh),
};

const binarySemantics: SemanticsTable<BinaryKind> = {
  "ann.add": binary((a, b) => a + b),
  "ann.and": binary((a, b) => Number(a !== 0 && b !== 0)),
  "ann.div": typed(scalar.division),
  "ann.equal": binary((a, b) => Number(a === b)),
  "ann.greater": binary((a, b) => Number(a > b)),
  "ann.greater-or-equal": binary((a, b) => Number(a >= b)),
  "ann.less": binary((a, b) => Number(a < b)),
  "ann.less-or-equal": binary((a, b) => Number(a <= b)),
  // Math.max and Math.min give NaN where either is NaN, as NumPy's do.
  "ann.max": binary(Math.max),
  "ann.min": binary(Math.min),
  "ann.mul": typed(scalar.multiplication),
  "ann.or": binary((a, b) => Number(a !== 0 || b !== 0)),
  "ann.pow": typed(scalar.power),
  "ann.sub": binary((a, b) => a - b),
  "ann.xor": binary((a, b) => Number((a !== 0) !== (b !== 0))),
};

export const elementwiseSemantics: SemanticsTable<ElementwiseKind> = {
  ...unarySemantics,
  ...binarySemantics,
  "ann.clip": (op, inputs) => {
    const { min, max } = op.attrs;
    // Where min > max everything is max, as ONNX asks for.
    return mapElements(op, operand(inputs, 0), (x) => Math.min(Math.max(x, min), max));
  },
  "ann.fake-quantize": fakeQuantize,
  "ann.leaky-relu": (op, inputs) => {
    const { alpha } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => (x < 0 ? alpha * x : x));
  },
  "ann.prelu": (op, inputs, tensors) =>
    zipElements(op, operand(inputs, 0), tensors(op.attrs.slope), (x, slope) =>
      x < 0 ? slope * x : x,
    ),
  "ann.elu": (op, inputs) => {
    const { alpha } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => (x < 0 ? alpha * Math.expm1(x) : x));
  },
  "ann.celu": (op, inputs) => {
    const { alpha } = op.attrs;
    return mapElements(
      op,
      operand(inputs, 0),
      (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha)),
    );
  },
  "ann.selu": (op, inputs) => {
    const { alpha, gamma } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => gamma * (x > 0 ? x : alpha * Math.expm1(x)));
  },
  "ann.hard-sigmoid": (op, inputs) => {
    const { alpha, beta } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => scalar.hardSigmoid(x, alpha, beta));
  },
  "ann.thresholded-relu": (op, inputs) => {
    const { alpha } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => (x > alpha ? x : 0));
  },
  "ann.shrink": (op, inputs) => {
    const { bias, lambda } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => {
      if (x < -lambda) return x + bias;
      return x > lambda ? x - bias : 0;
    });
  },
  "ann.swish": (op, inputs) => {
    const { alpha } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) => x * scalar.sigmoid(alpha * x));
  },
  "ann.gelu": (op, inputs) =>
    mapElements(
      op,
      operand(inputs, 0),
      op.attrs.approximate === "tanh" ? scalar.geluTanh : scalar.gelu,
    ),
  "ann.soft-lif": (op, inputs) => mapElements(op, operand(inputs, 0), (x) => softLif(x, op.attrs)),
  "ann.is-inf": (op, inputs) => {
    const { negative, positive } = op.attrs;
    return mapElements(op, operand(inputs, 0), (x) =>
      Number((negative && x === -Infinity) || (positive && x === Infinity)),
    );
  },
  "ann.mod": (op, inputs) =>
    zipElements(
      op,
      operand(inputs, 0),
      operand(inputs, 1),
      op.attrs.truncate ? scalar.truncatedRemainder : scalar.flooredRemainder,
    ),
  // Integers are truncated and wrapped, bool is "not zero". `saturate` is about float8 only, an
  // element type that does not exist here.
  "ann.cast": (op, inputs) => mapElements(op, operand(inputs, 0), (x) => x),
  "ann.quantize-linear": quantize,
  "ann.dequantize-linear": dequantize,
};
