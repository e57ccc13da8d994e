/**
 * Suite `qdq`: the int8 models that other suites compare with: written, measured on test samples by
 * each onnxruntime, and described by the kernels that it made of them.
 */
import { type Bench, ourName, rowsOrAlert } from "../context.ts";
import { readsOnnx } from "../processes/protocol.ts";
import { type Prepared, isFeedable, prepare } from "../prepare.ts";
import { quantisedModel } from "../quantised/model.ts";
import { type Row, rowOf } from "../rows.ts";

export async function qdqSuite(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of bench.cases) {
    const work = async () => rowsFor(await prepare(one, bench), bench);
    rows.push(...(await rowsOrAlert(bench, `qdq: ${one.name}`, work)));
  }
  return rows;
}

async function rowsFor(prepared: Prepared, bench: Bench): Promise<Row[]> {
  const { one } = prepared;
  if (!isFeedable(prepared.clean)) {
    bench.alert(`qdq: ${one.name} is left out: it does not have one float32 input`);
    return [];
  }
  const model = await quantisedModel(prepared, bench);
  if ("why" in model) {
    bench.alert(`qdq: ${one.name} is left out: ${model.why}`);
    return [];
  }
  const errors = Object.entries(model.errors).map(
    ([rule, error]) => `${rule} ${error.toExponential(1)}`,
  );
  const how =
    `${model.file}: ranges by ${model.rule} (logit error on calibration samples: ` +
    `${errors.join(", ")}); onnxruntime-node runs ${model.kernels}`;
  const rows: Row[] = [];
  for (const peer of bench.peers.filter(readsOnnx)) {
    const { accuracy, agreement, samples } = await model.onPeer(peer);
    rows.push(
      rowOf({
        suite: "qdq",
        case: one.name,
        metric: "accuracy, %",
        better: "higher",
        subject: { name: `${peer} int8`, values: [accuracy * 100] },
        baseline: { name: ourName(bench.settings), values: [model.annAccuracy * 100] },
        note: `${samples} test samples, agreement ${(agreement * 100).toFixed(1)} %; ${how}`,
      }),
    );
  }
  return rows;
}
