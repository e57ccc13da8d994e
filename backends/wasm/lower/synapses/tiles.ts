/** 3 × 3 convolutions by Winograd's tiles: into tiles, 16 products, and back. */
import type { Op, OpOf } from "../../../../ir/op/op.ts";
import {
  type Epilogue,
  type SpatialAxis,
  convolve,
  packWeights,
  plainEpilogue,
  tileOf,
} from "../../kernels/synapses/convolve.ts";
import {
  type PixelView,
  type TileGrid,
  positions,
  transformInput,
  transformKernel,
  transformOutput,
} from "../../kernels/synapses/winograd.ts";
import { type View, rowMajor } from "../../memory/view.ts";
import type { Lowering } from "../lowering.ts";
import { paddedBias } from "./bias.ts";

/** `input` starts at the first tap of the first window, and has room for whole tiles. */
export function lowerByTiles(
  lowering: Lowering,
  root: Op,
  op: OpOf<"ann.conv">,
  input: View,
  output: View,
  epilogue: Epilogue,
): View {
  const { data, shape } = lowering.tensor(op.attrs.weight);
  const [outputs = 0, inputs = 0] = shape;
  const [, , height = 1, width = 1] = op.type.shape;
  const steps = lowering.stepsOf(root.result);
  const grid = { rows: Math.ceil(height / 2), columns: Math.ceil(width / 2), steps };
  const ofInput: TileGrid = { ...grid, channels: inputs };
  const ofOutput: TileGrid = { ...grid, channels: outputs };
  const tiles = tilesOf(lowering, `%${op.result} tiles`, ofInput);
  const products = tilesOf(lowering, `%${op.result} products`, ofOutput);
  const phase = lowering.phaseOf(root.result);
  const name = `%${root.result}`;
  const pixels = (view: View): PixelView => ({
    view,
    rowStride: view.strides[2] ?? 0,
    columnStride: view.strides[3] ?? 0,
  });
  lowering.emit({
    name: `${name} into tiles`,
    phase,
    reads: [input.buffer],
    writes: [tiles.buffer],
    emit(code) {
      transformInput(code, pixels(input), tiles, ofInput);
    },
  });

  // Tiles follow each other without gaps: one long row where rows of them do not fill the registers.
  const joined = grid.columns % 4 !== 0;
  const columns = joined ? grid.rows * grid.columns : grid.columns;
  const { vectors } = tileOf(columns, outputs);
  const weights = lowering.constant(`%${op.result} tile weights ${vectors}`, () => {
    const transformed = new Float32Array(positions * outputs * inputs);
    for (let o = 0; o < outputs; o++) {
      for (let i = 0; i < inputs; i++) {
        const into = o * inputs + i;
        transformKernel(data, 9 * into, transformed, into, outputs * inputs);
      }
    }
    const groups = { groups: positions, outputChannels: outputs, inputChannels: inputs };
    // Output channels are numbered through the groups.
    return packWeights(
      { ...groups, rows: 1, columns: 1 },
      vectors,
      "f32",
      (o, i) => transformed[o * inputs + i] ?? 0,
    );
  });
  const none = lowering.constant(
    `no bias ${positions * outputs}`,
    () => new Float32Array(positions * outputs),
  );
  const axis = (count: number, from: number, to: number): SpatialAxis => ({
    kernel: 1,
    count,
    windowStride: from,
    tapStride: 0,
    outputStride: to,
  });
  const [rowOfTiles = 0, tile = 0] = tiles.strides;
  const [rowOfProducts = 0, product = 0] = products.strides;
  lowering.emit({
    name: `${name} ${op.kind}`,
    phase,
    reads: [tiles.buffer, weights, none],
    writes: [products.buffer],
    emit(code) {
      convolve(code, {
        areShort: false,
        input: tiles,
        output: products,
        rows: axis(joined ? 1 : grid.rows, rowOfTiles, rowOfProducts),
        columns: axis(columns, tile, product),
        groups: positions,
        inputChannels: inputs,
        outputChannels: outputs,
        inputChannelStride: 1,
        steps,
        weights,
        bias: none,
        epilogue: plainEpilogue,
      });
    },
  });

  const bias = paddedBias(lowering, op, 1, outputs, "f32");
  const added = epilogue.add === null ? [] : [epilogue.add.view.buffer];
  lowering.emit({
    name: `${name} out of tiles`,
    phase,
    reads: [products.buffer, bias, ...added],
    writes: [output.buffer],
    emit(code) {
      const target = { ...pixels(output), height, width, bias, epilogue };
      transformOutput(code, products, target, ofOutput);
    },
  });
  return output;
}

/** Room for transformed tiles, [row, column, position, channel]. */
function tilesOf(lowering: Lowering, name: string, grid: TileGrid): View {
  const shape = [grid.rows, grid.columns, positions, grid.channels];
  const count = grid.rows * grid.columns * positions * grid.channels;
  const buffer = lowering.buffer("scratch", name, 4 * count * grid.steps);
  return rowMajor(buffer, "f32", shape, grid.steps > 1 ? count : 0);
}
