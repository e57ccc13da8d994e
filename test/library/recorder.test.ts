/** Calibration layer by layer: each layer runs once, whatever the depth, and no byte shows how it was run. */
import { describe, expect, it } from "vitest";
import { interpretEngine } from "../../backends/interpret/engine.ts";
import { singleThreadWasmEngine } from "../../backends/wasm/runtime/single.ts";
import { Builder } from "../../ir/build.ts";
import { known } from "../../ir/diagnostic.ts";
import type { Engine, Probe, ProbeData, SampleSource } from "../../ir/executable.ts";
import { interpret } from "../../ir/interpret.ts";
import { valuesBehind } from "../../ir/analysis/walk.ts";
import { sourceLoc } from "../../ir/loc.ts";
import type { Module } from "../../ir/module.ts";
import type { ValueId } from "../../ir/op/op.ts";
import { uniform } from "../../ir/random.ts";
import { hashTensor, tensorOf } from "../../ir/tensor.ts";
import { printModule } from "../../ir/text/print.ts";
import { type Shape, elementCount, real } from "../../ir/type.ts";
import { convert } from "../../library/convert.ts";
import { byContent, calibrationOn } from "../../library/measure.ts";
import { expectClose } from "../backends/wasm/compare.ts";

const samples: SampleSource = {
  count: 6,
  get: (index) => [tensorOf("f32", [1, 2, 4, 4], numbers([1, 2, 4, 4], index, 1))],
};

function numbers(shape: Shape, seed: number, scale: number): number[] {
  const draw = (i: number): number => scale * (2 * uniform(seed, i, 7, 0) - 1);
  return Array.from({ length: elementCount(shape) }, (_, i) => draw(i));
}

/** Residual blocks of two convolutions each, and a linear layer. */
function residual(blocks: number): Module {
  const b = new Builder();
  const loc = (name: string) => sourceLoc("net.onnx", `/${name}`, "Node");
  let layers = 0;
  const conv = (x: ValueId, inputs: number): ValueId => {
    const name = `conv${layers++}`;
    const shape = [3, inputs, 3, 3];
    const weight = b.tensor(`${name}.weight`, tensorOf("f32", shape, numbers(shape, layers, 0.6)));
    const bias = b.tensor(`${name}.bias`, tensorOf("f32", [3], numbers([3], layers, 0.2)));
    const window = { strides: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1], dilations: [1, 1] };
    return b.add("ann.conv", [x], { ...window, weight, bias, groups: 1 }, loc(name));
  };
  const relu = (x: ValueId): ValueId => b.add("ann.relu", [x], {}, loc(`relu${layers}`));
  let x = relu(conv(b.input("image", real("f32", [1, 2, 4, 4]), loc("image")), 2));
  for (let block = 0; block < blocks; block++) {
    const sum = [conv(relu(conv(x, 3)), 3), x];
    x = relu(b.add("ann.add", sum, {}, loc(`add${block}`)));
  }
  const flat = b.add("ann.reshape", [x], { shape: [1, 48] }, loc("flat"));
  const weight = b.tensor("fc", tensorOf("f32", [2, 48], numbers([2, 48], 99, 0.5)));
  const y = b.add("ann.linear", [flat], { weight, bias: null }, loc("fc"));
  return b.finish({ name: "net", code: "none", outputs: [{ name: "y", value: y }] });
}

/** An engine that adds up how many ops it runs for how many samples. */
function counting(): { readonly engine: Engine; readonly work: () => number } {
  let work = 0;
  const engine: Engine = {
    ...singleThreadWasmEngine,
    async load(module, options) {
      const executable = await singleThreadWasmEngine.load(module, options);
      return {
        module,
        neurons: executable.neurons,
        recordable: known(executable.recordable, "an engine that records"),
        close: () => executable.close(),
        run(source, asked, onSample) {
          const { resume, probes = [], observe = [], record = [] } = asked;
          const given = new Set(resume?.values);
          const wanted = [...probes, ...observe].map(({ value }) => value);
          const ends =
            asked.countOperations === false ? [...wanted, ...record] : everything(module);
          work += source.count * (valuesBehind(module, ends, given).size - given.size);
          return executable.run(source, asked, onSample);
        },
      };
    },
  };
  return { engine, work: () => work };
}

function everything({ ops }: Module): readonly ValueId[] {
  return ops.map(({ result }) => result);
}

interface Converted {
  readonly text: string;
  readonly tensors: readonly string[];
  readonly work: number;
}

async function converted(
  blocks: number,
  pipeline: string,
  recordingBytes?: number,
): Promise<Converted> {
  const { engine, work } = counting();
  const limit = recordingBytes === undefined ? {} : { recordingBytes };
  const running = { engine, threads: 1, ...limit };
  const { module } = await convert(residual(blocks), samples, running, { timesteps: 3, pipeline });
  return {
    text: printModule(module),
    tensors: [...module.tensors].map(([name, held]) => `${name} ${hashTensor(held)}`),
    work: work(),
  };
}

/** Pipelines that look at one layer after the other, each in its own way; bytes that one or two layers take. */
const layerwise = {
  "fit-steps": { pipeline: "differential", some: 4000 },
  "fit-layers": { pipeline: "signed-rate", some: 300 },
  "correct-bias": { pipeline: "rate,correct-bias", some: 300 },
  ftbc: { pipeline: "rate,ftbc{samples=4,heldOut=2,rounds=2}", some: 300 },
} as const;

describe("calibration layer by layer", () => {
  for (const [name, { pipeline, some }] of Object.entries(layerwise)) {
    it(`runs each layer once for ${name}, and gives the bytes of running them anew`, async () => {
      const shallow = await converted(1, pipeline);
      const deep = await converted(3, pipeline);
      const deeper = await converted(5, pipeline);
      // As many layers more, as much work more: if layers before ran anew, it would be 1.5 times as much.
      const growth = (deeper.work - deep.work) / (deep.work - shallow.work);
      expect(growth).toBeGreaterThan(0.9);
      expect(growth).toBeLessThan(1.1);

      const without = await converted(3, pipeline, 0);
      const withSome = await converted(3, pipeline, some);
      expect(without.work).toBeGreaterThan(1.4 * deep.work);
      expect(withSome.work).toBeGreaterThan(deep.work);
      expect(withSome.work).toBeLessThan(without.work);
      for (const other of [without, withSome]) {
        expect(other.text).toBe(deep.text);
        expect(other.tensors).toEqual(deep.tensors);
      }
    });
  }

  it("does not take the spikes of other weights of the same name for those of a network", async () => {
    const running = { engine: interpretEngine, threads: 1 };
    const how = { timesteps: 3, pipeline: "rate" };
    const { module } = await convert(residual(1), samples, running, how);
    const tensors = new Map(
      [...module.tensors].map(([name, held]) => [
        name,
        { ...held, data: held.data.map((x, i) => (i % 2 === 0 ? x : 0.5 * x)) },
      ]),
    );
    const calibration = calibrationOn(samples, { engine: singleThreadWasmEngine, threads: 1 });
    for (const each of [module, { ...module, tensors }]) {
      const value = known(each.outputs[0], "an output").value;
      const found: ProbeData[] = [];
      const probes: readonly Probe[] = [{ value, keep: "trace" }];
      await calibration.watch(each, probes, { timesteps: 3 }, ([trace], index) => {
        found[index] = known(trace, "a trace");
      });
      const ordered = byContent(samples);
      for (let index = 0; index < samples.count; index++) {
        const { outputs } = interpret(each, ordered.get(index), { timesteps: 3 });
        expectClose(known(found[index], "a trace"), known(outputs[0], "an output"));
      }
    }
  });
});
